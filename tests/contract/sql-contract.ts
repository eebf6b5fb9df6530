/**
 * The duties of the Sql port (src/adapters/sqlite/sql.ts), as a suite both engines run: the two differ silently.
 */
import { describe, expect, it } from 'vitest'
import { MIGRATIONS, migrate, schemaVersion } from '../../src/adapters/sqlite/schema.ts'
import type { Sql, SqlValue } from '../../src/adapters/sqlite/sql.ts'

/** Runs `work` over an empty database, where the engine allows it. */
export type WithSql = (work: (sql: Sql) => void) => Promise<void>

export function sqlContract(name: string, within: WithSql): void {
  describe(`a binding in ${name}`, () => {
    const accepted: readonly (readonly [name: string, value: SqlValue])[] = [
      ['text', 'ä'],
      ['the empty text', ''],
      ['an integer', -1],
      ['the largest safe integer', Number.MAX_SAFE_INTEGER],
      ['the smallest safe integer', Number.MIN_SAFE_INTEGER],
      ['null', null],
      ['bytes', Uint8Array.of(0, 255)],
      ['no bytes', new Uint8Array(0)],
      ['a part of a buffer', Uint8Array.of(1, 2, 3, 4).subarray(1, 3)],
    ]
    for (const [what, value] of accepted)
      it(`comes back as it was: ${what}`, () =>
        within((sql) => {
          expect(sql.get('SELECT ? AS v', value)?.v).toEqual(value)
          expect(sql.all('SELECT ? AS v', value)).toEqual([{ v: value }])
        }))

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
    for (const [what, value] of refused)
      it(`is refused: ${what}`, () =>
        within((sql) => {
          for (const call of [sql.run, sql.swap, sql.get, sql.all])
            expect(() => call('SELECT ?', value as SqlValue)).toThrow('Cannot bind a value of type')
        }))
  })

  describe(`a result in ${name}`, () => {
    it('is undefined or nothing when there is no row', () =>
      within((sql) => {
        sql.run('CREATE TABLE t (n INTEGER) STRICT')
        expect(sql.get('SELECT n FROM t')).toBeUndefined()
        expect(sql.all('SELECT n FROM t')).toEqual([])
      }))

    it('is never a rounded integer', () =>
      within((sql) => {
        sql.run('CREATE TABLE t (n INTEGER) STRICT')
        sql.run('INSERT INTO t VALUES (9007199254740993)')
        expect(() => sql.get('SELECT n FROM t')).toThrow()
      }))

    it('keeps bytes, text and integers apart in strict tables', () =>
      within((sql) => {
        sql.run('CREATE TABLE t (b BLOB, t TEXT, i INTEGER) STRICT')
        const bytes = Uint8Array.of(7)
        sql.run('INSERT INTO t VALUES (?, ?, ?)', bytes, '7', 7)
        expect(sql.get('SELECT * FROM t')).toEqual({ b: bytes, t: '7', i: 7 })
        expect(() => sql.run('INSERT INTO t (i) VALUES (?)', 'x')).toThrow()
        expect(() => sql.run('INSERT INTO t (t) VALUES (?)', bytes)).toThrow()
      }))

    it('compares bytes as bytes', () =>
      within((sql) => {
        sql.run('CREATE TABLE t (b BLOB PRIMARY KEY, n INTEGER) STRICT, WITHOUT ROWID')
        sql.run('INSERT INTO t VALUES (?, 1)', Uint8Array.of(1, 2))
        const whole = Uint8Array.of(0, 1, 2, 3)
        expect(sql.get('SELECT n FROM t WHERE b = ?', whole.subarray(1, 3))).toEqual({ n: 1 })
      }))
  })

  describe(`a swap in ${name}`, () => {
    const numbers = (sql: Sql): void => {
      sql.run('CREATE TABLE t (n INTEGER) STRICT')
      sql.run('INSERT INTO t VALUES (1), (1), (2)')
    }
    it('changes its one row', () =>
      within((sql) => {
        numbers(sql)
        sql.swap('UPDATE t SET n = ? WHERE n = ?', 3, 2)
        expect(sql.all('SELECT n FROM t WHERE n = 3')).toHaveLength(1)
      }))
    for (const [found, n] of [
      [0, 9],
      [2, 1],
    ] as const)
      it(`undoes its transaction when ${found} rows are as expected`, () =>
        within((sql) => {
          numbers(sql)
          const swapping = (): void =>
            sql.transaction(() => {
              sql.run('INSERT INTO t VALUES (8)')
              sql.swap('UPDATE t SET n = 7 WHERE n = ?', n)
            })
          expect(swapping).toThrow(`Cannot swap: ${found} rows were as expected, expected one row`)
          expect(sql.all('SELECT n FROM t ORDER BY n').map((row) => row.n)).toEqual([1, 1, 2])
        }))
  })

  describe(`a transaction in ${name}`, () => {
    it('is whole or not at all, and passes the error on', () =>
      within((sql) => {
        sql.run('CREATE TABLE t (n INTEGER) STRICT')
        const failing = (): never =>
          sql.transaction(() => {
            sql.run('INSERT INTO t VALUES (1)')
            throw new Error('no')
          })
        expect(failing).toThrow('no')
        expect(sql.all('SELECT * FROM t')).toEqual([])
        expect(sql.transaction(() => 'result')).toBe('result')
      }))

    it('is undone by a statement that fails, too', () =>
      within((sql) => {
        sql.run('CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT')
        const failing = (): void =>
          sql.transaction(() => {
            sql.run('INSERT INTO t VALUES (1)')
            sql.run('INSERT INTO t VALUES (1)')
          })
        expect(failing).toThrow(/UNIQUE/)
        expect(sql.all('SELECT * FROM t')).toEqual([])
      }))

    it('reads what it has written', () =>
      within((sql) => {
        sql.run('CREATE TABLE t (n INTEGER) STRICT')
        const read = sql.transaction(() => {
          sql.run('INSERT INTO t VALUES (5)')
          return sql.get('SELECT n FROM t')
        })
        expect(read).toEqual({ n: 5 })
      }))
  })

  describe(`migrations in ${name}`, () => {
    it('bring an empty database to the newest version, once', () =>
      within((sql) => {
        expect(schemaVersion(sql)).toBe(0)
        migrate(sql)
        expect(schemaVersion(sql)).toBe(MIGRATIONS.length)
        migrate(sql)
        expect(sql.all('SELECT version FROM schema')).toHaveLength(MIGRATIONS.length)
      }))

    it('refuse a database of a newer program', () =>
      within((sql) => {
        migrate(sql)
        sql.run('INSERT INTO schema (version) VALUES (99)')
        expect(() => migrate(sql)).toThrow('its schema has version 99, expected at most')
      }))
  })
}
