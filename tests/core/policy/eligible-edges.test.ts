/** The first instant is found where it lies among others: neither the first edge nor the last, nor one too late. */
import { describe, expect, it } from 'vitest'
import { eligibleAt } from '../../../src/core/policy/eligible.ts'
import { addMs } from '../../../src/core/time.ts'
import {
  aCount,
  ago,
  always,
  anExemption,
  aPlan,
  aRule,
  aStrike,
  d,
  hasLabel,
  NOW,
  someFacts,
  t,
} from '../../support/plans.ts'
import { compiled } from '../../support/policy-arbitraries.ts'

/** An exemption that might come true at any instant, so that nobody may leap over edges. */
const perhaps = anExemption({
  ...{ id: 'e', rules: ['c'] },
  when: { ...hasLabel('x'), facts: ['now', 'subject.labels'] },
})
const days = (...lengths: readonly string[]) =>
  lengths.map((length, i) =>
    aStrike({ id: `s${i}`, effective_at: addMs(ago('30d'), d(length)), severity: 'high' }),
  )

describe('among many edges the first instant', () => {
  const rule = aRule({ id: 'c', count: aCount({ within: d('60d'), at_least: 3 }) })
  const plan = aPlan({ rules: [rule], exemptions: [perhaps] })
  const lasts = (length: string) => addMs(addMs(NOW, d('30d')), d(length))

  for (const [many, answer] of [
    [3, '1d'],
    [4, '2d'],
    [6, '4d'],
    [9, '7d'],
  ] as const)
    it(`is in their middle: of ${many} strikes the ${many - 2}th has to go`, () => {
      const lengths = Array.from({ length: many }, (_, i) => `${i + 1}d`)
      const facts = someFacts({ strikes: days(...lengths), facts: { labels: [] } })
      expect(eligibleAt(plan, facts).at).toBe(lasts(answer))
    })

  it('may lie before the policy grows too old, though later edges do not', () => {
    const [a, b, c] = days('1d', '2d', '9d')
    const strikes = [a, b, { ...c, severity: 'low' }] as ReturnType<typeof days>
    const high = aRule({
      id: 'c',
      count: aCount({ within: d('60d'), severities: new Set(['high']) }),
    })
    const stale = { max_age: d('90d'), effect: 'deny', from: lasts('5d') } as const
    const facts = someFacts({ strikes, facts: { labels: [] } })
    const old = aPlan({ rules: [high], exemptions: [perhaps], stale })
    expect(eligibleAt(old, facts).at).toBe(lasts('2d'))
  })
})

describe('a comparison of the clock with an instant', () => {
  const text = (operator: string): Parameters<typeof compiled>[0] => ({
    ...{ livegate: 'policy/v1', name: 'closed', lease: '4h' },
    rules: [
      { id: 'r', when: `now ${operator} timestamp("2026-02-10T00:00:00Z")`, outcome: 'deny' },
    ],
  })
  const opens = t('2026-02-10T00:00:00Z')

  it('turns at that instant, or a millisecond later', () => {
    expect(eligibleAt(compiled(text('<')), someFacts()).at).toBe(opens)
    expect(eligibleAt(compiled(text('<=')), someFacts()).at).toBe(addMs(opens, 1))
  })
})

describe('what a person said about a broadcast', () => {
  const review = { queue: 'q', within: d('1h'), at_deadline: 'deny' } as const
  const plan = aPlan({ rules: [aRule({ id: 'r', when: always(true), outcome: 'delay', review })] })
  const said = (result: 'released' | 'refused', at = ago('1h')) =>
    eligibleAt(plan, someFacts({ reviews: [{ rule: 'r', result, at }] }))

  it('before now is known', () => {
    expect(said('released')).toEqual({ at: NOW, reason: null })
    expect(said('released', NOW)).toEqual({ at: NOW, reason: null })
    expect(said('refused')).toEqual({ at: null, reason: 'refused by a review' })
  })

  it('after now is not', () =>
    expect(said('released', addMs(NOW, 1))).toEqual({ at: null, reason: 'depends on a review' }))
})
