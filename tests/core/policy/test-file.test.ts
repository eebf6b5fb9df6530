import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/core/encoding.ts'
import { parseTestFile, type TestFile } from '../../../src/core/policy/test-file.ts'
import { always, aPlan, aRule, t } from '../../support/plans.ts'

const read = (text: string) => parseTestFile(utf8(text), { file: 'p.test.yaml' })

function parsed(text: string): TestFile {
  const result = read(text)
  if (!result.ok) throw new Error(JSON.stringify(result.error, null, 1))
  return result.value
}

const FULL = `
policy: ./p.yaml
now: 2026-01-31T00:00:00Z
subjects:
  clean: { facts: { created_at: 2020-01-01, labels: [] } }
  struck:
    facts: { created_at: 2020-01-01T00:00:00Z, followers: 10, verified: false }
    open_broadcasts: 1
    strikes:
      - { id: s1, category: terrorism.link, severity: high, issued_at: 2026-01-20T00:00:00Z, received_at: 2026-01-19T00:00:00Z, source: { system: coop, kind: human } }
cases:
  - { name: plain, subject: clean, expect: { outcome: allow } }
  - name: everything
    subject: struck
    at: [2026-01-20T00:00:00Z, 2026-02-18T23:59:59.999Z]
    facts: { followers: 12 }
    stream: { audience: public, one_to_many: true, hosts: [clean] }
    request: { territory: FR }
    incident: { active: true, id: i1 }
    platform: { moderation_available: false }
    supports: [audience_cap]
    holds: [{ rule: r, first_asked_at: 2026-01-19T00:00:00Z }]
    reviews: [{ rule: r, result: released, at: 2026-01-19T00:00:00Z }]
    expect:
      outcome: deny
      rules: [r]
      until: forever
      not_before: none
      obligations: [{ type: audience_cap, viewers: 5 }]
      reason: { en: Because. }
`

describe('a test file', () => {
  const { policy, cases } = parsed(FULL)

  it('names its policy', () => expect(policy).toBe('./p.yaml'))
  it('has one case per instant', () =>
    expect(cases.map(({ name, facts }) => [name, facts.at])).toEqual([
      ['plain', t('2026-01-31T00:00:00Z')],
      ['everything', t('2026-01-20T00:00:00Z')],
      ['everything', t('2026-02-18T23:59:59.999Z')],
    ]))

  it('leaves absent what is left out, and the incident inactive', () => {
    expect(cases[0]?.facts).toEqual({
      at: t('2026-01-31T00:00:00Z'),
      hosts: [
        {
          subject: 'clean',
          facts: { created_at: t('2020-01-01T00:00:00Z'), labels: [] },
          sources: {},
          strikes: [],
          holds: [],
          reviews: [],
          open_broadcasts: 0,
        },
      ],
      stream: {},
      request: {},
      incident: { active: false },
      platform: {},
      supports: [],
    })
    expect(cases[0]?.supports_all).toBe(true)
  })

  it('builds every fact', () => {
    const facts = cases[1]?.facts
    expect(facts).toMatchObject({
      stream: { audience: 'public', one_to_many: true },
      request: { territory: 'FR' },
      incident: { active: true, id: 'i1' },
      platform: { moderation_available: false },
      supports: ['audience_cap'],
    })
    expect(facts?.stream).not.toHaveProperty('hosts')
    expect(facts?.hosts.map(({ subject }) => subject)).toEqual(['struck', 'clean'])
    expect(facts?.hosts[0]).toMatchObject({
      facts: { followers: 12, verified: false },
      open_broadcasts: 1,
      holds: [{ rule: 'r', first_asked_at: t('2026-01-19T00:00:00Z') }],
      reviews: [{ rule: 'r', result: 'released', at: t('2026-01-19T00:00:00Z') }],
    })
  })

  it('lets a strike take effect when it was received, if that was earlier', () =>
    expect(cases[1]?.facts.hosts[0].strikes).toEqual([
      {
        id: 's1',
        subject: 'struck',
        category: 'terrorism.link',
        severity: 'high',
        weight: 1,
        scope: 'any',
        status: 'active',
        issued_at: t('2026-01-20T00:00:00Z'),
        effective_at: t('2026-01-19T00:00:00Z'),
        source: { system: 'coop', kind: 'human' },
      },
    ]))

  it('keeps what is expected', () =>
    expect(cases[1]?.expect).toEqual({
      outcome: 'deny',
      rules: ['r'],
      until: 'forever',
      not_before: 'none',
      obligations: [{ type: 'audience_cap', viewers: 5 }],
      reason: { en: 'Because.' },
    }))

  it('checks the names of rules against the plan', () => {
    const plan = aPlan({ rules: [aRule({ id: 'rr', when: always(true) })] })
    const found = parsed(FULL).check(plan)
    expect(found.map(({ line, code, message, hint }) => [line, code, message, hint])).toEqual([
      [22, 'unknown-rule', 'there is no rule `r`', 'did you mean `rr`?'],
      [23, 'unknown-rule', 'there is no rule `r`', 'did you mean `rr`?'],
      [26, 'unknown-rule', 'there is no rule `r`', 'did you mean `rr`?'],
    ])
  })
})

