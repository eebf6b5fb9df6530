import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../../src/core/encoding.ts'
import { boundaryFile } from '../../../../src/core/policy/cases/write.ts'
import { compilePolicy } from '../../../../src/core/policy/compile.ts'
import { createCoverage } from '../../../../src/core/policy/cover/coverage.ts'
import { coverageTable, missedPoints, sumUp } from '../../../../src/core/policy/cover/report.ts'
import type { Plan } from '../../../../src/core/policy/plan.ts'
import { parseTestFile } from '../../../../src/core/policy/test-file.ts'
import { runTests } from '../../../../src/core/policy/test-run.ts'

function planOf(text: string): Plan {
  const compiled = compilePolicy(utf8(text), { file: 'p.yaml' })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  return compiled.value.plan
}

/** Points reached by cases of `policy`, without those everybody has. */
function seenBy(policy: string, test: string) {
  const plan = planOf(`livegate: policy/v1\nname: p\n${policy}`)
  const tests = parseTestFile(utf8(`policy: ./p.yaml\nnow: 2026-01-31\n${test}`), { file: 't' })
  if (!tests.ok) throw new Error(JSON.stringify(tests.error))
  const coverage = createCoverage(plan)
  runTests(plan, tests.value.cases, coverage)
  return coverage.points()
}

const reached = (policy: string, test: string): readonly string[] =>
  seenBy(policy, test)
    .filter(({ hits, kind }) => hits > 0 && kind !== 'co-host')
    .map(({ kind, of, what }) => `${kind} ${of} ${what}`.replace('  ', ' '))

const STRUCK = `subjects:
  none: {}
  one: { strikes: [{ id: a, category: spam.bulk, severity: low, issued_at: 2026-01-30 }] }
  two: { strikes: [{ id: a, category: spam.bulk, severity: low, issued_at: 2026-01-29 }, { id: b, category: spam.bulk, severity: low, issued_at: 2026-01-30 }] }
  old: { strikes: [{ id: a, category: spam.bulk, severity: low, issued_at: 2025-12-30, content_created_at: 2020-01-01 }] }
`
const LADDER =
  'rules: [{ id: r, count: { category: spam.* }, ladder: { 1: 7d, 2: warn }, outcome: deny }]'.replace(
    '2: warn',
    '2: 30d',
  )
const HELD = `rules:
  - { id: r, when: subject.verified == false, outcome: delay, hold: 10m }
exempt: [{ id: e, rules: [r], when: 'subject.followers > 10' }]`
const ASKS = `rules:
  - { id: r, when: incident.active, outcome: delay, broadcast_delay: 30s, obligations: [{ type: chat_off }] }
  - { id: v, when: incident.active, outcome: delay, review: { queue: q, within: 1h, at_deadline: deny } }`

describe('a case reaches', () => {
  const cases: readonly {
    name: string
    policy: string
    test: string
    expect: readonly string[]
  }[] = [
    {
      name: 'only that a rule does not match',
      policy: LADDER,
      test: `${STRUCK}cases: [{ name: x, subject: none, expect: {} }]`,
      expect: ['policy no rule matched', 'rule r not matched'],
    },
    {
      name: 'the step that is in force, and no other',
      policy: LADDER,
      test: `${STRUCK}cases: [{ name: x, subject: two, expect: {} }]`,
      expect: ['rule r matched', 'step r 2: 30d'],
    },
    {
      name: 'a step it only warns with',
      policy:
        'rules: [{ id: r, count: { category: spam.* }, ladder: { 1: warn, 2: 7d }, outcome: deny }]',
      test: `${STRUCK}cases: [{ name: x, subject: one, expect: {} }]`,
      expect: ['step r 1: warn'],
    },
    {
      name: 'expiry and content too old',
      policy: `strikes: { expire: 20d, ignore_content_older_than: 60d }\n${LADDER}`,
      test: `${STRUCK}cases: [{ name: x, subject: old, expect: {} }, { name: y, subject: one, at: 2026-02-28, expect: {} }]`,
      expect: [
        'policy no rule matched',
        'strikes expired',
        'strikes content too old',
        'rule r not matched',
      ],
    },
    {
      name: 'grouping',
      policy: `strikes: { group_within: 7d }\n${LADDER}`,
      test: `${STRUCK}cases: [{ name: x, subject: two, expect: {} }]`,
      expect: ['strikes grouped', 'rule r matched', 'step r 1: 7d'],
    },
    {
      name: 'what an unless says of each strike',
      policy: `${LADDER.replace('outcome', 'unless: strike.context == "news", outcome')}`,
      test: `subjects: { s: { strikes: [
        { id: a, category: spam.bulk, severity: low, issued_at: 2026-01-29 },
        { id: b, category: spam.bulk, severity: low, issued_at: 2026-01-29, context: news },
        { id: c, category: spam.bulk, severity: low, issued_at: 2026-01-29, context: fun }] } }
cases: [{ name: x, subject: s, expect: {} }]`,
      expect: [
        'rule r matched',
        'step r 2: 30d',
        'unless r lifted',
        'unless r counted',
        'unless r lacks strike.context',
      ],
    },
    {
      name: 'every fact a rule lacks, and nothing of exemptions that did not matter',
      policy: HELD,
      test: 'subjects: { s: { facts: { verified: true } }, u: {} }\ncases: [{ name: x, subject: [s, u], expect: {} }]',
      expect: [
        'policy no rule matched',
        'rule r not matched',
        'rule r lacks subject.verified',
        'exemption e lacks subject.followers',
      ],
    },
    {
      name: 'a hold that runs, one that is over, and an exemption that lifts and one that does not',
      policy: HELD,
      test: `subjects: { s: { facts: { verified: false, followers: 1 } }, f: { facts: { verified: false, followers: 11 } } }
cases:
  - { name: x, subject: [s, f], expect: {} }
  - { name: y, subject: s, at: 2026-01-31T00:20:00Z, holds: [{ rule: r, first_asked_at: 2026-01-31 }], expect: {} }`,
      expect: [
        'policy no rule matched',
        'rule r matched',
        'hold r running',
        'hold r over',
        'exemption e lifted',
        'exemption e did not lift',
      ],
    },
    {
      name: 'obligations a caller can carry out, and those it cannot',
      policy: ASKS,
      test: 'subjects: { s: {} }\ncases: [{ name: x, subject: s, incident: { active: true }, supports: [chat_off], expect: {} }]',
      expect: [
        'rule r matched',
        'asks r chat_off',
        'asks r unsupported',
        'rule v matched',
        'review v pending',
      ],
    },
  ]
  for (const { name, policy, test, expect: expected } of cases)
    it(name, () => expect(reached(policy, test)).toEqual(expected))

  it('a co-host, restricted or free', () => {
    const points = (hosts: string) =>
      seenBy(
        LADDER,
        `${STRUCK}cases: [{ name: x, subject: none, stream: { hosts: [${hosts}] }, expect: {} }]`,
      )
        .filter(({ kind }) => kind === 'co-host')
        .map(({ what, hits }) => [what, hits])
    expect(points('one, two, none')).toEqual([
      ['restricted', 2],
      ['free', 1],
    ])
  })
})

