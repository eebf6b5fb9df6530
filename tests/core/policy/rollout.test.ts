/** Rollout: what is not enforced adds nothing, is told, and meets the same people for as long as its percentage stands. */
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/core/encoding.ts'
import type { Facts, HostFacts } from '../../../src/core/model.ts'
import { affected } from '../../../src/core/policy/affected.ts'
import { createComparison } from '../../../src/core/policy/compare/tally.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { diffPlans } from '../../../src/core/policy/diff/compare.ts'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import { explain } from '../../../src/core/policy/explain.ts'
import { exercise } from '../../../src/core/policy/lint/exercise.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import { prove } from '../../../src/core/policy/prove/prove.ts'
import {
  bucketOf,
  isAmong,
  needsBuckets,
  shareOf,
  shareText,
  withBucket,
} from '../../../src/core/policy/rollout.ts'
import { suppressionsOf } from '../../../src/core/policy/suppressions.ts'
import { parseTestFile } from '../../../src/core/policy/test-file.ts'
import { runTests } from '../../../src/core/policy/test-run.ts'
import { ago, aHost, aStrike, NOW, someFacts } from '../../support/plans.ts'

function planOf(rules: string, rest = ''): Plan {
  const text = `livegate: policy/v1\nname: t\nrules:\n${rules}\n${rest}`
  const compiled = compilePolicy(utf8(text), { file: 't.yaml' })
  if (!compiled.ok) throw new Error(compiled.error.map(({ message }) => message).join('\n'))
  return compiled.value.plan
}

const STRUCK =
  '  - { id: struck, count: { category: ["*"] }, ladder: { 1: 30d }, outcome: deny, enforce: WHEN }'
const struck = (enforce: string, rest = ''): Plan => planOf(STRUCK.replace('WHEN', enforce), rest)
const strikes = [aStrike({ id: 's1' })]
/** Somebody with a strike of yesterday. */
const guilty = (host: Partial<HostFacts> = {}, part: Partial<Facts> = {}): Facts =>
  someFacts({ strikes, ...host }, part)

describe('the words', () => {
  it.each([
    ['on', 100],
    ['off', 0],
    ['canary 1%', 1],
    ['canary 99%', 99],
  ])('%s is a share and back', (text, share) => {
    expect(shareOf(text)).toBe(share)
    expect(shareText(share)).toBe(text)
  })

  it.each(['', 'On', 'canary', 'canary 0%', 'canary 100%', 'canary 5', 'canary  5%', '5%', 'off '])(
    '%j is none',
    (text) => expect(shareOf(text)).toBeNull(),
  )
})

describe('a bucket', () => {
  it('is the one of the specification', () => {
    expect(bucketOf('AAAAAAAAAAAAAAAAAAAAAA')).toBe(30)
    expect(bucketOf('')).not.toBe(bucketOf('A'))
  })

  it('spreads people evenly', () => {
    const met = Array.from({ length: 100 }, () => 0)
    for (let i = 0; i < 20_000; i++) {
      const bucket = bucketOf(`somebody ${i}`)
      met[bucket] = (met[bucket] ?? 0) + 1
    }
    for (const count of met) expect(count).toBeGreaterThan(130)
  })

  it('is met below the percentage, by nobody at 0, by everybody at 100, and always where it is unknown', () => {
    expect([0, 9, 10, 99].map((bucket) => isAmong(10, bucket))).toEqual([true, true, false, false])
    expect([isAmong(0, 0), isAmong(100, 99)]).toEqual([false, true])
    expect([isAmong(1, undefined), isAmong(0, undefined)]).toEqual([true, false])
  })
})

