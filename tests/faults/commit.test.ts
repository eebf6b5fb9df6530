/**
 * What a failed group commit leaves of the ledger and the log: nothing of the batch, the truth in memory, gap-free
 * indexes afterwards.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGroupCommit } from '../../src/adapters/node/group-commit.ts'
import { type NodeSql, openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { createEntries } from '../../src/adapters/sqlite/entries.ts'
import { createHalt } from '../../src/adapters/sqlite/halt.ts'
import { createSqlLedger } from '../../src/adapters/sqlite/ledger.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import { createSqlStreamKeys } from '../../src/adapters/sqlite/stream-keys.ts'
import { createSubjects } from '../../src/adapters/sqlite/subjects.ts'
import type { Ledger, StreamKeys } from '../../src/ports.ts'
import {
  aDecision,
  aKeyRecord,
  aRecord,
  aStrike,
  aStrikeChange,
  commitTo,
  ORIGIN,
  T0,
} from '../contract/fixtures.ts'

/** When the transaction of a batch fails: before its work, after it, or after it was committed but not reported. */
type Moment = 'begin' | 'before-commit' | 'after-commit'

let sql: NodeSql
let failAt: Moment | null
let ledger: Ledger
let keys: StreamKeys
let entries: ReturnType<typeof createEntries>
let append: (record: ReturnType<typeof aRecord>) => Promise<unknown>

beforeEach(() => {
  sql = openNodeSql(':memory:')
  migrate(sql)
  failAt = null
  const fail = (moment: Moment): void => {
    if (failAt !== moment) return
    failAt = null
    throw Object.assign(new Error('the disk hiccuped'), { errcode: 5 })
  }
  const failing = {
    transaction: <T>(work: () => T): T => {
      fail('begin')
      const result = sql.transaction(() => {
        const done = work()
        fail('before-commit')
        return done
      })
      fail('after-commit')
      return result
    },
  }
  const die = (error: unknown): never => {
    throw error
  }
  const writer = createGroupCommit({ sql: failing, halt: createHalt(), die })
  entries = createEntries(sql, ORIGIN)
  const subjects = createSubjects(sql)
  writer.follow(entries)
  writer.follow(subjects)
  ledger = createSqlLedger({ sql, writer, entries, subjects })
  keys = createSqlStreamKeys(sql, writer)
  append = (record) => writer.write(() => entries.append(record))
})
afterEach(() => sql.close())

const kept = { begin: false, 'before-commit': false, 'after-commit': true }

describe('a batch that fails', () => {
  for (const moment of ['begin', 'before-commit', 'after-commit'] as const)
    it(`at ${moment}: everybody in it is told, and memory then tells what the disk holds`, async () => {
      await commitTo(ledger, 'u_1', (state) => aDecision('u_1', state))
      const { record, name: kid } = aKeyRecord()
      failAt = moment
      const strike = aStrike('u_2')
      const batch = await Promise.allSettled([
        commitTo(ledger, 'u_1', (state) => aDecision('u_1', state)),
        commitTo(ledger, 'u_2', (state) => aStrikeChange('u_2', state, strike)),
        keys.bind({ id: 'sk', subject: 'u_1', key_hash: 'h', created_at: T0, revoked_at: null }),
        append(record),
      ])
      for (const result of batch)
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'log_unavailable' } })
      const happened = kept[moment]
      expect((await ledger.load('u_1')).seq).toBe(happened ? 2 : 1)
      expect((await ledger.load('u_2')).strikes).toEqual(happened ? [strike] : [])
      expect(entries.size()).toBe(happened ? 4 : 1)
      expect(entries.has(kid)).toBe(happened)
      expect((await keys.byId('sk')) !== null).toBe(happened)
      const next = await commitTo(ledger, 'u_1', (state) => aDecision('u_1', state))
      expect(next).toMatchObject({ ok: true, receipt: { index: happened ? 4 : 1 } })
    })

  it('does not hold up the ones that come after it', async () => {
    failAt = 'before-commit'
    const failed = commitTo(ledger, 'u_1', (state) => aDecision('u_1', state))
    await expect(failed).rejects.toMatchObject({ retry_after_s: 1 })
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        commitTo(ledger, `u_${i}`, (state) => aDecision(`u_${i}`, state)),
      ),
    )
    expect(results.map((r) => (r.ok ? r.receipt?.index : null))).toEqual([...Array(10).keys()])
  })
})

describe('in one batch', () => {
  it('a change that conflicts fails alone', async () => {
    const state = await ledger.load('u_1')
    const [first, second, other] = await Promise.all([
      ledger.commit(aDecision('u_1', state)),
      ledger.commit(aDecision('u_1', state)),
      commitTo(ledger, 'u_2', (s) => aDecision('u_2', s)),
    ])
    expect(first).toMatchObject({ ok: true, receipt: { index: 0 } })
    expect(second).toEqual({ ok: false, error: 'conflict' })
    expect(other).toMatchObject({ ok: true, receipt: { index: 1 } })
  })

  it('a strike id two subjects claim belongs to the first', async () => {
    const [one, two] = [aStrike('u_1'), aStrike('u_2')]
    const results = await Promise.all([
      commitTo(ledger, 'u_1', (s) => aStrikeChange('u_1', s, one)),
      commitTo(ledger, 'u_2', (s) => aStrikeChange('u_2', s, { ...two, id: one.id })),
    ])
    expect(results).toMatchObject([{ ok: true }, { ok: false, error: 'strike_taken' }])
    expect(await ledger.load('u_2')).toMatchObject({ seq: 0, version: 0 })
  })

  it('a requirement appended before counts for what comes after it', async () => {
    const { record, name: kid } = aKeyRecord()
    const [, decided] = await Promise.all([
      append(record),
      ledger.commit(aDecision('u_1', await ledger.load('u_1'), { requires: [kid] })),
    ])
    expect(decided).toMatchObject({ ok: true })
  })

  it('refuses a record no log can hold before it can spoil the others', async () => {
    const [bad, good] = await Promise.allSettled([
      commitTo(ledger, 'u_1', (s) => aDecision('u_1', s, { record: aRecord({ jws: 'ä' }) })),
      commitTo(ledger, 'u_2', (s) => aDecision('u_2', s)),
    ])
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'internal' } })
    expect(good).toMatchObject({ status: 'fulfilled', value: { ok: true } })
  })
})
