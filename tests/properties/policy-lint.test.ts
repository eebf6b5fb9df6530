/** What the checks conclude from the text holds for random histories and facts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileCondition } from '../../src/core/policy/cel.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import { hostContext } from '../../src/core/policy/evaluate-rule.ts'
import { createCovers } from '../../src/core/policy/lint/covers.ts'
import { longestExpiry, mostCounted } from '../../src/core/policy/lint/span-of-time.ts'
import { truthAlways, truthFrom } from '../../src/core/policy/lint/truth.ts'
import { expireLength } from '../../src/core/standing/standing.ts'
import { addMs } from '../../src/core/time.ts'
import { NOW } from '../support/plans.ts'
import { aRandomPolicy, aRandomRule, compiled, type Json } from '../support/policy-arbitraries.ts'
import { aRandomWhen } from '../support/policy-conditions.ts'
import { someRandomFacts } from '../support/policy-facts.ts'

const RUNS = Number(process.env.PROPERTY_RUNS ?? 300)

/** The same rule, perhaps with members taken away, narrowed or widened: near enough to cover or be covered often. */
const aNearRule = (rule: Json): fc.Arbitrary<Json> =>
  fc
    .record({
      drop: fc.subarray(['when', 'unless', 'lease', 'because', 'appeal', 'clause'], {
        maxLength: 2,
      }),
      outcome: fc.constantFrom('same', 'same', 'deny'),
      count: fc.constantFrom<Json>(
        {},
        { category: 'terrorism.*' },
        { category: '*' },
        { within: '2ms' },
        { severity: 'high..' },
        { scope: 'live' },
      ),
      ladder: fc.constantFrom<Json>({}, { 1: '1ms' }, { 1: '4ms', 2: '9ms', 3: 'forever' }),
    })
    .map(({ drop, outcome, count, ladder }) => {
      const near: Record<string, unknown> = { ...rule }
      if (near.count !== undefined || !drop.includes('when'))
        for (const key of drop) delete near[key]
      if (near.because !== undefined && near.count !== undefined)
        near.count = { ...(near.count as Json), ...count }
      else if (near.count !== undefined) near.count = { ...(near.count as Json), ...count }
      if (near.ladder !== undefined && Object.keys(ladder).length > 0) near.ladder = ladder
      if (near.ground === 'law') near.ground = 'terms'
      if (outcome === 'deny') {
        near.outcome = 'deny'
        for (const key of ['hold', 'review', 'broadcast_delay', 'obligations', 'lease'])
          delete near[key]
      }
      return near
    })

const twoNearRules = aRandomRule.chain((rule) => fc.tuple(aNearRule(rule), aNearRule(rule)))

describe('a rule that is covered', () => {
  it('changes no outcome when it is taken away', () => {
    let covered = 0
    fc.assert(
      fc.property(aRandomPolicy, twoNearRules, someRandomFacts, (policy, [a, b], facts) => {
        const others = (policy.rules as readonly Json[]).slice(1)
        const without = { ...policy, rules: [{ ...a, id: 'r0' }, ...others] }
        const plan = compiled({ ...policy, rules: [...without.rules, { ...b, id: 'r9' }] })
        const [mine, other] = ['r0', 'r9'].map((id) => plan.rules.find((rule) => rule.id === id))
        fc.pre(mine !== undefined && other !== undefined && createCovers(plan)(mine, other))
        covered++
        const both = evaluate(plan, facts)
        const one = evaluate(compiled(without), facts)
        expect([both.outcome, both.mode, both.until]).toEqual([one.outcome, one.mode, one.until])
        if (both.outcome === 'deny') return
        const { obligations, lease_until, broadcast_delay_s } = both
        expect({ obligations, lease_until, broadcast_delay_s }).toEqual({
          obligations: one.obligations,
          lease_until: one.lease_until,
          broadcast_delay_s: one.broadcast_delay_s,
        })
      }),
      { numRuns: RUNS, maxSkipsPerRun: 1000 },
    )
    expect(covered).toBeGreaterThanOrEqual(RUNS)
  })
})

describe('a condition with one truth whatever the facts are', () => {
  it('has that truth for random facts, now and later', () => {
    const known = { always: 0, from: 0 }
    const constant = fc.constantFrom('true', 'false', '1 > 2', 'now < timestamp("2026-01-30")')
    const source = fc.oneof(
      aRandomWhen.map(({ text }) => text),
      fc
        .tuple(aRandomWhen, constant, fc.constantFrom('&&', '||'))
        .map(([{ text }, literal, op]) => `(${text}) ${op} ${literal}`),
    )
    fc.assert(
      fc.property(source, someRandomFacts, fc.nat({ max: 9 }), (text, facts, later) => {
        const condition = compileCondition(text, 'when')
        fc.pre(condition.ok)
        if (!condition.ok) return
        const at = addMs(NOW, later)
        const context = hostContext(compiled(ONE), { ...facts, at }, 0, facts.hosts[0])
        const truth = condition.value.evaluate(context.scope)
        const [always, from] = [truthAlways(condition.value), truthFrom(condition.value, NOW)]
        if (always !== 'unknown') {
          known.always++
          expect(truth).toBe(always)
          expect(from).toBe(always)
        }
        if (from === 'unknown') return
        known.from++
        expect(truth).toBe(from)
      }),
      { numRuns: RUNS },
    )
    expect(known.always).toBeGreaterThan(RUNS / 20)
    expect(known.from).toBeGreaterThan(known.always)
  })
})

const ONE: Json = { rules: [{ id: 'r', when: 'incident.active', outcome: 'deny' }] }

describe('spans of time', () => {
  const IDS = ['terrorism.link', 'terrorism.content', 'terrorism.x.y', 'hate.speech', 'own']

  it('no strike a rule selects lives longer than the longest expiry', () => {
    const pattern = fc.constantFrom('*', 'terrorism.*', 'terrorism.x.*', 'terrorism.link', 'own')
    const entry = fc.tuple(
      fc.constantFrom('default', 'terrorism.*', 'terrorism.x.*', ...IDS),
      fc.constantFrom('1d', '2d', '3d', 'never'),
    )
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { minLength: 1, selector: ([key]) => key }),
        fc.array(pattern, { minLength: 1, maxLength: 2 }),
        (expire, category) => {
          const plan = compiled({
            strikes: { expire: Object.fromEntries(expire) },
            rules: [{ id: 'r', count: { category }, outcome: 'deny' }],
          })
          const selector = plan.rules[0]?.count?.categories
          if (selector === undefined) throw new Error('no count')
          const longest = longestExpiry(plan.strikes, selector)
          const lives = IDS.filter((id) =>
            category.some(
              (one) =>
                one === '*' ||
                one === id ||
                (one.endsWith('.*') && id.startsWith(one.slice(0, -1))),
            ),
          ).map((id) => expireLength(plan.strikes, id))
          for (const life of lives) expect(life).toBeLessThanOrEqual(longest)
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('a window holds exactly as many strikes as said, and not one more', () => {
    for (let within = 1; within <= 12; within++)
      for (let group = 1; group <= 5; group++) {
        const strikes = { group_within: `${group}ms` }
        const count = { category: '*', within: `${within}ms` }
        const plan = compiled({ strikes, rules: [{ id: 'r', count, outcome: 'deny' }] })
        const rule = plan.rules[0]
        if (!rule?.count) throw new Error('no count')
        const most = mostCounted(plan, rule.count)
        const instants = Array.from({ length: 40 }, (_, i) => i * (group + 1))
        const inWindow = instants.filter((ago) => ago < within)
        expect(inWindow.length, `${within} ${group}`).toBe(most)
      }
  })
})
