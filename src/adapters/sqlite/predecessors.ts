/**
 * Where records of an earlier log stand: at places below 0, so that every table and index orders them before all of ours.
 *
 * The last entry of the log we go on from is at -1, the entries of its own predecessor are before its first. Such a place
 * is ours alone; outside, a record is named by its own log and the index it has there. Spec: docs/spec/storage.md, "Moving".
 */
import { LivegateError } from '../../core/errors.ts'
import { integer, type Sql, text } from './sql.ts'

/** An earlier log, the newest first in lists. */
export interface EarlierLog {
  readonly origin: string
  readonly size: number
}

/** A record's log and its index there. */
export interface LogPlace {
  readonly origin: string
  readonly index: number
}

const INSERT = `INSERT INTO predecessors (origin, first, size) VALUES (?, ?, ?)
  ON CONFLICT (origin) DO UPDATE SET first = excluded.first, size = excluded.size`
const COVERING =
  'SELECT origin, first FROM predecessors WHERE first <= ? ORDER BY first DESC LIMIT 1'

/** Notes the logs this one goes on from, newest first. Again with the same changes nothing. Inside a transaction only. */
export function writePredecessors(sql: Sql, logs: readonly EarlierLog[]): void {
  let first = 0
  for (const { origin, size } of logs) {
    first -= size
    sql.run(INSERT, origin, first, size)
  }
}

/** Logs this one goes on from, newest first. */
export function predecessorsOf(sql: Sql): EarlierLog[] {
  return sql
    .all('SELECT origin, size FROM predecessors ORDER BY first DESC')
    .map((row) => ({ origin: text(row, 'origin'), size: integer(row, 'size') }))
}

/** The log and index of a place in the tables of the log `origin`. */
export function placeIn(sql: Sql, origin: string, place: number): LogPlace {
  if (place >= 0) return { origin, index: place }
  const row = sql.get(COVERING, place)
  if (row === undefined)
    throw new LivegateError(
      'internal',
      'Cannot place a record: its log is not among the earlier ones',
    )
  return { origin: text(row, 'origin'), index: place - integer(row, 'first') }
}
