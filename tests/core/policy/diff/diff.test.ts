/** Two policies: what changed is found, small, the right way round, and named for good; what did not change is not. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../../src/core/encoding.ts'
import { diffPlans } from '../../../../src/core/policy/diff/compare.ts'
import type { Difference } from '../../../../src/core/policy/diff/difference.ts'
import type { Plan } from '../../../../src/core/policy/plan.ts'
import { testFileText } from '../../../../src/core/policy/prove/case-text.ts'
import { expectationFrom } from '../../../../src/core/policy/prove/expectation.ts'
import { parseTestFile } from '../../../../src/core/policy/test-file.ts'
import { runTests } from '../../../../src/core/policy/test-run.ts'
import { aRandomPolicy, compiled } from '../../../support/policy-arbitraries.ts'
import { planOf } from '../prove/failing.ts'

const BASE = `strikes: { expire: 365d, group_within: 10m }
rules:
  - { id: grave, outcome: deny, count: { category: terrorism.*, severity: high.., within: 90d }, ladder: { 1: 30d, 2: 60d } }
  - { id: spam, outcome: deny, count: { category: spam.*, at_least: 3, within: 30d } }
  - { id: new, outcome: delay, hold: 15m, when: now - subject.created_at < duration("24h") }
  - { id: capped, outcome: allow, when: subject.followers < 1000, obligations: [{ type: audience_cap, viewers: 500 }] }
exempt:
  - { id: newsroom, rules: [spam], when: '"newsroom" in subject.labels' }`

/** [what changed, from, to, the directions of what is found, the rule] */
const CHANGES: readonly (readonly [string, string, string, readonly string[], string])[] = [
  ['a longer step', '1: 30d', '1: 40d', ['stricter'], 'grave'],
  ['a shorter step', '2: 60d', '2: 50d', ['milder'], 'grave'],
  ['a step more', '2: 60d }', '2: 60d, 3: forever }', ['stricter'], 'grave'],
  ['a window', 'within: 90d', 'within: 80d', ['milder'], 'grave'],
  ['a severity more', 'high..', 'medium..', ['stricter'], 'grave'],
  ['a category less', 'terrorism.*', 'terrorism.link', ['milder'], 'grave'],
  ['a threshold', 'at_least: 3', 'at_least: 4', ['milder'], 'spam'],
  ['a threshold by weight', 'at_least: 3', 'weight_at_least: 3', ['stricter'], 'spam'],
  ['a scope', 'category: spam.*', 'category: spam.*, scope: live', ['milder'], 'spam'],
  ['a date', 'category: spam.*', 'category: spam.*, since: 2026-01-01', ['milder'], 'spam'],
  [
    'an unless',
    'within: 30d }',
    'within: 30d }, unless: strike.context == "news"',
    ['milder'],
    'spam',
  ],
  [
    'a condition beside a count',
    'within: 30d }',
    'within: 30d }, when: subject.followers > 10',
    ['milder', 'stricter', 'other'],
    'spam',
  ],
  ['an age', '"24h"', '"48h"', ['stricter'], 'new'],
  ['an operator', 'created_at < ', 'created_at <= ', ['stricter'], 'new'],
  ['a hold', '15m', '20m', ['stricter'], 'new'],
  ['a number', '< 1000', '< 900', ['milder'], 'capped'],
  ['an obligation', 'viewers: 500', 'viewers: 600', ['milder'], 'capped'],
  ['who is exempt', '"newsroom" in', '"press" in', ['milder', 'stricter'], 'spam'],
  ['expiry', 'expire: 365d', 'expire: 20d', ['milder'], 'grave'],
  ['grouping', 'group_within: 10m', 'group_within: 0s', ['stricter'], 'grave'],
]

