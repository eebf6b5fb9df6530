/** What was removed while earlier bytes were made to go is not taken for gone with them. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createEraser } from '../../../src/adapters/sqlite/eraser.ts'
import { insertVacating, vacatingIds } from '../../../src/adapters/sqlite/erasure-rows.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import { T0 } from '../../contract/fixtures.ts'

let sql: NodeSql
beforeEach(() => {
  sql = openNodeSql(':memory:')
  migrate(sql)
})
afterEach(() => sql.close())

it('makes bytes go again when more was removed meanwhile, and then leaves nothing behind', async () => {
  const write = async <T>(work: () => T): Promise<T> => sql.transaction(work)
  /** Removals that were committed before each time. */
  const seen: number[] = []
  let removed = 0
  const remove = (): void => {
    sql.transaction(() => insertVacating(sql, T0))
    removed++
  }
  const eraser = createEraser({
    ...{ sql, writer: { write, writeLater: write, follow: () => {} } },
    vacate: async () => {
      seen.push(removed)
      if (seen.length === 1) remove()
      return true
    },
    after: (ms, fire) => {
      const timer = setTimeout(fire, ms)
      return () => clearTimeout(timer)
    },
    onError: (error) => {
      throw error
    },
  })
  remove()
  eraser.poke()
  await eraser.turned(5_000)
  await eraser.stop()
  expect(seen).toEqual([1, 2])
  expect(vacatingIds(sql)).toEqual([])
  expect(sql.get('SELECT count(*) AS n FROM erasures')?.n).toBe(0)
})
