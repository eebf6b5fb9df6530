/** The queue of reviews as rows: pages by deadline, what becomes of an item, and when a row goes. */
import { describe, expect, it } from 'vitest'
import { openDirectory } from '../../../src/adapters/cloudflare/directory-tables.ts'
import { createEdgeReviews } from '../../../src/adapters/cloudflare/edge-reviews.ts'
import { REVIEW_SLICES, reviewsName } from '../../../src/adapters/cloudflare/names.ts'
import { carried, type DirectoryRpc } from '../../../src/adapters/cloudflare/rpc.ts'
import { openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import {
  forgetReviews,
  listReviews,
  openReviews,
  putReviews,
  REVIEW_TABLES,
} from '../../../src/adapters/sqlite/review-queue.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import type { Sql } from '../../../src/adapters/sqlite/sql.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import { epochMs } from '../../../src/core/time.ts'
import {
  CLOSED_KEPT_MS,
  type ReviewItem,
  type ReviewSearch,
} from '../../../src/gate/review-items.ts'
import type { ReviewQueue } from '../../../src/ports.ts'

function item(n: number, given: Partial<ReviewItem> = {}): ReviewItem {
  return {
    ...{ id: `${'A'.repeat(22)}.0.${n}`, stream: 's', rule: 'look', queue: 'live' },
    ...{ decision: 'A'.repeat(22), opened_at: epochMs(n), by: epochMs(1_000 + n) },
    at_deadline: 'deny',
    ...given,
  }
}
const word = { result: 'released', at: epochMs(5), by: 'key' } as const

interface Queue {
  readonly put: (subject: string, items: readonly ReviewItem[], at?: number) => void
  readonly queue: ReviewQueue
}

function sqlQueue(): Queue & { readonly sql: Sql } {
  const sql = openNodeSql(':memory:')
  migrate(sql, [REVIEW_TABLES])
  return {
    sql,
    put: (subject, items, at = 0) => putReviews(sql, subject, items, at),
    queue: { list: async (search) => listReviews(sql, search) },
  }
}

const pepper = {
  hash: (what: string, text: string) => portableHasher.digestText(`${what} ${text}`),
}

/** As on the edge: slices with tables of their own, merged. */
function slicedQueue(): Queue {
  const slices = new Map<string, ReturnType<typeof openDirectory>>()
  const tables = (name: string): ReturnType<typeof openDirectory> => {
    const found = slices.get(name) ?? openDirectory(openNodeSql(':memory:'))
    slices.set(name, found)
    return found
  }
  const directory = (name: string): DirectoryRpc =>
    ({
      listReviews: (search: ReviewSearch) =>
        carried(() => tables(name).listReviews(search), console.error),
    }) as Partial<DirectoryRpc> as DirectoryRpc
  return {
    put: (subject, items, at = 0) =>
      void tables(reviewsName(pepper, subject)).putReviews(subject, items, epochMs(at)),
    queue: createEdgeReviews({ directory }),
  }
}

const HOSTS: readonly (readonly [string, () => Queue])[] = [
  ['in one database', sqlQueue],
  ['in slices', slicedQueue],
]

describe.each(HOSTS)('the queue %s', (_name, make) => {
  const ids = async ({ queue }: Queue, search: Partial<ReviewSearch> = {}): Promise<string[]> =>
    (await queue.list({ limit: 50, ...search })).items.map(
      ({ id, subject }) => `${subject} ${id.split('.')[2]}`,
    )

  it('is read page by page, soonest deadline first, each item once', async () => {
    const world = make()
    for (let n = 0; n < 40; n++)
      world.put(`u${n}`, [item(n, { by: epochMs(2_000 - 7 * (n % 20)) })])
    for (const limit of [1, 7, 20, 40]) {
      const found: string[] = []
      let last = 0
      let cursor: string | null = null
      do {
        const from: { cursor?: string } = cursor === null ? {} : { cursor }
        const page: Awaited<ReturnType<ReviewQueue['list']>> = await world.queue.list({
          limit,
          ...from,
        })
        expect(page.items.length).toBeLessThanOrEqual(limit)
        for (const { by, subject } of page.items) {
          expect(by).toBeGreaterThanOrEqual(last)
          last = by
          found.push(subject)
        }
        cursor = page.next
      } while (cursor !== null)
      expect(found).toHaveLength(40)
      expect(new Set(found).size).toBe(40)
    }
  })

  it('lists by queue and by what has become of an item', async () => {
    const world = make()
    world.put('a', [item(1), item(2, { queue: 'law' })])
    expect(await ids(world)).toEqual(['a 1', 'a 2'])
    expect(await ids(world, { queue: 'law' })).toEqual(['a 2'])
    world.put('a', [item(1, { result: word })])
    expect(await ids(world)).toEqual(['a 2'])
    expect(await ids(world, { state: 'released' })).toEqual(['a 1'])
    expect(await ids(world, { state: 'refused' })).toEqual([])
    const claim = { by: 'key', until: epochMs(9) }
    world.put('a', [item(2, { queue: 'law', claim })])
    expect((await world.queue.list({ limit: 5 })).items).toMatchObject([{ claim }])
  })

  it('lets a row go a week after the word, or the deadline nobody said one by', async () => {
    const world = make()
    world.put('a', [item(1), item(2, { result: word })])
    world.put('a', [item(3)], 5 + CLOSED_KEPT_MS - 1)
    expect(await ids(world, { state: 'released' })).toHaveLength(1)
    world.put('a', [item(4)], 5 + CLOSED_KEPT_MS)
    expect(await ids(world, { state: 'released' })).toHaveLength(0)
    world.put('a', [item(5)], 1_001 + CLOSED_KEPT_MS)
    expect(await ids(world)).toEqual(['a 3', 'a 4', 'a 5'].filter((one) => one !== 'a 1'))
  })

  it.each(['x', '1', '1:', ':a', '1:a b', `1:${'a'.repeat(99)}`])(
    'refuses %j as a cursor',
    async (cursor) => {
      const world = make()
      await expect(world.queue.list({ limit: 1, cursor })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    },
  )
})

describe('rows of a subject', () => {
  it('are forgotten with it, and nobody else’s', () => {
    const { sql, put } = sqlQueue()
    put('a', [item(1)])
    put('b', [item(2)])
    forgetReviews(sql, 'a')
    expect(listReviews(sql, { limit: 5 }).items.map(({ subject }) => subject)).toEqual(['b'])
  })

  it('lie in one of the slices, the same every time', () => {
    const names = Array.from({ length: 200 }, (_, n) => reviewsName(pepper, `u${n}`))
    expect(new Set(names).size).toBe(REVIEW_SLICES)
    expect(names[0]).toBe(reviewsName(pepper, 'u0'))
  })
})

it('counts what has no word yet and its deadline ahead, out of the index alone', () => {
  const { sql, put } = sqlQueue()
  expect(openReviews(sql, 0)).toBe(0)
  put('u', [item(1), item(2), item(3, { result: word })])
  put('v', [item(10)])
  expect([0, 1_001, 1_002, 1_010].map((at) => openReviews(sql, at))).toEqual([3, 2, 1, 0])
  put('v', [item(10, { result: word })])
  expect(openReviews(sql, 0)).toBe(2)
  const plan = sql.all(
    "EXPLAIN QUERY PLAN SELECT COUNT(*) AS open FROM review_items WHERE state = 'open' AND due > 0",
  )
  expect(String(plan[0]?.detail)).toContain('COVERING INDEX review_items_by_due')
})
