/**
 * Keeps `reliance` small: of each strike the newest decisions that name it, and few more.
 *
 * Somebody who is banned may ask every other second for years, about ever new streams; a reversal lists no more than the
 * newest 200. Looking for older ones at every decision would read 200 rows a strike, so it is done at one decision in
 * 32, whichever hash has the bits: nobody can ask in a rhythm that misses them all.
 */
import { MAX_RELYING } from '../../core/limits.ts'
import type { Change } from '../../ports.ts'
import type { Sql } from './sql.ts'

/** One in so many decisions looks; a strike has at most some hundred rows too many at a time. */
const ONE_IN = 32

const TRIM = `DELETE FROM reliance WHERE (strike, idx) IN (
  SELECT strike, idx FROM (
    SELECT x.strike, x.idx, row_number() OVER (PARTITION BY x.strike ORDER BY x.idx DESC) AS nth
    FROM json_each(?) named JOIN reliance x ON x.strike = named.value)
  WHERE nth > ${MAX_RELYING})`

/** Drops what no reversal will list any more, now and then. Inside a transaction only, behind the change. */
export function trimReliance(sql: Sql, { record, decision }: Change): void {
  const strikes = decision?.strikes ?? []
  if (strikes.length === 0 || record === null || (record.leaf[0] ?? 0) % ONE_IN !== 0) return
  sql.run(TRIM, JSON.stringify(strikes))
}
