/**
 * SQL over a database most of whose tables are not there: each is made with the first row somebody inserts into it.
 *
 * Most subjects never have a strike, a session or a key to remember, and an empty table is a page, an index another, for each
 * of millions of objects. Which tables there are is read once and then known. A question about one that is missing finds
 * nothing, an update or delete changes nothing: so such a table may only be asked in ways where no table and no row mean the
 * same. Next stop: subject-schema.ts.
 */
import { type Sql, text } from '../sqlite/sql.ts'

export interface SparseSql extends Sql {
  /** True once the table is there. */
  has(table: string): boolean
  /** Forgets which tables there are: somebody else has made some. */
  forget(): void
}

/** `rare`: names of tables to the statements that make them. Every other table is the caller's affair. */
export function createSparseSql(sql: Sql, rare: ReadonlyMap<string, readonly string[]>): SparseSql {
  let there: Set<string> | null = null
  /** Rare tables each statement names; statements are constants, so there are few. */
  const namedIn = new Map<string, readonly string[]>()

  function tables(): Set<string> {
    there ??= new Set(
      sql
        .all("SELECT name FROM sqlite_master WHERE type = 'table'")
        .map((row) => text(row, 'name')),
    )
    return there
  }

  function missing(statement: string): readonly string[] {
    let named = namedIn.get(statement)
    if (named === undefined) {
      named = rareTablesOf(statement, rare)
      namedIn.set(statement, named)
    }
    if (named.length === 0) return named
    const all = tables()
    return named.filter((table) => !all.has(table))
  }

  function make(table: string): void {
    for (const statement of rare.get(table) ?? []) sql.run(statement)
    tables().add(table)
  }

  return {
    has: (table) => tables().has(table),
    forget() {
      there = null
    },
    run(statement, ...values) {
      const absent = missing(statement)
      if (absent.length > 0) {
        if (!statement.startsWith('INSERT')) return
        absent.forEach(make)
      }
      sql.run(statement, ...values)
    },
    swap: (statement, ...values) => sql.swap(statement, ...values),
    get: (statement, ...values) =>
      missing(statement).length > 0 ? undefined : sql.get(statement, ...values),
    all: (statement, ...values) =>
      missing(statement).length > 0 ? [] : sql.all(statement, ...values),
    transaction(work) {
      try {
        return sql.transaction(work)
      } catch (error) {
        // What it made is undone with it.
        there = null
        throw error
      }
    },
  }
}

const NAMED = /\b(?:FROM|INTO|UPDATE|JOIN)\s+(\w+)/g

function rareTablesOf(statement: string, rare: ReadonlyMap<string, unknown>): readonly string[] {
  const named = [...statement.matchAll(NAMED)].flatMap(([, table = '']) => table)
  return [...new Set(named)].filter((table) => rare.has(table))
}
