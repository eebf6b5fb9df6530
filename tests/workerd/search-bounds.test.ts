/** What looking for records may cost: objects of the bucket for one id, and how long appends wait beside a search. */
import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../src/adapters/cloudflare/r2-tiles.ts'
import type { ChainEntry } from '../../src/adapters/cloudflare/rpc.ts'
import { epochMs, HOUR_MS } from '../../src/core/time.ts'
import { newId } from '../contract/fixtures.ts'
import { chain, inPlace, type Place, storageOf } from './sequencers.ts'

const SMALL = { segmentEntries: 256 }

/** The bucket, with the segments that were read of it. */
function counted({ bucket }: Place): Bucket & { readonly reads: string[] } {
  const reads: string[] = []
  return {
    reads,
    get: (async (key: string) => {
      if (key.startsWith('records/')) reads.push(key)
      return bucket.get(key)
    }) as Bucket['get'],
    put: bucket.put.bind(bucket),
    list: bucket.list.bind(bucket),
    delete: bucket.delete.bind(bucket),
  }
}

/** A record of a chain of its own, made at an instant. */
function madeAt(object: string, at: number, count = 1): readonly ChainEntry[] {
  return chain(object, 1, count).map((entry) => ({
    ...entry,
    at: epochMs(at),
    record: { ...entry.record, id: newId(epochMs(at)) },
  }))
}

describe('an id', () => {
  it('of the second a clock stood at for a day costs what any other does, and each is found', () =>
    inPlace(async (place) => {
      const log = await place.open(SMALL)
      const t0 = place.clock.at
      const ahead = t0 + 24 * HOUR_MS
      const entries: ChainEntry[] = []
      const take = async (at: number, name: string, count: number): Promise<void> => {
        place.clock.at = at
        const made = madeAt(name, at, count)
        entries.push(...made)
        await log.append(made)
      }
      await take(t0, 'before', 100)
      await take(ahead, 'ahead', 100)
      for (let i = 0; i < 24; i++) await take(t0 + 3_600_000 * i + 1_000, `behind-${i}`, 100)
      // Records whose id is of the very second, taken while the clock is behind it.
      const odd = madeAt('odd', ahead, 3)
      await log.append(odd)
      await take(ahead + 1_000, 'after', 100)
      await log.publish()
      const bucket = counted(place)
      const reopened = await place.open({ ...SMALL, bucket })
      expect(place.state.storage.sql.exec('SELECT count(*) AS n FROM segments').one().n).toBe(8)
      expect(place.state.storage.sql.exec('SELECT first, until FROM behind').toArray()).toEqual([
        { first: 202, until: 2605 },
      ])
      for (const { object, seq, record } of [...entries.filter((_, i) => i % 37 === 0), ...odd])
        expect(await reopened.find(record.id)).toMatchObject({ object, seq })
      for (const at of [t0, ahead - 1_000, ahead, ahead + 1_000]) {
        bucket.reads.length = 0
        expect(await reopened.find(newId(epochMs(at)))).toBeNull()
        expect(bucket.reads.length).toBeLessThanOrEqual(3)
      }
    }))

  it('is told by the tables again when a transaction was undone in which the clock fell behind', () =>
    inPlace(async (place) => {
      const t0 = place.clock.at
      let failing = false
      const storage = {
        ...storageOf(place.state, place.alarm),
        sync: () => (failing ? Promise.reject(new Error('no')) : place.state.storage.sync()),
      }
      const log = await place.open({ storage })
      await log.append(madeAt('a', t0))
      place.clock.at = t0 - HOUR_MS
      failing = true
      await log.append(madeAt('b', t0 - HOUR_MS)).catch(() => {})
      failing = false
      await log.append(madeAt('c', t0 - HOUR_MS))
      expect(place.state.storage.sql.exec('SELECT until FROM behind').toArray()).toEqual([
        { until: null },
      ])
    }))
})

describe('a search', () => {
  it('that looks at thousands of records lets others in between', () =>
    inPlace(async (place) => {
      const log = await place.open()
      for (let first = 1; first < 6_000; first += 500) await log.append(chain('many', first, 500))
      while (await log.publish());
      // What is still a pack, too.
      for (let first = 6_001; first < 7_000; first += 500)
        await log.append(chain('many', first, 500))
      let turns = 0
      let done = false
      const others = (async () => {
        for (; !done; turns++) await scheduler.wait(0)
      })()
      const found = await log.searchDecisions({ limit: 10, rule: 'none' })
      done = true
      await others
      expect(found.places).toEqual([])
      expect(found.next).not.toBeNull()
      // Some 300 records a turn.
      expect(turns).toBeGreaterThan(8)
      const page = log.records({ from: 0, limit: 5_000 })
      done = false
      turns = 0
      const again = (async () => {
        for (; !done; turns++) await scheduler.wait(0)
      })()
      expect((await page).places.length).toBeGreaterThan(4_000)
      done = true
      await again
      expect(turns).toBeGreaterThan(8)
    }))
})
