/**
 * What outlives a subject's storage, and when it goes as well: restrictions some days after their end, the answer about an erasure a day later.
 *
 * When nothing is left at all the object's storage is deleted: an object with nothing in it costs nothing. Meaning:
 * docs/erasure.md. From: subject-tending.ts.
 */
import { ERASURE_KNOWN_MS, SUPPRESSION_KEPT_MS } from '../../core/limits.ts'
import type { Clock } from '../../ports.ts'
import { integerOrNull, type Writer } from '../sqlite/sql.ts'
import { expireSuppressions } from '../sqlite/suppressions.ts'
import type { SparseSql } from './sparse-sql.ts'
import { dropLeaving, leavingIn } from './subject-leaving.ts'
import { hasSubjectTables } from './subject-schema.ts'

/** Far more than go on for one subject. */
const AT_ONCE = 1_000

export interface KeptParts {
  readonly sql: SparseSql
  readonly writer: Writer
  readonly clock: Clock
  readonly storage: { deleteAll(): Promise<void> }
}

/** Instant at which something here may go; null when nothing waits for that. */
export function nextForgotten(sql: SparseSql): number | null {
  const row = sql.get('SELECT min(ends) AS next FROM suppressions')
  const ends = row === undefined ? null : integerOrNull(row, 'next')
  const leaving = leavingIn(sql)
  const known = leaving?.phase === 'done' ? leaving.at + ERASURE_KNOWN_MS : null
  const times = [ends === null ? null : ends + SUPPRESSION_KEPT_MS, known].filter(
    (at) => at !== null,
  )
  return times.length === 0 ? null : Math.min(...times)
}

/** Removes what has ended. */
export async function forgetKept({ sql, writer, clock, storage }: KeptParts): Promise<void> {
  const now = clock.now()
  const next = nextForgotten(sql)
  if (next === null || next > now) return
  await writer.write(() => {
    const leaving = leavingIn(sql)
    if (leaving?.phase === 'done' && leaving.at + ERASURE_KNOWN_MS <= now) dropLeaving(sql)
    expireSuppressions(sql, now, AT_ONCE)
  })
  if (hasSubjectTables(sql) || !isEmpty(sql)) return
  const gone = storage.deleteAll()
  sql.forget()
  await gone
}

function isEmpty(sql: SparseSql): boolean {
  return ['suppressions', 'leaving', 'legal_holds', 'cohosts'].every(
    (table) => sql.get(`SELECT 1 AS there FROM ${table} LIMIT 1`) === undefined,
  )
}
