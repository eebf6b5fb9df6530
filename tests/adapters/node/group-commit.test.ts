/** G9 and group commit: what shares a transaction, what a failure takes with it, and what happens beyond capacity. */
import { afterEach, describe, expect, it } from 'vitest'
import {
  createGroupCommit,
  type GroupCommit,
  type GroupCommitLimits,
} from '../../../src/adapters/node/group-commit.ts'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createHalt, type Halt } from '../../../src/adapters/sqlite/halt.ts'
import type { Sql } from '../../../src/adapters/sqlite/sql.ts'
import type { GateEvent } from '../../../src/ports.ts'

/** SQLite's own error shape. */
class SqliteError extends Error {
  readonly errcode: number
  constructor(errcode: number) {
    super(`error ${errcode}`)
    this.errcode = errcode
  }
}

const FULL = 13
const IOERR_WRITE = 10 | (3 << 8)
const IOERR_FSYNC = 10 | (4 << 8)
const CORRUPT = 11
const BUSY = 5

interface Rig {
  readonly commit: GroupCommit
  readonly sql: NodeSql
  readonly halt: Halt
  readonly events: GateEvent[]
  readonly mirror: string[]
  readonly deaths: unknown[]
  /** Ends the turn: runs what was scheduled. */
  turn(): void
  /** The next commit fails like this, after its work was done. */
  failNext(error: Error): void
}

const open: NodeSql[] = []
afterEach(() => {
  for (const sql of open.splice(0)) sql.close()
})

function rig(limits: Partial<GroupCommitLimits> = {}, maxPages?: number): Rig {
  const sql = openNodeSql(':memory:', maxPages === undefined ? {} : { maxPages })
  open.push(sql)
  sql.run('CREATE TABLE t (n INTEGER PRIMARY KEY, filler TEXT) STRICT')
  const due: (() => void)[] = []
  const events: GateEvent[] = []
  const mirror: string[] = []
  const deaths: unknown[] = []
  let next: Error | null = null
  const halt = createHalt((event) => events.push(event))
  const failing: Pick<Sql, 'transaction'> = {
    transaction: (work) =>
      sql.transaction(() => {
        const result = work()
        const error = next
        next = null
        if (error !== null) throw error
        return result
      }),
  }
  const commit = createGroupCommit({
    sql: failing,
    halt,
    die: (error) => deaths.push(error),
    observe: (event) => events.push(event),
    schedule: (flush) => due.push(flush),
    limits,
  })
  commit.follow({
    committed: () => mirror.push('committed'),
    aborted: () => mirror.push('aborted'),
  })
  return {
    ...{ commit, sql, halt, events, mirror, deaths },
    turn: () => {
      for (const flush of due.splice(0)) flush()
    },
    failNext: (error) => {
      next = error
    },
  }
}

const insert =
  (sql: Sql, n: number, filler = '') =>
  (): number => {
    sql.run('INSERT INTO t (n, filler) VALUES (?, ?)', n, filler)
    return n
  }
const rows = (sql: Sql): unknown[] => sql.all('SELECT n FROM t ORDER BY n').map((row) => row.n)

