/**
 * Counts and ladders against a second implementation that follows the words of docs/spec/policy.md and nothing else:
 * all subsets, all strikes, no order, no shortcuts.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision, Strike } from '../../src/core/model.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import { mergeObligations } from '../../src/core/policy/join-obligations.ts'
import type { CountPlan, LadderStep, Plan } from '../../src/core/policy/plan.ts'
import { NOW, someFacts } from '../support/plans.ts'
import { aRandomStrike, compiled } from '../support/policy-arbitraries.ts'

const SEVERITY = ['low', 'medium', 'high', 'critical']

/** Least number of closed intervals of length g covering the points: by trying every set of left ends. */
function leastCover(points: readonly number[], g: number): number {
  if (g === 0) return points.length
  let least = points.length
  for (let set = 0; set < 2 ** points.length; set++) {
    const ends = points.filter((_, i) => (set >> i) & 1)
    const covers = points.every((x) => ends.some((end) => end <= x && x <= end + g))
    if (covers) least = Math.min(least, ends.length)
  }
  return least
}

function expiryOf(strike: Strike, plan: Plan): number {
  if (strike.expires_at !== undefined) return strike.expires_at
  const { expire_exact, expire_prefix, expire_default } = plan.strikes
  const prefixes = expire_prefix.filter(([prefix]) => strike.category.startsWith(prefix))
  const longest = prefixes.toSorted(([a], [b]) => b.length - a.length)[0]
  const length = expire_exact.get(strike.category) ?? longest?.[1] ?? expire_default
  return length === 'never' ? Infinity : strike.effective_at + length
}

function selected(strikes: readonly Strike[], count: CountPlan, plan: Plan): Strike[] {
  const limit = plan.strikes.ignore_content_older_than
  return strikes.filter((s) => {
    const tooOld =
      limit !== null &&
      s.content_created_at !== undefined &&
      s.effective_at - s.content_created_at > limit
    const { all, exact, prefixes } = count.categories
    return (
      s.status === 'active' &&
      s.effective_at <= NOW &&
      !tooOld &&
      (all || exact.has(s.category) || prefixes.some((p) => s.category.startsWith(p))) &&
      SEVERITY.some((word) => word === s.severity && count.severities.has(s.severity)) &&
      (count.scopes === null || s.scope === 'any' || count.scopes.has(s.scope)) &&
      (count.since === null || s.effective_at >= count.since)
    )
  })
}

/** Strikes in the window `(at - within, at]` that are unexpired at `at`. */
function inWindow(strikes: readonly Strike[], count: CountPlan, plan: Plan, at: number): Strike[] {
  return strikes.filter(
    (s) =>
      s.effective_at <= at &&
      (count.within === null || s.effective_at > at - count.within) &&
      expiryOf(s, plan) > at,
  )
}

function numberOf(strikes: readonly Strike[], plan: Plan): number {
  const points = strikes.map(({ effective_at }) => effective_at)
  return leastCover(points, plan.strikes.group_within)
}

function countMatches(
  strikes: readonly Strike[],
  count: CountPlan,
  plan: Plan,
  at: number,
): boolean {
  const counted = inWindow(strikes, count, plan, at)
  if (counted.length === 0) return false
  const weight = counted.reduce((sum, s) => sum + s.weight, 0)
  const heavy = count.weight_at_least !== null && weight >= count.weight_at_least
  return heavy || numberOf(counted, plan) >= count.at_least
}

/** Every restriction that runs now, with its opening strike. */
function running(
  strikes: readonly Strike[],
  count: CountPlan,
  ladder: readonly LadderStep[],
  plan: Plan,
): { until: number; opened_by: string; from: number }[] {
  return strikes.flatMap((s) => {
    const counted = inWindow(strikes, count, plan, s.effective_at)
    if (!counted.includes(s)) return []
    const n = numberOf(counted, plan)
    const step = ladder.filter(({ at }) => at <= n).at(-1)
    if (step === undefined || step.length === 'warn') return []
    const until = step.length === 'forever' ? Infinity : s.effective_at + step.length
    return until > NOW ? [{ until, opened_by: s.id, from: s.effective_at }] : []
  })
}

const untilOf = ({ until }: Decision): number => (until === 'forever' ? Infinity : (until ?? -1))
const history = fc
  .array(aRandomStrike, { maxLength: 9 })
  .map((all) => all.map((strike, i): Strike => ({ ...strike, id: `s${i}` })))
