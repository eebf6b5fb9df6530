/** What outlives an erasure and what retention removes: never milder than before, never another outcome. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts, HostFacts, Strike, Suppression } from '../../src/core/model.ts'
import { unlessesOf } from '../../src/core/policy/eligible-edges.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import { expendableStrikes } from '../../src/core/policy/expendable.ts'
import { suppressionsOf } from '../../src/core/policy/suppressions.ts'
import { decodeFacts } from '../../src/core/record/decode-facts.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import { milder } from '../support/milder.ts'
import { aRandomLadder, aRandomPolicy, compiled, type Json } from '../support/policy-arbitraries.ts'
import { aRandomStrike, someRandomFacts } from '../support/policy-facts.ts'

const RUNS = { numRuns: Number(process.env.PROPERTY_RUNS ?? 150) }
const DAY = 86_400_000

function withFirst(facts: Facts, change: Partial<HostFacts>): Facts {
  const [first, ...others] = facts.hosts
  return { ...facts, hosts: [{ ...first, ...change }, ...others] }
}

function at(facts: Facts, instant: number): Facts {
  return { ...facts, at: epochMs(instant) }
}

/** Rules of the policy by name, and some it has not. */
const aSuppression: fc.Arbitrary<(facts: Facts, policy: Json) => Suppression> = fc
  .record({
    rule: fc.nat(8),
    from: fc.integer({ min: -400, max: 0 }),
    until: fc.option(fc.integer({ min: -10, max: 400 })),
    id: fc.nat(4),
  })
  .map(({ rule, from, until, id }) => (facts, policy) => {
    const rules = policy.rules as readonly { readonly id: string }[]
    return {
      rule: rules[rule]?.id ?? `gone-${rule}`,
      from: epochMs(facts.at + from * DAY),
      until: until === null ? 'forever' : epochMs(facts.at + until * DAY),
      id: `r_${id}`,
    }
  })
const someSuppressions = fc.array(aSuppression, { maxLength: 4 })

describe('suppressions', () => {
  it('never make a decision milder, one more than before (G10)', () => {
    fc.assert(
      fc.property(
        ...[aRandomPolicy, someRandomFacts, someSuppressions, aSuppression],
        (policy, facts, some, extra) => {
          const plan = compiled(policy)
          const before = some.map((make) => make(facts, policy))
          const less = withFirst(facts, { suppressions: before })
          const more = withFirst(facts, { suppressions: [...before, extra(facts, policy)] })
          expect(milder(plan, evaluate(plan, less), evaluate(plan, more))).toEqual([])
        },
      ),
      RUNS,
    )
  })

  it('are facts like any other: in any order, any number of times, and through a record', () => {
    fc.assert(
      fc.property(
        ...[aRandomPolicy, someRandomFacts, fc.array(aSuppression, { minLength: 1, maxLength: 4 })],
        (policy, facts, some) => {
          const plan = compiled(policy)
          const suppressions = some.map((make) => make(facts, policy))
          const once = withFirst(facts, { suppressions })
          const again = withFirst(facts, {
            suppressions: [...suppressions, ...suppressions].reverse(),
          })
          const decision = evaluate(plan, once)
          expect(evaluate(plan, again)).toEqual(decision)
          const read = decodeFacts(JSON.parse(JSON.stringify(once)))
          if (!read.ok) throw new Error(read.error.path)
          expect(JSON.stringify(evaluate(plan, read.value))).toBe(JSON.stringify(decision))
        },
      ),
      RUNS,
    )
  })

  it('that have ended say nothing', () => {
    fc.assert(
      fc.property(aRandomPolicy, someRandomFacts, aSuppression, (policy, facts, make) => {
        const plan = compiled(policy)
        const ended = { ...make(facts, policy), until: facts.at }
        expect(evaluate(plan, withFirst(facts, { suppressions: [ended] }))).toEqual(
          evaluate(plan, facts),
        )
      }),
      RUNS,
    )
  })
})

