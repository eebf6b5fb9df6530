/**
 * Where the records of this chain stand in the log.
 *
 * The log takes a chain in order, so what has a place is always a beginning of it. A new place is kept in memory and
 * written with the next change or by the alarm: writing it at once would be a second commit for every decision, and
 * after a lost memory the log tells it again (outbox.ts). Spec: docs/spec/storage.md, "The edge host".
 */
import { LivegateError } from '../../core/errors.ts'
import { integer, integerOrNull, type Mirror, type Sql } from '../sqlite/sql.ts'

export interface Places extends Mirror {
  /** Records of the chain that are known to be in the log. */
  known(): number
  /** How many of them are written down. */
  written(): number
  /** Log index of the record at `idx` of the chain, from 0; null when it has none yet. */
  of(idx: number): number | null
  /** Notes the places of the next records, in memory. Throws `halted` when they cannot be true. */
  note(indexes: readonly number[]): void
  /** Writes what is only in memory. Inside a transaction only. */
  write(): void
}

const WRITE = 'INSERT INTO places (idx, log_idx) VALUES (?, ?) ON CONFLICT (idx) DO NOTHING'

/** `followed` by the writer like everything that mirrors rows. */
export function createPlaces(sql: Sql): Places {
  let durable = countOf(sql)
  let last = lastOf(sql)
  /** Of the records from `durable` on. */
  let fresh: number[] = []
  /** What a transaction under way has written up to. */
  let reached = durable
  const known = (): number => durable + fresh.length

  return {
    known,
    written: () => durable,
    of(idx) {
      if (idx >= durable) return fresh[idx - durable] ?? null
      const row = sql.get('SELECT log_idx FROM places WHERE idx = ?', idx)
      return row === undefined ? null : integer(row, 'log_idx')
    },
    note(indexes) {
      for (const index of indexes) {
        if (!Number.isSafeInteger(index) || index <= last) throw impossible(index, last)
        fresh.push(index)
        last = index
      }
    },
    write() {
      for (const [i, index] of fresh.entries()) sql.run(WRITE, durable + i, index)
      // The log has these: what they rely on is told, and is in the record itself.
      if (fresh.length > 0) sql.run('DELETE FROM reliance WHERE idx < ?', known())
      reached = known()
    },
    committed() {
      fresh = fresh.slice(reached - durable)
      durable = reached
    },
    aborted() {
      const places = countOf(sql)
      fresh = fresh.slice(Math.max(0, places - durable))
      durable = places
      reached = places
    },
  }
}

function countOf(sql: Sql): number {
  const row = sql.get('SELECT max(idx) AS last FROM places')
  const last = row === undefined ? null : integerOrNull(row, 'last')
  return last === null ? 0 : last + 1
}

function lastOf(sql: Sql): number {
  const row = sql.get('SELECT log_idx FROM places ORDER BY idx DESC LIMIT 1')
  return row === undefined ? -1 : integer(row, 'log_idx')
}

function impossible(index: number, last: number): LivegateError {
  return new LivegateError(
    'halted',
    `Cannot note a place in the log: the log gave ${index} after ${last}, expected a later one`,
  )
}
