/**
 * Random policies over every form the language admits, and random facts that meet them often.
 *
 * Policies are written as text and compiled, so that what the compiler refuses is not tested and what it admits is.
 * Time is small (a few milliseconds around `NOW`), so that strikes fall on window ends, expiries and each other.
 */
import fc from 'fast-check'
import { utf8 } from '../../src/core/encoding.ts'
import type { Facts, HoldFact, HostFacts, Strike, SubjectFacts } from '../../src/core/model.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import { formatDiagnostic } from '../../src/core/policy/diagnostic.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { addMs, type EpochMs, formatInstant } from '../../src/core/time.ts'
import { NOW } from './plans.ts'

type Json = Readonly<Record<string, unknown>>

/** Compiles a policy given as data; JSON is YAML. */
export function compiled(policy: Json): Plan {
  const text = JSON.stringify({ livegate: 'policy/v1', name: 'random', ...policy }, null, 1)
  const result = compilePolicy(utf8(text), { file: 'random.yaml' })
  if (!result.ok) throw new Error(result.error.map((e) => formatDiagnostic(e, text)).join('\n'))
  return result.value.plan
}

const span = fc.constantFrom('1ms', '2ms', '3ms', '5ms', '8ms')
const category = fc.constantFrom('terrorism.link', 'terrorism.content', 'hate.speech')
const pattern = fc.constantFrom('*', 'terrorism.*', 'terrorism.link', 'hate.*')
const orNone = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 2 })

const counted = fc
  .tuple(pattern, span, fc.integer({ min: 1, max: 3 }))
  .map(([p, within, k]) => `strikes("${p}", "${within}") >= ${k}`)
const fact = fc.constantFrom(
  'subject.verified',
  'subject.followers < 10',
  'incident.active',
  'now - subject.created_at < duration("4ms")',
  'now - subject.created_at > duration("2ms")',
  'subject.labels.exists(l, l == "a")',
  'stream.hosts > 1',
  '100 / subject.followers > 20',
)

/** CEL with counts in the polarity of its place. */
function cel(atom: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const side = fc.oneof(
    atom,
    fact,
    fact.map((f) => `!(${f})`),
  )
  const pair = fc
    .tuple(side, fc.constantFrom('&&', '||'), side)
    .map(([a, op, b]) => `(${a}) ${op} (${b})`)
  return fc.oneof(
    side,
    pair,
    fc.tuple(pair, fc.constantFrom('&&', '||'), side).map(([a, op, b]) => `(${a}) ${op} (${b})`),
  )
}
const when = cel(counted)
const exempting = cel(counted.map((count) => `!(${count})`))
const unless = fc.constantFrom(
  'strike.context == "news"',
  'strike.context in ["news", "research"] && strike.weight < 3',
  'strike.source_kind == "model"',
  'subject.verified && strike.severity == "low"',
)

const selection = fc.record(
  {
    category: fc.array(pattern, { minLength: 1, maxLength: 2 }),
    severity: fc.constantFrom('high..', 'low', '..medium'),
    scope: fc.constantFrom(['live'], ['chat', 'live']),
    within: span,
    since: fc.integer({ min: -12, max: 0 }).map((n) => formatInstant(addMs(NOW, n))),
  },
  { requiredKeys: ['category'] },
)
const threshold = fc.record(
  { at_least: fc.integer({ min: 1, max: 4 }), weight_at_least: fc.integer({ min: 1, max: 9 }) },
  { requiredKeys: [] },
)
const ladder = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 2, max: 6 }), { maxLength: 3 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([more, warns, forever]) => {
    const lengths = [...(warns ? ['warn'] : []), '2ms', '4ms', '9ms', '15ms']
    const steps = [1, ...more.toSorted((a, b) => a - b)]
    return Object.fromEntries(
      steps.map((at, i) => [at, forever && i === 3 ? 'forever' : (lengths[i] ?? '20ms')]),
    )
  })
const obligation = fc.oneof(
  fc.record({ type: fc.constant('audience_cap'), viewers: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ type: fc.constant('slow_mode'), seconds: fc.integer({ min: 1, max: 5 }) }),
  fc.record({
    type: fc.constant('own'),
    max_x: fc.integer({ min: 1, max: 3 }),
    tone: fc.constantFrom('a', 'b'),
  }),
  fc.constant({ type: 'no_gifts' }),
)
const review = fc.record({
  queue: fc.constantFrom('q1', 'q2'),
  within: span,
  at_deadline: fc.constantFrom('deny', 'allow'),
})
const conditions = {
  obligations: fc.array(obligation, { minLength: 1, maxLength: 2 }),
  lease: fc.constantFrom('1s', '5s'),
}
const effect = fc.oneof(
  fc.constant({ outcome: 'deny' }),
  fc.record(
    { outcome: fc.constant('allow'), ...conditions },
    { requiredKeys: ['outcome', 'obligations'] },
  ),
  fc
    .record(
      {
        outcome: fc.constant('delay'),
        hold: span,
        review,
        broadcast_delay: fc.constantFrom('1s', '2s'),
        ...conditions,
      },
      { requiredKeys: ['outcome'] },
    )
    .filter(
      (e) => e.hold !== undefined || e.review !== undefined || e.broadcast_delay !== undefined,
    ),
)

