/**
 * Restrictions that outlived an erasure, under a keyed hash of their subject: nobody reads off the rows who it was.
 *
 * Read with the subject (subjects.ts). Rows go some days after their end, a few at a time. Meaning: docs/erasure.md.
 */
import { SUPPRESSION_KEPT_MS } from '../../core/limits.ts'
import type { Suppression } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import { integer, integerOrNull, type Row, type Sql, text } from './sql.ts'

const INSERT =
  'INSERT OR REPLACE INTO suppressions (key, id, rule, starts, ends) VALUES (?, ?, ?, ?, ?)'
const EXPIRE = `DELETE FROM suppressions WHERE (key, id) IN
  (SELECT key, id FROM suppressions WHERE ends <= ? ORDER BY ends LIMIT ?) RETURNING key`

/** What goes on for a subject, what has ended included until it is swept. */
export function suppressionsUnder(sql: Sql, key: string): readonly Suppression[] {
  return sql.all('SELECT * FROM suppressions WHERE key = ? ORDER BY id', key).map(suppressionOf)
}

/** Whose something goes on here; null when nobody's. */
export function anySuppressed(sql: Sql): string | null {
  const row = sql.get('SELECT key FROM suppressions LIMIT 1')
  return row === undefined ? null : text(row, 'key')
}

/** In place of those there are. Inside a transaction only. */
export function putSuppressions(sql: Sql, key: string, suppressions: readonly Suppression[]): void {
  sql.run('DELETE FROM suppressions WHERE key = ?', key)
  for (const one of suppressions) insertSuppression(sql, key, one)
}

export function insertSuppression(sql: Sql, key: string, one: Suppression): void {
  const { id, rule, from, until } = one
  sql.run(INSERT, key, id, rule, from, until === 'forever' ? null : until)
}

/** Removes rows that ended long enough ago; how many. Inside a transaction only. */
export function expireSuppressions(sql: Sql, now: EpochMs, limit: number): number {
  return sql.all(EXPIRE, now - SUPPRESSION_KEPT_MS, limit).length
}

/** In place of the one of the same id. Inside a transaction only. */
export function replaceSuppression(sql: Sql, key: string, one: Suppression): void {
  sql.run('DELETE FROM suppressions WHERE key = ? AND id = ?', key, one.id)
  insertSuppression(sql, key, one)
}

export function suppressionOf(row: Row): Suppression {
  const ends = integerOrNull(row, 'ends')
  return {
    rule: text(row, 'rule'),
    from: integer(row, 'starts') as EpochMs,
    until: ends === null ? 'forever' : (ends as EpochMs),
    id: text(row, 'id'),
  }
}
