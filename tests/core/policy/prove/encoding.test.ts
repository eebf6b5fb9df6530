/**
 * What the proofs rest on, held against the evaluator on random policies and histories: answers are the join of the
 * answers of single rules; a strike may be exchanged for its class; facts for the values that stand for them.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision, Facts, HostFacts, Strike } from '../../../../src/core/model.ts'
import { evaluate } from '../../../../src/core/policy/evaluate.ts'
import { hostContext } from '../../../../src/core/policy/evaluate-rule.ts'
import { expressionsOf } from '../../../../src/core/policy/expressions.ts'
import { mergeObligations } from '../../../../src/core/policy/join-obligations.ts'
import type { Plan } from '../../../../src/core/policy/plan.ts'
import { fateOf } from '../../../../src/core/policy/prove/kinds.ts'
import { barePlan, onlyRules } from '../../../../src/core/policy/prove/restrict.ts'
import { answerKey, milderIn, rank } from '../../../../src/core/policy/prove/strictness.ts'
import { type StrikeClass, vocabularyOf } from '../../../../src/core/policy/vocabulary.ts'
import { leavesByFact, supportsOf, valueAt } from '../../../../src/core/policy/vocabulary-facts.ts'
import { milder, severity } from '../../../support/milder.ts'
import { aRandomPolicy, compiled } from '../../../support/policy-arbitraries.ts'
import { someRandomFacts } from '../../../support/policy-facts.ts'

/** Of a caller that can carry out whatever is asked, as in every history of a proof. */
const willing = (plan: Plan, facts: Facts): Facts => ({ ...facts, supports: supportsOf(plan) })

const RUNS = { numRuns: Number(process.env.PROPERTY_RUNS ?? 150) }

describe('the answer of a plan', () => {
  it('is the join of the answers of its rules taken alone, and of its default', () => {
    fc.assert(
      fc.property(aRandomPolicy, someRandomFacts, (policy, random) => {
        const plan = compiled(policy)
        const facts = willing(plan, random)
        const parts = plan.rules.map(({ id }) => evaluate(onlyRules(plan, [id]), facts))
        parts.push(evaluate({ ...onlyRules(plan, []), default: plan.default }, facts))
        const whole = evaluate(plan, facts)
        expect(rank(whole)).toBe(Math.max(...parts.map(rank)))
        for (const part of parts) expect(milderIn(part, whole)).toEqual([])
        const max = (read: (one: Decision) => number | null): number =>
          Math.max(...parts.map((part) => read(part) ?? -1))
        expect(whole.retry_after_s ?? -1).toBe(max((it) => it.retry_after_s))
        expect(whole.broadcast_delay_s ?? -1).toBe(max((it) => it.broadcast_delay_s))
        expect(whole.not_before ?? -1).toBe(max((it) => it.not_before))
        const end = (it: Decision): number => (it.until === 'forever' ? Infinity : (it.until ?? -1))
        expect(end(whole)).toBe(max(end))
        const asked = parts.flatMap(({ obligations }) => obligations)
        expect(whole.obligations).toEqual(mergeObligations(asked))
      }),
      RUNS,
    )
  })
})

describe('the order of answers', () => {
  it('is that of the tests, which was written from the specification by itself', () => {
    fc.assert(
      fc.property(aRandomPolicy, someRandomFacts, someRandomFacts, (policy, one, two) => {
        const plan = compiled(policy)
        const later = willing(plan, { ...two, at: one.at })
        const [a, b] = [evaluate(plan, willing(plan, one)), evaluate(plan, later)]
        expect(rank(a)).toBe(severity(a))
        const known = new Set(milder(plan, a, b).map((what) => what.split(' ')[0]))
        const found = new Set(
          milderIn(a, b).map((what) => (what === 'obligations' ? 'obligation' : what)),
        )
        expect(found).toEqual(known)
      }),
      RUNS,
    )
  })
})

