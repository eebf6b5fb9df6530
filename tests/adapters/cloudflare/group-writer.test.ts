/** Many writers, one transaction, one sync: what is shared, what is shed, what a failure means for whom. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createGroupWriter,
  type GroupWriter,
  type GroupWriterParts,
} from '../../../src/adapters/cloudflare/group-writer.ts'
import { createTurnWriter } from '../../../src/adapters/cloudflare/turn-writer.ts'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createHalt, type Halt } from '../../../src/adapters/sqlite/halt.ts'

let sql: NodeSql
let halt: Halt
/** What the mirror was told, and what else happened, in order. */
let order: string[]
/** Syncs under way; a test lets them end. */
let syncs: { readonly end: () => void; readonly fail: (error: Error) => void }[]

beforeEach(() => {
  sql = openNodeSql(':memory:')
  sql.run('CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT')
  halt = createHalt()
  order = []
  syncs = []
})
afterEach(() => sql.close())

function writerOver(given: Partial<GroupWriterParts> = {}): GroupWriter {
  const writer = createGroupWriter({
    sql,
    halt,
    sync: () => new Promise((end, fail) => syncs.push({ end: () => end(), fail })),
    arm: () => void order.push('armed'),
    ...given,
  })
  writer.follow({
    committed: () => void order.push('committed'),
    aborted: () => void order.push('aborted'),
  })
  return writer
}

const insert = (n: number) => (): number => {
  order.push(`insert ${n}`)
  sql.run('INSERT INTO t VALUES (?)', n)
  return n
}
const stored = (): unknown[] => sql.all('SELECT n FROM t ORDER BY n').map((row) => row.n)
/** Lets everything happen that needs nothing from outside. */
const turn = (): Promise<void> => new Promise((go) => setImmediate(go))

describe('a group of writers', () => {
  it('shares a transaction: everything that came while the last one was synced', async () => {
    const writer = writerOver()
    const first = writer.writeEntries(insert(1), 1)
    await turn()
    const rest = [2, 3, 4].map((n) => writer.writeEntries(insert(n), 1))
    await turn()
    expect(stored()).toEqual([1])
    expect(syncs).toHaveLength(1)
    syncs[0]?.end()
    expect(await first).toBe(1)
    await turn()
    expect(syncs).toHaveLength(2)
    syncs[1]?.end()
    expect(await Promise.all(rest)).toEqual([2, 3, 4])
    expect(writer.counts()).toEqual({ inserts: 2, inserted: 4 })
    expect(order.slice(0, 3)).toEqual(['armed', 'insert 1', 'committed'])
    expect(order.slice(3)).toEqual(['armed', 'insert 2', 'insert 3', 'insert 4', 'committed'])
  })

  it('answers nobody before the sync has ended', async () => {
    const writer = writerOver()
    let answered = false
    const write = writer.write(insert(1)).then(() => {
      answered = true
    })
    await turn()
    expect([stored(), answered, order]).toEqual([[1], false, ['insert 1']])
    syncs[0]?.end()
    await write
    expect(order).toEqual(['insert 1', 'committed'])
  })

  it('is undone as a whole by one that throws, and goes on', async () => {
    const writer = writerOver({ sync: async () => {} })
    const failing = (): never => {
      throw new Error('no')
    }
    const told = await Promise.allSettled([
      writer.write(insert(1)),
      writer.write(failing),
      writer.write(insert(2)),
    ])
    for (const result of told)
      expect(result).toMatchObject({ reason: { code: 'log_unavailable', retry_after_s: 1 } })
    expect(stored()).toEqual([])
    expect(order.at(-1)).toBe('aborted')
    expect(await writer.write(insert(3))).toBe(3)
  })

  it('is told so when the sync fails: nobody knows what became of it', async () => {
    const writer = writerOver()
    const write = writer.write(insert(1))
    await turn()
    syncs[0]?.fail(new Error('lost'))
    await expect(write).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(order).toEqual(['insert 1', 'aborted'])
  })

  for (const [what, limits, batches] of [
    ['pieces', { batchJobs: 2 }, [2, 2, 1]],
    ['bytes', { batchBytes: 25 }, [2, 2, 1]],
    ['bytes, but always one', { batchBytes: 1 }, [1, 1, 1, 1, 1]],
  ] as const)
    it(`takes at most so many ${what} at once`, async () => {
      const writer = writerOver({ limits, sync: async () => {} })
      await Promise.all([1, 2, 3, 4, 5].map((n) => writer.writeEntries(insert(n), 10)))
      const sizes = order
        .join(' ')
        .split('committed')
        .map((batch) => batch.match(/insert/g)?.length)
      expect(sizes.slice(0, -1)).toEqual(batches)
    })

  for (const [what, limits] of [
    ['pieces', { queueJobs: 2 }],
    ['bytes', { queueBytes: 25 }],
  ] as const)
    it(`sheds what comes when so many ${what} wait, and loses none of those`, async () => {
      const writer = writerOver({ limits })
      const first = writer.write(insert(0), 10)
      await turn()
      const waiting = [1, 2].map((n) => writer.write(insert(n), 10))
      await expect(writer.write(insert(3), 10)).rejects.toMatchObject({
        code: 'overloaded',
        retry_after_s: 1,
      })
      syncs[0]?.end()
      await first
      await turn()
      syncs[1]?.end()
      await Promise.all(waiting)
      expect(stored()).toEqual([0, 1, 2])
      const next = writer.write(insert(4), 10)
      await turn()
      syncs[2]?.end()
      expect(await next).toBe(4)
    })

  for (const name of ['SQLITE_FULL', 'SQLITE_CORRUPT', 'SQLITE_IOERR', 'SQLITE_NOTADB'])
    it(`stops accepting after ${name}, and tells everybody who waits`, async () => {
      const writer = writerOver({ limits: { batchJobs: 1 }, sync: async () => {} })
      const failing = (): never => {
        throw new Error(`database or disk is not well: ${name}`)
      }
      const told = await Promise.allSettled([writer.write(failing), writer.write(insert(1))])
      for (const result of told) expect(result).toMatchObject({ reason: { code: 'halted' } })
      expect(halt.why()).toContain(name)
      await expect(writer.write(insert(2))).rejects.toMatchObject({ code: 'halted' })
      expect(stored()).toEqual([])
    })

  it('tells whoever waits even when nothing can be read again', async () => {
    const writer = writerOver({ sync: () => Promise.reject(new Error('gone')) })
    writer.follow({
      committed: () => {},
      aborted: () => {
        throw new Error('gone, too')
      },
    })
    await expect(writer.write(insert(1))).rejects.toMatchObject({ code: 'halted' })
  })

  it('does not arm for what adds nothing to the log', async () => {
    const writer = writerOver({ sync: async () => {} })
    await writer.write(insert(1))
    await writer.writeLater(insert(2))
    expect(order).not.toContain('armed')
    expect(writer.counts()).toEqual({ inserts: 0, inserted: 0 })
  })
})

describe('one writer', () => {
  it('commits at once, and undoes what throws', async () => {
    const writer = createTurnWriter(sql)
    writer.follow({
      committed: () => void order.push('committed'),
      aborted: () => void order.push('aborted'),
    })
    const write = writer.write(insert(1))
    expect(order).toEqual(['insert 1', 'committed'])
    expect(await write).toBe(1)
    const failing = writer.writeLater(() => {
      insert(2)()
      throw new Error('no')
    })
    await expect(failing).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(order.slice(2)).toEqual(['insert 2', 'aborted'])
    expect(stored()).toEqual([1])
  })
})