describe('a rule', () => {
  it('that is on leaves no trace of being so', () => {
    const decision = evaluate(struck('on'), guilty())
    expect(decision.outcome).toBe('deny')
    expect(decision).not.toHaveProperty('would')
    expect(evaluate(struck('on'), guilty({ bucket: 99 }))).toEqual(decision)
  })

  it('that is off adds nothing, and the decision says what it would have done', () => {
    const decision = evaluate(struck('off'), guilty({ bucket: 0 }))
    expect(decision).toMatchObject({
      ...{ outcome: 'allow', until: null, rules: [], reasons: [], restrictions: [] },
      would: {
        ...{ outcome: 'deny', mode: null, until: ago('1d') + 30 * 86_400_000 },
        rules: [{ host: 0, rule: 'struck' }],
      },
    })
    expect(evaluate(struck('off'), someFacts())).not.toHaveProperty('would')
  })

  it.each([
    { bucket: 9, outcome: 'deny' },
    { bucket: 10, outcome: 'allow' },
    { bucket: undefined, outcome: 'deny' },
  ])('that is a canary of 10% gives bucket $bucket: $outcome', ({ bucket, outcome }) => {
    const host = bucket === undefined ? {} : { bucket }
    const decision = evaluate(struck('canary 10%'), guilty(host))
    expect(decision.outcome).toBe(outcome)
    expect(decision.would?.outcome).toBe(outcome === 'allow' ? 'deny' : undefined)
  })

  it('meets each host by that host’s own bucket', () => {
    const hosts = [aHost({ bucket: 50 }), aHost({ subject: 'u2', strikes, bucket: 3 })] as const
    const inside = evaluate(struck('canary 10%'), someFacts({}, { hosts }))
    expect(inside).toMatchObject({ outcome: 'deny', reasons: [{ host: 1 }] })
    const [first, second] = hosts
    const outside = someFacts(
      {},
      {
        hosts: [
          { ...first, bucket: 3 },
          { ...second, bucket: 50 },
        ],
      },
    )
    expect(evaluate(struck('canary 10%'), outside)).toMatchObject({
      ...{ outcome: 'allow', would: { rules: [{ host: 1, rule: 'struck' }] } },
    })
  })

  it('that cannot be known and is not enforced asks nobody to come back, and is told', () => {
    const plan = planOf(
      '  - { id: small, when: subject.followers < 10, outcome: deny, enforce: off }',
    )
    expect(evaluate(plan, someFacts())).toMatchObject({
      ...{ outcome: 'allow', unknown: [] },
      would: { outcome: 'delay', mode: 'retry', rules: [{ host: 0, rule: 'small' }] },
    })
  })

  it('with a hold begins none, one with a review asks nobody, and a warning is not given', () => {
    const plan =
      planOf(`  - { id: wait, when: subject.followers < 10, outcome: delay, hold: 15m, enforce: off }
  - { id: look, when: subject.followers < 10, outcome: delay, review: { queue: q, within: 1h, at_deadline: deny }, enforce: off }
  - { id: warned, count: { category: "*" }, ladder: { 1: warn, 2: 30d }, outcome: deny, enforce: off }`)
    const decision = evaluate(plan, guilty({ facts: { followers: 1 } }))
    expect(decision).toMatchObject({
      outcome: 'allow',
      holds_opened: [],
      review: null,
      reasons: [],
    })
    expect(decision.would).toMatchObject({ outcome: 'delay', mode: 'review' })
    expect(decision.would?.rules.map(({ rule }) => rule)).toEqual(['look', 'wait'])
  })

  it('whose exemption is true would have done nothing, and the exemption lifts nothing', () => {
    const plan = planOf(
      STRUCK.replace('WHEN', 'off'),
      'exempt: [{ id: press, rules: [struck], when: "\'press\' in subject.labels" }]\n',
    )
    const decision = evaluate(plan, guilty({ facts: { labels: ['press'] } }))
    expect(decision).toMatchObject({ outcome: 'allow', exemptions: [] })
    expect(decision).not.toHaveProperty('would')
  })

  it('beside one that is enforced is told even where the outcome stays', () => {
    const plan = planOf(`${STRUCK.replace('WHEN', 'on')}
  - { id: quick, count: { category: "*" }, ladder: { 1: 90d }, outcome: deny, enforce: off }`)
    expect(evaluate(plan, guilty())).toMatchObject({
      ...{ outcome: 'deny', rules: ['struck'], until: ago('1d') + 30 * 86_400_000 },
      would: { outcome: 'deny', until: ago('1d') + 90 * 86_400_000, rules: [{ rule: 'quick' }] },
    })
  })
})

