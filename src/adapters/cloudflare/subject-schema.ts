/**
 * The tables of a subject's object: of those every host has, what one subject needs, each from when it is needed.
 *
 * Two are there from the first write: the subject, and its records with their bytes in the same row, where on Node the two lie
 * apart because a log has other entries as well; a view gives shared SQL its `entries`. Nothing in here is looked for among
 * many, so nothing is indexed: each page and each row is paid for by millions of objects. Made with the first write, in the same
 * commit: who is only asked about keeps costing nothing. A second version of these tables will have to leave its number.
 * Spec: docs/spec/storage.md, "The edge host". Next stop: sparse-sql.ts, edge-ledger.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { MIGRATIONS } from '../sqlite/schema.ts'
import type { Sql } from '../sqlite/sql.ts'
import { type LateSql, withLateRow } from './late-row.ts'
import { createSparseSql, type SparseSql } from './sparse-sql.ts'
import { LEAVING_TABLE } from './subject-leaving.ts'

/** Tables most subjects never need. */
export const RARE_TABLES = [
  'strikes',
  'reliance',
  'sessions',
  'idempotency',
  'predecessors',
] as const

/** What outlives what is above, or may be there without it. */
const KEPT_TABLES = ['suppressions', 'legal_holds', 'cohosts'] as const

/** Which index of the log the newest record has, once that is known: `placed` is the record's own `idx`. */
const PLACE_COLUMNS = 'placed INTEGER, place INTEGER'
/**
 * What else a record's row holds here: its entry, which index of the log the record before it has, and what the subject's row
 * may not say yet (late-row.ts).
 */
const ENTRY_COLUMNS =
  'leaf BLOB NOT NULL, jws TEXT NOT NULL, openings TEXT, prev_place INTEGER, late_version INTEGER, late_doc TEXT'
const ENTRIES = 'CREATE VIEW entries AS SELECT idx, leaf, jws, openings FROM records'

/** Strikes are read all or by their id. */
const NEEDLESS = /^CREATE INDEX (?:strikes_by_subject|suppressions_by_end) /

const rare: ReadonlyMap<string, readonly string[]> = new Map([
  ...[...RARE_TABLES, ...KEPT_TABLES].map((table) => [table, statementsOf(table)] as const),
  ['leaving', [LEAVING_TABLE]] as const,
])

/** Characters of one record's openings, as JSON: a row has at most 2 MB, and the record itself lies in it too. */
export const MAX_OPENINGS_CHARS = 1_985_000

/** A subject's tables over the database of its object. */
export function subjectSql(sql: Sql): LateSql {
  return withLateRow(createSparseSql(sql, rare))
}

/** True once there is anything. Throws `internal` for the tables of a version that was never released. */
export function hasSubjectTables(sql: SparseSql): boolean {
  // Those were numbered; these are not.
  if (!sql.has('schema')) return sql.has('subjects')
  throw new LivegateError(
    'internal',
    'Cannot read a subject: its object has the tables of a version that was never released, expected those of this one',
    { hint: 'Begin a new deployment: nothing leads from those tables to these.' },
  )
}

export function makeSubjectTables(sql: SparseSql): void {
  if (hasSubjectTables(sql)) return
  sql.transaction(() => {
    for (const table of ['subjects', 'records']) sql.run(firstOf(table))
    sql.run(ENTRIES)
  })
  sql.forget()
}

/** The shared statement for a table, with what it has more or less here. */
function firstOf(table: string): string {
  const [statement] = statementsOf(table)
  const columns = table === 'subjects' ? PLACE_COLUMNS : ENTRY_COLUMNS
  return requireText(statement)
    .replace(/ UNIQUE\b/, '')
    .replace(/\n\s*\) STRICT$/, `,\n    ${columns}\n  ) STRICT`)
}

function statementsOf(table: string): readonly string[] {
  const about = new RegExp(`^CREATE .*\\b(?:TABLE|ON) ${table} `)
  return MIGRATIONS.flat().filter((one) => about.test(one) && !NEEDLESS.test(one))
}

function requireText(statement: string | undefined): string {
  if (statement !== undefined) return statement
  throw new LivegateError('internal', 'Cannot make tables: the shared schema has none of this name')
}