describe('what can be covered', () => {
  it('does not hold what cannot be: facts always known, a constant, expiry of what never expires', () => {
    const points = seenBy(
      `strikes: { expire: { default: 30d, "terrorism.*": never } }
rules:
  - { id: always, when: "true", outcome: allow, lease: 1h }
  - { id: incident, when: incident.active, outcome: deny }
  - { id: t, count: { category: terrorism.* }, outcome: deny }`,
      'subjects: { s: {} }\ncases: [{ name: x, subject: s, expect: {} }]',
    )
    expect(
      points
        .filter(({ kind }) => kind === 'rule' || kind === 'strikes')
        .map(({ of, what }) => `${of} ${what}`),
    ).toEqual([
      'always matched',
      'incident matched',
      'incident not matched',
      't matched',
      't not matched',
    ])
  })

  it('is covered wholly when there is nothing', () =>
    expect(sumUp([])).toEqual({ covered: 0, total: 0, percent: 100 }))

  it('is everything, in a policy of every form, by its boundary cases', () => {
    const plan = planOf(readFileSync(new URL('../cases/everything.yaml', import.meta.url), 'utf8'))
    const file = boundaryFile(plan, { policy: './x.yaml', rules: null })
    const tests = parseTestFile(utf8(file?.text ?? ''), { file: 't' })
    if (!tests.ok) throw new Error(JSON.stringify(tests.error))
    const coverage = createCoverage(plan)
    runTests(plan, tests.value.cases, coverage)
    expect(missedPoints(coverage.points())).toEqual([])
    expect(sumUp(coverage.points()).percent).toBe(100)
  })
})

describe('the table', () => {
  const point = (what: string, hits: number) => ({ kind: 'rule', of: 'grave', what, hits }) as const

  it('breaks long rows and stays within the width', () => {
    const points = Array.from({ length: 9 }, (_, i) => point(`lacks subject.fact_${i}`, i))
    const lines = coverageTable(points, 60)
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.filter((line) => line.length > 60)).toEqual([])
    expect(lines[0]).toBe('  rule grave  lacks subject.fact_0 (0),')
  })

  it('is rounded down: 100 is everything', () => {
    const points = Array.from({ length: 999 }, (_, i) => point(`x${i}`, 1))
    expect(sumUp([...points, point('y', 0)]).percent).toBe(99)
  })

  it('says in words what was missed', () => {
    const all = [
      point('matched', 0),
      point('not matched', 0),
      point('lacks subject.verified', 0),
      point('seen', 3),
      { kind: 'step', of: 'grave', what: '2: 90d', hits: 0 } as const,
    ]
    expect(missedPoints(all)).toEqual([
      'rule grave never matches',
      'rule grave matches in every case',
      'rule grave never lacks subject.verified',
      'rule grave never reaches step 2: 90d',
    ])
  })
})
