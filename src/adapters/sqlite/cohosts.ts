/**
 * Whose ids lie in the openings of another subject's record, so that their erasure finds it.
 *
 * Written with the record and taken away with either of the two. Next stop: eraser.ts.
 */
import { groupIn } from '../../core/record/cohost-openings.ts'
import type { Change } from '../../ports.ts'
import { integer, type Sql } from './sql.ts'

const NOTE = 'INSERT INTO cohosts (subject, idx) SELECT DISTINCT value, ? FROM json_each(?)'

/** Inside a transaction only, behind the change. */
export function noteCohosts(sql: Sql, { cohosts = [] }: Change, idx: number): void {
  if (cohosts.length > 0) sql.run(NOTE, idx, JSON.stringify(cohosts))
}

/** As `noteCohosts`, of a record that was made elsewhere. Inside a transaction only. */
export function noteCohostsIn(
  sql: Sql,
  openings: Readonly<Record<string, string>>,
  idx: number,
): void {
  const { cohosts = [] } = (groupIn(openings, 'subject') ?? {}) as { cohosts?: readonly string[] }
  if (cohosts.length > 0) sql.run(NOTE, idx, JSON.stringify(cohosts))
}

/** Records of others below an index that name the subject, the oldest first. */
export function appearancesOf(
  sql: Sql,
  subject: string,
  { below, limit }: { readonly below: number; readonly limit: number },
): readonly number[] {
  const query = 'SELECT idx FROM cohosts WHERE subject = ? AND idx < ? ORDER BY idx LIMIT ?'
  return sql.all(query, subject, below, limit).map((row) => integer(row, 'idx'))
}

/** From an index on. */
export function countAppearances(sql: Sql, subject: string, from: number): number {
  const query = 'SELECT count(*) AS count FROM cohosts WHERE subject = ? AND idx >= ?'
  const row = sql.get(query, subject, from)
  return row === undefined ? 0 : integer(row, 'count')
}

/** The record at `idx` no longer names these. Inside a transaction only. */
export function dropAppearances(sql: Sql, cohosts: readonly string[], idx: number): void {
  for (const cohost of cohosts)
    sql.run('DELETE FROM cohosts WHERE subject = ? AND idx = ?', cohost, idx)
}
