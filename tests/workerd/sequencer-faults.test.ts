/**
 * G1, G6, G8 on the edge: every write of a round × what can become of it → does the log go on, does it halt, is
 * anything there twice? After each fault the whole published log is checked with nothing but core.
 */
import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../src/adapters/cloudflare/r2-tiles.ts'
import type { Sequencer } from '../../src/adapters/cloudflare/sequencer.ts'
import {
  chain,
  type Fault,
  indexesFound,
  inPlace,
  newWorld,
  openIn,
  type Place,
  placesOf,
  verifyPublished,
  type World,
} from './sequencers.ts'

const FAULTS: readonly Fault[] = ['lost', 'reported-lost', 'crash-before', 'crash-after', 'late']
/** The two keys a log begins with. */
const FIRST = 2

/** So that the round that is looked at lets a segment go: the first 250 entries. */
const SMALL = { segmentEntries: 200 }

/** A published log of 250 entries with 12 more waiting: full and partial files of both kinds, and two levels. */
async function readyForFaults(place: Place): Promise<{ world: World; log: Sequencer }> {
  const world = newWorld()
  const log = await openIn(world, place, SMALL)
  await log.append(chain('a', 1, 248))
  await log.publish()
  await log.append(chain('b', 1, 12))
  world.writes.length = 0
  return { world, log }
}

/** Runs rounds until nothing waits; a process that has crashed is opened again. */
async function settle(world: World, place: Place, log: Sequencer | null): Promise<Sequencer> {
  let current = log
  for (let attempt = 0; attempt < 6; attempt++)
    try {
      if (world.process.ended) current = null
      current ??= await openIn(world, place, SMALL)
      while (await current.publish());
      const { entries, published, halted } = await current.status()
      expect(halted).toBeNull()
      if (entries === published && !world.process.ended) return current
    } catch {
      // What is told here is told by the write that failed; the next attempt starts from storage.
    }
  throw new Error('the log did not settle')
}

/** Every entry of both chains is in the published log, once, at its index; more can be appended and published. */
async function expectWhole(world: World, place: Place, log: Sequencer): Promise<void> {
  const { bucket, prefix } = place
  world.plan = []
  const indexes = await log.append([...chain('a', 1, 248), ...chain('b', 1, 13)])
  expect(indexes).toEqual(Array.from({ length: 261 }, (_, i) => i + FIRST))
  while (await log.publish());
  await Promise.allSettled(world.late.splice(0).map((write) => write()))
  const { size, entries } = await verifyPublished(bucket, prefix)
  expect(size).toBe(261 + FIRST)
  for (const [i, { record }] of [...chain('a', 1, 248), ...chain('b', 1, 13)].entries())
    expect(entries[i + FIRST]).toBe(record.jws)
  const next = await place.open(SMALL)
  expect(await next.status()).toMatchObject({ halted: null, entries: size, published: size })
  const chains = indexes.slice(0, 261)
  expect((await placesOf(next)).map(({ index }) => index)).toEqual(chains)
  expect(await indexesFound(next, { limit: 100 })).toEqual(chains.toReversed())
  expect(place.state.storage.sql.exec('SELECT count(*) AS n FROM segments').one().n).toBe(1)
}

const writesOfARound = await inPlace(async (place) => {
  const { world, log } = await readyForFaults(place)
  await log.publish()
  await log.append([])
  return [...world.writes]
})

