/** A bucket that does not even refuse: a call of it that never comes back must not hold a log for ever. */
import { expect, it } from 'vitest'
import { BUCKET_PATIENCE_MS } from '../../src/adapters/cloudflare/patient-tiles.ts'
import type { Bucket } from '../../src/adapters/cloudflare/r2-tiles.ts'
import type { After } from '../../src/gate/context.ts'
import { chain, inPlace, type Place, verifyPublished } from './sequencers.ts'

interface Hanging {
  readonly bucket: Bucket
  readonly after: After
  /** From now on the next call of this kind never returns. */
  hang(method: 'get' | 'put'): void
  /** Waits until something hangs, and lets everybody's patience end. */
  giveUp(): Promise<void>
}

function hanging({ bucket }: Place): Hanging {
  const timers = new Set<() => void>()
  let [next, hung] = ['', false]
  const around = (method: 'get' | 'put') =>
    ((...args: never[]) => {
      if (next !== method)
        return (bucket[method] as (...given: never[]) => unknown).apply(bucket, args)
      next = ''
      hung = true
      return new Promise(() => {})
    }) as never
  return {
    bucket: {
      get: around('get'),
      put: around('put'),
      list: (options) => bucket.list(options),
      delete: (keys) => bucket.delete(keys),
    },
    after(delay_ms, fire) {
      expect(delay_ms).toBe(BUCKET_PATIENCE_MS)
      timers.add(fire)
      return () => timers.delete(fire)
    },
    hang(method) {
      next = method
    },
    async giveUp() {
      while (!hung) await scheduler.wait(0)
      hung = false
      for (const fire of [...timers]) fire()
    },
  }
}

it('while a log is opened fails that opening alone', () =>
  inPlace(async (place) => {
    await (await place.open()).append(chain('hangs', 1))
    const { hang, giveUp, ...given } = hanging(place)
    hang('get')
    const opening = place.open(given)
    const failed = expect(opening).rejects.toMatchObject({ code: 'log_unavailable' })
    await giveUp()
    await failed
    expect(await (await place.open(given)).append(chain('hangs', 2))).toEqual([3])
  }))

for (const method of ['get', 'put'] as const)
  it(`in a round (${method}) is tried again by the next one`, () =>
    inPlace(async (place) => {
      const { hang, giveUp, ...given } = hanging(place)
      const log = await place.open(given)
      await log.publish()
      await log.append(chain('hangs', 1, 3))
      hang(method)
      const round = log.alarm()
      await giveUp()
      await round
      expect(place.alarm.at).not.toBeNull()
      place.clock.at += 120_000
      await log.alarm()
      expect((await verifyPublished(place.bucket, place.prefix)).size).toBe(5)
    }))
