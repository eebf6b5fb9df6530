import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createEntries } from '../../../src/adapters/sqlite/entries.ts'
import { createSqlLedger } from '../../../src/adapters/sqlite/ledger.ts'
import { decisionsNaming } from '../../../src/adapters/sqlite/records.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import { createSubjects } from '../../../src/adapters/sqlite/subjects.ts'
import { MAX_RELYING } from '../../../src/core/limits.ts'
import { aDecision, aRecord, later, newId, ORIGIN } from '../../contract/fixtures.ts'

let sql: NodeSql
beforeEach(() => {
  sql = openNodeSql(':memory:')
  migrate(sql)
})
afterEach(() => sql.close())

const rows = (): number => Number(sql.get('SELECT count(*) AS n FROM reliance')?.n)

describe('what relies on a strike', () => {
  it('stays a few hundred rows however often one who is banned asks, and keeps the newest', async () => {
    const entries = createEntries(sql, ORIGIN)
    const subjects = createSubjects(sql)
    const write = async <T>(work: () => T): Promise<T> => {
      const result = sql.transaction(work)
      for (const mirror of [entries, subjects]) mirror.committed()
      return result
    }
    const writer = { write, writeLater: write, follow: () => {} }
    const ledger = createSqlLedger({ sql, writer, entries, subjects })
    const ids: string[] = []
    let most = 0
    for (let i = 0; i < 3_000; i++) {
      // The hash decides who looks: the same ones every time this runs.
      const id = newId(later(i))
      const leaf = new Uint8Array(createHash('sha256').update(`${i}`).digest())
      const record = { ...aRecord({ id }), leaf }
      const strikes = i % 2 === 0 ? ['s_1', 's_2'] : ['s_1']
      const decision = { outcome: 'deny', mode: null, rules: ['r'], strikes } as const
      const state = await ledger.load('u_1')
      await ledger.commit(aDecision('u_1', state, { record, decision, at: later(i) }))
      ids.push(id)
      most = Math.max(most, rows())
    }
    expect(most).toBeLessThan(4 * MAX_RELYING)
    const found = decisionsNaming(sql, 's_1', MAX_RELYING).map(({ id }) => id)
    expect(found).toEqual(ids.slice(-MAX_RELYING).reverse())
    expect(decisionsNaming(sql, 's_2', MAX_RELYING)).toHaveLength(MAX_RELYING)
  })
})
