/**
 * One rule, with everything it may be founded on, against a second implementation written from docs/spec/policy.md:
 * counts and ladders with `unless` (naive-counting.ts) and conditions by their own meaning (policy-conditions.ts).
 *
 * The rule denies, so that everything it is founded on can be read off the decision. What rules do to each other is a
 * join, in policy.test.ts and counting.test.ts.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts, HostFacts, Strike } from '../../src/core/model.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import type { ConditionScope, CountPlan, LadderStep, Plan } from '../../src/core/policy/plan.ts'
import { selectorOf } from '../../src/core/policy/selector.ts'
import { countMatches, inWindow, running, selected } from '../support/naive-counting.ts'
import { NOW } from '../support/plans.ts'
import {
  aRandomFoundation,
  compiled,
  type Foundation,
  randomStrikesOptions,
  writtenAs,
} from '../support/policy-arbitraries.ts'
import type { Said, Truth } from '../support/policy-conditions.ts'
import { someRandomFacts } from '../support/policy-facts.ts'

/** What the words say about one rule and one host. */
interface Told {
  readonly matches: boolean
  /** `on_unknown` applies. */
  readonly unsure: boolean
  readonly warns: boolean
  /** A fact that was lacking is reported. */
  readonly reported: boolean
  /** Null: no end is known. */
  readonly until: number | null
}

const NOTHING: Told = { matches: false, unsure: false, warns: false, reported: false, until: null }

/** Everything a policy's standing lets a count see: every category, severity and scope, since ever. */
const EVERYTHING: CountPlan = {
  categories: selectorOf(['*']),
  severities: new Set(['low', 'medium', 'high', 'critical']),
  ...{ scopes: null, within: null, since: null, at_least: 1, weight_at_least: null, unless: null },
}

function scopeOf(plan: Plan, facts: Facts, host: HostFacts): ConditionScope {
  const { at, stream, request, incident, platform } = facts
  return {
    ...{ now: at, subject: host.facts, request, incident, platform },
    stream: { ...stream, hosts: facts.hosts.length },
    open_broadcasts: host.open_broadcasts,
    countStrikes(pattern, within) {
      const count: CountPlan = { ...EVERYTHING, categories: selectorOf([pattern]), within }
      return inWindow(selected(host.strikes, count, plan), count, plan, NOW).length
    },
  }
}

function tell(plan: Plan, foundation: Foundation, facts: Facts, host: HostFacts): Told {
  const scope = scopeOf(plan, facts, host)
  const counted = tellCount(plan, foundation, host.strikes, scope)
  if (counted === null) return NOTHING
  const { when } = foundation
  const truth = when === undefined ? 1 : when.truth(scope, undefined)
  if (counted.warns) return truth === 1 ? { ...NOTHING, ...counted, matches: false } : NOTHING
  if (truth === 0) return NOTHING
  const unsure = when !== undefined && (truth === 0.5 || isHidden(when, scope))
  return { ...counted, matches: truth === 1, unsure, reported: counted.reported || unsure }
}

/** Some way of taking some `strikes(...)` as 0 leaves it unknown. */
function isHidden(when: Said, scope: ConditionScope): boolean {
  const truthWith = (kept: number): Truth => {
    let place = 0
    const countStrikes: ConditionScope['countStrikes'] = (pattern, within) =>
      (kept >> place++) & 1 ? scope.countStrikes(pattern, within) : 0
    return when.truth({ ...scope, countStrikes }, undefined)
  }
  for (let kept = 0; when.counts > 0 && kept < 2 ** when.counts; kept++)
    if (truthWith(kept) === 0.5) return true
  return false
}

type Counted = Pick<Told, 'warns' | 'reported' | 'until'>

