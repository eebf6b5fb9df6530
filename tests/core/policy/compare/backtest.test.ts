/**
 * Recorded decisions answered by a candidate: what counts, what is left out and why, and what fairness in time changes.
 */
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../../src/core/encoding.ts'
import type { Activation } from '../../../../src/core/model.ts'
import {
  type BacktestOptions,
  type BacktestReport,
  createBacktest,
  createTotal,
  type Recorded,
} from '../../../../src/core/policy/compare/backtest.ts'
import { evaluate } from '../../../../src/core/policy/evaluate.ts'
import { planInForce } from '../../../../src/core/policy/in-force.ts'
import type { Plan } from '../../../../src/core/policy/plan.ts'
import type { EpochMs } from '../../../../src/core/time.ts'
import { compiledPlan, factsOf, LATER } from '../../../cli/a-recorded-log.ts'

const DAY = 86_400_000
const planOf = (rules: string): Plan =>
  compiledPlan(utf8(`livegate: policy/v1\nname: t\nrules: [${rules}]\n`))
const spam = (days: number, more = ''): Plan =>
  planOf(`{ id: spam, outcome: deny, count: { category: spam.* }, ladder: { 1: ${days}d }${more} }`)

const OLD = spam(7)
const struckAt = LATER(0)
const at = (days: number): EpochMs => LATER(days * DAY)

function recorded(id: string, days: number, plan: Plan = OLD): Recorded {
  const facts = factsOf({ at: at(days), strikes: [{ effective_at: struckAt }] })
  const { digest: policy, revision } = plan
  return { id, policy, revision, facts, said: evaluate(plan, facts) }
}

function backtest(
  candidate: Plan,
  decisions: readonly Recorded[],
  changes: Partial<BacktestOptions> & {
    readonly texts?: readonly Plan[]
    readonly activations?: readonly Activation[]
  } = {},
): BacktestReport {
  const { texts = [OLD], activations = [], ...options } = changes
  const nothing = { activated_at: null, from: null, to: null, rule: null, count_lacking: false }
  const test = createBacktest({ ...nothing, candidate, ...options })
  for (const plan of texts) test.learnText(plan.digest, plan)
  for (const one of activations) test.learnActivation(one)
  for (const one of decisions) test.judge(one)
  const total = createTotal()
  total.merge(structuredClone(test.take()))
  total.merge(test.take())
  return total.report()
}

