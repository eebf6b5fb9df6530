import { describe, expect, it } from 'vitest'
import type { Strike } from '../../../src/core/model.ts'
import { compileCondition, compileStrikeCondition } from '../../../src/core/policy/cel.ts'
import type { ConditionScope } from '../../../src/core/policy/plan.ts'
import { DAY_MS, type EpochMs, epochMs } from '../../../src/core/time.ts'

const NOW = epochMs(Date.UTC(2026, 0, 31))

function aScope(over: Partial<ConditionScope> = {}): ConditionScope {
  return {
    now: NOW,
    subject: {
      created_at: epochMs(NOW - DAY_MS),
      followers: 999,
      labels: ['newsroom'],
      verified: true,
    },
    stream: { hosts: 2, audience: 'public' },
    request: { territory: 'DE' },
    incident: { active: false },
    platform: {},
    open_broadcasts: 1,
    countStrikes: (pattern, within) => (pattern === 'spam.*' && within === 30 * DAY_MS ? 2 : 0),
    ...over,
  }
}

function aStrike(over: Partial<Strike> = {}): Strike {
  const at = epochMs(NOW - DAY_MS)
  return {
    id: 's1',
    subject: 'u1',
    category: 'terrorism.link',
    severity: 'high',
    weight: 1,
    issued_at: at,
    effective_at: at,
    scope: 'any',
    status: 'active',
    ...over,
  }
}

function condition(source: string, place: 'when' | 'exempt' = 'when') {
  const compiled = compileCondition(source, place)
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  return compiled.value
}

const truths: readonly (readonly [source: string, truth: boolean | 'unknown'])[] = [
  ['true', true],
  ['now - subject.created_at < duration("24h")', false],
  ['now - subject.created_at <= duration("1d")', true],
  ['subject.created_at + duration("1d") == now', true],
  ['duration("1h30m") < duration("2h")', true],
  ['now >= timestamp("2026-01-31")', true],
  ['now < timestamp("2026-01-31T01:00:00+01:00")', false],
  ['subject.followers < 1000', true],
  ['-1 < subject.followers', true],
  ['subject.followers != 999', false],
  ['subject.followers * 2 + 2 == 2000', true],
  ['subject.verified', true],
  ['subject.verified == false', false],
  ['subject.labels.exists(l, l == "newsroom")', true],
  ['subject.labels.exists(l, "x" == l)', false],
  ['subject.labels.all(l, l.startsWith("news") && size(l) > 2)', true],
  ['"newsroom" in subject.labels', true],
  ['stream.audience in ["public", "followers"]', true],
  ['stream.hosts in [1, 3]', false],
  ['stream.audience < "z"', true],
  ['request.territory.contains("E") ? stream.hosts > 1 : false', true],
  ['strikes("spam.*", "30d") >= 2', true],
  ['strikes("spam.*", "30d") > 2', false],
  ['2 <= strikes("spam.*", "30d")', true],
  ['1 < strikes("spam.*")', false],
  ['(subject.followers + 1) * 2 == 2000', true],
  ['subject.followers - (1 - 2) == 1000', true],
  ['subject.followers - 1 - 2 == 996', true],
  ['-(subject.followers + 1) < -999', true],
  ['subject.followers % (3 + 4) == 5', true],
  ['(subject.verified ? 1 : 2) == 1', true],
  ['(subject.verified && stream.hosts > 5) == false', true],
  ['(stream.hosts > 1) == (subject.followers > 1)', true],
  ['stream.audience in [request.territory, "public"]', true],
  ['(stream.audience + "x") == "publicx"', true],
  ["stream.audience + '\\'\\\\' == 'public\\'\\\\'", true],
  ['platform.moderation_available', 'unknown'],
  ['!platform.moderation_available', 'unknown'],
  ['platform.moderation_available && false', false],
  ['false && platform.moderation_available', false],
  ['platform.moderation_available || true', true],
  ['platform.moderation_available || false', 'unknown'],
  ['platform.moderation_available ? true : subject.verified', true],
  ['platform.moderation_available ? true : false', 'unknown'],
  ['subject.verified ? true : platform.moderation_available', true],
  ['stream.category == "games"', 'unknown'],
  ['stream.category > "games"', 'unknown'],
  ['subject.followers / (stream.hosts - 2) > 1', 'unknown'],
  ['subject.followers / 0 > 1 || subject.verified', true],
]