describe('a test file is refused', () => {
  const HEAD = 'policy: ./p.yaml\nsubjects: { a: {} }\n'
  const cases: readonly { name: string; text: string; expect: string }[] = [
    {
      name: 'with an unknown key',
      text: `${HEAD}now: 2026-01-01\ncases: [{ name: x, subject: a, expects: { outcome: allow }, expect: {} }]`,
      expect:
        'p.test.yaml:4:32 unknown-key a case has no member `expects` (did you mean `expect`?)',
    },
    {
      name: 'with a subject that does not exist',
      text: `policy: ./p.yaml\nnow: 2026-01-01\nsubjects: { struck: {} }\ncases: [{ name: x, subject: strukc, expect: {} }]`,
      expect: 'p.test.yaml:4:29 bad-value there is no subject `strukc` (did you mean `struck`?)',
    },
    {
      name: 'with a co-host that does not exist',
      text: `${HEAD}now: 2026-01-01\ncases: [{ name: x, subject: a, stream: { hosts: [b] }, expect: {} }]`,
      expect: 'p.test.yaml:4:50 bad-value there is no subject `b` (did you mean `a`?)',
    },
    {
      name: 'without any instant',
      text: `${HEAD}cases: [{ name: x, subject: a, expect: {} }]`,
      expect: 'p.test.yaml:3:9 missing-key a case needs `at`, or the file `now` ()',
    },
    {
      name: 'with an outcome that does not exist',
      text: `${HEAD}now: 2026-01-01\ncases: [{ name: x, subject: a, expect: { outcome: denyy } }]`,
      expect:
        'p.test.yaml:4:51 bad-value found `denyy`, expected `allow`, `deny` or `delay` (did you mean `deny`?)',
    },
    {
      name: 'with an end that is no instant',
      text: `${HEAD}now: 2026-01-01\ncases: [{ name: x, subject: a, expect: { until: forevr } }]`,
      expect:
        'p.test.yaml:4:49 bad-instant found `forevr`, expected an instant or `forever` or `none` (did you mean `forever`?)',
    },
    {
      name: 'with a flag that is text',
      text: `${HEAD}now: 2026-01-01\ncases: [{ name: x, subject: a, incident: { active: "yes" }, expect: {} }]`,
      expect: 'p.test.yaml:4:52 wrong-type found text `yes`, expected `true` or `false` ()',
    },
  ]
  for (const { name, text, expect: expected } of cases)
    it(name, () => {
      const result = read(text)
      const said = result.ok
        ? []
        : result.error.map(
            (e) => `${e.file}:${e.line}:${e.column} ${e.code} ${e.message} (${e.hint ?? ''})`,
          )
      expect(said).toEqual([expected])
    })
})
