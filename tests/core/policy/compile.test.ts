import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePolicy } from '../../../src/core/policy/compile.ts'
import { policyDigest } from '../../../src/core/policy/digest.ts'
import type { Plan } from '../../../src/core/policy/plan.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/core/time.ts'

const EXAMPLE = readFileSync(new URL('example.yaml', import.meta.url), 'utf8')

function planOf(text: string): Plan {
  const result = compilePolicy(new TextEncoder().encode(text), { file: 'p.yaml' })
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  expect(result.value.warnings).toEqual([])
  return result.value.plan
}

/** The plan as plain data; conditions by their text, sets and maps as arrays. */
function plain(plan: unknown): unknown {
  return JSON.parse(
    JSON.stringify(plan, (_, value) =>
      value instanceof Set || value instanceof Map ? [...value] : value,
    ),
  )
}

const ALL = ['low', 'medium', 'high', 'critical']
const UNSAID = {
  clause: null,
  reference: null,
  jurisdiction: null,
  count: null,
  when: null,
  ladder: null,
  retroactive: null,
  inherited: null,
  hold: null,
  review: null,
  broadcast_delay_s: null,
  obligations: [],
  lease_ms: null,
  because: {},
  appeal: null,
  ground: 'terms',
  share: 100,
}
const GRAVE = {
  categories: { all: false, exact: [], prefixes: ['terrorism.'] },
  severities: ALL,
  scopes: null,
  within: 30 * DAY_MS,
  since: null,
  at_least: 1,
  weight_at_least: null,
  unless: null,
}

describe('the example policy', () => {
  const plan = planOf(EXAMPLE)

  it('compiles to exactly this plan', () => {
    expect(plain(plan)).toEqual({
      name: 'one-strike',
      revision: null,
      digest: policyDigest(new TextEncoder().encode(EXAMPLE)),
      about: 'Live is withdrawn from the first breach of the gravest rules.',
      as_of: Date.UTC(2019, 4, 14),
      sources: ['https://example.org/announcement'],
      languages: ['en', 'fr'],
      strikes: {
        expire_default: 365 * DAY_MS,
        expire_exact: [],
        expire_prefix: [['terrorism.', 'never']],
        ignore_content_older_than: 90 * DAY_MS,
        group_within: 10 * MINUTE_MS,
      },
      rules: [
        {
          ...UNSAID,
          id: 'dangerous-organisations',
          clause: 'Community Standards, Dangerous Organisations and Individuals',
          count: {
            ...GRAVE,
            categories: { all: false, exact: [], prefixes: ['dangerous_orgs.', 'terrorism.'] },
            severities: ['high', 'critical'],
            within: 365 * DAY_MS,
            since: Date.UTC(2019, 4, 14),
            unless: {
              source: 'strike.context in ["news", "research", "counter_speech"]',
              facts: ['strike.context'],
              strike_only: true,
              edges: [],
            },
          },
          ladder: [
            { at: 1, length: 30 * DAY_MS },
            { at: 2, length: 90 * DAY_MS },
            { at: 3, length: 'forever' },
          ],
          outcome: 'deny',
          because: { en: 'Live is paused until {until} after a strike for {category}.', fr: '…' },
          appeal: { within: 180 * DAY_MS, url: 'https://example.org/appeal' },
        },
        {
          ...UNSAID,
          id: 'needs-review',
          when: {
            source: 'incident.active && subject.followers < 1000',
            facts: ['incident.active', 'subject.followers'],
            edges: [],
            counts: [],
          },
          outcome: 'delay',
          review: { queue: 'live', within: 30 * MINUTE_MS, at_deadline: 'deny' },
        },
        {
          ...UNSAID,
          id: 'new-account',
          when: {
            source: 'now - subject.created_at < duration("24h")',
            facts: ['subject.created_at'],
            edges: [{ path: 'subject.created_at', offset_ms: DAY_MS }],
            counts: [],
          },
          outcome: 'delay',
          hold: 15 * MINUTE_MS,
        },
        {
          ...UNSAID,
          id: 'probation',
          count: {
            ...GRAVE,
            categories: { all: true, exact: [], prefixes: [] },
            within: 90 * DAY_MS,
          },
          outcome: 'delay',
          broadcast_delay_s: 30,
          obligations: [{ type: 'audience_cap', viewers: 500 }],
        },
      ],
      exemptions: [
        {
          id: 'newsroom',
          rules: ['needs-review', 'new-account'],
          when: {
            source: 'subject.labels.exists(l, l == "newsroom")',
            facts: ['subject.labels'],
            edges: [],
            counts: [],
          },
        },
      ],
      on_unknown: { outcome: 'delay', retry_after_s: 30 },
      unsupported: 'hold',
      default: 'allow',
      lease_ms: 4 * HOUR_MS,
      stale: null,
      invariants: [
        { id: 'never-after-grave-strike', never: 'allow', given: { count: GRAVE, when: null } },
      ],
    })
  })

  it('is frozen through and through', () => {
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      expect(Object.isFrozen(value)).toBe(true)
      for (const child of Object.values(value)) walk(child)
    }
    walk(plan)
  })

  it('compiles the same from the same bytes', () => {
    expect(plain(planOf(EXAMPLE))).toEqual(plain(plan))
  })
})