describe('a condition', () => {
  it.each(truths)('%s is %s', (source, truth) => {
    expect(condition(source).evaluate(aScope())).toBe(truth)
  })

  it('names every fact it reads, sorted, once', () => {
    const { facts } = condition(
      'stream.hosts > 1 || subject.labels.exists(l, l == stream.id) || stream.hosts < 9',
    )
    expect(facts).toEqual(['stream.hosts', 'stream.id', 'subject.labels'])
  })

  it('reports all missing facts, not only the first', () => {
    const { missing } = condition(
      'subject.age_band == "18+" && stream.category == "x" && subject.verified',
    )
    expect(missing(aScope())).toEqual(['stream.category', 'subject.age_band'])
  })

  it('reports an error of the evaluation itself', () => {
    expect(condition('subject.followers / 0 > 1').missing(aScope())).toEqual(['evaluation_error'])
  })

  it('takes a wrong type, null, NaN or a fraction for absent', () => {
    for (const followers of ['9', null, Number.NaN, 1.5, 2 ** 60, {}, [], true]) {
      const scope = aScope({ subject: { followers } as never })
      expect(condition('subject.followers < 1000').evaluate(scope)).toBe('unknown')
      expect(condition('subject.followers % 7 < 8').missing(scope)).toEqual(['subject.followers'])
    }
    const labels = aScope({ subject: { labels: ['a', 1] } as never })
    expect(condition('"a" in subject.labels').evaluate(labels)).toBe('unknown')
  })

  it('is exact to the millisecond beyond the eighteen years where the library rounds', () => {
    for (const years of [1, 17, 19, 40, 90]) {
      const created_at = epochMs(NOW - years * 365 * DAY_MS)
      const { evaluate } = condition(`now - subject.created_at < duration("${years * 365}d")`)
      expect(evaluate(aScope({ subject: { created_at } }))).toBe(false)
      expect(evaluate(aScope({ subject: { created_at: (created_at + 1) as EpochMs } }))).toBe(true)
    }
  })

  it('survives a count that throws', () => {
    const countStrikes = (): number => {
      throw new Error('broken')
    }
    expect(condition('strikes("*") >= 1').evaluate(aScope({ countStrikes }))).toBe('unknown')
  })
})

describe('edges', () => {
  const edges: readonly (readonly [string, readonly unknown[]])[] = [
    [
      'now - subject.created_at < duration("24h")',
      [{ path: 'subject.created_at', offset_ms: DAY_MS }],
    ],
    [
      'subject.created_at + duration("24h") > now',
      [{ path: 'subject.created_at', offset_ms: DAY_MS }],
    ],
    [
      'now < subject.created_at - duration("1h")',
      [{ path: 'subject.created_at', offset_ms: -3_600_000 }],
    ],
    ['timestamp("2026-01-31") <= now - duration("1d")', [{ path: null, offset_ms: NOW + DAY_MS }]],
    ['subject.created_at < timestamp("2026-01-31")', []],
    ['subject.followers > 3', []],
    ['now - now < duration("1h")', []],
    [
      '!(now < timestamp("2026-01-31")) || (subject.verified ? now > subject.created_at : false)',
      [
        { path: null, offset_ms: NOW },
        { path: 'subject.created_at', offset_ms: 0 },
      ],
    ],
  ]
  it.each(edges)('of %s', (source, expected) => {
    expect(condition(source).edges).toEqual(expected)
  })

  it('are where the truth changes', () => {
    const { edges: found, evaluate } = condition('now - subject.created_at < duration("36h")')
    const edge = (NOW - DAY_MS + (found[0]?.offset_ms ?? 0)) as EpochMs
    expect(evaluate(aScope({ now: (edge - 1) as EpochMs }))).toBe(true)
    expect(evaluate(aScope({ now: edge }))).toBe(false)
  })

  it('of an unless can lie at the strike', () => {
    const compiled = compileStrikeCondition('now - strike.issued_at > duration("90d")')
    expect(compiled.ok && compiled.value.edges).toEqual([
      { path: 'strike.issued_at', offset_ms: 90 * DAY_MS },
    ])
  })

  it('come with the counts, each once', () => {
    const { counts } = condition(
      'strikes("spam.*", "30d") >= 2 || strikes("spam.*", "30d") > 4 || strikes("*") > 9',
    )
    expect(counts).toEqual([
      { pattern: 'spam.*', within: 30 * DAY_MS },
      { pattern: '*', within: null },
    ])
  })
})

