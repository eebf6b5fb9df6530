/**
 * Counts and ladders against a second implementation (tests/support/naive-counting.ts), and the laws of merging
 * obligations. Whole rules, with `when` and `unless`, are in policy-reference.test.ts.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision, Strike } from '../../src/core/model.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import { mergeObligations } from '../../src/core/policy/join-obligations.ts'
import { countMatches, running, selected } from '../support/naive-counting.ts'
import { NOW, someFacts } from '../support/plans.ts'
import { compiled } from '../support/policy-arbitraries.ts'
import { aRandomStrike } from '../support/policy-facts.ts'

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
