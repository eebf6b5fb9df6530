/** Rollout over random policies and facts: only ever less than everything, only ever more people, and told exactly. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/core/model.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import type { Plan, RulePlan } from '../../src/core/policy/plan.ts'
import { isAmong, type Share, shareText } from '../../src/core/policy/rollout.ts'
import { planFor, wholePlan } from '../../src/core/policy/rollout-plans.ts'
import { milder } from '../support/milder.ts'
import { aRandomPolicy, compiled } from '../support/policy-arbitraries.ts'
import { someRandomFacts } from '../support/policy-facts.ts'

const RUNS = { numRuns: Number(process.env.PROPERTY_RUNS ?? 150) }
const check = (property: fc.IProperty<unknown> | fc.IProperty<never>): void =>
  fc.assert(property as fc.IProperty<unknown>, RUNS)

const aShare = fc.oneof(fc.constantFrom(0, 1, 50, 99, 100), fc.integer({ min: 0, max: 100 }))
const aBucket = fc.integer({ min: 0, max: 99 })
const someShares = fc.array(aShare, { minLength: 1, maxLength: 8 })

const shared = (plan: Plan, shares: readonly Share[]): Plan => ({
  ...plan,
  rules: plan.rules.map(
    (rule, i): RulePlan => ({ ...rule, share: shares[i % shares.length] ?? 100 }),
  ),
})
const inBuckets = (facts: Facts, buckets: readonly number[]): Facts => {
  const [first, ...others] = facts.hosts.map((host, i) => ({
    ...host,
    bucket: buckets[i % buckets.length] ?? 0,
  }))
  if (first === undefined) throw new Error('nobody')
  return { ...facts, hosts: [first, ...others] }
}
const withoutSuppressions = (facts: Facts): Facts => {
  const [first, ...others] = facts.hosts.map(({ suppressions: _, ...host }) => host)
  if (first === undefined) throw new Error('nobody')
  return { ...facts, hosts: [first, ...others] }
}

describe('raising a percentage', () => {
  it('only ever adds people', () => {
    check(
      fc.property(aShare, aShare, aBucket, (a, b, bucket) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)]
        expect(isAmong(less, bucket) && !isAmong(more, bucket)).toBe(false)
      }),
    )
  })

  it('never makes an answer milder, of a rule or of a door', () => {
    check(
      fc.property(
        ...[aRandomPolicy, someRandomFacts, someShares, fc.array(aBucket, { minLength: 1 })],
        ...[aShare, aShare],
        (policy, facts, shares, buckets, a, b) => {
          const plan = compiled(policy)
          const told = inBuckets(facts, buckets)
          const raised = shares.map((share) => Math.min(100, share + 20))
          const [less, more] = [shared(plan, shares), shared(plan, raised)]
          expect(milder(plan, evaluate(less, told), evaluate(more, told))).toEqual([])
          const door = (share: Share): Facts => ({ ...told, enforce: shareText(share) })
          const [low, high] = [door(Math.min(a, b)), door(Math.max(a, b))]
          expect(milder(plan, evaluate(less, low), evaluate(less, high))).toEqual([])
        },
      ),
    )
  })
})

describe('what is enforced for one bucket', () => {
  it('is the policy without the rules that are not, and what would have been is the whole of it', () => {
    check(
      fc.property(
        aRandomPolicy,
        someRandomFacts,
        someShares,
        aBucket,
        (policy, random, shares, bucket) => {
          const facts = withoutSuppressions(random)
          const plan = shared(compiled(policy), shares)
          const { would, ...decision } = evaluate(plan, inBuckets(facts, [bucket]))
          const enforced = evaluate(planFor(plan, bucket), inBuckets(facts, [bucket]))
          expect(decision).toEqual(enforced)
          const all = evaluate(wholePlan(plan), facts)
          if (would === undefined) expect(all.outcome).toBe(decision.outcome)
          else {
            expect(would).toMatchObject({ outcome: all.outcome, mode: all.mode, until: all.until })
            const spared = new Set(
              plan.rules.filter(({ share }) => !isAmong(share, bucket)).map(({ id }) => id),
            )
            for (const { rule } of would.rules) expect(spared.has(rule)).toBe(true)
          }
        },
      ),
    )
  })

  it('with nothing enforced at all is an allow with the policy’s lease', () => {
    check(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const plan = compiled(policy)
        const { outcome, lease_until, reasons } = evaluate(plan, { ...facts, enforce: 'off' })
        expect([outcome, lease_until, reasons]).toEqual(['allow', facts.at + plan.lease_ms, []])
      }),
    )
  })
})
