/** Each kind of fault is seeded once; the proof finds it, and what it prints fails as a test case. */
import { describe, expect, it } from 'vitest'
import type { Condition, Plan, RulePlan } from '../../../../src/core/policy/plan.ts'
import { prove } from '../../../../src/core/policy/prove/prove.ts'
import {
  aCondition,
  aCount,
  aLadder,
  anExemption,
  aPlan,
  aRule,
  d,
} from '../../../support/plans.ts'
import { foundIn, planOf, verdictOf } from './failing.ts'

const grave = (rest: Partial<RulePlan> = {}): RulePlan =>
  aRule({ id: 'grave', count: aCount(), ladder: aLadder({ 1: '30d', 2: '90d' }), ...rest })

/** Written by hand as no compiler would: it reads what it does not declare, or reads it wrongly. */
const followersBelow = (bound: number, absent: boolean): Condition => ({
  ...aCondition(
    ({ subject }) => (subject.followers === undefined ? absent : subject.followers < bound),
    { facts: ['subject.followers'] },
  ),
  source: `subject.followers < ${bound}`,
})

/** What compiled policies cannot do: faults in the plan itself. */
const BROKEN: readonly (readonly [fault: string, property: string, plan: () => Plan])[] = [
  [
    'an absent fact is taken for a value that does not restrict',
    'unknown-never-allows',
    () => aPlan({ rules: [aRule({ id: 'few', when: followersBelow(10, false) })] }),
  ],
  [
    'an absent fact brings an exemption',
    'unknown-never-allows',
    () =>
      aPlan({
        rules: [grave()],
        exemptions: [anExemption({ id: 'big', rules: ['grave'], when: followersBelow(10, true) })],
      }),
  ],
  [
    'the second step of a ladder is shorter than the first',
    'one-more-never-milder',
    () => aPlan({ rules: [grave({ ladder: aLadder({ 1: '30d', 2: '7d' }) })] }),
  ],
  [
    'a ladder falls at its tenth step',
    'one-more-never-milder',
    () => aPlan({ rules: [grave({ ladder: aLadder({ 1: '1d', 2: '90d', 10: '7d' }).slice() })] }),
  ],
  [
    'a rule matches only while there are few strikes',
    'one-more-never-milder',
    () =>
      aPlan({
        rules: [
          aRule({
            id: 'few',
            when: {
              ...aCondition(({ countStrikes }) => countStrikes('*', null) < 2, {
                counts: [{ pattern: '*', within: null }],
              }),
              source: 'strikes("*") >= 2',
            },
          }),
        ],
      }),
  ],
  [
    'an exemption comes with the second strike',
    'one-more-never-milder',
    () =>
      aPlan({
        rules: [grave()],
        exemptions: [
          anExemption({
            id: 'often',
            rules: ['grave'],
            when: {
              ...aCondition(({ countStrikes }) => countStrikes('*', null) >= 2, {
                counts: [{ pattern: '*', within: null }],
              }),
              source: 'strikes("*") >= 2',
            },
          }),
        ],
      }),
  ],
  [
    'a condition reads the clock without saying so',
    'time-never-stricter',
    () =>
      aPlan({
        rules: [
          grave({ id: 'short', ladder: aLadder({ 1: '1d' }) }),
          grave({
            id: 'late',
            ladder: aLadder({ 1: '30d' }),
            when: aCondition(({ now }) => now > Date.UTC(2026, 0, 1, 12)),
          }),
        ].map((rule) => ({ ...rule, count: aCount({ within: d('3d') }) })),
      }),
  ],
]

describe('faults no compiler admits', () => {
  for (const [fault, property, plan] of BROKEN)
    it(fault, () => {
      foundIn(plan(), property)
    })
})

const GRAVE = `
  - { id: grave, outcome: deny, count: { category: terrorism.* }, ladder: { 1: 30d, 2: 90d } }`