/** With a rule that any strike meets, so that there is something to keep. */
const aStrictPolicy: fc.Arbitrary<Json> = fc
  .tuple(aRandomPolicy, aRandomLadder)
  .map(([policy, ladder]) => {
    const strict = {
      id: 'strict',
      ground: 'terms',
      outcome: 'deny',
      count: { category: '*' },
      ladder,
    }
    return { ...policy, rules: [...(policy.rules as readonly Json[]), strict] }
  })

describe('erasing oneself', () => {
  it('is never milder, now or later, where no condition counts strikes itself and no `unless` reads the clock', () => {
    let kept = 0
    fc.assert(
      fc.property(
        ...[aStrictPolicy, someRandomFacts, fc.array(fc.integer({ min: 0, max: 900 }))],
        (policy, facts, later) => {
          fc.pre(!JSON.stringify(policy).includes('strikes('))
          const plan = compiled(policy)
          fc.pre(!plan.rules.flatMap(unlessesOf).some((unless) => unless.facts.includes('now')))
          const { strikes } = facts.hosts[0]
          // When the last strike has just come, most restrictions run.
          const erased_at = Math.max(...strikes.map(({ effective_at }) => effective_at), 0)
          fc.pre(erased_at > 0)
          const before = at(withFirst(facts, { strikes }), erased_at)
          const suppressions = suppressionsOf(plan, before)
          kept += suppressions.length
          const erased = withFirst(before, { strikes: [], suppressions })
          const ends = suppressions.flatMap(({ until }) =>
            until === 'forever' ? [] : [until - 1, until],
          )
          const soon = later.map((n) => erased_at + (n % 20))
          const late = later.map((n) => erased_at + n * DAY)
          for (const instant of [...ends, ...soon, ...late, erased_at])
            expect(
              milder(
                plan,
                evaluate(plan, at(before, instant)),
                evaluate(plan, at(erased, instant)),
              ),
            ).toEqual([])
        },
      ),
      RUNS,
    )
    expect(kept).toBeGreaterThan(10)
  })

  it('twice keeps what once kept', () => {
    fc.assert(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const plan = compiled(policy)
        const suppressions = suppressionsOf(plan, facts)
        const erased = withFirst(facts, { strikes: [], suppressions })
        expect(new Set(suppressionsOf(plan, erased))).toEqual(new Set(suppressions))
      }),
      RUNS,
    )
  })
})

describe('strikes that are expendable', () => {
  it('change no decision from now on, whatever comes', () => {
    let gone = 0
    fc.assert(
      fc.property(
        aRandomPolicy,
        someRandomFacts,
        fc.integer({ min: 0, max: 2_000 }),
        fc.array(fc.tuple(aRandomStrike, fc.integer({ min: 0, max: 500 })), { maxLength: 3 }),
        fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 4 }),
        (policy, facts, age, later, days) => {
          const plan = compiled(policy)
          const now = facts.at + age * DAY
          const [first] = facts.hosts
          const known = first.strikes.filter(({ effective_at }) => effective_at <= now)
          const away = new Set(expendableStrikes(plan, known, epochMs(now)))
          gone += away.size
          const added = later.map(([strike, day], i): Strike => {
            const effective_at = epochMs(now + day * DAY)
            return { ...strike, id: `later-${i}`, effective_at, issued_at: effective_at }
          })
          const left = known.filter((strike) => !away.has(strike))
          const whole = withFirst(facts, { strikes: [...known, ...added] })
          const rest = withFirst(facts, { strikes: [...left, ...added] })
          for (const instant of [now, ...days.map((day) => now + day * DAY)] as EpochMs[])
            expect(evaluate(plan, at(rest, instant))).toEqual(evaluate(plan, at(whole, instant)))
        },
      ),
      RUNS,
    )
    expect(gone).toBeGreaterThan(20)
  })
})