describe('group commit', () => {
  it('puts everything of one turn into one transaction, in order, and resolves after it', async () => {
    const { commit, sql, events, mirror, turn } = rig()
    const results = Promise.all([1, 2, 3].map((n) => commit.write(insert(sql, n))))
    expect(rows(sql)).toEqual([])
    turn()
    expect(await results).toEqual([1, 2, 3])
    expect(events).toMatchObject([{ type: 'committed', batch: 3 }])
    expect(mirror).toEqual(['committed'])
  })

  it('leaves a failure that is a value to the one it concerns', async () => {
    const { commit, sql, turn } = rig()
    const results = Promise.all([
      commit.write(insert(sql, 1)),
      commit.write(() => 'conflict'),
      commit.write(insert(sql, 2)),
    ])
    turn()
    expect(await results).toEqual([1, 'conflict', 2])
    expect(rows(sql)).toEqual([1, 2])
  })

  it('undoes the whole batch when one piece throws, tells all of it, and goes on', async () => {
    const { commit, sql, mirror, halt, turn } = rig()
    const results = Promise.allSettled([
      commit.write(insert(sql, 1)),
      commit.write(() => {
        throw new TypeError('a bug')
      }),
      commit.write(insert(sql, 2)),
    ])
    turn()
    for (const result of await results)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'log_unavailable' } })
    expect(rows(sql)).toEqual([])
    expect(mirror).toEqual(['aborted'])
    expect(halt.why()).toBeNull()
    const later = commit.write(insert(sql, 3))
    turn()
    expect(await later).toBe(3)
  })

  const failures = [
    { name: 'the database is busy', code: BUSY, halts: false, dies: false },
    { name: 'the disk is full', code: FULL, halts: true, dies: false },
    { name: 'a write fails', code: IOERR_WRITE, halts: true, dies: false },
    { name: 'the database is corrupt', code: CORRUPT, halts: true, dies: false },
    { name: 'a sync fails', code: IOERR_FSYNC, halts: true, dies: true },
  ]
  for (const { name, code, halts, dies } of failures)
    it(`when ${name}: nothing is kept, ${halts ? 'nothing more is accepted' : 'work goes on'}${dies ? ', the process ends' : ''}`, async () => {
      const { commit, sql, halt, events, deaths, turn, failNext } = rig({ batchJobs: 1 })
      failNext(new SqliteError(code))
      const first = Promise.allSettled([commit.write(insert(sql, 1)), commit.write(insert(sql, 2))])
      turn()
      turn()
      const expected = halts ? 'halted' : 'log_unavailable'
      const [failed, waiting] = await first
      expect(failed).toMatchObject({ status: 'rejected', reason: { code: expected } })
      expect(waiting).toMatchObject(
        halts ? { status: 'rejected', reason: { code: 'halted' } } : { status: 'fulfilled' },
      )
      expect(rows(sql)).toEqual(halts ? [] : [2])
      expect(halt.why() !== null).toBe(halts)
      expect(events.some((event) => event.type === 'halted')).toBe(halts)
      expect(deaths).toHaveLength(dies ? 1 : 0)
      if (halts)
        await expect(commit.write(insert(sql, 3))).rejects.toMatchObject({ code: 'halted' })
    })

  it('keeps nothing of a batch during which a real disk fills up', async () => {
    const { commit, sql, halt, turn } = rig({}, 12)
    const results = Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => commit.write(insert(sql, n, 'x'.repeat(3_000)))),
    )
    turn()
    for (const result of await results)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'halted' } })
    expect(rows(sql)).toEqual([])
    expect(halt.why()).toContain('full')
  })

  it('cuts batches by number and by bytes, without delaying one that is larger than both', async () => {
    const { commit, sql, events, turn } = rig({ batchJobs: 3, batchBytes: 100 })
    for (const [n, bytes] of [10, 10, 10, 10, 90, 500, 10].entries())
      void commit.write(insert(sql, n), bytes)
    for (let i = 0; i < 5; i++) turn()
    const batches = events.map((event) => (event.type === 'committed' ? event.batch : 0))
    expect(batches).toEqual([3, 2, 1, 1])
    expect(rows(sql)).toHaveLength(7)
  })

  it('sheds what comes beyond its bound and loses nothing it took', async () => {
    const { commit, sql, turn } = rig({ queueJobs: 2 })
    const taken = [commit.write(insert(sql, 1)), commit.write(insert(sql, 2))]
    await expect(commit.write(insert(sql, 3))).rejects.toMatchObject({
      code: 'overloaded',
      retry_after_s: 1,
    })
    turn()
    expect(await Promise.all(taken)).toEqual([1, 2])
    expect(rows(sql)).toEqual([1, 2])
  })

  it('sheds by bytes as well', async () => {
    const { commit, sql } = rig({ queueBytes: 1_000 })
    void commit.write(insert(sql, 1), 900)
    await expect(commit.write(insert(sql, 2), 200)).rejects.toMatchObject({ code: 'overloaded' })
  })

  it('settles what waits before it closes, and accepts nothing afterwards', async () => {
    const { commit, sql, turn } = rig({ batchJobs: 1 })
    const waiting = Promise.all([commit.write(insert(sql, 1)), commit.write(insert(sql, 2))])
    const drained = commit.drain()
    await expect(commit.write(insert(sql, 3))).rejects.toMatchObject({ code: 'log_unavailable' })
    turn()
    turn()
    await drained
    expect(await waiting).toEqual([1, 2])
  })
})
