/** When rounds run in Node, where they are computed, and what waits for them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBackground } from '../../../src/adapters/node/background.ts'
import { openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createRoundTimer } from '../../../src/adapters/node/round-timer.ts'
import { extendTree } from '../../../src/adapters/sqlite/extend.ts'
import type { Rounds } from '../../../src/adapters/sqlite/rounds.ts'
import { emptyEdge } from '../../../src/core/tlog/edge.ts'
import { aDecision, aRecord, commitTo } from '../../contract/fixtures.ts'
import { type DataDir, fail, newDataDir, openStore } from '../../contract/node-store.ts'

let data: DataDir
beforeEach(async () => {
  data = await newDataDir()
})
afterEach(() => data.remove())

describe('a proof that is waited for', () => {
  it('comes with the next round, without being asked for one', async () => {
    const store = await openStore({ dir: data.path, roundIntervalMs: 1 })
    const result = await commitTo(store.ledger, 'u_1', (state) => aDecision('u_1', state))
    const index = result.ok ? (result.receipt?.index ?? -1) : -1
    expect(await store.log.proof(index, 10_000)).toContain(`index ${index}\n`)
    await store.close()
  })

  it('is null when no round covers it in time, or ever will', async () => {
    const store = await openStore({ dir: data.path })
    expect(await store.log.proof(1, 0)).toBeNull()
    expect(await store.log.proof(1, 5)).toBeNull()
    expect(await store.log.proof(0, 5)).toContain('index 0\n')
    await store.close()
  })
})

describe('the second thread', () => {
  it('computes what this one would, and this one takes over when it is gone', async () => {
    const store = await openStore({ dir: data.path })
    await store.log.append(
      Array.from({ length: 300 }, () => aRecord({ kind: 'heartbeat' })),
      [],
    )
    await store.close()
    const path = `${data.path}/livegate.db`
    const sql = openNodeSql(path)
    const background = createBackground({ path, sql, onError: fail })
    const here = extendTree(sql, emptyEdge(), 301)
    expect(await background.extend(emptyEdge(), 301)).toEqual(here)
    await background.stop()
    expect(await background.extend(emptyEdge(), 301)).toEqual(here)
    sql.close()
  })

  it('says what is wrong as this one does', async () => {
    const path = `${data.path}/livegate.db`
    const sql = openNodeSql(path)
    const background = createBackground({ path, sql, onError: fail })
    const record = aRecord({ kind: 'heartbeat' })
    for (let idx = 1; idx < 200; idx++)
      sql.run('INSERT INTO entries VALUES (?, ?, ?, NULL)', idx, record.leaf, `${record.jws}x`)
    const computing = async (to: number): Promise<unknown> => background.extend(emptyEdge(), to)
    for (const to of [2, 200]) await expect(computing(to)).rejects.toMatchObject({ code: 'halted' })
    await background.stop()
    sql.close()
  })

  it('empties the write-ahead log into the database', async () => {
    const path = `${data.path}/livegate.db`
    const sql = openNodeSql(path)
    const background = createBackground({ path, sql, checkpointMs: 1, onError: fail })
    sql.run("INSERT INTO sessions VALUES ('e', 's', 1, 'b')")
    const left = (): number => {
      const row = sql.get('PRAGMA wal_checkpoint(NOOP)')
      return Number(row?.log) - Number(row?.checkpointed)
    }
    expect(left()).toBeGreaterThan(0)
    background.poke()
    while (left() > 0) await new Promise<void>((go) => setImmediate(go))
    await background.stop()
    sql.close()
  })
})

describe('the clock of rounds', () => {
  interface Rig {
    readonly calls: string[]
    readonly rounds: Rounds
    waiting: number
    failures: number
  }

  function rig(): Rig {
    const rounds: Rounds = {
      load: () => Promise.reject(new Error('unused')),
      async run() {
        made.calls.push('round')
        if (made.failures > 0) {
          made.failures--
          throw new Error('not now')
        }
        const had = made.waiting > 0
        made.waiting = 0
        return had
      },
      published: () => null,
      onPublished: () => {},
    }
    const made: Rig = { calls: [], rounds, waiting: 0, failures: 0 }
    return made
  }

  it('does nothing while nothing waits', async () => {
    const made = rig()
    const timer = createRoundTimer({ rounds: made.rounds, waiting: () => made.waiting > 0 })
    timer.poke()
    expect(made.calls).toEqual([])
    expect(await timer.finish()).toBe(true)
    expect(made.calls).toEqual(['round'])
  })

  it('tries again after a failure until nothing waits', async () => {
    const made = rig()
    const errors: unknown[] = []
    const timer = createRoundTimer({
      rounds: made.rounds,
      waiting: () => made.waiting > 0,
      onError: (error) => errors.push(error),
      intervalMs: 1,
    })
    made.waiting = 3
    made.failures = 2
    timer.poke()
    while (made.waiting > 0) await new Promise<void>((go) => setImmediate(go))
    expect(errors).toHaveLength(2)
    expect(made.calls).toHaveLength(3)
    await timer.finish()
  })

  it('runs last rounds when it is told to finish, and none afterwards', async () => {
    const made = rig()
    const timer = createRoundTimer({ rounds: made.rounds, waiting: () => made.waiting > 0 })
    made.waiting = 5
    expect(await timer.finish()).toBe(true)
    expect(made.waiting).toBe(0)
    made.waiting = 1
    timer.poke()
    expect(made.calls).toEqual(['round', 'round'])
  })

  it('says when the last round could not be run', async () => {
    const made = rig()
    const timer = createRoundTimer({ rounds: made.rounds, waiting: () => made.waiting > 0 })
    made.failures = 1
    expect(await timer.finish()).toBe(false)
  })
})