describe('a change', () => {
  const before = planOf(BASE)
  for (const [what, from, to, directions, rule] of CHANGES)
    it(`of ${what} is found, the right way round`, () => {
      expect(BASE).toContain(from)
      const after = planOf(BASE.replace(from, to))
      const { differences } = diffPlans(before, after)
      const found = differences.filter((one) => one.rule === rule)
      expect(found.length).toBeGreaterThan(0)
      for (const { direction } of found) expect(directions).toContain(direction)
      for (const difference of differences) expectCase(before, after, difference)
    })

  it('of a whole is found: the default, the lease, a rule more, a rule less', () => {
    const wholes: readonly (readonly [string, string])[] = [
      ['default: deny', 'stricter'],
      ['lease: 1h', 'stricter'],
    ]
    for (const [line, direction] of wholes) {
      const { differences } = diffPlans(before, planOf(`${line}\n${BASE}`))
      expect(differences).toMatchObject([{ rule: null, direction }])
    }
    const fewer = planOf(BASE.replace(/ {2}- \{ id: spam.*\n/, '').replace(/exempt:\n.*/, ''))
    expect(diffPlans(before, fewer).differences).toMatchObject([
      { rule: 'spam', direction: 'milder' },
    ])
    expect(diffPlans(fewer, before).differences).toMatchObject([
      { rule: 'spam', direction: 'stricter' },
    ])
  })

  it('of words alone is told once, as another answer of the same severity', () => {
    const after = planOf(BASE.replace('id: spam,', 'id: spam, because: "Too much.",'))
    expect(diffPlans(before, after).differences).toMatchObject([
      { rule: 'spam', direction: 'other' },
    ])
  })

  it('that other rules cover everywhere is told as that', () => {
    const covered = BASE.replace(
      '- { id: spam',
      '- { id: all, outcome: deny, count: { category: "*" }, ladder: { 1: forever } }\n  - { id: spam',
    )
    const { differences, covered: rules } = diffPlans(
      planOf(covered),
      planOf(covered.replace('at_least: 3', 'at_least: 4')),
    )
    expect(differences).toEqual([])
    expect(rules).toEqual(['spam'])
  })
})

/** Each difference as a test case: the second policy passes it, the first fails it (where a test can say what differs). */
function expectCase(
  before: Plan,
  after: Plan,
  { id, facts, before: was, after: now }: Difference,
): void {
  const expectation = expectationFrom(now, ['not_before', 'obligations'])
  const text = testFileText('./p.yaml', [{ name: id, facts, expect: expectation }])
  const parsed = parseTestFile(utf8(text), { file: 'p.test.yaml' })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  const [passed] = runTests(after, parsed.value.cases)
  expect(passed?.differences).toEqual([])
  const sayable = JSON.stringify(expectationFrom(was, ['not_before', 'obligations']))
  if (sayable === JSON.stringify(expectation)) return
  const [failed] = runTests(before, parsed.value.cases)
  expect(failed?.differences.length).toBeGreaterThan(0)
}

describe('no change', () => {
  it('is found between policies in another order', () => {
    fc.assert(
      fc.property(aRandomPolicy, (policy) => {
        const turned = compiled({
          ...policy,
          rules: (policy.rules as readonly unknown[]).toReversed(),
          exempt: (policy.exempt as readonly unknown[]).toReversed(),
        })
        expect(diffPlans(compiled(policy), turned, { work: 5_000 }).differences).toEqual([])
      }),
      { numRuns: 40 },
    )
  })

  it('is found for comments, names and dates of the file', () => {
    const after = planOf(`about: Another text.\nas_of: 2027-01-01\n# a comment\n${BASE}`)
    expect(diffPlans(planOf(BASE), after)).toMatchObject({ differences: [], histories: 0 })
  })
})

describe('an id', () => {
  const ids = (a: string, b: string): string[] =>
    diffPlans(planOf(a), planOf(b)).differences.map(({ id }) => id)
  const changed = BASE.replace('1: 30d', '1: 40d')

  it('stays while other rules come, go and change, and dates of the file do', () => {
    const known = ids(BASE, changed)
    expect(known.length).toBeGreaterThan(0)
    const edits = [
      (text: string) => `as_of: 2027-06-01\n${text}`,
      (text: string) => text.replace('at_least: 3', 'at_least: 5'),
      (text: string) =>
        `${text.replace('rules:', 'rules:\n  - { id: more, outcome: deny, count: { category: hate.speech } }')}`,
      (text: string) => text.replace('viewers: 500', 'viewers: 5'),
    ]
    for (const edit of edits) expect(ids(edit(BASE), edit(changed))).toEqual(known)
  })

  it('becomes another when the difference does', () => {
    const known = new Set(ids(BASE, changed))
    for (const other of ids(BASE, BASE.replace('1: 30d', '1: 41d')))
      expect(known).not.toContain(other)
    expect(new Set(ids(BASE, changed)).size).toBe(known.size)
  })
})
