/** What a log counts of a candidate in the shadow: each decision once, across deaths of its object, of one candidate only. */
import { describe, expect, it } from 'vitest'
import type { ChainEntry } from '../../src/adapters/cloudflare/rpc.ts'
import type { Shadowed } from '../../src/adapters/cloudflare/rpc-shadow.ts'
import type { Sequencer } from '../../src/adapters/cloudflare/sequencer.ts'
import { createTally } from '../../src/core/policy/compare/tally.ts'
import { aDecision, aDeny, NOW } from '../support/http.ts'
import { chain, inPlace, type Place } from './sequencers.ts'

const CANDIDATE = { name: 'shut', digest: 'sha256-a' }
const open = (place: Place, shadow: typeof CANDIDATE | null = CANDIDATE): Promise<Sequencer> =>
  place.open(shadow === null ? {} : { shadow })

function says(entry: ChainEntry | undefined, given: Partial<Shadowed> = {}): ChainEntry {
  if (entry === undefined) throw new Error('no entry')
  const tally = createTally()
  tally.add({ id: entry.record.id, at: NOW, before: aDecision(), after: aDeny() })
  const { digest } = CANDIDATE
  return { ...entry, shadow: { digest, lacking: ['f'], counted: tally.part(), ...given } }
}

const link = (object: string, seq: number): ChainEntry | undefined => chain(object, seq)[0]

/** Decisions, passed over, failed. */
async function figures(log: Sequencer): Promise<readonly number[]> {
  const counts = await log.shadow()
  if (counts === null) throw new Error('nothing is counted')
  return [counts.counted.decisions, counts.passed_over, counts.failed]
}

describe('a log with a candidate in the shadow', () => {
  it('counts what comes with decisions, and those that come without', () =>
    inPlace(async (place) => {
      const log = await open(place)
      expect(await log.shadow()).toMatchObject({ ...CANDIDATE, since: place.clock.at })
      await log.append([says(link('a', 1)), says(link('a', 2), { counted: null })])
      await log.append(chain('a', 3))
      await log.append([{ ...says(link('a', 4)), decision: null }])
      expect(await figures(log)).toEqual([1, 1, 1])
      expect(await log.shadow()).toMatchObject({ lacking: { f: 1 } })
    }))

  it('counts a decision once, however often it is sent', () =>
    inPlace(async (place) => {
      const log = await open(place)
      const entry = says(link('b', 1))
      await Promise.all([log.append([entry]), log.append([entry])])
      await log.append([entry, says(link('b', 2))])
      expect(await figures(log)).toEqual([2, 0, 0])
    }))

  it('counts nothing of an append that is refused', () =>
    inPlace(async (place) => {
      const log = await open(place)
      await expect(log.append([says(link('c', 1)), says(link('c', 3))])).rejects.toMatchObject({
        code: 'conflict',
      })
      expect(await figures(log)).toEqual([0, 0, 0])
    }))

  it('knows after a death what it had counted by its last round', () =>
    inPlace(async (place) => {
      const log = await open(place)
      await log.append([says(link('d', 1)), ...chain('d', 2)])
      while (await log.publish());
      const since = place.clock.at
      place.clock.at += 60_000
      const again = await place.open({ shadow: CANDIDATE, create: false })
      expect(await figures(again)).toEqual([1, 1, 0])
      expect(await again.shadow()).toMatchObject({ since, lacking: { f: 1 } })
      await again.append([says(link('d', 3))])
      expect((await again.shadow())?.counted).toMatchObject({ changes: { allow_to_deny: 2 } })
    }))

  it('begins anew with another candidate, and passes over what is said of the one before', () =>
    inPlace(async (place) => {
      const log = await open(place)
      await log.append([says(link('e', 1))])
      while (await log.publish());
      const other = { name: 'other', digest: 'sha256-b' }
      const next = await place.open({ shadow: other, create: false })
      expect(await next.shadow()).toMatchObject({ ...other, passed_over: 0 })
      await next.append([says(link('e', 2)), says(link('e', 3), { digest: other.digest })])
      expect(await figures(next)).toEqual([1, 1, 0])
    }))

  it('is one row, whatever is counted', () =>
    inPlace(async (place) => {
      const log = await open(place)
      for (let seq = 1; seq <= 300; seq += 50) {
        await log.append(chain('f', seq, 50).map((entry) => says(entry)))
        while (await log.publish());
      }
      expect(await figures(log)).toEqual([300, 0, 0])
      const rows = place.state.storage.sql.exec<{ counted: string }>('SELECT counted FROM shadow')
      expect([...rows].map(({ counted }) => counted.length < 20_000)).toEqual([true])
    }))
})

describe('a log without one', () => {
  it('counts nothing, and writes nothing of it', () =>
    inPlace(async (place) => {
      const log = await open(place, null)
      await log.append([says(link('g', 1))])
      while (await log.publish());
      expect(await log.shadow()).toBe(null)
      expect([...place.state.storage.sql.exec('SELECT * FROM shadow')]).toEqual([])
    }))
})