describe('a door', () => {
  const plan = struck('on', 'default: deny\nlease: 2h\n')

  it('that is off lets everybody start under the policy’s lease, its default spared as well', () => {
    expect(evaluate(plan, guilty({}, { enforce: 'off' }))).toMatchObject({
      ...{ outcome: 'allow', lease_until: NOW + 2 * 3_600_000, reasons: [] },
      would: {
        outcome: 'deny',
        rules: [
          { host: 0, rule: 'default' },
          { host: 0, rule: 'struck' },
        ],
      },
    })
  })

  it('that is a canary is in earnest for the same people as a rule would be', () => {
    const at = (bucket: number): string =>
      evaluate(plan, guilty({ bucket }, { enforce: 'canary 10%' })).outcome
    expect([at(0), at(9), at(10), at(99)]).toEqual(['deny', 'deny', 'allow', 'allow'])
  })

  it('and a rule: the smaller of both counts', () => {
    const both = struck('canary 50%')
    const at = (bucket: number, enforce: string): string =>
      evaluate(both, guilty({ bucket }, { enforce })).outcome
    expect([at(20, 'canary 10%'), at(20, 'canary 90%'), at(60, 'canary 90%')]).toEqual([
      ...['allow', 'deny', 'allow'],
    ])
  })

  it('that nobody can read is in earnest for all', () => {
    expect(evaluate(plan, guilty({}, { enforce: 'sometimes' })).outcome).toBe('deny')
  })

  it('spares a policy its age, too', () => {
    const stale = {
      ...struck('on'),
      stale: { max_age: 1 as never, effect: 'deny' as const, from: ago('1h') },
    }
    expect(evaluate(stale, someFacts({}, { enforce: 'off' }))).toMatchObject({
      ...{ outcome: 'allow', would: { outcome: 'deny', rules: [{ rule: 'default' }] } },
    })
  })
})

describe('what outlived an erasure', () => {
  const kept = [{ rule: 'struck', from: ago('1d'), until: NOW + 1000, id: 'r_1' }] as never
  it('stays in every canary, whatever the new bucket, and only off lifts it', () => {
    const facts = someFacts({ suppressions: kept, bucket: 99 })
    expect(evaluate(struck('canary 1%'), facts).outcome).toBe('deny')
    expect(evaluate(struck('off'), facts)).toMatchObject({
      ...{ outcome: 'allow', would: { outcome: 'deny', rules: [{ rule: 'struck' }] } },
    })
  })

  it('is what was enforced on the person, and nothing else', () => {
    const kept = (bucket: number): number =>
      suppressionsOf(struck('canary 10%'), guilty({ bucket })).length
    expect([kept(9), kept(10)]).toEqual([1, 0])
  })
})