describe('a round on the edge', () => {
  it('commits first, writes files then, publishes then, and moves what is published last', () => {
    expect(writesOfARound).toEqual([
      'commit',
      'tile/entries/000',
      'tile/entries/001.p/6',
      'tile/0/000',
      'tile/0/001.p/6',
      'tile/1/000.p/1',
      'checkpoint',
      'segment',
      'commit',
    ])
  })

  for (const fault of FAULTS)
    for (const [at, name] of writesOfARound.entries())
      it(`goes on after ${name} (write ${at}) is ${fault}, with nothing there twice`, () =>
        inPlace(async (place) => {
          const { world, log } = await readyForFaults(place)
          world.plan = [{ at, fault }]
          await log.publish().catch(() => {})
          await expectWhole(world, place, await settle(world, place, log))
        }))

  for (const first of ['lost', 'crash-after', 'late'] as const)
    for (const second of ['lost', 'reported-lost', 'crash-before'] as const)
      it(`survives two failures in a row: ${first}, then ${second}, at every pair of writes`, async () => {
        for (const at of writesOfARound.keys())
          await inPlace(async (place) => {
            const { world, log } = await readyForFaults(place)
            world.plan = [
              { at, fault: first },
              { at: at + 1 + (at % 3), fault: second },
            ]
            await expectWhole(world, place, await settle(world, place, log))
          })
      })

  it('goes on after any one of its reads of the bucket failed', async () => {
    let met = true
    let failing = 0
    for (; met; failing++)
      await inPlace(async (place) => {
        const { world } = await readyForFaults(place)
        let read = 0
        let over = false
        met = false
        const bucket = {
          put: place.bucket.put.bind(place.bucket),
          list: place.bucket.list.bind(place.bucket),
          delete: place.bucket.delete.bind(place.bucket),
          async get(key: string) {
            const fails = !over && read++ === failing
            met ||= fails
            if (fails) throw new Error(`cannot read ${key}`)
            return place.bucket.get(key)
          },
        } as Bucket
        const log = await place.open({ bucket, ...SMALL }).catch(() => null)
        await log?.publish().catch(() => {})
        over = true
        await expectWhole(world, place, await settle(world, place, log))
      })
    expect(failing).toBeGreaterThan(3)
  })

  it('signs nothing visible when the commit point is never reached', () =>
    inPlace(async (place) => {
      const { world, log } = await readyForFaults(place)
      const before = await (await place.bucket.get(`${place.prefix}checkpoint`))?.text()
      world.plan = [{ at: 0, fault: 'lost' }]
      await expect(log.publish()).rejects.toMatchObject({ code: 'log_unavailable' })
      expect(await (await place.bucket.get(`${place.prefix}checkpoint`))?.text()).toBe(before)
      expect(world.writes).toEqual(['commit'])
    }))
})

describe('an append on the edge', () => {
  for (const fault of ['lost', 'reported-lost', 'crash-before', 'crash-after'] as const)
    it(`whose commit is ${fault} fails, and can be repeated`, () =>
      inPlace(async (place) => {
        const { world, log } = await readyForFaults(place)
        world.plan = [{ at: 0, fault }]
        await expect(log.append(chain('c', 1))).rejects.toMatchObject({ code: 'log_unavailable' })
        const next = await openIn(world, place, SMALL)
        expect(await next.append(chain('c', 1, 2))).toEqual([262, 263])
        await settle(world, place, next)
        expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(264)
      }))

  it('fails alone of forty when its batch is undone: all forty are told so, and nothing is there twice', () =>
    inPlace(async (place) => {
      const { world, log } = await readyForFaults(place)
      world.plan = [{ at: 0, fault: 'lost' }]
      const all = Array.from({ length: 40 }, (_, i) => chain(`forty-${i}`, 1))
      const told = await Promise.allSettled(all.map((entries) => log.append(entries)))
      expect(new Set(told.map(({ status }) => status))).toEqual(new Set(['rejected']))
      const again = await Promise.all(all.map((entries) => log.append(entries)))
      expect(again.flat()).toEqual(Array.from({ length: 40 }, (_, i) => 262 + i))
      await settle(world, place, log)
      expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(302)
    }))
})

describe('the beginning of a log', () => {
  for (const fault of ['lost', 'crash-before', 'crash-after'] as const)
    for (const at of [0, 1, 2, 3, 4])
      it(`is whole or not at all when write ${at} is ${fault}`, () =>
        inPlace(async (place) => {
          const world = newWorld()
          world.plan = [{ at, fault }]
          const log = await openIn(world, place).catch(() => null)
          await log?.publish().catch(() => {})
          world.plan = []
          const next = await settle(world, place, null)
          expect(await next.status()).toMatchObject({ entries: FIRST, halted: null })
          expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(FIRST)
        }))
})
