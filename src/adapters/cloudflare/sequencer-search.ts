/**
 * Where records of chains are, by id, by time, by index and by the strikes they rely on: places, never contents.
 *
 * A search looks at a bounded number of rows a call and hands back a cursor, even with nothing found yet: no question can
 * stall the appends beside it. Whoever may read a record gets it from its subject's object. Next stop: sequencer.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Outcome } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { DecisionSearch, RecordPage } from '../../ports.ts'
import { secondOf } from '../sqlite/records.ts'
import { integer, type Row, type Sql, text, textOrNull } from '../sqlite/sql.ts'
import type { ChainPlace, FoundPlace } from './rpc.ts'

/** Rows one search call looks at, some 10 ms at most. */
export const MAX_LOOKED_AT = 4_000
/** Decisions listed for one strike. */
const MAX_RELYING = 200
/** Clocks step: a record may have been made this long before or after the instant on its chain. */
const STEP_S = 3_600
const LAST_SECOND = 0xffff_ffff

const PLACE = 'r.idx, r.seq, h.object FROM records r JOIN heads h ON h.oid = r.object'
const BY_ID = `SELECT ${PLACE} WHERE r.second = ? AND r.id = ?`
const FROM_INDEX = `SELECT ${PLACE} WHERE r.idx >= ? ORDER BY r.idx LIMIT ?`
const BEFORE = `SELECT r.second, r.at, r.outcome, r.rules, ${PLACE}
  WHERE r.second >= ? AND r.second <= ? AND (r.second, r.idx) < (?, ?)
  ORDER BY r.second DESC, r.idx DESC LIMIT ?`
const RELYING = `SELECT r.id, r.outcome, r.at FROM reliance x JOIN records r ON r.idx = x.idx
  WHERE x.strike = ? ORDER BY x.idx DESC LIMIT ${MAX_RELYING}`

/** Null when no record of a chain has this id. */
export function placeOfId(sql: Sql, id: string): ChainPlace | null {
  const row = sql.get(BY_ID, secondOf(id), id)
  return row === undefined ? null : placeIn(row)
}

/** Records of chains from an index on, in the order of the log. */
export function placesFrom(
  sql: Sql,
  { from, limit }: RecordPage,
): { readonly places: readonly ChainPlace[]; readonly next: number | null } {
  const found = sql.all(FROM_INDEX, from, limit + 1).map(placeIn)
  return { places: found.slice(0, limit), next: found[limit]?.index ?? null }
}

/** Decisions, newest first by (second, index), downwards from the cursor. */
export function searchPlaces(
  sql: Sql,
  search: DecisionSearch,
): { readonly places: readonly FoundPlace[]; readonly next: string | null } {
  const { from, to, limit, cursor } = search
  const first = from === undefined ? -1 : Math.floor(from / 1000) - STEP_S
  const last = to === undefined ? LAST_SECOND : Math.floor(to / 1000) + STEP_S
  const before = cursor === undefined ? { second: last, idx: MAX_IDX } : readCursor(cursor)
  const rows = sql.all(BEFORE, first, last, before.second, before.idx, MAX_LOOKED_AT)
  const places: FoundPlace[] = []
  let looked = 0
  for (const row of rows) {
    looked++
    if (matches(row, search)) places.push({ ...placeIn(row), second: integer(row, 'second') })
    if (places.length === limit) break
  }
  const end = rows[looked - 1]
  const done = end === undefined || (looked === rows.length && looked < MAX_LOOKED_AT)
  return { places, next: done ? null : `${integer(end, 'second')}.${integer(end, 'idx')}` }
}

/** Decisions that name the strike, newest first. */
export function decisionsNaming(
  sql: Sql,
  strike: string,
): readonly { readonly id: string; readonly outcome: Outcome; readonly at: EpochMs }[] {
  return sql.all(RELYING, strike).map((row) => ({
    id: text(row, 'id'),
    outcome: text(row, 'outcome') as Outcome,
    at: integer(row, 'at') as EpochMs,
  }))
}

const MAX_IDX = Number.MAX_SAFE_INTEGER

function placeIn(row: Row): ChainPlace {
  return { object: text(row, 'object'), seq: integer(row, 'seq'), index: integer(row, 'idx') }
}

function matches(row: Row, search: DecisionSearch): boolean {
  const outcome = textOrNull(row, 'outcome')
  const at = integer(row, 'at')
  if (outcome === null || (search.outcome !== undefined && outcome !== search.outcome)) return false
  if (search.from !== undefined && at < search.from) return false
  if (search.to !== undefined && at >= search.to) return false
  if (search.rule === undefined) return true
  return (JSON.parse(textOrNull(row, 'rules') ?? '[]') as string[]).includes(search.rule)
}

function readCursor(cursor: string): { readonly second: number; readonly idx: number } {
  const [, second, idx] = /^(-1|\d{1,10})\.(-?\d{1,16})$/.exec(cursor) ?? []
  if (second === undefined || idx === undefined)
    throw new LivegateError(
      'invalid_request',
      'Cannot continue search: the cursor is not one of ours',
    )
  return { second: Number(second), idx: Number(idx) }
}
