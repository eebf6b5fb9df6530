/** Restrictions that outlive an erasure: what each stands for, what it says, when it ends. */
import { describe, expect, it } from 'vitest'
import type { Suppression } from '../../../src/core/model.ts'
import { eligibleAt } from '../../../src/core/policy/eligible.ts'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import { explain } from '../../../src/core/policy/explain.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import { suppressionsOf } from '../../../src/core/policy/suppressions.ts'
import {
  aCount,
  ago,
  aLadder,
  always,
  anExemption,
  aPlan,
  aRule,
  aStrike,
  contextIn,
  d,
  NOW,
  someFacts,
  t,
} from '../../support/plans.ts'

const END = t('2026-03-01T00:00:00Z')
const KEPT: Suppression = { rule: 'struck', from: ago('10d'), until: END, id: 'r_1' }
const STRUCK = aRule({
  ...{ id: 'struck', count: aCount(), ladder: aLadder({ 1: '30d', 2: 'forever' }) },
})

function planOf(part: Partial<Plan> = {}): Plan {
  return aPlan({ rules: [STRUCK], languages: ['en'], ...part })
}

const kept = (...suppressions: readonly Suppression[]): ReturnType<typeof someFacts> =>
  someFacts({ suppressions })

describe('a suppression', () => {
  it('denies until its end and says so, without strikes', () => {
    const decision = evaluate(planOf(), kept(KEPT))
    expect(decision).toMatchObject({ outcome: 'deny', until: END, rules: ['struck'] })
    expect(decision.reasons).toMatchObject([
      { rule: 'struck', code: 'restriction_kept', restriction: 'r_1', until: END, strikes: [] },
    ])
    expect(decision.restrictions).toEqual([
      { ...KEPT, subject: someFacts().hosts[0].subject, strikes: [] },
    ])
    expect(evaluate(planOf(), { ...kept(KEPT), at: END }).outcome).toBe('allow')
  })

  it('of a rule the policy has no longer is a deny', () => {
    const decision = evaluate(planOf({ rules: [] }), kept({ ...KEPT, until: 'forever' }))
    expect(decision).toMatchObject({ outcome: 'deny', until: 'forever', rules: ['struck'] })
    expect(decision.reasons[0]?.text).toEqual({
      en: 'An earlier restriction on going live goes on until further notice (no end date).',
    })
  })

  for (const { name, because, said } of [
    {
      name: 'is told as its rule says',
      because: 'No live until {until}.',
      said: /^No live until 1 March/,
    },
    {
      name: 'is told otherwise where its rule would name the strike',
      because: 'For {category}.',
      said: /^An earlier restriction .* 1 March 2026/,
    },
    {
      name: 'is told otherwise where its rule would count strikes',
      because: 'Strike {count}.',
      said: /^An earlier/,
    },
  ])
    it(name, () => {
      const rules = [
        { ...STRUCK, because: { en: because }, appeal: { within: null, url: 'https://a.example' } },
      ]
      const [reason] = evaluate(planOf({ rules }), kept(KEPT)).reasons
      expect(reason?.text.en).toMatch(said)
      expect(reason?.appeal).toEqual({ url: 'https://a.example' })
    })

  it('asks for what its rule asks for', () => {
    const rules = [aRule({ ...STRUCK, outcome: 'delay', broadcast_delay_s: 30 })]
    const decision = evaluate(
      planOf({ rules }),
      someFacts({ suppressions: [KEPT] }, { supports: ['broadcast_delay'] }),
    )
    expect(decision).toMatchObject({ outcome: 'delay', mode: 'broadcast', broadcast_delay_s: 30 })
  })

  for (const { truth, outcome } of [
    { truth: true, outcome: 'deny' },
    { truth: false, outcome: 'allow' },
    { truth: 'unknown', outcome: 'delay' },
  ] as const)
    it(`of a rule whose condition is ${truth} gives ${outcome}`, () => {
      const rules = [{ ...STRUCK, when: always(truth) }]
      expect(evaluate(planOf({ rules }), kept(KEPT)).outcome).toBe(outcome)
    })

  it('does not ask a condition that counts the strikes that are gone', () => {
    const when = { ...always(false), counts: [{ pattern: '*', within: null }] }
    const rules = [{ ...STRUCK, when }]
    expect(evaluate(planOf({ rules }), kept(KEPT)).outcome).toBe('deny')
  })

  it('is lifted by an exemption of its rule', () => {
    const exemptions = [anExemption({ id: 'ex', rules: ['struck'], when: always(true) })]
    const decision = evaluate(planOf({ exemptions }), kept(KEPT))
    expect(decision).toMatchObject({ outcome: 'allow', exemptions: ['ex'] })
  })

  it('of one rule the one that ends last counts', () => {
    const later = { ...KEPT, id: 'r_2', until: t('2026-04-01T00:00:00Z') }
    const decision = evaluate(planOf(), kept(later, KEPT))
    expect(decision.until).toBe(later.until)
    expect(decision.restrictions).toMatchObject([{ id: 'r_2' }])
  })

  it('ends where eligible_at says', () => {
    expect(eligibleAt(planOf(), kept(KEPT))).toEqual({ at: END, reason: null })
    expect(eligibleAt(planOf(), kept({ ...KEPT, until: 'forever' }))).toEqual({
      ...{ at: null, reason: 'restricted without end: struck' },
    })
  })

  it('is a match of its rule in an explanation', () => {
    const { trace, eligible_at } = explain(planOf(), kept(KEPT))
    expect(trace).toMatchObject([{ rule: 'struck', state: 'matched' }])
    expect(eligible_at.at).toBe(END)
  })
})