/** Faults an author can write. */
const WRITTEN: readonly (readonly [fault: string, property: string, text: string])[] = [
  [
    'a condition that cannot hold',
    'no-rule-is-dead',
    `rules:${GRAVE}
  - { id: never, outcome: deny, when: subject.followers < 10 && subject.followers > 20 }`,
  ],
  [
    'a ladder step that grouping puts out of reach',
    'no-rule-is-dead',
    `strikes: { group_within: 10m }
rules:
  - { id: grave, outcome: deny, count: { category: "*", within: 5m }, ladder: { 1: 30d, 2: 90d } }`,
  ],
  [
    'a ladder step that expiry puts out of reach',
    'no-rule-is-dead',
    `strikes: { group_within: 10m, expire: 10m }
rules:
  - { id: grave, outcome: deny, count: { category: "*" }, ladder: { 1: 30d, 2: 90d } }`,
  ],
  [
    'an unless that lifts every strike',
    'no-rule-is-dead',
    `rules:
  - { id: grave, outcome: deny, count: { category: "*" }, unless: strike.weight >= 1 }`,
  ],
  [
    'a rule in the shadow of a longer one',
    'no-rule-is-dead',
    `rules:${GRAVE}
  - { id: links, outcome: deny, count: { category: terrorism.link, severity: high.. }, ladder: { 1: 7d, 2: 14d } }`,
  ],
  [
    'a delay in the shadow of an endless ban',
    'no-rule-is-dead',
    `rules:
  - { id: ban, outcome: deny, count: { category: terrorism.* }, ladder: { 1: forever } }
  - { id: hate, outcome: deny, count: { category: terrorism.*, at_least: 3 } }`,
  ],
  [
    'a rule that allows what is allowed',
    'no-rule-is-dead',
    `rules:${GRAVE}
  - { id: nothing, outcome: allow, when: incident.active }`,
  ],
  [
    'an exemption that never holds',
    'no-rule-is-dead',
    `rules:
  - { id: spam, outcome: deny, count: { category: spam.* } }
exempt:
  - { id: nobody, rules: [spam], when: subject.followers > 10 && subject.followers < 5 }`,
  ],
  [
    'an exemption that lifts what another rule asks for as well',
    'no-rule-is-dead',
    `rules:
  - { id: spam, outcome: deny, count: { category: spam.* } }
  - { id: all, outcome: deny, count: { category: "*" } }
exempt:
  - { id: idle, rules: [spam], when: subject.verified }`,
  ],
  [
    'an exemption of a grave rule',
    'grave-stays-grave',
    `rules:${GRAVE}
exempt:
  - { id: newsroom, rules: [grave], when: '"newsroom" in subject.labels' }`,
  ],
  [
    'an invariant whose window outlasts the ban',
    'invariant never-allow',
    `rules:${GRAVE}
invariants:
  - { id: never-allow, never: allow, given: { count: { category: terrorism.*, within: 31d } } }`,
  ],
  [
    'an invariant about a severity no rule counts',
    'invariant never-allow',
    `rules:
  - { id: grave, outcome: deny, count: { category: terrorism.*, severity: high.. }, ladder: { 1: 30d } }
invariants:
  - { id: never-allow, never: allow, given: { count: { category: terrorism.*, severity: medium.., within: 30d } } }`,
  ],
  [
    'an invariant an exemption breaks',
    'invariant never-allow',
    `rules:
  - { id: spam, outcome: deny, count: { category: spam.* } }
exempt:
  - { id: verified, rules: [spam], when: subject.verified }
invariants:
  - { id: never-allow, never: allow, given: { count: { category: spam.*, at_least: 2 } } }`,
  ],
  [
    'an invariant against denials that one rule breaks at its threshold',
    'invariant never-deny',
    `rules:
  - { id: spam, outcome: deny, count: { category: spam.*, at_least: 7 } }
invariants:
  - { id: never-deny, never: deny, given: { when: subject.verified } }`,
  ],
  [
    'an invariant against delays',
    'invariant never-delay',
    `rules:
  - { id: new, outcome: delay, hold: 15m, when: now - subject.created_at < duration("24h") }
invariants:
  - { id: never-delay, never: delay, given: { when: subject.verified } }`,
  ],
  [
    'an invariant a default breaks',
    'invariant never-deny',
    `default: deny
rules:${GRAVE}
invariants:
  - { id: never-deny, never: deny, given: { when: subject.verified } }`,
  ],
]

describe('faults an author can write', () => {
  for (const [fault, property, text] of WRITTEN)
    it(fault, () => {
      foundIn(planOf(text), property)
    })

  it('the counterexample is the smallest: one strike, the facts it needs, nothing else', () => {
    const plan = planOf(WRITTEN.find(([fault]) => fault.endsWith('an exemption breaks'))?.[2] ?? '')
    const { facts } = foundIn(plan, 'invariant never-allow')
    expect(facts.hosts[0].strikes).toHaveLength(2)
    expect(facts.hosts[0].facts).toEqual({ verified: true })
  })
})

describe('what a policy says itself', () => {
  it('a condition that turns with the clock is an exception, and is named', () => {
    const plan = planOf(`rules:
  - { id: old, outcome: deny, when: now - subject.created_at > duration("30d") }`)
    const verdict = verdictOf(prove(plan), 'time-never-stricter')
    expect(verdict.status).toBe('proved')
    expect(verdict.exceptions).toEqual([
      'rule `old` says so: `now - subject.created_at > duration("30d")`',
    ])
  })

  it('so are an unless and an exemption that lapse', () => {
    const plan = planOf(`rules:
  - { id: spam, outcome: deny, count: { category: spam.* }, unless: now - strike.issued_at < duration("1d") }
  - { id: few, outcome: deny, when: subject.followers < 10 }
exempt:
  - { id: new, rules: [few], when: now - subject.created_at < duration("7d") }`)
    const verdict = verdictOf(prove(plan), 'time-never-stricter')
    expect(verdict.status).toBe('proved')
    expect(verdict.exceptions).toEqual([
      'exemption `new` says so: `now - subject.created_at < duration("7d")`',
      'rule `spam` says so, unless: `now - strike.issued_at < duration("1d")`',
    ])
  })

  it('an invariant that holds is proved, and how far is said', () => {
    const plan = planOf(`rules:${GRAVE}
invariants:
  - { id: grave, never: allow, given: { count: { category: terrorism.*, within: 30d } } }`)
    const verdict = verdictOf(prove(plan), 'invariant grave')
    expect(verdict).toMatchObject({ status: 'proved', not_covered: [], counterexamples: [] })
    expect(verdict.histories).toBeGreaterThan(0)
  })
})