describe('a plan', () => {
  it('has the stated defaults where the file is silent', () => {
    const plan = planOf(
      'livegate: policy/v1\nname: t\nrules: [{ id: a, when: incident.active, outcome: deny }]\n',
    )
    expect(plain(plan)).toMatchObject({
      about: null,
      as_of: null,
      sources: [],
      languages: [],
      strikes: {
        expire_default: 'never',
        expire_exact: [],
        expire_prefix: [],
        ignore_content_older_than: null,
        group_within: 0,
      },
      on_unknown: { outcome: 'delay', retry_after_s: 30 },
      unsupported: 'hold',
      default: 'allow',
      lease_ms: 4 * HOUR_MS,
      stale: null,
      exemptions: [],
      invariants: [],
    })
  })

  it('does not depend on the order of rules, exemptions, invariants and keys', () => {
    const rules = ['a', 'b', 'c', 'd'].map(
      (id) => `  - { id: ${id}, when: incident.active, outcome: deny }\n`,
    )
    const exempt = ['x', 'y'].map(
      (id) => `  - { rules: [b, a], id: ${id}, when: subject.verified }\n`,
    )
    const parts = (r: readonly string[], e: readonly string[]): string[] => [
      'livegate: policy/v1\n',
      'name: t\n',
      `rules:\n${r.join('')}`,
      `exempt:\n${e.join('')}`,
      'lease: 1h\n',
    ]
    const shuffle = (items: string[]): fc.Arbitrary<string[]> =>
      fc.shuffledSubarray(items, { minLength: items.length, maxLength: items.length })
    const expected = plain({ ...planOf(parts(rules, exempt).join('')), digest: '' })
    fc.assert(
      fc.property(
        fc.tuple(shuffle(rules), shuffle(exempt)).chain(([r, e]) => shuffle(parts(r, e))),
        (text) => {
          expect(plain({ ...planOf(text.join('')), digest: '' })).toEqual(expected)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('keeps every form of a count', () => {
    const count = (text: string): unknown => {
      const plan = planOf(
        `livegate: policy/v1\nname: t\nrules: [{ id: a, count: { category: "*", ${text} }, outcome: deny }]\n`,
      )
      return plain(plan.rules[0]?.count)
    }
    const never = Number.MAX_SAFE_INTEGER
    expect(count('severity: low..medium')).toMatchObject({ severities: ['low', 'medium'] })
    expect(count('severity: ..medium')).toMatchObject({ severities: ['low', 'medium'] })
    expect(count('severity: [critical, low]')).toMatchObject({ severities: ['low', 'critical'] })
    expect(count('severity: medium')).toMatchObject({ severities: ['medium'] })
    expect(count('scope: live')).toMatchObject({ scopes: ['live'] })
    expect(count('scope: [live, any]')).toMatchObject({ scopes: null })
    expect(count('within: P30D, since: 2026-01-01T00:00:00+01:00')).toMatchObject({
      within: 30 * DAY_MS,
      since: Date.UTC(2025, 11, 31, 23),
    })
    expect(count('at_least: 3')).toMatchObject({ at_least: 3, weight_at_least: null })
    expect(count('weight_at_least: 5')).toMatchObject({ at_least: never, weight_at_least: 5 })
    expect(count('at_least: 3, weight_at_least: 5')).toMatchObject({
      at_least: 3,
      weight_at_least: 5,
    })
  })

  it('sorts expiries by exact id and longest prefix', () => {
    const text =
      'livegate: policy/v1\nname: t\nrules: [{ id: a, when: incident.active, outcome: deny }]\n' +
      'strikes: { expire: { goods.*: 1d, terrorism.link: never, own.*: 2d, own.kind.*: 3d, default: 9d } }\n'
    const result = compilePolicy(new TextEncoder().encode(text), { file: 'p.yaml' })
    if (!result.ok) throw new Error(JSON.stringify(result.error))
    expect(result.value.warnings.map(({ code }) => code)).toEqual([
      'unknown-category',
      'unknown-category',
    ])
    expect(plain(result.value.plan.strikes)).toMatchObject({
      expire_default: 9 * DAY_MS,
      expire_exact: [['terrorism.link', 'never']],
      expire_prefix: [
        ['own.kind.', 3 * DAY_MS],
        ['goods.', DAY_MS],
        ['own.', 2 * DAY_MS],
      ],
    })
  })
})

describe('the digest', () => {
  it('is SHA-256 over the exact bytes', () => {
    expect(policyDigest(new Uint8Array())).toBe(
      'sha256-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU',
    )
  })

  it('changes with a comment, a blank and a line end', () => {
    const digests = [
      EXAMPLE,
      `${EXAMPLE}# x\n`,
      `${EXAMPLE} `,
      EXAMPLE.replaceAll('\n', '\r\n'),
    ].map((text) => planOf(text).digest)
    expect(new Set(digests).size).toBe(4)
  })
})

describe('calls of strikes(...) in one condition', () => {
  const policy = (calls: number): string => {
    const terms = Array.from({ length: calls }, (_, i) => `strikes("*", "${i + 1}d") >= 2`)
    return [
      'livegate: policy/v1',
      'name: t',
      'rules:',
      `  - { id: a, outcome: deny, when: '${terms.join(' || ')}' }`,
    ].join('\n')
  }
  it('twelve are compiled', () => {
    expect(planOf(policy(12)).rules[0]?.when?.counts.length).toBe(12)
  })
  it('thirteen are refused, because doubt is tried for each', () => {
    const result = compilePolicy(new TextEncoder().encode(policy(13)), { file: 'p.yaml' })
    expect(result.ok ? [] : result.error.map(({ code, message }) => `${code}: ${message}`)).toEqual(
      ['cel-profile: condition calls strikes(...) 13 times, limit 12'],
    )
  })
})