describe('who looks at policies without people', () => {
  it('tests may give a bucket and a door, expect what would have been, and are told what is wrong', () => {
    const read = (cases: string) =>
      parseTestFile(
        utf8(`policy: ./t.yaml
now: 2026-01-31T00:00:00Z
subjects:
  inside: { bucket: 9, strikes: [{ id: s1, category: terrorism.link, severity: high, issued_at: 2026-01-30T00:00:00Z }] }
  outside: { bucket: 10, strikes: [{ id: s1, category: terrorism.link, severity: high, issued_at: 2026-01-30T00:00:00Z }] }
cases:
${cases}`),
        { file: 't.test.yaml' },
      )
    const file =
      read(`  - { name: in, subject: inside, expect: { outcome: deny, would: none, not_enforced: [] } }
  - { name: out, subject: outside, expect: { outcome: allow, would: deny, not_enforced: [struck] } }
  - { name: door, subject: inside, enforce: off, expect: { outcome: allow, would: deny } }
  - { name: wrong, subject: outside, expect: { would: none, not_enforced: [] } }`)
    if (!file.ok) throw new Error(file.error.map(({ message }) => message).join())
    const plan = struck('canary 10%')
    expect(file.value.check(plan)).toEqual([])
    const results = runTests(plan, file.value.cases)
    expect(results.map(({ differences }) => differences.map(({ member }) => member))).toEqual([
      ...[[], [], [], ['would', 'not_enforced']],
    ])
    const misnamed = read('  - { name: x, subject: inside, expect: { not_enforced: [strukc] } }')
    expect(misnamed.ok && misnamed.value.check(plan).map(({ hint }) => hint)).toEqual([
      'did you mean `struck`?',
    ])
    const beyond = read('  - { name: x, subject: inside, enforce: canary, expect: {} }')
    expect(!beyond.ok && beyond.error.map(({ message }) => message)).toEqual([
      'found `canary`, expected `on`, `off` or a canary such as `canary 10%`',
    ])
  })

  it('a case that meets a rule which is not enforced tries it all the same', () => {
    const facts = guilty()
    const one = { name: 'x', line: 1, column: 1, combination: [], facts, supports_all: false }
    const { matched } = exercise(struck('off'), [{ ...one, expect: {} }])
    expect([...matched]).toEqual(['struck'])
  })

  it('an invariant is proved for everybody there is: a canary proves none for those outside', () => {
    const invariants =
      'invariants: [{ id: safe, never: allow, given: { count: { category: terrorism.*, within: 30d } } }]\n'
    const verdict = (enforce: string) =>
      prove(struck(enforce, invariants)).verdicts.find(
        ({ property }) => property === 'invariant safe',
      )
    expect(verdict('on')?.status).toBe('proved')
    const false_ = verdict('canary 10%')
    expect(false_?.status).toBe('false')
    expect(false_?.counterexamples[0]?.facts.hosts[0].bucket).toBe(10)
    expect(false_?.counterexamples[0]?.says).toContain('buckets 10 to 99')
    expect(verdict('off')?.counterexamples[0]?.says).toContain('everybody')
  })

  it('what holds of every policy is shown of the text, so a rule that waits is not dead', () => {
    const dead = prove(struck('off')).verdicts.find(
      ({ property }) => property === 'no-rule-is-dead',
    )
    expect(dead?.status).toBe('proved')
  })

  it('two policies are compared for the people of each stretch', () => {
    const says = (a: string, b: string): readonly string[] =>
      diffPlans(struck(a), struck(b)).differences.map((one) => one.says)
    expect(says('canary 10%', 'canary 10%')).toEqual([])
    expect(says('canary 10%', 'canary 50%')).toEqual([
      expect.stringMatching(/^buckets 10 to 49: 1 strike .*: allow -> deny for 30d$/),
    ])
    const [off] = diffPlans(struck('off'), struck('on')).differences
    expect(off?.direction).toBe('stricter')
    const [narrow] = diffPlans(struck('canary 10%'), struck('canary 11%')).differences
    expect(narrow?.says).toMatch(/^bucket 10: /)
    expect(narrow?.facts.hosts[0].bucket).toBe(10)
  })
})

describe('who looks at people a policy was not made for', () => {
  const inside = 'AAAAAAAAAAAAAAAAAAAAAA'

  it('takes the bucket of who asks from the pseudonym, where it matters, and leaves one that is there', () => {
    const plan = struck('canary 31%')
    expect(needsBuckets(plan)).toBe(true)
    expect(needsBuckets(struck('off'))).toBe(false)
    expect(needsBuckets(struck('on'), 'canary 5%')).toBe(true)
    const facts = guilty({ subject: inside })
    expect(withBucket(plan, facts).hosts[0].bucket).toBe(30)
    expect(withBucket(struck('on'), facts)).toBe(facts)
    const given = guilty({ subject: inside, bucket: 3 })
    expect(withBucket(plan, given)).toBe(given)
  })

  it('compares recorded decisions as they would be for those very people', () => {
    const facts = guilty({ subject: inside })
    const before = evaluate(struck('on'), facts)
    const change = (enforce: string) =>
      createComparison(struck(enforce)).add({ id: 'd', facts, before })
    expect([change('canary 31%'), change('canary 30%')]).toEqual([null, 'deny_to_allow'])
  })

  it('tells whom a revision affects, and whom not', () => {
    const facts = guilty({ subject: inside })
    const moved = (a: string, b: string) =>
      affected(struck(a), struck(b), facts).map(({ change }) => change)
    expect(moved('off', 'canary 31%')).toEqual(['opened'])
    expect(moved('off', 'canary 30%')).toEqual([])
    expect(moved('canary 31%', 'off')).toEqual(['closed'])
  })

  it('explains a rule that applies and is not enforced as just that', () => {
    const states = (plan: Plan, facts: Facts) =>
      explain(plan, facts).trace.map(({ state }) => state)
    expect(states(struck('off'), guilty())).toEqual(['not_enforced'])
    expect(states(struck('off'), someFacts())).toEqual(['not_matched'])
    expect(states(struck('canary 10%'), guilty({ bucket: 0 }))).toEqual(['matched'])
  })
})
