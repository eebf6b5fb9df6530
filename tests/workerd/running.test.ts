/** Which chains a log tells that may have something running: each once, at its newest record, wherever that lies. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RunningPage, RunningQuery } from '../../src/adapters/cloudflare/rpc-keeper.ts'
import type { Sequencer } from '../../src/adapters/cloudflare/sequencer.ts'
import { epochMs } from '../../src/core/time.ts'
import { chain, inPlace, type Place } from './sequencers.ts'

const ALL: RunningQuery = { since: epochMs(0), from: null, until: null, limit: 100 }

/** Every page, with what happens between two of them. */
async function told(
  log: Sequencer,
  query: Partial<RunningQuery> = {},
  between: () => Promise<void> = async () => {},
): Promise<readonly string[]> {
  const objects: string[] = []
  let page: RunningPage | null = null
  do {
    page = await log.running({ ...ALL, ...query, from: page?.next ?? null })
    objects.push(...page.objects)
    await between()
  } while (page.next < page.size)
  return objects
}

const minutes = (place: Place, count: number): void => {
  place.clock.at += count * 60_000
}

describe('the chains a log tells', () => {
  it('are each told once, at the newest record', () =>
    inPlace(async (place) => {
      const log = await place.open()
      await log.append(chain('r-a', 1, 3))
      await log.append(chain('r-b', 1))
      await log.append(chain('r-a', 4))
      expect(await told(log)).toEqual(['r-b', 'r-a'])
    }))

  it('are not those whose newest record is older', () =>
    inPlace(async (place) => {
      const log = await place.open()
      await log.append(chain('r-old', 1, 20))
      // A pack of its own: what shares one is told together.
      for (let i = 0; i < 8; i++) await log.append(chain(`r-big-${i}`, 1, 200))
      await log.publish()
      minutes(place, 10)
      const since = place.clock.now()
      await log.append(chain('r-new', 1, 200))
      const found = await told(log, { since })
      expect(found).toContain('r-new')
      expect(found).not.toContain('r-old')
    }))

  it('are found in the bucket as well', () =>
    inPlace(async (place) => {
      const log = await place.open({ segmentEntries: 256 })
      for (let i = 0; i < 4; i++) await log.append(chain(`r-moved-${i}`, 1, 200))
      await log.publish()
      await log.append(chain('r-here', 1))
      const rows = place.state.storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM segments')
      expect(rows.one().n).toBeGreaterThan(0)
      const expected = [...Array.from({ length: 4 }, (_, i) => `r-moved-${i}`), 'r-here']
      expect((await told(log)).toSorted()).toEqual(expected.toSorted())
    }))

  it('are not those of people who were erased', () =>
    inPlace(async (place) => {
      const log = await place.open()
      await log.append([...chain('r-gone', 1), ...chain('r-stays', 1)])
      place.state.storage.sql.exec('UPDATE heads SET object = NULL WHERE chain = 1')
      expect(await told(log)).toEqual(['r-stays'])
    }))

  it('come in pages that follow each other', () =>
    inPlace(async (place) => {
      const log = await place.open()
      for (let i = 0; i < 5; i++) await log.append(chain(`r-page-${i}`, 1, 300))
      const found = await told(log, { limit: 1 })
      expect(found.toSorted()).toEqual(Array.from({ length: 5 }, (_, i) => `r-page-${i}`))
    }))

  it('whose newest record is behind the end are told before it', () =>
    inPlace(async (place) => {
      const log = await place.open()
      await log.append(chain('r-end', 1))
      const { size } = await log.running(ALL)
      await log.append(chain('r-end', 2))
      expect(await told(log)).toEqual(['r-end'])
      const first = await log.running({ ...ALL, until: size })
      expect(first.objects).toContain('r-end')
    }))

  it('are told where they are, so that some can be left for later, up to an end of now', () =>
    inPlace(async (place) => {
      const log = await place.open()
      await log.append([...chain('r-1', 1, 2), ...chain('r-2', 1), ...chain('r-3', 1)])
      const { objects, indexes, size } = await log.running({ ...ALL, until: 'size' })
      expect(objects).toEqual(['r-1', 'r-2', 'r-3'])
      expect(indexes).toEqual([size - 3, size - 2, size - 1])
      await log.append(chain('r-2', 2))
      const rest = await log.running({ ...ALL, from: size - 2, until: size })
      expect(rest.objects.slice(0, 2)).toEqual(['r-2', 'r-3'])
      expect(rest.indexes.slice(0, 2)).toEqual([size - 2, size - 1])
    }))

  it('lose nobody to what is appended between two pages', () =>
    inPlace(async (place) => {
      const log = await place.open()
      const steps = fc.array(fc.nat(5), { minLength: 1, maxLength: 40 })
      let runs = 0
      await fc.assert(
        fc.asyncProperty(steps, steps, async (before, during) => {
          const names = Array.from({ length: 6 }, (_, i) => `r-${++runs}-${i}`)
          const lengths = names.map(() => 0)
          const append = async (of: number): Promise<void> => {
            const name = names[of] ?? ''
            lengths[of] = (lengths[of] ?? 0) + 1
            await log.append(chain(name, lengths[of] ?? 1))
          }
          for (const of of before) await append(of)
          const there = names.filter((_, i) => (lengths[i] ?? 0) > 0)
          const later = [...during]
          const found = await told(log, { limit: 1 }, async () => {
            const of = later.shift()
            if (of !== undefined) await append(of)
          })
          for (const name of there) expect(found).toContain(name)
        }),
        { numRuns: 20 },
      )
    }))
})