describe('what goes on when a history is erased', () => {
  const struck = (id: string, length: string): ReturnType<typeof aStrike> =>
    aStrike({ id, effective_at: ago(length), issued_at: ago(length) })

  it('is a running restriction under the id it had', () => {
    const facts = someFacts({ strikes: [struck('s_1', '10d')] })
    const [restriction] = evaluate(planOf(), facts).restrictions
    expect(suppressionsOf(planOf(), facts)).toEqual([
      {
        ...{ rule: 'struck', from: restriction?.from, until: restriction?.until },
        id: restriction?.id,
      },
    ])
  })

  it('is nothing when it is over, only warned, or reversed', () => {
    const warns = planOf({ rules: [{ ...STRUCK, ladder: aLadder({ 1: 'warn' }) }] })
    expect(suppressionsOf(planOf(), someFacts({ strikes: [struck('s_1', '31d')] }))).toEqual([])
    expect(suppressionsOf(warns, someFacts({ strikes: [struck('s_1', '1d')] }))).toEqual([])
    const reversed = { ...struck('s_1', '1d'), status: 'reversed' } as const
    expect(suppressionsOf(planOf(), someFacts({ strikes: [reversed] }))).toEqual([])
  })

  it('does not depend on what a condition or an exemption says at that moment', () => {
    const facts = someFacts({ strikes: [struck('s_1', '10d')] })
    const plan = planOf({
      rules: [{ ...STRUCK, when: always(false) }],
      exemptions: [anExemption({ id: 'ex', rules: ['struck'], when: always(true) })],
    })
    expect(suppressionsOf(plan, facts)).toMatchObject([{ rule: 'struck' }])
  })

  it('is nothing where `unless` lifts the strikes at that moment: nothing runs', () => {
    const facts = someFacts({ strikes: [struck('s_1', '10d')] })
    const lifting = (truth: boolean): Plan => {
      const unless = { ...contextIn('news'), evaluate: () => truth }
      return planOf({ rules: [{ ...STRUCK, count: aCount({ unless }) }] })
    }
    expect(suppressionsOf(lifting(false), facts)).toMatchObject([{ rule: 'struck' }])
    expect(suppressionsOf(lifting(true), facts)).toEqual([])
  })

  it('is a count without ladder until it would have ended', () => {
    const count = aCount({ at_least: 2, within: d('30d') })
    const rules = [aRule({ id: 'twice', count })]
    const strikes = [struck('s_1', '10d'), struck('s_2', '5d')]
    const plan = planOf({ rules })
    const [kept] = suppressionsOf(plan, someFacts({ strikes }))
    expect(kept).toMatchObject({
      rule: 'twice',
      until: evaluate(plan, someFacts({ strikes })).until,
    })
  })

  it('is what was kept before, as far as it runs', () => {
    const over = { ...KEPT, rule: 'other', until: NOW }
    expect(suppressionsOf(planOf(), kept(KEPT, over))).toEqual([KEPT])
  })
})
