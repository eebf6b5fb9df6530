/**
 * Which revision decides when: the one rule, over every order of activations there is.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Activation } from '../../../src/core/model.ts'
import {
  decidesAt,
  isNews,
  pendingAt,
  propose,
  reignOf,
  reignsOf,
  stateAt,
  type Wish,
} from '../../../src/core/policy/activation.ts'
import { epochMs } from '../../../src/core/time.ts'

const T = Date.UTC(2026, 10, 20)

function one(
  revision: number,
  digest: string,
  from: number,
  more: Partial<Activation> = {},
): Activation {
  return {
    ...{ revision, digest, name: digest, active_from: epochMs(T + from), scheduled: false },
    previous: revision === 1 ? null : revision - 1,
    ...{ cause: 'activation', source: 'api', by: 'me', note: null },
    ...more,
  }
}

const at = (ms: number): ReturnType<typeof epochMs> => epochMs(T + ms)
const numbers = (all: readonly Activation[]): readonly number[] =>
  all.map(({ revision }) => revision)

describe('the revision that decides', () => {
  it('is the highest that has begun, at every instant, however they are listed', () => {
    const some = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(20)), { minLength: 1 })
    fc.assert(
      fc.property(some, fc.nat(25), (list, when) => {
        const all = list.map(([digest, from], i) => one(i + 1, digest, from))
        const begun = all.filter(({ active_from }) => active_from <= at(when))
        const expected = Math.max(...numbers(begun))
        expect(decidesAt(all.toReversed(), at(when))?.revision ?? Number.NEGATIVE_INFINITY).toBe(
          expected,
        )
      }),
    )
  })

  it('has a reign that says the same, but for rollbacks and texts that go on', () => {
    const some = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(20)), { minLength: 1 })
    fc.assert(
      fc.property(some, fc.nat(25), (list, when) => {
        const all = list.map(([digest, from], i) => one(i + 1, digest, from))
        const reign = reignsOf(all).findLast(({ active_from }) => active_from <= at(when))
        expect(reign?.digest).toBe(decidesAt(all, at(when))?.digest)
      }),
    )
  })

  it('is one state for each, at each instant', () => {
    const all = [one(1, 'a', 0), one(2, 'b', 30), one(3, 'c', 20), one(4, 'd', 50)]
    const states = (ms: number): readonly string[] => all.map((each) => stateAt(all, each, at(ms)))
    expect(states(10)).toEqual(['active', 'superseded', 'pending', 'pending'])
    expect(states(20)).toEqual(['past', 'superseded', 'active', 'pending'])
    expect(states(50)).toEqual(['past', 'superseded', 'past', 'active'])
    expect(numbers(pendingAt(all, at(10)))).toEqual([3, 4])
  })
})

describe('reigns', () => {
  it('of one text are one, from its first activation on', () => {
    const all = [one(1, 'a', 0), one(2, 'b', 10), one(3, 'b', 20)]
    expect(numbers(reignsOf(all))).toEqual([1, 2])
    const { reign, earlier } = reignOf(all, all[2] as Activation)
    expect([reign.revision, numbers(earlier)]).toEqual([2, [1]])
  })

  it('that were rolled back never were', () => {
    const all = [one(1, 'a', 0), one(2, 'b', 10), one(3, 'a', 20, { cause: 'rollback' })]
    expect(numbers(reignsOf(all))).toEqual([1])
    expect(reignOf(all, all[2] as Activation)).toMatchObject({
      reign: { revision: 1 },
      earlier: [],
    })
  })

  it('of the same text put back by hand are three', () => {
    const all = [one(1, 'a', 0), one(2, 'b', 10), one(3, 'a', 20)]
    expect(numbers(reignsOf(all))).toEqual([1, 2, 3])
  })
})

describe('a proposal', () => {
  const wish: Wish = {
    ...({ cause: 'activation', source: 'api', digest: 'b', name: 'b' } as const),
    ...{ by: 'me', note: null, activate_at: null, expect_revision: null },
  }

  it('begins after what decides, by the time everybody needs to hear of it', () => {
    const all = [one(1, 'a', 0)]
    for (const [now, lead_ms, from] of [
      [100, 0, 100],
      [100, 10, 110],
      [0, 0, 1],
      [-50, 0, null],
    ] as const) {
      const made = propose(all, wish, { now: at(now), lead_ms })
      if (from !== null)
        expect(made).toMatchObject({ is: 'new', activation: { active_from: T + from } })
    }
  })

  it('begins at once where nothing decides yet, whatever the lead', () => {
    const made = propose([], wish, { now: at(5), lead_ms: 10_000 })
    expect(made).toMatchObject({ activation: { revision: 1, active_from: T + 5, previous: null } })
  })

  it('cannot be called off when it begins before anybody would hear of it', () => {
    const all = [one(1, 'a', 0), one(2, 'b', 100, { scheduled: true })]
    const stop = { cause: 'cancellation', by: 'me', note: null, expect_revision: null } as const
    expect(propose(all, stop, { now: at(95), lead_ms: 10 })).toMatchObject({ is: 'refused' })
    expect(propose(all, stop, { now: at(80), lead_ms: 10 })).toMatchObject({
      activation: { digest: 'a', active_from: T + 90 },
    })
  })

  it('of a file is news unless it is what that file said last', () => {
    const all = [one(1, 'f', 0, { source: 'file' }), one(2, 'x', 10)]
    expect(isNews(all, { source: 'file', digest: 'f' })).toBe(false)
    expect(isNews(all, { source: 'file', digest: 'x' })).toBe(true)
    expect(isNews(all, { source: 'bundle', digest: 'x' })).toBe(true)
    // A deployment that moved is configured with a bundle instead of a file: the same text is nothing new.
    expect(isNews(all, { source: 'bundle', digest: 'f' })).toBe(false)
  })
})
