/**
 * The tables of a subject's object: of those every host has, what one subject needs, and where its records stand.
 *
 * The statements are the shared ones, so that shared SQL fits; a table left out is a page less for each of millions of
 * objects. Nor is there an index over a chain's ids: it would be a row and a page more for every decision, to find what a look
 * through one person's records finds as well. Made with the first write, in the same commit: who is only asked about keeps costing nothing.
 * Spec: docs/spec/storage.md, "The edge host". Next stop: edge-ledger.ts.
 */
import { MIGRATIONS, migrate, schemaVersion } from '../sqlite/schema.ts'
import type { Sql } from '../sqlite/sql.ts'

const NEEDED =
  /^CREATE (?!INDEX records_by_time).*\b(?:TABLE|ON) (?:subjects|strikes|records|reliance|entries|log_requirements|sessions|idempotency|predecessors) /

/** Local place of a record (its `seq` less one) to its index in the log. */
const PLACES = 'CREATE TABLE places (idx INTEGER PRIMARY KEY, log_idx INTEGER NOT NULL) STRICT'

const SUBJECT_MIGRATIONS: readonly (readonly string[])[] = MIGRATIONS.map((statements, i) => [
  ...statements.filter((statement) => NEEDED.test(statement)),
  ...(i === 0 ? [PLACES] : []),
])

/** Characters of one record's openings, as JSON: a row has at most 2 MB, and the record itself lies in it too. */
export const MAX_OPENINGS_CHARS = 1_990_000

/** True once there is anything. */
export function hasSubjectTables(sql: Sql): boolean {
  return schemaVersion(sql) > 0
}

export function makeSubjectTables(sql: Sql): void {
  migrate(sql, SUBJECT_MIGRATIONS)
}