describe('an unless', () => {
  it('reads the strike and knows when it reads nothing else', () => {
    const only = compileStrikeCondition(
      'strike.context in ["news"] || strike.source_kind == "import"',
    )
    const both = compileStrikeCondition('strike.severity == "low" && subject.verified')
    if (!only.ok || !both.ok) throw new Error('refused')
    expect([only.value.strike_only, both.value.strike_only]).toEqual([true, false])
    expect(only.value.evaluate(aScope(), aStrike({ context: 'news' }))).toBe(true)
    expect(only.value.evaluate(aScope(), aStrike())).toBe('unknown')
    expect(only.value.missing(aScope(), aStrike())).toEqual([
      'strike.context',
      'strike.source_kind',
    ])
    expect(both.value.evaluate(aScope(), aStrike())).toBe(false)
  })

  it('that reads the clock is not strike_only', () => {
    const compiled = compileStrikeCondition('now - strike.issued_at > duration("90d")')
    expect(compiled.ok && compiled.value.strike_only).toBe(false)
  })
})

const polarity: readonly (readonly [source: string, when: boolean, exempt: boolean])[] = [
  ['strikes("*") >= 1', true, false],
  ['!(strikes("*") >= 1)', false, true],
  ['!!(strikes("*") >= 1)', true, false],
  ['!(subject.verified && !(strikes("*") > 1))', true, false],
  ['subject.verified ? strikes("*") >= 1 : 3 < strikes("spam.bulk", "1d")', true, false],
  ['strikes("*") >= 1 ? true : false', false, false],
  ['strikes("*") <= 1', false, false],
  ['1 >= strikes("*")', false, false],
  ['strikes("*") == 1', false, false],
  ['strikes("*") != 0', false, false],
  ['(strikes("*") >= 1) == true', false, false],
  ['strikes("*") + 1 >= 2', false, false],
  ['strikes("*") >= subject.followers', false, false],
  ['strikes("*") in [1, 2]', false, false],
  ['subject.labels.exists(l, strikes("*") >= 1)', false, false],
  ['strikes("*") >= strikes("spam.*")', false, false],
]

describe('a count', () => {
  it.each(polarity)('%s: in when %s, in an exemption %s', (source, when, exempt) => {
    expect(compileCondition(source, 'when').ok).toBe(when)
    expect(compileCondition(source, 'exempt').ok).toBe(exempt)
  })

  it('cannot stand in an unless', () => {
    const compiled = compileStrikeCondition('strikes("*") >= 1')
    expect(compiled.ok ? [] : compiled.error.map(({ code }) => code)).toEqual(['polarity'])
  })
})

const many = (n: number, part: string): string => Array(n).fill(part).join(', ')