describe('a backtest', () => {
  it('of the policy that was in force finds nothing', () => {
    const report = backtest(OLD, [recorded('a', 1), recorded('b', 8)])
    expect(report).toMatchObject({
      ...{ decisions: 2, filtered: 0, unchecked: 0, left_out: {}, lacking: {} },
      compared: { decisions: 2, unchanged: 2, changes: {} },
    })
  })

  it('counts what a candidate would have answered', () => {
    const { compared } = backtest(spam(10), [recorded('a', 1), recorded('b', 8), recorded('c', 11)])
    expect(compared.changes).toEqual({ allow_to_deny: 1, later: 1 })
    expect(compared.by_rule.spam?.examples).toEqual(['a', 'b'])
  })

  it('names decisions that the policy in force does not give, and leaves them out', () => {
    const wrong = recorded('b', 1)
    const said = { ...wrong.said, until: at(30) }
    const report = backtest(spam(10), [recorded('a', 1), { ...wrong, said }])
    expect(report).toMatchObject({
      ...{ left_out: { not_reproduced: 1 }, not_reproduced: ['b'] },
      compared: { decisions: 1, changes: { later: 1 } },
    })
  })

  it('of a decision with other rules than recorded is not reproduced either', () => {
    const one = recorded('a', 1)
    const report = backtest(OLD, [{ ...one, said: { ...one.said, rules: ['other'] } }])
    expect(report.left_out).toEqual({ not_reproduced: 1 })
  })

  it('compares without a text of the policy in force, and says so', () => {
    const report = backtest(spam(10), [recorded('a', 1)], { texts: [] })
    expect(report).toMatchObject({ unchecked: 1, compared: { decisions: 1 } })
  })

  const SMALL = planOf("{ id: small, when: 'subject.followers < 1000', outcome: deny }")
  it('leaves out what a candidate cannot know, by fact', () => {
    const report = backtest(SMALL, [recorded('a', 8)])
    expect(report).toMatchObject({
      ...{ left_out: { facts_lacking: 1 }, lacking: { 'subject.followers': 1 } },
      compared: { decisions: 0 },
    })
  })

  it('counts that when asked to, still by fact', () => {
    const report = backtest(SMALL, [recorded('a', 8)], { count_lacking: true })
    expect(report).toMatchObject({
      ...{ left_out: {}, lacking: { 'subject.followers': 1 } },
      compared: { changes: { allow_to_delay: 1 } },
    })
  })

  it('does not call a fact lacking that the recorded answer was short of as well', () => {
    const before = recorded('a', 8, SMALL)
    const both = planOf("{ id: small, when: 'subject.followers < 2000', outcome: delay, hold: 1h }")
    const report = backtest(both, [before], { texts: [SMALL] })
    expect(report).toMatchObject({ left_out: {}, compared: { decisions: 1, unchanged: 1 } })
  })

  const FILTERS: readonly (readonly [string, Partial<BacktestOptions>, number])[] = [
    ['from an instant on, itself included', { from: at(8) }, 1],
    ['up to an instant, itself included', { to: at(8) }, 0],
    ['of a rule with a say before or after', { rule: 'spam' }, 1],
    ['of a rule that has none', { rule: 'other' }, 3],
  ]
  for (const [name, options, filtered] of FILTERS)
    it(`looks only at decisions ${name}`, () => {
      const all = [recorded('a', 1), recorded('b', 8), ...(options.to ? [] : [recorded('c', 40)])]
      const report = backtest(spam(10), all, options)
      expect([report.filtered, report.compared.decisions]).toEqual([
        filtered,
        all.length - filtered,
      ])
    })
})

describe('a backtest in time', () => {
  const activation = (revision: number, plan: Plan, from: EpochMs): Activation => ({
    ...{ revision, digest: plan.digest, name: 't', active_from: from, scheduled: false },
    ...{ previous: revision === 1 ? null : revision - 1, cause: 'activation', source: 'api' },
    ...{ by: 'key', note: null },
  })
  const first = activation(1, OLD, LATER(-DAY))

  it('as if in force all along lengthens what was promised to be shorter', () => {
    const report = backtest(spam(10), [recorded('a', 5)], { activations: [first] })
    expect(report.compared.changes).toEqual({ later: 1 })
  })

  it('activated at an instant keeps what was promised before, and looks at nothing earlier', () => {
    const options = { activations: [first], activated_at: at(3) }
    const report = backtest(spam(10), [recorded('a', 2), recorded('b', 5)], options)
    expect(report).toMatchObject({ filtered: 1, compared: { decisions: 1, unchanged: 1 } })
  })

  it('activated at an instant does what it says retroactively', () => {
    const options = { activations: [first], activated_at: at(3) }
    const report = backtest(
      spam(10, ', retroactive: { why: the law says so }'),
      [recorded('b', 5)],
      options,
    )
    expect(report.compared.changes).toEqual({ later: 1 })
  })

  it('reproduces decisions of a revision that kept earlier promises', () => {
    const longer = spam(30)
    const activations = [first, activation(2, longer, at(1))]
    const [, second] = activations
    if (second === undefined) throw new Error('two')
    const texts = [OLD, longer]
    const planOfDigest = (digest: string): Plan | null =>
      texts.find((plan) => plan.digest === digest) ?? null
    const made = planInForce(activations, second, { plan: longer, planOf: planOfDigest })
    if (!made.ok) throw new Error('no plan')
    const one = recorded('a', 5, made.value)
    expect(one.said.until).toBe(at(7))
    const report = backtest(longer, [one], { texts, activations })
    expect(report).toMatchObject({
      left_out: {},
      unchecked: 0,
      compared: { changes: { later: 1 } },
    })
  })
})
