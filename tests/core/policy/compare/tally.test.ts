/**
 * Counting differences: whole or in parts, the counts are the same; each rule has its changes and its examples.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../../src/core/model.ts'
import {
  directionOf,
  type Said,
  termsChanged,
} from '../../../../src/core/policy/compare/changes.ts'
import { createTally, type Judged } from '../../../../src/core/policy/compare/tally.ts'
import { epochMs } from '../../../../src/core/time.ts'

const T = Date.UTC(2026, 10, 20)
const ALLOW: Said = {
  ...{ outcome: 'allow', mode: null, until: null, not_before: null, review: null },
  ...{ retry_after_s: null, broadcast_delay_s: null, lease_until: null },
  ...{ obligations: [], rules: [] },
}
const deny = (until: number, ...rules: string[]): Said => ({
  ...ALLOW,
  ...{ outcome: 'deny', until: epochMs(T + until), rules },
})
const judged = (i: number, before: Said, after: Said): Judged => ({
  ...{ id: `d${i}`, at: epochMs(T + i), before, after },
})

describe('a tally', () => {
  it('says what each rule had a part in, and names the first decisions', () => {
    const tally = createTally()
    for (let i = 0; i < 9; i++) tally.add(judged(i, ALLOW, deny(1, 'a')))
    tally.add(judged(9, deny(1, 'a', 'b'), deny(2, 'a', 'b')))
    tally.add(judged(10, deny(1, 'a', 'b'), deny(1, 'a', 'b')))
    const { by_rule, rules, directions, changes } = tally.report()
    expect(by_rule).toEqual({
      a: { changes: { allow_to_deny: 9, later: 1 }, examples: ['d0', 'd1', 'd2'] },
      b: { changes: { later: 1 }, examples: ['d9'] },
    })
    expect(rules).toEqual({
      a: { before: 2, after: 11, gained: 9, lost: 0 },
      b: { before: 2, after: 2, gained: 0, lost: 0 },
    })
    expect({ directions, changes }).toEqual({
      directions: { stricter: 10, milder: 0, other: 0 },
      changes: { allow_to_deny: 9, later: 1 },
    })
  })

  it('blames a rule that had its say only before', () => {
    const tally = createTally()
    tally.add(judged(0, deny(1, 'gone', 'stays'), { ...ALLOW, rules: ['stays'] }))
    expect(Object.keys(tally.report().by_rule)).toEqual(['gone'])
  })

  it('blames everybody with a say where only the end changes: a rule gained beside it may be innocent', () => {
    const tally = createTally()
    tally.add(judged(0, deny(1, 'gone', 'stays'), deny(0, 'gained', 'stays')))
    expect(Object.keys(tally.report().by_rule)).toEqual(['gained', 'gone', 'stays'])
  })

  const said = fc.oneof(
    fc.constant(ALLOW),
    fc.constant({ ...ALLOW, lease_until: epochMs(T) }),
    fc
      .tuple(fc.integer({ min: 0, max: 2 }), fc.subarray(['a', 'b', 'c']))
      .map(([until, rules]) => deny(until, ...rules)),
  )
  it('in parts counts what it counts as a whole', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(said, said), { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (pairs, size) => {
          const all = pairs.map(([before, after], i) => judged(i, before, after))
          const whole = createTally()
          for (const one of all) whole.add(one)
          const sum = createTally()
          for (let i = 0; i < all.length; i += size) {
            const part = createTally()
            for (const one of all.slice(i, i + size)) part.add(one)
            sum.merge(structuredClone(part.part()))
          }
          const { examples: shown, ...counts } = sum.report()
          const { examples: expected, ...wanted } = whole.report()
          expect(counts).toEqual(wanted)
          expect(shown.length).toBe(expected.length)
          const kinds = (list: typeof shown): string[] =>
            [...new Set(list.map((e) => e.change))].sort()
          expect(kinds(shown)).toEqual(kinds(expected))
        },
      ),
    )
  })
})

describe('the direction of a change', () => {
  const delay = (mode: Decision['mode'], rest: Partial<Said> = {}): Said => ({
    ...ALLOW,
    ...{ outcome: 'delay', mode, ...rest },
  })
  const TABLE: readonly (readonly [string, Said, Said, string])[] = [
    ['a hold instead of a deny', deny(1), delay('hold'), 'milder'],
    ['an obligation more', ALLOW, { ...ALLOW, obligations: [{ type: 'x' }] }, 'stricter'],
    [
      'a shorter lease',
      { ...ALLOW, lease_until: epochMs(T + 2) },
      { ...ALLOW, lease_until: epochMs(T + 1) },
      'stricter',
    ],
    ['a review instead of a hold', delay('hold'), delay('review'), 'stricter'],
    [
      'a longer hold with a shorter tape delay',
      delay('hold', { not_before: epochMs(T), broadcast_delay_s: 30 }),
      delay('hold', { not_before: epochMs(T + 1), broadcast_delay_s: 10 }),
      'other',
    ],
  ]
  for (const [name, before, after, expected] of TABLE)
    it(`of ${name} is ${expected}`, () =>
      expect(
        directionOf(before.outcome === after.outcome ? 'terms' : 'deny_to_delay', before, after),
      ).toBe(expected))

  it('names every term that changed, also within a review', () => {
    const review = { queue: 'q', by: epochMs(T), at_deadline: 'deny' } as const
    const before = delay('review', { review })
    const after = delay('review', { review: { ...review, by: epochMs(T + 1) }, retry_after_s: 5 })
    expect(termsChanged(before, after)).toEqual(['retry_after_s', 'review'])
  })
})
