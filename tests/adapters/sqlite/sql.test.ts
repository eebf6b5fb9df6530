/** What may cross the Sql port, what the readers accept, and how migrations behave. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { MIGRATIONS, migrate, schemaVersion } from '../../../src/adapters/sqlite/schema.ts'
import {
  bytes,
  bytesOrNull,
  integer,
  integerOrNull,
  type SqlValue,
  text,
  textOrNull,
} from '../../../src/adapters/sqlite/sql.ts'

let sql: NodeSql
beforeEach(() => {
  sql = openNodeSql(':memory:')
})
afterEach(() => sql.close())

describe('a binding', () => {
  const accepted: readonly (readonly [name: string, value: SqlValue])[] = [
    ['text', 'ä'],
    ['the empty text', ''],
    ['an integer', -1],
    ['the largest safe integer', Number.MAX_SAFE_INTEGER],
    ['null', null],
    ['bytes', Uint8Array.of(0, 255)],
  ]
  for (const [name, value] of accepted)
    it(`comes back as it was: ${name}`, () => {
      expect(sql.get('SELECT ? AS v', value)?.v).toEqual(value)
      expect(sql.all('SELECT ? AS v', value)).toHaveLength(1)
    })

  const refused: readonly (readonly [name: string, value: unknown])[] = [
    ['true', true],
    ['undefined', undefined],
    ['a bigint', 1n],
    ['a fraction', 0.5],
    ['not a number', Number.NaN],
    ['an unsafe integer', 2 ** 53],
    ['an object', {}],
    ['an ArrayBuffer', new ArrayBuffer(1)],
  ]
  for (const [name, value] of refused)
    it(`is refused: ${name}`, () => {
      for (const call of [sql.run, sql.get, sql.all])
        expect(() => call('SELECT ?', value as SqlValue)).toThrow('Cannot bind a value of type')
    })
})

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

describe('a transaction', () => {
  it('is whole or not at all, and passes the error on', () => {
    sql.run('CREATE TABLE t (n INTEGER) STRICT')
    const failing = (): never =>
      sql.transaction(() => {
        sql.run('INSERT INTO t VALUES (1)')
        throw new Error('no')
      })
    expect(failing).toThrow('no')
    expect(sql.all('SELECT * FROM t')).toEqual([])
    expect(sql.transaction(() => 'result')).toBe('result')
  })
})

describe('migrations', () => {
  it('bring an empty database to the newest version, once', () => {
    expect(schemaVersion(sql)).toBe(0)
    migrate(sql)
    expect(schemaVersion(sql)).toBe(MIGRATIONS.length)
    migrate(sql)
    expect(sql.all('SELECT version FROM schema')).toHaveLength(MIGRATIONS.length)
  })

  it('refuse a database of a newer program', () => {
    migrate(sql)
    sql.run('INSERT INTO schema (version) VALUES (99)')
    expect(() => migrate(sql)).toThrow('its schema has version 99, expected at most')
  })

  it('make strict tables only, and use nothing a Durable Object refuses', () => {
    migrate(sql)
    const tables = sql.all("SELECT name FROM sqlite_master WHERE type = 'table'")
    const strict = sql.all(
      "SELECT name FROM pragma_table_list WHERE strict = 1 AND name <> 'sqlite_schema'",
    )
    expect(strict.map((row) => row.name).sort()).toEqual(tables.map((row) => row.name).sort())
    for (const statement of MIGRATIONS.flat()) expect(statement).not.toMatch(/PRAGMA|BEGIN|COMMIT/i)
  })
})
