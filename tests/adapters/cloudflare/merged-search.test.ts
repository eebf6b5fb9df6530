/** Several logs, one list: every decision once, newest first, however little a log looks at in one call. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergedSearch } from '../../../src/adapters/cloudflare/merged-search.ts'
import type { FoundPlace, SequencerRpc } from '../../../src/adapters/cloudflare/rpc.ts'

/** What a log holds: seconds by index, and whether each is what is looked for. */
type Held = readonly { readonly second: number; readonly found: boolean }[]

/** A log that looks at `sight` records a call. */
function aLog(held: Held, sight: number): Pick<SequencerRpc, 'searchDecisions'> {
  const rows = held
    .map(({ second, found }, index) => ({ second, index, found }))
    .sort((a, b) => b.second - a.second || b.index - a.index)
  return {
    async searchDecisions({ cursor, limit }) {
      const [second = Number.MAX_VALUE, index = 0] = cursor?.split('.').map(Number) ?? []
      const behind = rows.filter(
        (row) => row.second < second || (row.second === second && row.index < index),
      )
      const places: FoundPlace[] = []
      let looked = 0
      for (const row of behind.slice(0, sight)) {
        looked++
        if (row.found) places.push({ object: 'o', seq: row.index, ...row })
        if (places.length === limit) break
      }
      const last = behind[looked - 1]
      const through = last === undefined || looked === behind.length
      return { ok: true, value: { places, next: through ? null : `${last.second}.${last.index}` } }
    },
  }
}

async function searched(
  logs: readonly Pick<SequencerRpc, 'searchDecisions'>[],
  limit: number,
): Promise<readonly string[]> {
  const all: string[] = []
  let cursor: string | null = null
  for (let page = 0; page < 1_000; page++) {
    const { places, next } = await mergedSearch(
      logs,
      cursor === null ? { limit } : { limit, cursor },
    )
    expect(places.length).toBeLessThanOrEqual(limit)
    all.push(...places.map((place) => `${place.second} ${place.index}`))
    if (next === null) return all
    expect(next.length).toBeLessThan(512)
    expect(next).not.toBe(cursor)
    cursor = next
  }
  throw new Error('the search never ends')
}

const HELD = fc.array(fc.record({ second: fc.integer({ min: -1, max: 6 }), found: fc.boolean() }), {
  maxLength: 14,
})

describe('a search over several logs', () => {
  it('gives each decision once, in one order, whatever the pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(HELD, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 6 }),
        async (held, limit, sight) => {
          const logs = held.map((one) => aLog(one, sight))
          const expected = held
            .flatMap((one, shard) => one.map((row, index) => ({ ...row, shard, index })))
            .filter(({ found }) => found)
            .sort((a, b) => b.second - a.second || a.shard - b.shard || b.index - a.index)
            .map(({ second, index }) => `${second} ${index}`)
          expect(await searched(logs, limit)).toEqual(expected)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('refuses a cursor of another deployment', async () => {
    const logs = [aLog([], 1), aLog([], 1)]
    for (const cursor of ['', '1', '1.2', '1.2.3', '-2.0.1', '1.0.x', '1.0.1 ', '99999999999.0.1'])
      await expect(mergedSearch(logs, { limit: 1, cursor })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    await expect(mergedSearch(logs, { limit: 1, cursor: '1.1.3' })).resolves.toMatchObject({})
  })
})
