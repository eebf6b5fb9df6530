import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/core/encoding.ts'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { parseTestFile } from '../../../src/core/policy/test-file.ts'
import { runTests } from '../../../src/core/policy/test-run.ts'

const POLICY = `livegate: policy/v1
name: p
rules:
  - { id: ladder, count: { category: terrorism.* }, ladder: { 1: 30d }, outcome: deny, appeal: { within: 10d, url: https://example.org } }
  - { id: constructor, count: { category: spam.*, within: 10d }, outcome: deny }
  - { id: warns, count: { category: harassment.* }, ladder: { 1: warn }, outcome: deny }
  - { id: reviewed, when: request.territory == "NZ", outcome: delay, review: { queue: live, within: 30m, at_deadline: deny } }
  - { id: taped, when: request.territory == "DE", outcome: delay, broadcast_delay: 30s, lease: 1h }
`
const PEOPLE = `policy: ./p.yaml
now: 2026-01-31
subjects:
  a: {}
  s: { strikes: [{ id: t, category: terrorism.link, severity: low, issued_at: 2026-01-30, notified_at: 2026-01-30T12:00:00Z }, { id: u, category: spam.bulk, severity: low, issued_at: 2026-01-29 }] }
  w: { strikes: [{ id: t, category: harassment.bullying, severity: low, issued_at: 2026-01-30 }] }
cases:
  - { name: x, `

function differences(test: string): readonly string[] {
  const compiled = compilePolicy(utf8(POLICY), { file: 'p.yaml' })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  const { plan } = compiled.value
  const tests = parseTestFile(utf8(`${PEOPLE}${test} }`), { file: 't' })
  if (!tests.ok) throw new Error(JSON.stringify(tests.error))
  expect(tests.value.check(plan)).toEqual([])
  return runTests(plan, tests.value.cases).flatMap((result) =>
    result.differences.map(
      ({ member, expected, actual }) =>
        `${member}: ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`,
    ),
  )
}

const NZ = 'request: { territory: NZ }'
const DE = 'request: { territory: DE }'

describe('what a case expects', () => {
  const cases: readonly {
    name: string
    right: string
    wrong: string
    expect: readonly string[]
  }[] = [
    {
      name: 'ends by rule, of a restriction and of a count',
      right:
        'subject: s, request: {}, expect: { ends: { ladder: 2026-03-01, constructor: 2026-02-08, warns: none } }',
      wrong:
        'subject: s, request: {}, expect: { ends: { ladder: forever, constructor: none, warns: 2026-02-08 } }',
      expect: [
        'ends.ladder: "forever", got 1772323200000',
        'ends.constructor: "none", got 1770508800000',
        'ends.warns: 1770508800000, got "none"',
      ],
    },
    {
      name: 'no end where no rule of that name says any',
      right: 'subject: a, expect: { ends: { constructor: none } }',
      wrong: 'subject: a, expect: { ends: { constructor: forever } }',
      expect: ['ends.constructor: "forever", got "none"'],
    },
    {
      name: 'the time to appeal, from the notice',
      right: 'subject: s, expect: { appeal: { ladder: 2026-02-09T12:00:00Z, constructor: none } }',
      wrong: 'subject: s, expect: { appeal: { ladder: 2026-02-09 } }',
      expect: ['appeal.ladder: 1770595200000, got 1770638400000'],
    },
    {
      name: 'warnings, as a set',
      right: 'subject: w, expect: { warnings: [warns, warns] }',
      wrong: 'subject: w, expect: { warnings: [] }',
      expect: ['warnings: [], got ["warns"]'],
    },
    {
      name: 'the review, as far as it is named',
      right: `subject: a, ${NZ}, expect: { review: { queue: live, by: 2026-01-31T00:30:00Z } }`,
      wrong: `subject: a, ${NZ}, expect: { review: { queue: desk, by: 2026-01-31, at_deadline: allow } }`,
      expect: [
        'review.queue: "desk", got "live"',
        'review.by: 1769817600000, got 1769819400000',
        'review.at_deadline: "allow", got "deny"',
      ],
    },
    {
      name: 'no review',
      right: `subject: a, ${DE}, expect: { review: none }`,
      wrong: `subject: a, ${NZ}, expect: { review: none }`,
      expect: ['review: "none", got {"queue":"live","by":1769819400000,"at_deadline":"deny"}'],
    },
    {
      name: 'a review where there is none',
      right: `subject: a, ${NZ}, expect: { review: {} }`,
      wrong: `subject: a, ${DE}, expect: { review: { queue: live } }`,
      expect: ['review: {"queue":"live"}, got "none"'],
    },
    {
      name: 'lengths: tape delay and lease',
      right: `subject: a, ${DE}, expect: { broadcast_delay: 30s, lease: 1h, retry_after: none }`,
      wrong: `subject: a, ${DE}, expect: { broadcast_delay: 31s, lease: 60s, retry_after: 1s }`,
      expect: [
        'retry_after: 1000, got "none"',
        'broadcast_delay: 31000, got 30000',
        'lease: 60000, got 3600000',
      ],
    },
    {
      name: 'when to ask again',
      right: 'subject: a, expect: { retry_after: 30s, lease: none, broadcast_delay: none }',
      wrong: 'subject: a, expect: { retry_after: none }',
      expect: ['retry_after: "none", got 30000'],
    },
  ]
  for (const { name, right, wrong, expect: expected } of cases) {
    it(`is ${name}`, () => expect(differences(right)).toEqual([]))
    it(`is not ${name}`, () => expect(differences(wrong)).toEqual(expected))
  }

  it('names rules there are, by ends, appeal and warnings too, in exceptions too', () => {
    const compiled = compilePolicy(utf8(POLICY), { file: 'p.yaml' })
    const tests = parseTestFile(
      utf8(
        `${PEOPLE}subject: [a, s], expect: { warnings: [warn], ends: { lader: none } }, except: [{ subject: a, expect: { appeal: { tape: none } } }] }`,
      ),
      { file: 't' },
    )
    if (!compiled.ok || !tests.ok) throw new Error('both are well formed')
    expect(
      tests.value.check(compiled.value.plan).map(({ message, hint }) => [message, hint]),
    ).toEqual([
      ['there is no rule `warn`', 'did you mean `warns`?'],
      ['there is no rule `lader`', 'did you mean `ladder`?'],
      ['there is no rule `tape`', 'did you mean `taped`?'],
    ])
  })
})
