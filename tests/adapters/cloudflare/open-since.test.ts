/** The oldest record that can still be what lets something run. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSince } from '../../../src/adapters/cloudflare/open-since.ts'
import type { Activation } from '../../../src/core/model.ts'
import { durationMs, epochMs, HOUR_MS, MINUTE_MS } from '../../../src/core/time.ts'

const NOW = epochMs(Date.UTC(2026, 10, 20, 12))

/** Activations by (revision, hours before now, hours of lease). */
function activated(...given: readonly (readonly [number, number, number])[]) {
  const activations = given.map(([revision, hours_ago]): Activation => {
    const active_from = epochMs(NOW - hours_ago * HOUR_MS)
    const what = { digest: `d${revision}`, name: 'test', active_from, scheduled: false }
    const why = { cause: 'activation', source: 'api', by: 'a', note: null, previous: null } as const
    return { revision, ...what, ...why }
  })
  const leases = new Map(given.map(([revision, , hours]) => [`d${revision}`, hours * HOUR_MS]))
  const planOf = (digest: string) => ({ lease_ms: durationMs(leases.get(digest) ?? 0) })
  return { activations, planOf }
}

const hoursBefore = (at: number): number => (NOW - MINUTE_MS - at) / HOUR_MS

describe('since when what runs was let run', () => {
  it.each<[string, readonly (readonly [number, number, number])[], number]>([
    ['the lease of the only policy', [[1, 100, 4]], 4],
    [
      'a longer lease of the policy before, from when it decided last',
      [
        [1, 100, 12],
        [2, 5, 4],
      ],
      12,
    ],
    [
      'not a longer lease that is over',
      [
        [1, 100, 12],
        [2, 20, 4],
      ],
      4,
    ],
    [
      'not a higher revision’s lease, which is still to come',
      [
        [1, 100, 4],
        [2, -3, 90],
      ],
      4,
    ],
    [
      'no lower revision that came later',
      [
        [2, 100, 4],
        [1, 50, 90],
      ],
      4,
    ],
    ['what an earlier log may have given, by the longest lease here', [[1, 1, 4]], 4],
  ])('%s', (_name, given, hours) => {
    const { activations, planOf } = activated(...given)
    expect(hoursBefore(openSince(activations, planOf, NOW))).toBe(hours)
  })

  it('everything, where the text of what decided is not to be had', () => {
    const { activations } = activated([1, 100, 4])
    expect(openSince(activations, () => null, NOW)).toBe(0)
  })

  it('now, in a log nobody has ever decided in', () => {
    expect(openSince([], () => null, NOW)).toBe(NOW)
  })

  it('whatever was activated when: nothing that still runs began before', () => {
    const one = fc.tuple(fc.integer({ min: -5, max: 60 }), fc.integer({ min: 0, max: 40 }))
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 6 }), fc.nat(70), (given, ago) => {
        const { activations, planOf } = activated(
          ...given.map(([hours_ago, lease], i) => [i + 1, hours_ago, lease] as const),
        )
        const at = NOW - ago * HOUR_MS
        const decided = activations.filter(({ active_from }) => active_from <= at)
        const by = decided.toSorted((a, b) => b.revision - a.revision)[0]
        if (by === undefined || at + planOf(by.digest).lease_ms <= NOW) return
        expect(openSince(activations, planOf, NOW)).toBeLessThanOrEqual(at)
      }),
    )
  })
})