/** The class a strike belongs to: the one of the vocabulary to which the same happens. */
function classOf(plan: Plan, classes: readonly StrikeClass[], strike: Strike): StrikeClass | null {
  const { category, severity: grade, scope, weight, context, source } = strike
  const own: StrikeClass = {
    category,
    severity: grade,
    scope,
    weight,
    seen: true,
    ...(context === undefined ? {} : { context }),
    ...(source === undefined ? {} : { source }),
  }
  const fate = fateOf([plan], own)
  return classes.find((kind) => fateOf([plan], kind) === fate) ?? null
}

describe('a strike', () => {
  it('can be exchanged for its class without any answer changing', () => {
    let exchanged = 0
    fc.assert(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const plan = barePlan(compiled(policy))
        // Weights are varied around their sums and not all of them; strikes of other rules' facts stay as they are.
        const simple = plan.rules.every(
          ({ count }) => count?.weight_at_least == null && count?.unless?.strike_only !== false,
        )
        if (!simple) return
        const { classes } = vocabularyOf(plan)
        const exchange = (strike: Strike): Strike => {
          const kind = classOf(plan, classes, strike)
          if (kind === null) return strike
          exchanged++
          const { seen: _, ...members } = kind
          const { context: _c, source: _s, ...rest } = strike
          return { ...rest, ...members }
        }
        const hosts = facts.hosts.map((host) => ({ ...host, strikes: host.strikes.map(exchange) }))
        const other = { ...facts, hosts: hosts as unknown as Facts['hosts'] }
        expect(answerKey(evaluate(plan, other))).toBe(answerKey(evaluate(plan, facts)))
      }),
      RUNS,
    )
    expect(exchanged).toBeGreaterThan(50)
  })

  it('that no rule of a plan sees changes no answer', () => {
    fc.assert(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const plan = barePlan(compiled(policy))
        for (const { id } of plan.rules) {
          const alone = onlyRules(plan, [id])
          const hosts = facts.hosts.map((host) => ({
            ...host,
            strikes: host.strikes.filter(
              (strike) => fateOf([alone], { ...strike, seen: true } as StrikeClass) !== null,
            ),
          }))
          const fewer = { ...facts, hosts: hosts as unknown as Facts['hosts'] }
          expect(answerKey(evaluate(alone, fewer))).toBe(answerKey(evaluate(alone, facts)))
        }
      }),
      RUNS,
    )
  })
})

describe('a fact', () => {
  it('can be exchanged for the value that stands for it without any answer changing', () => {
    let exchanged = 0
    fc.assert(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const plan = barePlan(compiled(policy))
        const { facts: choices, inexact } = vocabularyOf(plan)
        const leaves = leavesByFact(expressionsOf(plan))
        const told = new Map(inexact.map(({ what }) => [what, true]))
        let other = facts
        for (const { path, values } of choices) {
          const [root, member = ''] = path.split('.')
          const own = leaves.get(path) ?? []
          if (root !== 'subject' || path === 'subject.open_broadcasts' || told.has(path)) continue
          if (own.some((leaf) => leaf.facts.length > 1 || leaf.time !== null)) continue
          const [first, ...rest] = other.hosts
          const answers = (host: HostFacts): string => {
            const { scope } = hostContext(plan, other, 0, host)
            return own.map(({ evaluate: ask }) => String(ask(scope, undefined))).join()
          }
          const same = values
            .map((choice): HostFacts => {
              const { [member as 'verified']: _, ...known } = first.facts
              const value = valueAt(choice, facts.at)
              const next = value === undefined ? known : { ...known, [member]: value }
              return { ...first, facts: next as HostFacts['facts'] }
            })
            .find((host) => answers(host) === answers(first))
          expect(same, `${path} has no value for ${answers(first)}`).toBeDefined()
          if (same === undefined) continue
          other = { ...other, hosts: [same, ...rest] }
          exchanged++
        }
        expect(answerKey(evaluate(plan, other))).toBe(answerKey(evaluate(plan, facts)))
      }),
      RUNS,
    )
    expect(exchanged).toBeGreaterThan(50)
  })
})
