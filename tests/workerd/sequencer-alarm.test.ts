/** Rounds by alarm: armed with the write they are for, at most one a second, and harmless twice, early or late. */
import { describe, expect, it } from 'vitest'
import { LivegateError } from '../../src/core/errors.ts'
import { chain, inPlace, newWorld, openIn, storageOf, verifyPublished } from './sequencers.ts'

describe('the alarm', () => {
  it('is set in the event that writes what it is for, before it', () =>
    inPlace(async (place) => {
      const order: string[] = []
      const storage = storageOf(place.state, place.alarm)
      const log = await place.open({
        storage: {
          ...storage,
          async setAlarm() {
            order.push('alarm')
            queueMicrotask(() => order.push('end of turn'))
          },
          transactionSync(work) {
            order.push('transaction')
            return storage.transactionSync(work)
          },
        },
      })
      // Tables, then the first entries of the log.
      expect(order.slice(0, 4)).toEqual(['transaction', 'alarm', 'transaction', 'end of turn'])
      expect((await log.status()).entries).toBe(2)
    }))

  it('publishes, and is cleared when nothing waits', () =>
    inPlace(async ({ open, alarm, clock }) => {
      const log = await open()
      expect(alarm.at).toBe(clock.at)
      await log.alarm()
      expect(alarm.at).toBeNull()
      expect((await log.status()).published).toBe(2)
    }))

  it('runs one round a second, whenever it goes off', () =>
    inPlace(async ({ open, alarm, clock }) => {
      const log = await open()
      await log.alarm()
      const began = clock.at
      await log.append(chain('a', 1))
      expect(alarm.at).toBe(began + 1_000)
      clock.at += 400
      await log.alarm()
      expect((await log.status()).published).toBe(2)
      expect(alarm.at).toBe(began + 1_000)
      clock.at += 600
      await log.alarm()
      expect((await log.status()).published).toBe(3)
    }))

  it('twice at once is one round, and late is a round like any other', () =>
    inPlace(async (place) => {
      const world = newWorld()
      const log = await openIn(world, place)
      await Promise.all([log.alarm(), log.alarm(), log.alarm()])
      expect(world.writes.filter((name) => name === 'checkpoint')).toHaveLength(1)
      place.clock.at += 86_400_000
      await log.alarm()
      expect(place.alarm.at).toBeNull()
      await log.append(chain('a', 1))
      place.clock.at += 86_400_000
      await log.alarm()
      await log.alarm()
      expect(world.writes.filter((name) => name === 'checkpoint')).toHaveLength(2)
      expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(3)
    }))

  it('is set again before a round begins, and for what was appended during one', () =>
    inPlace(async (place) => {
      const { bucket, alarm, clock } = place
      let during: (() => Promise<unknown>) | null = null
      const set: (number | null)[] = []
      const log = await place.open({
        bucket: {
          get: bucket.get.bind(bucket),
          list: bucket.list.bind(bucket),
          delete: bucket.delete.bind(bucket),
          put: async (...args: Parameters<R2Bucket['put']>) => {
            set.push(alarm.at)
            await during?.()
            during = null
            return bucket.put(...args)
          },
        } as R2Bucket,
      })
      during = () => log.append(chain('a', 1))
      await log.alarm()
      expect(set[0]).toBeGreaterThan(clock.at)
      expect(alarm.at).toBe(clock.at + 1_000)
      expect(await log.status()).toMatchObject({ entries: 3, published: 2 })
      clock.at += 1_000
      await log.alarm()
      expect(await log.status()).toMatchObject({ entries: 3, published: 3 })
    }))

  it('is not taken away from what is written but not yet durable', () =>
    inPlace(async (place) => {
      const storage = storageOf(place.state, place.alarm)
      let held: Promise<void> = Promise.resolve()
      const log = await place.open({
        storage: { ...storage, sync: () => held.then(() => storage.sync()) },
      })
      await log.alarm()
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      const append = log.append(chain('a', 1))
      await scheduler.wait(0)
      place.clock.at += 1_000
      await log.alarm()
      resolve()
      await append
      expect(place.alarm.at).not.toBeNull()
    }))

  it('never rejects: a round that fails is tried again, later each time', () =>
    inPlace(async (place) => {
      const world = newWorld()
      const errors: unknown[] = []
      const log = await openIn(world, place, { onError: (error) => errors.push(error) })
      const waits: number[] = []
      for (let failure = 0; failure < 8; failure++) {
        world.plan = [{ at: world.writes.length + (failure === 0 ? 1 : 0), fault: 'lost' }]
        await log.alarm()
        waits.push((place.alarm.at ?? 0) - place.clock.at)
        place.clock.at = place.alarm.at ?? 0
      }
      expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
      expect(errors).toHaveLength(8)
      world.plan = []
      await log.alarm()
      expect(place.alarm.at).toBeNull()
      expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(2)
    }))

  it('is not set for an append that is refused before it is written', () =>
    inPlace(async ({ open, alarm }) => {
      const log = await open()
      await log.alarm()
      const [entry] = chain('a', 1)
      if (entry === undefined) throw new Error('no entry')
      const refused = log.append([{ ...entry, seq: 0 }])
      await expect(refused).rejects.toBeInstanceOf(LivegateError)
      expect(alarm.at).toBeNull()
    }))

  it('is set again by opening a log with something to publish', () =>
    inPlace(async ({ open, alarm, clock }) => {
      const log = await open()
      await log.append(chain('a', 1))
      alarm.at = null
      await open()
      expect(alarm.at).toBe(clock.at)
    }))
})