const foundation = fc.oneof(
  when.map((text): Json => ({ when: text })),
  fc
    .record({
      selection,
      threshold,
      when: orNone(when),
      unless: orNone(unless),
    })
    .map(({ selection: s, threshold: th, ...rest }): Json => ({ count: { ...s, ...th }, ...rest })),
  fc
    .record({ count: selection, ladder, when: orNone(when), unless: orNone(unless) })
    .map((rule): Json => rule),
)

/** One rule without its id. */
export const aRandomRule: fc.Arbitrary<Json> = fc
  .tuple(foundation, effect)
  .map(([on, does]) => ({ ...on, ...does }))

/** A policy as data; `rules` have ids r0, r1, ... */
export const aRandomPolicy: fc.Arbitrary<Json> = fc
  .record({
    rules: fc.array(aRandomRule, { minLength: 1, maxLength: 5 }),
    exempt: fc.array(fc.tuple(exempting, fc.subarray([0, 1, 2, 3, 4], { minLength: 1 })), {
      maxLength: 2,
    }),
    strikes: fc.record({
      expire: fc.constantFrom<unknown>('never', '6ms', {
        default: '10ms',
        'terrorism.*': '3ms',
        'terrorism.link': 'never',
      }),
      group_within: fc.constantFrom('0s', '1ms', '2ms', '4ms'),
      ignore_content_older_than: fc.constantFrom('2ms', '50ms'),
    }),
    on_unknown: fc.constantFrom<Json>({ retry_after: '30s' }, { outcome: 'deny' }),
    unsupported: fc.constantFrom('hold', 'deny'),
    default: fc.constantFrom('allow', 'allow', 'allow', 'deny'),
  })
  .map(({ rules, exempt, ...rest }) => ({
    ...rest,
    rules: rules.map((rule, i) => ({ id: `r${i}`, ...rule })),
    exempt: exempt.flatMap(([text, indexes], i) => {
      const named = indexes.filter((index) => index < rules.length).map((index) => `r${index}`)
      return named.length === 0 ? [] : [{ id: `x${i}`, rules: named, when: text }]
    }),
  }))

const near = (min: number, max: number): fc.Arbitrary<EpochMs> =>
  fc.integer({ min, max }).map((n) => addMs(NOW, n))

/** A strike without its id. */
export const aRandomStrike: fc.Arbitrary<Omit<Strike, 'id'>> = fc
  .record(
    {
      effective_at: near(-14, 2),
      category,
      severity: fc.constantFrom('low' as const, 'medium' as const, 'high' as const),
      weight: fc.integer({ min: 1, max: 4 }),
      scope: fc.constantFrom('any', 'live', 'chat', 'post'),
      context: fc.constantFrom('news', 'other'),
      source: fc.constantFrom(
        { system: 's', kind: 'model' as const },
        { system: 's', kind: 'human' as const },
      ),
      content_created_at: near(-30, -2),
      expires_at: near(-10, 8),
      status: fc.constantFrom('active' as const, 'active' as const, 'reversed' as const),
    },
    { requiredKeys: ['effective_at', 'category', 'severity', 'weight', 'scope', 'status'] },
  )
  .map((strike) => ({ subject: 'u1', issued_at: strike.effective_at, ...strike }))

const subjectFacts: fc.Arbitrary<SubjectFacts> = fc.record(
  {
    created_at: near(-6, 0),
    followers: fc.integer({ min: 0, max: 20 }),
    verified: fc.boolean(),
    labels: fc.subarray(['a', 'b']),
  },
  { requiredKeys: [] },
)
const ruleId = fc.constantFrom('r0', 'r1', 'r2', 'r3')
const hold: fc.Arbitrary<HoldFact> = fc.record({
  rule: ruleId,
  first_asked_at: fc.oneof(near(-6, 1), near(-3_600_006, -3_599_996)),
})

function aRandomHost(subject: string): fc.Arbitrary<HostFacts> {
  return fc.record({
    subject: fc.constant(subject),
    facts: subjectFacts,
    sources: fc.constant({}),
    strikes: fc
      .array(aRandomStrike, { maxLength: 9 })
      .map((strikes) =>
        strikes.map((strike, i) => ({ ...strike, id: `${subject}s${i}`, subject })),
      ),
    holds: fc.array(hold, { maxLength: 2 }),
    reviews: fc.array(
      fc.record({
        rule: ruleId,
        result: fc.constantFrom('released' as const, 'refused' as const),
        at: near(-3, 1),
      }),
      { maxLength: 1 },
    ),
    open_broadcasts: fc.integer({ min: 0, max: 2 }),
  })
}

export const someRandomFacts: fc.Arbitrary<Facts> = fc.record({
  at: fc.constant(NOW),
  hosts: fc
    .tuple(aRandomHost('u1'), fc.option(aRandomHost('u2'), { nil: undefined, freq: 3 }))
    .map(([first, second]) => (second === undefined ? [first] : [first, second]) as Facts['hosts']),
  stream: fc.record(
    { id: fc.constant('b1'), audience: fc.constant('public') },
    { requiredKeys: [] },
  ),
  request: fc.constant({}),
  incident: fc.boolean().map((active) => ({ active })),
  platform: fc.constant({}),
  supports: fc.subarray(['broadcast_delay', 'audience_cap', 'no_gifts', 'slow_mode', 'own'], {
    minLength: 3,
  }),
})
