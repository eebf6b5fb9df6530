/** What is removed beside a clean-up is not taken for gone with it; what cannot be written is tried later, and seldom. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { after } from '../../../src/adapters/node/system.ts'
import { createEraser } from '../../../src/adapters/sqlite/eraser.ts'
import {
  insertErasure,
  insertVacating,
  vacatingIds,
} from '../../../src/adapters/sqlite/erasure-rows.ts'
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
    after,
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

it('waits longer each time while nothing can be written, and lets everybody else go on', async () => {
  const erasure = { at: T0, record: null, receipt: null, counts: {}, suppressed: 0 }
  sql.transaction(() =>
    insertErasure(sql, 'k', {
      ...erasure,
      scope: 'full',
      subject: 'u',
      rid: 1,
      cursor: null,
      bound: 9,
    }),
  )
  let tries = 0
  /** A log that has halted; a second try at once would go on for ever. */
  const write = (): Promise<never> =>
    ++tries > 50 ? new Promise(() => {}) : Promise.reject(new Error('halted'))
  const delays: number[] = []
  let fire = (): void => {}
  const eraser = createEraser({
    ...{ sql, writer: { write, writeLater: write, follow: () => {} }, onError: () => {} },
    vacate: async () => true,
    after: (ms, fired) => {
      delays.push(ms)
      fire = fired
      return () => {}
    },
  })
  eraser.poke()
  for (let n = 1; n <= 12; n++) {
    await new Promise(setImmediate)
    expect(tries).toBe(n)
    fire()
  }
  await eraser.stop()
  expect(delays.slice(0, 4)).toEqual([200, 400, 800, 1_600])
  expect(delays.at(-1)).toBe(60_000)
})
