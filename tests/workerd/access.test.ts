/**
 * Access records on the edge: durable in the log's own object when answered; what becomes of one when a write fails, is told
 * to have failed, or hangs.
 */
import { describe, expect, it } from 'vitest'
import type { SequencerStorage } from '../../src/adapters/cloudflare/sequencer.ts'
import { OPENINGS_BURST } from '../../src/core/limits.ts'
import type { Access } from '../../src/gate/access.ts'
import { inPlace, type Place, storageOf } from './sequencers.ts'

const ACCESS: Access = { by: 'k', via: 'records', groups: ['chain'], ids: ['x', 'y'] }
/** The two keys a log begins with. */
const FIRST = 2

type Fault = 'none' | 'before' | 'after' | 'hangs'

/** Storage whose next sync has this fate. */
function faulty(place: Place): { readonly storage: SequencerStorage; next: Fault } {
  const storage = storageOf(place.state, place.alarm)
  const given = {
    next: 'none' as Fault,
    storage: {
      ...storage,
      transactionSync<T>(work: () => T): T {
        if (given.next !== 'before') return storage.transactionSync(work)
        given.next = 'none'
        throw new Error('the object was reset')
      },
      async sync() {
        const fault = given.next
        given.next = 'none'
        if (fault === 'hangs') await new Promise(() => {})
        await storage.sync()
        if (fault === 'after') throw new Error('the object was reset')
      },
    },
  }
  return given
}

describe('an access record', () => {
  it('is an entry of the log, and still there when the object wakes again', () =>
    inPlace(async (place) => {
      const log = await place.open()
      await log.access(ACCESS)
      await log.access(ACCESS)
      await log.publish()
      expect(await log.status()).toMatchObject({ entries: FIRST + 2, published: FIRST + 2 })
      expect((await (await place.open()).status()).entries).toBe(FIRST + 2)
    }))

  for (const { fault, left } of [
    { fault: 'before', left: [0] },
    { fault: 'after', left: [0, 1] },
    { fault: 'hangs', left: [0, 1] },
  ] as const)
    it(`whose write ${fault === 'hangs' ? fault : `fails ${fault} it is done`} is told as 503; the next one is written`, () =>
      inPlace(async (place) => {
        const failing = faulty(place)
        const after = (_delay: number, fire: () => void): (() => void) => {
          const timer = setTimeout(fire, 50)
          return () => clearTimeout(timer)
        }
        const log = await place.open({ storage: failing.storage, after })
        // The first one makes sure that the log has begun.
        await log.access(ACCESS)
        failing.next = fault
        await expect(log.access(ACCESS)).rejects.toMatchObject({ code: 'log_unavailable' })
        const again = fault === 'hangs' ? await place.open() : log
        const { entries } = await again.status()
        expect(left.map((more) => FIRST + 1 + more)).toContain(entries)
        await again.access(ACCESS)
        expect((await again.status()).entries).toBe(entries + 1)
      }))

  it('is written so often for one caller, and for another all the same', () =>
    inPlace(async (place) => {
      const log = await place.open()
      for (let i = 0; i < OPENINGS_BURST; i++) await log.access(ACCESS)
      await expect(log.access(ACCESS)).rejects.toMatchObject({ code: 'rate_limited' })
      await log.access({ ...ACCESS, by: 'another' })
      place.clock.at += 1_000
      await log.access(ACCESS)
      expect((await log.status()).entries).toBe(FIRST + OPENINGS_BURST + 2)
    }))
})
