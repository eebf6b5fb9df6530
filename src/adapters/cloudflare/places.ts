/**
 * Where the records of this chain stand in the log.
 *
 * The log takes a chain in order, so what has a place is always a beginning of it. A new place is kept in memory at first:
 * writing it at once would be a second commit for every decision, and after a lost memory the log tells it again (outbox.ts).
 * It goes into the row of the next record, which costs nothing; the newest record's is written with its subject, once the
 * object is quiet (afterwards.ts). Spec: docs/spec/storage.md, "The edge host".
 */
import { LivegateError } from '../../core/errors.ts'
import { integer, integerOrNull, type Mirror, type Sql } from '../sqlite/sql.ts'
import type { LateSql } from './late-row.ts'

export interface Places extends Mirror {
  /** Records of the chain that are known to be in the log. */
  known(): number
  /** How many of them are written down. */
  written(): number
  /** Log index of the record at `idx` of the chain, from 0; null when it has none yet. */
  of(idx: number): number | null
  /** Notes the places of the next records, in memory. Throws `halted` when they cannot be true. */
  note(indexes: readonly number[]): void
  /**
   * What the row of the next record, `idx`, says of the one before it; the other places only memory has are written. Inside
   * a transaction only, the one that inserts the row.
   */
  carry(idx: number): number | null
  /** Writes what is only in memory. Inside a transaction only. */
  write(): void
}

/** Of the record before. */
const BEHIND = 'UPDATE records SET prev_place = ? WHERE idx = ?'

/** `followed` by the writer like everything that mirrors rows. */
export function createPlaces(sql: LateSql): Places {
  let { durable, last } = readPlaces(sql)
  /** Of the records from `durable` on. */
  let fresh: number[] = []
  /** What a transaction under way has written up to. */
  let reached = durable
  const known = (): number => durable + fresh.length

  /** All but the newest, each with the record behind it. */
  function writeBehind(): void {
    for (const [i, index] of fresh.slice(0, -1).entries()) sql.run(BEHIND, index, durable + i + 1)
    // The log has these: what they rely on is told, and is in the record itself.
    if (fresh.length > 0) sql.run('DELETE FROM reliance WHERE idx < ?', known())
    reached = known()
  }

  return {
    known,
    written: () => durable,
    of(idx) {
      if (idx >= durable) return fresh[idx - durable] ?? null
      if (idx === known() - 1) return last
      const row = sql.get('SELECT prev_place FROM records WHERE idx = ?', idx + 1)
      return row === undefined ? null : integerOrNull(row, 'prev_place')
    },
    note(indexes) {
      for (const index of indexes) {
        if (!Number.isSafeInteger(index) || index <= last) throw impossible(index, last)
        fresh.push(index)
        last = index
      }
    },
    carry(idx) {
      if (idx === 0 || known() !== idx) return null
      writeBehind()
      return last
    },
    write() {
      if (fresh.length === 0) return
      writeBehind()
      const newest = known() - 1
      // More records than places: the newest that has one is not the newest there is.
      if (sql.get('SELECT idx FROM records WHERE idx = ?', known()) === undefined)
        sql.place(newest, last)
      else sql.run(BEHIND, last, known())
    },
    committed() {
      fresh = fresh.slice(reached - durable)
      durable = reached
    },
    aborted() {
      const there = readPlaces(sql)
      fresh = fresh.slice(Math.max(0, there.durable - durable))
      durable = there.durable
      last = fresh.at(-1) ?? there.last
      reached = durable
    },
  }
}

const TIP = `SELECT r.idx, r.prev_place, s.placed, s.place FROM records r CROSS JOIN subjects s
  ORDER BY r.idx DESC LIMIT 1`
const PLACED = `SELECT idx, prev_place FROM records WHERE prev_place IS NOT NULL
  ORDER BY idx DESC LIMIT 1`

/** How many records have their place written, and the last of these. */
function readPlaces(sql: Sql): { readonly durable: number; readonly last: number } {
  const tip = sql.get(TIP)
  if (tip === undefined) return { durable: 0, last: -1 }
  const idx = integer(tip, 'idx')
  if (integerOrNull(tip, 'placed') === idx) return { durable: idx + 1, last: integer(tip, 'place') }
  const behind = tip.prev_place === null ? sql.get(PLACED) : tip
  return behind === undefined
    ? { durable: 0, last: -1 }
    : { durable: integer(behind, 'idx'), last: integer(behind, 'prev_place') }
}

function impossible(index: number, last: number): LivegateError {
  return new LivegateError(
    'halted',
    `Cannot note a place in the log: the log gave ${index} after ${last}, expected a later one`,
  )
}
