/**
 * Which decisions rely on a strike: of each strike the newest, however often it is named.
 *
 * One person's strike may deny them ten thousand times; a reversal lists no more than the newest two hundred, so older
 * ones are dropped when their packs leave (sequencer-segments.ts). The rows say all a reversal asks for: nothing is read
 * from the bucket for it.
 */
import type { Outcome } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import { integer, type Sql, text } from '../sqlite/sql.ts'

/** Decisions listed for one strike. */
export const MAX_RELYING = 200

export interface RelyingDecision {
  readonly id: string
  readonly outcome: Outcome
  readonly at: EpochMs
}

const RELY = `INSERT INTO relying (strike, idx, id, outcome, at)
  SELECT DISTINCT value, ?, ?, ?, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`
const RELYING = `SELECT id, outcome, at FROM relying WHERE strike = ?
  ORDER BY idx DESC LIMIT ${MAX_RELYING}`
const DROP = 'DELETE FROM relying WHERE strike IN (SELECT value FROM json_each(?))'
const DROP_NAMING = `DELETE FROM relying WHERE (strike, id) IN
  (SELECT json_extract(value, '$.strike'), json_extract(value, '$.id') FROM json_each(?))`
const TRIM = `DELETE FROM relying WHERE (strike, idx) IN (
  SELECT strike, idx FROM (
    SELECT x.strike, x.idx, row_number() OVER (PARTITION BY x.strike ORDER BY x.idx DESC) AS place
    FROM json_each(?) named JOIN relying x ON x.strike = named.value)
  WHERE place > ${MAX_RELYING})`

/** One statement however many strikes there are. Inside a transaction only. */
export function insertRelying(
  sql: Sql,
  index: number,
  { id, outcome, at, strikes }: RelyingDecision & { readonly strikes: readonly string[] },
): void {
  if (strikes.length > 0) sql.run(RELY, index, id, outcome, at, JSON.stringify(strikes))
}

/** Decisions that name the strike, newest first. */
export function decisionsNaming(sql: Sql, strike: string): readonly RelyingDecision[] {
  return sql.all(RELYING, strike).map((row) => ({
    id: text(row, 'id'),
    outcome: text(row, 'outcome') as Outcome,
    at: integer(row, 'at') as EpochMs,
  }))
}

/** Nothing says any more what relied on these. Inside a transaction only. */
export function dropRelying(sql: Sql, strikes: readonly string[]): void {
  if (strikes.length > 0) sql.run(DROP, JSON.stringify(strikes))
}

/** Nor that these decisions relied on strikes of others. Inside a transaction only. */
export function dropNaming(
  sql: Sql,
  named: readonly { readonly strike: string; readonly id: string }[],
): void {
  if (named.length > 0) sql.run(DROP_NAMING, JSON.stringify(named))
}

/** Drops what no reversal will list any more. */
export function trimRelying(sql: Sql, strikes: readonly string[]): void {
  sql.run(TRIM, JSON.stringify(strikes))
}
