/**
 * A data directory's database, read only: beside a gate that runs, and after one that crashed.
 *
 * Every question is a short one, so that nothing here keeps the gate from tidying its write-ahead log. Nothing is created
 * or repaired; the lock of the directory is not taken, because nothing can be harmed.
 */
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { dataPaths } from '../../adapters/node/data-dir.ts'
import { type NodeSql, nodeSqlOver } from '../../adapters/node/node-sql.ts'
import { loggedActivations } from '../../adapters/sqlite/activations.ts'
import { createPolicyTexts } from '../../adapters/sqlite/policy-texts.ts'
import { SCHEMA_VERSION, schemaVersion } from '../../adapters/sqlite/schema.ts'
import { integer, text, textOrNull } from '../../adapters/sqlite/sql.ts'
import { incomplete } from '../failure.ts'
import type { Lesson } from './backtest-desk.ts'

export interface RecordedRow {
  readonly jws: string
  /** JSON of the openings by group; null when they were erased. */
  readonly openings: string | null
}

export interface RecordedRows {
  /** Decisions with an index from `first` on, before `end`. */
  between(first: number, end: number): readonly RecordedRow[]
  /** Indexes there are, the last one excluded; null for none. */
  bounds(): { readonly first: number; readonly end: number } | null
  /** Every policy and activation the log holds. */
  lesson(): Lesson
  close(): void
}

/** Path of the database in a data directory. */
export function databaseIn(dir: string, written: string): string {
  const { database } = dataPaths(dir)
  if (!statSync(dir).isDirectory() || statSync(database, { throwIfNoEntry: false }) === undefined)
    throw incomplete(
      `Cannot read data directory \`${written}\`: there is no database in it`,
      'expected the directory `livegate serve --data` works in',
    )
  return database
}

const DECISIONS = `SELECT e.jws, e.openings FROM records r JOIN entries e ON e.idx = r.idx
  WHERE r.idx >= ? AND r.idx < ? AND r.kind = 'decision' ORDER BY r.idx`

/** Opens a database somebody else may be writing to. */
export function openReadOnly(path: string): RecordedRows {
  const { database, sql, version } = opened(path)
  if (version === 0 || version > SCHEMA_VERSION)
    throw incomplete(
      `Cannot read database: its schema has version ${version}, expected 1 to ${SCHEMA_VERSION}`,
      version === 0 ? 'it was never filled' : 'use the newer livegate that wrote it',
    )
  return {
    between: (first, end) =>
      sql
        .all(DECISIONS, first, end)
        .map((row) => ({ jws: text(row, 'jws'), openings: textOrNull(row, 'openings') })),
    bounds() {
      const row = sql.get('SELECT min(idx) AS first, max(idx) AS last FROM records')
      if (row === undefined || row.first === null) return null
      return { first: integer(row, 'first'), end: integer(row, 'last') + 1 }
    },
    lesson() {
      const texts = createPolicyTexts(sql)
      return {
        texts: texts.list().flatMap(({ digest }) => {
          const bytes = texts.text(digest)
          return bytes === null ? [] : [{ digest, bytes }]
        }),
        activations: loggedActivations(sql),
      }
    },
    close: () => database.close(),
  }
}

function opened(path: string): {
  readonly database: DatabaseSync
  readonly sql: NodeSql
  readonly version: number
} {
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
    const sql = nodeSqlOver(database)
    return { database, sql, version: schemaVersion(sql) }
  } catch (cause) {
    throw incomplete(
      `Cannot read database: ${cause instanceof Error ? cause.message : String(cause)}`,
      'whoever reads beside a gate, or after a crash, must be able to write to its directory: SQLite shares memory in a file there',
    )
  }
}
