/** The Sql port in Node, what the readers accept, and what migrations are made of. */
import { describe, expect, it } from 'vitest'
import { openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { MIGRATIONS, migrate } from '../../../src/adapters/sqlite/schema.ts'
import {
  bytes,
  bytesOrNull,
  integer,
  integerOrNull,
  text,
  textOrNull,
} from '../../../src/adapters/sqlite/sql.ts'
import { sqlContract, type WithSql } from '../../contract/sql-contract.ts'

const within: WithSql = async (work) => {
  const sql = openNodeSql(':memory:')
  try {
    work(sql)
  } finally {
    sql.close()
  }
}

sqlContract('node', within)

describe('a column', () => {
  const row = { t: 'x', i: 7, b: Uint8Array.of(1), n: null }
  it('is read as what it is', () => {
    expect([text(row, 't'), integer(row, 'i'), bytes(row, 'b')]).toEqual(['x', 7, row.b])
    expect([textOrNull(row, 'n'), integerOrNull(row, 'n'), bytesOrNull(row, 'n')]).toEqual([
      null,
      null,
      null,
    ])
    expect([textOrNull(row, 't'), integerOrNull(row, 'i'), bytesOrNull(row, 'b')]).toEqual([
      'x',
      7,
      row.b,
    ])
  })
  it('is refused as anything else', () => {
    expect(() => text(row, 'i')).toThrow(
      'Cannot read column i: it is of type number, expected text',
    )
    expect(() => integer(row, 'n')).toThrow('expected an integer')
    expect(() => bytes(row, 't')).toThrow('expected bytes')
    expect(() => text(row, 'none')).toThrow('Cannot read column none: it is missing, expected text')
  })
})

describe('migrations', () => {
  it('make strict tables only, and use nothing a Durable Object refuses', () =>
    within((sql) => {
      migrate(sql)
      const tables = sql.all("SELECT name FROM sqlite_master WHERE type = 'table'")
      const strict = sql.all(
        "SELECT name FROM pragma_table_list WHERE strict = 1 AND name <> 'sqlite_schema'",
      )
      expect(strict.map((row) => row.name).sort()).toEqual(tables.map((row) => row.name).sort())
      for (const statement of MIGRATIONS.flat())
        expect(statement).not.toMatch(/PRAGMA|BEGIN|COMMIT/i)
    }))
})