const span = fc.constantFrom('1ms', '2ms', '4ms', '7ms')
const strikesPlan = fc.record({
  expire: fc.constantFrom<unknown>('never', '6ms', {
    default: '9ms',
    'terrorism.*': '3ms',
    'terrorism.link': 'never',
  }),
  group_within: fc.constantFrom('0s', '1ms', '2ms', '3ms', '5ms'),
  ignore_content_older_than: fc.constantFrom('5ms', '50ms'),
})
const selection = fc.record(
  {
    category: fc.constantFrom('*', 'terrorism.*', 'hate.speech'),
    severity: fc.constantFrom('high..', '..medium'),
    scope: fc.constantFrom(['live'], ['chat']),
    within: span,
  },
  { requiredKeys: ['category'] },
)

describe('a count', () => {
  const threshold = fc.record(
    { at_least: fc.integer({ min: 1, max: 4 }), weight_at_least: fc.integer({ min: 2, max: 9 }) },
    { requiredKeys: [] },
  )
  it('matches and ends when the words say so', () => {
    fc.assert(
      fc.property(strikesPlan, selection, threshold, history, (strikes, select, limits, all) => {
        const rule = { id: 'r', count: { ...select, ...limits }, outcome: 'deny' }
        const plan = compiled({ strikes, rules: [rule] })
        const count = plan.rules[0]?.count
        if (!count) throw new Error('the rule counts')
        const decision = evaluate(plan, someFacts({ strikes: all }))
        const chosen = selected(all, count, plan)
        expect(decision.outcome === 'deny').toBe(countMatches(chosen, count, plan, NOW))
        if (decision.outcome !== 'deny') return
        const end = untilOf(decision)
        const edges = end === Infinity ? [NOW, NOW + 1e6] : [NOW, end - 1]
        for (const at of edges) expect(countMatches(chosen, count, plan, at)).toBe(true)
        if (end !== Infinity) expect(countMatches(chosen, count, plan, end)).toBe(false)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a ladder', () => {
  const steps = fc.constantFrom<Record<string, string>>(
    { 1: '3ms' },
    { 1: 'warn', 2: '4ms', 3: '10ms' },
    { 1: '1ms', 3: '5ms', 4: 'forever' },
    { 1: '2ms', 2: '20ms' },
  )
  it('runs, ends and is opened when the words say so', () => {
    fc.assert(
      fc.property(strikesPlan, selection, steps, history, (strikes, count, ladder, all) => {
        const plan = compiled({ strikes, rules: [{ id: 'r', count, ladder, outcome: 'deny' }] })
        const [rule] = plan.rules
        if (!rule?.count || !rule.ladder) throw new Error('the rule has a ladder')
        const decision = evaluate(plan, someFacts({ strikes: all }))
        const open = running(selected(all, rule.count, plan), rule.count, rule.ladder, plan)
        const last = Math.max(-1, ...open.map(({ until }) => until))
        expect(untilOf(decision)).toBe(last)
        const openers = open.filter(({ until }) => until === last)
        for (const { from, opened_by } of decision.restrictions)
          expect(openers).toContainEqual({ until: last, from, opened_by })
      }),
      { numRuns: 1000 },
    )
  })
})

describe('merging obligations', () => {
  const obligation = fc.oneof(
    fc.record({
      type: fc.constantFrom('audience_cap', 'own'),
      viewers: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record(
      {
        type: fc.constantFrom('own', 'latency'),
        seconds: fc.integer({ min: 1, max: 3 }),
        max_a: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constant('x')),
        min_b: fc.integer({ min: 1, max: 3 }),
        tone: fc.boolean(),
      },
      { requiredKeys: ['type'] },
    ),
  )
  const some = fc.array(obligation, { maxLength: 6 })

  it('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(some, some, some, (a, b, c) => {
        const left = mergeObligations([...mergeObligations([...a, ...b]), ...c])
        expect(left).toEqual(mergeObligations([...a, ...mergeObligations([...b, ...c])]))
        expect(JSON.stringify(left)).toBe(JSON.stringify(mergeObligations([...c, ...b, ...a])))
        expect(mergeObligations([...left, ...left])).toEqual(left)
      }),
    )
  })
})