/** Null: the count does not match. */
function tellCount(
  plan: Plan,
  { unless }: Foundation,
  strikes: readonly Strike[],
  scope: ConditionScope,
): Counted | null {
  const rule = plan.rules[0]
  const count = rule?.count ?? null
  if (count === null) return { warns: false, reported: false, until: null }
  const lifting = (strike: Strike): Truth => unless?.truth(scope, strike) ?? 0
  const eligible = selected(strikes, count, plan)
  const chosen = eligible.filter((strike) => lifting(strike) !== 1)
  const doubted = (some: readonly Strike[]): boolean =>
    some.some((strike) => lifting(strike) === 0.5)
  if (rule?.ladder) {
    const told = tellLadder(chosen, count, rule.ladder, plan)
    const alive = chosen.filter((s) => inWindow([s], EVERYTHING, plan, s.effective_at).length > 0)
    return told === null ? null : { ...told, reported: doubted(alive) }
  }
  if (!countMatches(chosen, count, plan, NOW)) return null
  let end = NOW + 1
  while (end < NOW + 40 && countMatches(chosen, count, plan, end)) end++
  return {
    warns: false,
    reported: doubted(inWindow(chosen, count, plan, NOW)),
    until: end === NOW + 40 ? Infinity : end,
  }
}

function tellLadder(
  strikes: readonly Strike[],
  count: CountPlan,
  ladder: readonly LadderStep[],
  plan: Plan,
): Omit<Counted, 'reported'> | null {
  const open = running(strikes, count, ladder, plan)
  if (open.length > 0) return { warns: false, until: Math.max(...open.map(({ until }) => until)) }
  const counted = inWindow(strikes, count, plan, NOW)
  const warning = counted.some((s) => warnsAt(strikes, s, { count, ladder, plan }))
  return warning ? { warns: true, until: null } : null
}

/** The step of this strike is `warn`: its restriction would be one if every step ran for ever. */
function warnsAt(
  strikes: readonly Strike[],
  strike: Strike,
  {
    count,
    ladder,
    plan,
  }: { readonly count: CountPlan; readonly ladder: readonly LadderStep[]; readonly plan: Plan },
): boolean {
  const steps = ladder.map(
    ({ at, length }): LadderStep =>
      length === 'warn' ? { at, length: 'forever' } : { at, length: 'warn' },
  )
  return running(strikes, count, steps, plan).some(({ opened_by }) => opened_by === strike.id)
}

describe('one rule', () => {
  it('matches, doubts, warns and ends when the words say so, for every form it can be founded on', () => {
    fc.assert(
      fc.property(
        randomStrikesOptions,
        aRandomFoundation,
        someRandomFacts,
        (strikes, foundation, facts) => {
          const plan = compiled({
            strikes,
            rules: [{ id: 'r0', ...writtenAs(foundation), outcome: 'deny' }],
          })
          const decision = evaluate(plan, facts)
          const told = facts.hosts.map((host) => tell(plan, foundation, facts, host))
          expect(decision.rules).toEqual(told.some(({ matches }) => matches) ? ['r0'] : [])
          expect(decision.reasons.map(({ host, code }) => `${host} ${code}`).sort()).toEqual(
            told.flatMap((one, host) => codesOf(plan, foundation, one).map((c) => `${host} ${c}`)),
          )
          expect(decision.unknown.map(({ host }) => host)).toEqual(
            told.flatMap(({ reported }, host) => (reported ? [host] : [])),
          )
          const ends = told.flatMap(({ matches, until }) => (matches && until ? [until] : []))
          const until = decision.until === 'forever' ? Infinity : decision.until
          expect(until).toBe(ends.length === 0 ? null : Math.max(...ends))
          expect(decision.retry_after_s).toBe(told.some(({ unsure }) => unsure) ? 30 : null)
        },
      ),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 500) },
    )
  })
})

/** Codes of the reasons, sorted. */
function codesOf(plan: Plan, { count }: Foundation, told: Told): string[] {
  const codes: string[] = []
  if (told.matches) {
    const laddered = plan.rules[0]?.ladder ? 'restriction_active' : 'strike_count'
    codes.push(count === undefined ? 'condition' : laddered)
  }
  if (told.unsure) codes.push('fact_unknown')
  if (told.warns) codes.push('warning')
  return codes.sort()
}
