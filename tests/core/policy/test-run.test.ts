import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/core/encoding.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import { formatFailure, titleOf } from '../../../src/core/policy/test-failure.ts'
import { parseTestFile, type TestFile } from '../../../src/core/policy/test-file.ts'
import { runTests, type TestResult } from '../../../src/core/policy/test-run.ts'

function planOf(bytes: Uint8Array): Plan {
  const compiled = compilePolicy(bytes, { file: 'p.yaml' })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  return compiled.value.plan
}

function testsOf(bytes: Uint8Array): TestFile {
  const parsed = parseTestFile(bytes, { file: 'p.test.yaml' })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

const POLICY = `
livegate: policy/v1
name: p
rules:
  - id: ban
    count: { category: terrorism.*, within: 365d }
    ladder: { 1: 30d }
    outcome: deny
    because: { en: "Until {until}." }
  - id: new
    when: now - subject.created_at < duration("24h")
    outcome: delay
    hold: 15m
  - id: cap
    when: incident.active
    outcome: allow
    obligations: [{ type: audience_cap, viewers: 50 }]
exempt:
  - { id: staff, rules: [ban], when: 'subject.labels.exists(l, l == "staff")' }
`

const run = (test: string): TestResult[] =>
  runTests(
    planOf(utf8(POLICY)),
    testsOf(
      utf8(`policy: ./p.yaml
now: 2026-01-31T00:00:00Z
subjects:
  old: { facts: { created_at: 2020-01-01, labels: [] } }
  staff: { facts: { created_at: 2020-01-01, labels: [staff] }, strikes: [{ id: s, category: terrorism.link, severity: low, issued_at: 2026-01-30 }] }
  struck: { facts: { created_at: 2020-01-01, labels: [] }, strikes: [{ id: s, category: terrorism.link, severity: low, issued_at: 2026-01-20 }] }
  blank: {}
cases: [${test}]`),
    ).cases,
  )

const differences = (test: string) => run(test).flatMap((result) => result.differences)

describe('a case passes', () => {
  const cases: readonly { name: string; test: string }[] = [
    { name: 'when nothing is expected', test: '{ name: x, subject: blank, expect: {} }' },
    {
      name: 'with the outcome',
      test: '{ name: x, subject: old, expect: { outcome: allow, rules: [], until: none, not_before: none } }',
    },
    {
      name: 'with the end',
      test: '{ name: x, subject: struck, expect: { outcome: deny, rules: [ban], until: 2026-02-19 } }',
    },
    {
      name: 'with the sentence',
      test: '{ name: x, subject: struck, expect: { reason: { en: "Until 19 February 2026, 00:00 UTC." } } }',
    },
    {
      name: 'at each of its instants',
      test: '{ name: x, subject: struck, at: [2026-01-20, 2026-02-18T23:59:59.999Z], expect: { outcome: deny } }',
    },
    {
      name: 'before its strike exists',
      test: '{ name: x, subject: struck, at: 2026-01-19T23:59:59.999Z, expect: { outcome: allow } }',
    },
    {
      name: 'with what is unknown',
      test: '{ name: x, subject: blank, expect: { outcome: delay, mode: retry, unknown: [new] } }',
    },
    {
      name: 'with the exemption',
      test: '{ name: x, subject: staff, expect: { outcome: allow, exemptions: [staff] } }',
    },
    {
      name: 'with the obligation, everything being supported unless said',
      test: '{ name: x, subject: old, incident: { active: true }, expect: { outcome: allow, obligations: [{ viewers: 50, type: audience_cap }] } }',
    },
    {
      name: 'with what is not supported',
      test: '{ name: x, subject: old, supports: [], incident: { active: true }, expect: { outcome: delay, mode: hold } }',
    },
  ]
  for (const { name, test } of cases) it(name, () => expect(differences(test)).toEqual([]))
})

describe('a case fails', () => {
  const cases: readonly { name: string; test: string; expect: unknown }[] = [
    {
      name: 'on the outcome',
      test: '{ name: x, subject: old, expect: { outcome: deny } }',
      expect: { member: 'outcome', expected: 'deny', actual: 'allow' },
    },
    {
      name: 'on a rule too many',
      test: '{ name: x, subject: struck, expect: { rules: [] } }',
      expect: { member: 'rules', expected: [], actual: ['ban'] },
    },
    {
      name: 'on a missing unknown',
      test: '{ name: x, subject: blank, expect: { unknown: [] } }',
      expect: { member: 'unknown', expected: [], actual: ['new'] },
    },
    {
      name: 'on an end one millisecond off',
      test: '{ name: x, subject: struck, expect: { until: 2026-02-18T23:59:59.999Z } }',
      expect: { member: 'until', expected: 1771459199999, actual: 1771459200000 },
    },
    {
      name: 'on an end that is there',
      test: '{ name: x, subject: struck, expect: { until: none } }',
      expect: { member: 'until', expected: 'none', actual: 1771459200000 },
    },
    {
      name: 'on another sentence',
      test: '{ name: x, subject: struck, expect: { reason: { en: "Soon." } } }',
      expect: {
        member: 'reason.en',
        expected: 'Soon.',
        actual: ['Until 19 February 2026, 00:00 UTC.'],
      },
    },
    {
      name: 'on an obligation',
      test: '{ name: x, subject: old, expect: { obligations: [{ type: no_gifts }] } }',
      expect: { member: 'obligations', expected: [{ type: 'no_gifts' }], actual: [] },
    },
  ]
  for (const { name, test, expect: expected } of cases)
    it(name, () => expect(differences(test)).toEqual([expected]))

  it('with a text that shows the difference, the rules that had a say, the facts and a timeline', () => {
    const [result] = run('{ name: struck but fine, subject: struck, expect: { outcome: allow } }')
    if (result === undefined) throw new Error('one case was run')
    expect(titleOf(result)).toBe('struck but fine (at 2026-01-31T00:00:00.000Z)')
    expect(formatFailure(planOf(utf8(POLICY)), result, { ascii: true }).split('\n')).toEqual(SHOWN)
  })
})

const SHOWN: readonly string[] = [
  '  outcome  expected allow, got deny',
  '  rules',
  '    ban: matched; counts 1 [s]',
  '  facts',
  '    struck: { facts: { created_at: 2020-01-01, labels: [] } }',
  '      - { id: s, category: terrorism.link, severity: low, issued_at: 2026-01-20 }',
  '    supports: [audience_cap, broadcast_delay]',
  '  timeline',
  '    strikes  *                :                                 1 strike',
  '    ban      1=============================================)    until 2026-02-19',
  '    now                       ^                                 2026-01-31',
  '             ----------+---------------+---------------+------',
  '                       2026-01-27      2026-02-06',
]

describe('the policies that come with livegate', () => {
  const root = join(import.meta.dirname, '../../../policies')
  for (const name of globSync('**/*.test.yaml', { cwd: root }).sort())
    it(`${name} passes`, () => {
      const path = join(root, name)
      const tests = testsOf(readFileSync(path))
      const plan = planOf(readFileSync(join(dirname(path), tests.policy)))
      expect(tests.check(plan)).toEqual([])
      const failed = runTests(plan, tests.cases).filter((r) => r.differences.length > 0)
      expect(failed.map(titleOf)).toEqual([])
    })
})

describe('the examples of the specification', () => {
  const docs = join(import.meta.dirname, '../../../docs/spec')
  const examples = (name: string, from = ''): readonly Uint8Array[] => {
    const text = readFileSync(join(docs, name), 'utf8')
    return [...text.slice(text.indexOf(from)).matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) =>
      utf8(yaml ?? ''),
    )
  }
  it('are true', () => {
    const plan = planOf(examples('policy-syntax.md')[0] ?? utf8(''))
    const results = examples('policy.md', '\n## Tests').map((example) =>
      runTests(plan, testsOf(example).cases),
    )
    expect(results.map(({ length }) => length)).toEqual([4, 8])
    const failed = results.flat().filter((r) => r.differences.length > 0)
    expect(failed.map(titleOf)).toEqual([])
  })
})
