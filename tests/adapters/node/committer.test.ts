/** The thread that commits: what it is handed becomes durable as a whole, or nothing of it and everybody is told. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Committer, createCommitter } from '../../../src/adapters/node/committer.ts'
import { createGroupCommit, type GroupCommit } from '../../../src/adapters/node/group-commit.ts'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createHalt, type Halt } from '../../../src/adapters/sqlite/halt.ts'

const INSERT = 'INSERT INTO t (n, bytes) VALUES (?, ?)'
let dir: string
let sql: NodeSql
let committer: Committer
let commit: GroupCommit
let halt: Halt
let mirror: string[]
/** Whether the last batch was committed by the other thread. */
let sent: number

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'livegate-commit-'))
  const path = join(dir, 'test.db')
  sql = openNodeSql(path)
  sql.run('CREATE TABLE t (n INTEGER PRIMARY KEY, bytes BLOB) STRICT')
  const real = createCommitter({ path, sql, onError: () => {} })
  sent = 0
  mirror = []
  committer = {
    ...real,
    commit: (statements, done) => {
      sent++
      real.commit(statements, done)
    },
  }
  halt = createHalt(() => {})
  const die = (error: unknown): never => {
    throw error
  }
  commit = createGroupCommit({ sql, halt, committer, die })
  commit.follow({
    sealed: () => mirror.push('sealed'),
    committed: () => mirror.push('committed'),
    aborted: () => mirror.push('aborted'),
  })
  await committer.rush()
})
afterEach(async () => {
  await committer.stop()
  sql.close()
  rmSync(dir, { recursive: true, force: true })
})

const insert =
  (n: number, bytes: Uint8Array | null = null) =>
  (): number => {
    sql.run(INSERT, n, bytes)
    return n
  }
const rows = (): unknown[] => sql.all('SELECT n FROM t ORDER BY n').map((row) => row.n)

describe('a thread that commits', () => {
  it('makes what it is handed durable before anybody is told, in order, bytes included', async () => {
    const bytes = [new Uint8Array([1, 2, 3]), new Uint8Array(0), new Uint8Array(5_000).fill(7)]
    const told = await Promise.all(
      bytes.map((b, n) =>
        commit.writeLater(insert(n, b)).then((value) => ({ value, rows: rows() })),
      ),
    )
    expect(told.map((one) => one.value)).toEqual([0, 1, 2])
    for (const one of told) expect(one.rows).toEqual([0, 1, 2])
    expect(sql.all('SELECT bytes FROM t ORDER BY n').map((row) => row.bytes)).toEqual(bytes)
    expect(sent).toBe(1)
    expect(mirror).toEqual(['sealed', 'committed'])
  })

  it('has at most two batches on their way, and takes what comes meanwhile along with the next', async () => {
    const all = Array.from({ length: 100 }, (_, n) => commit.writeLater(insert(n)))
    expect(sent).toBe(2)
    expect(await Promise.all(all)).toHaveLength(100)
    expect(rows()).toHaveLength(100)
    expect(sent).toBe(3)
    expect(mirror).toEqual(['sealed', 'sealed', 'committed', 'sealed', 'committed', 'committed'])
  })

  it('undoes a batch that was sent after one that fails, because it builds on it, and goes on', async () => {
    const one = (from: number): Promise<number>[] =>
      Array.from({ length: 8 }, (_, n) => commit.writeLater(insert(from + n)))
    await commit.writeLater(insert(3))
    const results = await Promise.allSettled([...one(0), ...one(100)])
    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'log_unavailable' } })
    expect(sent).toBe(3)
    expect(rows()).toEqual([3])
    expect(await Promise.all(one(200))).toHaveLength(8)
    expect(rows()).toHaveLength(9)
  })

  it('lets memory read again when work throws while a batch is on its way, and keeps that batch', async () => {
    const first = Array.from({ length: 8 }, (_, n) => commit.writeLater(insert(n)))
    const second = Array.from({ length: 8 }, () =>
      commit.writeLater(() => {
        throw new TypeError('a bug')
      }),
    )
    for (const result of await Promise.allSettled(second)) expect(result.status).toBe('rejected')
    expect(await Promise.all(first)).toHaveLength(8)
    expect(rows()).toHaveLength(8)
    expect(mirror).toEqual(['sealed', 'aborted', 'aborted'])
    expect(await commit.writeLater(insert(50))).toBe(50)
    expect(mirror.slice(3)).toEqual(['sealed', 'committed'])
  })

  it('leaves work that reads rows to this thread, between two batches', async () => {
    const first = Array.from({ length: 8 }, (_, n) => commit.writeLater(insert(n)))
    const reading = commit.write(() => rows().length)
    expect(await reading).toBe(8)
    expect(await Promise.all(first)).toHaveLength(8)
    expect(sent).toBe(1)
  })

  it.each([
    { name: 'a row that is there already', spoil: () => sql.run(INSERT, 1, null) },
    {
      name: 'a swap that finds another row than expected',
      spoil: () => sql.swap('UPDATE t SET n = 9 WHERE n = 77'),
    },
  ])('undoes the whole batch at $name, tells all of it, and goes on', async ({ spoil }) => {
    await commit.writeLater(insert(1))
    const results = await Promise.allSettled([
      commit.writeLater(insert(2)),
      commit.writeLater(spoil),
      commit.writeLater(insert(3)),
    ])
    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'log_unavailable' } })
    expect(rows()).toEqual([1])
    expect(mirror).toEqual(['sealed', 'committed', 'sealed', 'aborted'])
    expect(halt.why()).toBeNull()
    expect(await commit.writeLater(insert(4))).toBe(4)
    expect(rows()).toEqual([1, 4])
  })

  it('hands nothing over when the work itself throws', async () => {
    const bug = (): never => {
      throw new TypeError('a bug')
    }
    const results = await Promise.allSettled([commit.writeLater(insert(1)), commit.writeLater(bug)])
    for (const result of results) expect(result.status).toBe('rejected')
    expect(sent).toBe(0)
    expect(rows()).toEqual([])
  })

  it('refuses what a dying thread was doing as unknown, and then commits here', async () => {
    const under_way = Promise.allSettled([commit.writeLater(insert(1))])
    await new Promise((go) => setImmediate(go))
    await committer.stop()
    const [result] = await under_way
    if (result?.status === 'rejected')
      expect(result.reason).toMatchObject({ code: 'log_unavailable' })
    const before = rows()
    expect(await commit.writeLater(insert(2))).toBe(2)
    expect(rows()).toEqual([...before, 2])
  })

  it('settles a batch that is away before it is drained', async () => {
    const waiting = commit.writeLater(insert(1))
    await new Promise((go) => setImmediate(go))
    await commit.drain()
    expect(rows()).toEqual([1])
    expect(await waiting).toBe(1)
  })
})