const refused: readonly (readonly [source: string, code: string, message: string])[] = [
  ['has(subject.verified)', 'cel-profile', 'function `has` is not in the profile livegate-cel/1'],
  [
    'dyn(subject.followers) == 1',
    'cel-profile',
    'function `dyn` is not in the profile livegate-cel/1',
  ],
  [
    'stream.id.matches("(a+)+$")',
    'cel-profile',
    'function `matches` is not in the profile livegate-cel/1',
  ],
  ['now.getHours() < 6', 'cel-profile', 'function `getHours` is not in the profile livegate-cel/1'],
  [
    'now.getHours("Europe/Berlin") < 6',
    'cel-profile',
    'function `getHours` is not in the profile livegate-cel/1',
  ],
  ['cel.bind(x, true, x)', 'cel-profile', 'function `bind` is not in the profile livegate-cel/1'],
  [
    'subject.labels.filter(l, l == "a").size() > 0',
    'cel-profile',
    'function `filter` is not in the profile livegate-cel/1',
  ],
  [
    'subject.labels.all(a, subject.labels.all(b, a == b))',
    'cel-profile',
    'a macro inside a macro is not in the profile livegate-cel/1',
  ],
  [
    'subject.labels.all(a, now > subject.created_at)',
    'cel-profile',
    'time inside a macro is not in the profile livegate-cel/1',
  ],
  [
    'subject.labels.exists(now, now == "a")',
    'cel-profile',
    'a macro variable named `now` is not in the profile livegate-cel/1',
  ],
  [
    'subject.labels[0] == "a"',
    'cel-profile',
    'access by `[]` is not in the profile livegate-cel/1',
  ],
  ['{"a": true}["a"]', 'cel-profile', 'access by `[]` is not in the profile livegate-cel/1'],
  [
    'subject == subject',
    'cel-profile',
    '`subject` as a whole is not in the profile livegate-cel/1',
  ],
  ['subject.verified == null', 'cel-profile', '`null` is not in the profile livegate-cel/1'],
  [
    'subject.followers < 1.5',
    'cel-profile',
    'a value of this kind is not in the profile livegate-cel/1',
  ],
  [
    'subject.followers < 9007199254740993',
    'cel-profile',
    'a number beyond 2^53 is not in the profile livegate-cel/1',
  ],
  [
    `stream.id in [${many(65, '"a"')}]`,
    'cel-profile',
    'a list of 65 items is not in the profile livegate-cel/1',
  ],
  [
    `stream.id == "${'a'.repeat(257)}"`,
    'cel-profile',
    'text of 257 characters is not in the profile livegate-cel/1',
  ],
  ['now == now.getDate()', 'cel-profile', 'this use of time is not in the profile livegate-cel/1'],
  ['now in [now]', 'cel-profile', 'time outside a comparison is not in the profile livegate-cel/1'],
  [
    'now + duration("1h") - duration(stream.id) > now',
    'bad-duration',
    'found `another value`, duration() needs one text literal',
  ],
  [
    'now > timestamp("yesterday")',
    'bad-instant',
    'found `yesterday`, expected an RFC 3339 instant such as 2026-01-31T00:00:00Z',
  ],
  [
    '(now - subject.created_at) - (timestamp("2026-01-01") - now) < duration("1h")',
    'cel-profile',
    'time must be compared as `now` against at most one fact and constants',
  ],
  ['folowers > 3', 'cel-type', 'unknown name `folowers`'],
  ['now - subject.creatd_at < duration("1h")', 'cel-type', 'unknown fact `subject.creatd_at`'],
  ['subject.followers + "a" == "b"', 'cel-type', 'no such overload: int + string'],
  ['now < duration("1h")', 'cel-type', 'no such overload: timestamp < duration'],
  ['!subject.followers', 'cel-type', 'no such overload: !int'],
  ['subject.?verified', 'cel-syntax', 'expected IDENTIFIER, got QUESTION'],
  ['subject.verified &&', 'cel-syntax', 'the condition ends too early'],
  [
    'strikes("*", "30 days") > 1',
    'bad-duration',
    'found `30 days`, expected a duration such as 30d, 24h, 15m, 10s or P30D',
  ],
  ['strikes("*.a") > 1', 'bad-value', 'found `*.a`, expected a category pattern'],
  [
    'strikes(stream.id) > 1',
    'cel-profile',
    '`strikes()` needs a category and a duration as text literals',
  ],
]

describe('hostile or mistaken CEL is refused', () => {
  it.each(refused)('%s', (source, code, message) => {
    const compiled = compileCondition(source, 'when')
    expect(
      compiled.ok ? [] : compiled.error.map((fault) => [fault.code, fault.message])[0],
    ).toEqual([code, message])
  })

  it('without overflowing the stack, whatever is nested', () => {
    const bombs = [
      '('.repeat(900),
      '!'.repeat(1900),
      '-'.repeat(1900),
      '['.repeat(900),
      'true?'.repeat(390),
      'a.'.repeat(990),
    ]
    const chains = [
      many(990, '1').replaceAll(', ', '+'),
      many(660, 'now').replaceAll(', ', '-'),
      Array(390).fill('true').join('||'),
    ]
    for (const source of [...bombs, ...bombs.map((bomb) => `${bomb}true`), ...chains]) {
      const start = performance.now()
      const compiled = compileCondition(source, 'when')
      if (compiled.ok) expect(compiled.value.evaluate(aScope())).not.toBe(undefined)
      else expect(compiled.error.length).toBeGreaterThan(0)
      expect(performance.now() - start).toBeLessThan(2000)
    }
  })

  it('and what is accepted stays cheap on the largest facts', () => {
    const labels = Array.from({ length: 64 }, (_, i) => `label-${i}`.padEnd(64, 'x'))
    const { evaluate } = condition(
      'subject.labels.all(l, subject.labels.size() > 3 && l.endsWith("x") && l in subject.labels)',
    )
    const start = performance.now()
    expect(evaluate(aScope({ subject: { labels } }))).toBe(true)
    expect(performance.now() - start).toBeLessThan(50)
  })
})
