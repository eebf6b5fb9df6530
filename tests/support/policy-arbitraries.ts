/**
 * Random policies over every form the language admits; tests/properties/policy-forms.test.ts holds them to that.
 *
 * Policies are written as text and compiled, so that what the compiler refuses is not tested and what it admits is.
 * Conditions are in policy-conditions.ts, the facts they meet in policy-facts.ts.
 */
import fc from 'fast-check'
import { utf8 } from '../../src/core/encoding.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import { formatDiagnostic } from '../../src/core/policy/diagnostic.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { addMs, formatInstant } from '../../src/core/time.ts'
import { NOW } from './plans.ts'
import { aRandomExemption, aRandomUnless, aRandomWhen, type Said } from './policy-conditions.ts'

export type Json = Readonly<Record<string, unknown>>

/** Compiles a policy given as data; JSON is YAML. */
export function compiled(policy: Json): Plan {
  const text = JSON.stringify({ livegate: 'policy/v1', name: 'random', ...policy }, null, 1)
  const result = compilePolicy(utf8(text), { file: 'random.yaml' })
  if (!result.ok) throw new Error(result.error.map((e) => formatDiagnostic(e, text)).join('\n'))
  return result.value.plan
}

const textOf = ({ text }: Said): string => text
const span = fc.constantFrom('1ms', '2ms', '3ms', '5ms', '8ms')
const pattern = fc.constantFrom('*', 'terrorism.*', 'terrorism.link', 'hate.*')
const orNone = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 2 })

const selection = fc.record(
  {
    category: fc.oneof(pattern, fc.array(pattern, { minLength: 1, maxLength: 2 })),
    severity: fc.constantFrom<unknown>(
      ...['high..', 'low', '..medium', 'low..high'],
      ...[['critical'], ['low', 'high..']],
    ),
    scope: fc.constantFrom<unknown>('live', ['live'], ['chat', 'live'], ['any', 'chat']),
    within: span,
    since: fc.integer({ min: -12, max: 0 }).map((n) => formatInstant(addMs(NOW, n))),
  },
  { requiredKeys: ['category'] },
)
const threshold = fc.record(
  { at_least: fc.integer({ min: 1, max: 4 }), weight_at_least: fc.integer({ min: 1, max: 9 }) },
  { requiredKeys: [] },
)
/** Steps with and without gaps, up to and over the numbers a random history reaches. */
export const aRandomLadder: fc.Arbitrary<Json> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 2, max: 6 }), { maxLength: 3 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([more, warns, forever]) => {
    const lengths = [...(warns ? ['warn'] : []), '2ms', '4ms', '9ms', '15ms']
    const steps = [1, ...more.toSorted((a, b) => a - b)]
    const last = steps.length - 1
    return Object.fromEntries(
      steps.map((at, i) => [at, forever && i === last && i > 0 ? 'forever' : lengths[i]]),
    )
  })

/** `count` with what may stand beside it, or `when`, or both. */
export interface Foundation {
  readonly count?: Json
  readonly ladder?: Json
  readonly retroactive?: Json
  readonly when?: Said
  readonly unless?: Said
}

export const aRandomFoundation: fc.Arbitrary<Foundation> = fc
  .oneof(
    fc.record({ when: aRandomWhen }),
    fc
      .record({ selection, threshold, when: orNone(aRandomWhen), unless: orNone(aRandomUnless) })
      .map(({ selection: s, threshold: th, ...rest }) => ({ count: { ...s, ...th }, ...rest })),
    fc.record({
      count: selection,
      ladder: aRandomLadder,
      retroactive: orNone(fc.constant({ why: 'a law says so' })),
      when: orNone(aRandomWhen),
      unless: orNone(aRandomUnless),
    }),
  )
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, it]) => it !== undefined)))

/** The same as it is written in a policy. */
export function writtenAs({ when, unless, ...rest }: Foundation): Json {
  return {
    ...rest,
    ...(when === undefined ? {} : { when: when.text }),
    ...(unless === undefined ? {} : { unless: unless.text }),
  }
}

const few = fc.integer({ min: 1, max: 5 })
const obligation = fc.oneof(
  fc.record({ type: fc.constant('audience_cap'), viewers: few }),
  fc.record(
    { type: fc.constant('duration_cap'), minutes: few, seconds: few },
    { requiredKeys: ['type'] },
  ),
  fc.record({ type: fc.constantFrom('recheck', 'latency', 'slow_mode'), seconds: few }),
  fc.record({ type: fc.constant('age_floor'), years: few }),
  fc.record(
    {
      type: fc.constant('own'),
      max_x: fc.oneof(few, few, fc.constant('none')),
      min_y: few,
      tone: fc.constantFrom('a', 'b'),
      loud: fc.boolean(),
    },
    { requiredKeys: ['type', 'max_x'] },
  ),
  // Plain ones, so that several rules often ask for the same thing and merging shows.
  fc.record({ type: fc.constant('own'), max_x: few }),
  fc.record({ type: fc.constant('own'), max_x: few, min_y: few }),
  fc.constant({ type: 'no_gifts' }),
)
const review = fc.record({
  queue: fc.constantFrom('q1', 'q2'),
  within: span,
  at_deadline: fc.constantFrom('deny', 'allow'),
})
const conditions = {
  obligations: fc.array(obligation, { minLength: 1, maxLength: 3 }),
  lease: fc.constantFrom('1s', '5s', '2h'),
}
/** What a rule does. */
export const aRandomEffect: fc.Arbitrary<Json> = fc.oneof(
  fc.constant({ outcome: 'deny' }),
  fc.record({ outcome: fc.constant('allow'), ...conditions }, { requiredKeys: ['outcome'] }),
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

/** What a rule says to people: never a matter of who may go live. */
const words = fc.record(
  {
    clause: fc.constant('Section 4'),
    appeal: fc.constantFrom(
      { url: 'https://example.org/appeal' },
      { url: 'https://example.org/appeal', within: '30d' },
    ),
    because: fc.constantFrom<unknown>('Paused until {until}.', {
      en: 'Paused until {until}.',
      fr: 'En pause.',
    }),
  },
  { requiredKeys: [] },
)
const law = { ground: 'law', reference: 'TCO Art. 3', jurisdiction: 'EU' }
const ground = fc.constantFrom<Json>({}, {}, { ground: 'terms' }, law)

/** Most rules are enforced for everybody, and most of those do not say so. */
const rollout = fc.constantFrom<Json>(
  ...[{}, {}, {}, {}, { enforce: 'on' }],
  ...['off', 'canary 1%', 'canary 50%', 'canary 99%'].map((enforce) => ({ enforce })),
)

/** One rule without its id. */
export const aRandomRule: fc.Arbitrary<Json> = fc
  .tuple(aRandomFoundation, aRandomEffect, words, ground, rollout)
  .map(([on, does, says, by, whom]) => ({
    ...writtenAs(on),
    ...does,
    ...says,
    ...whom,
    // `*` takes in breaches of terms only, which no law can be the ground for.
    ...([on.count?.category ?? []].flat().includes('*') ? {} : by),
  }))

/** The member `strikes` of a policy. */
export const randomStrikesOptions: fc.Arbitrary<Json> = fc.record(
  {
    expire: fc.constantFrom<unknown>('never', '6ms', {
      default: '10ms',
      'terrorism.*': '3ms',
      'terrorism.link': 'never',
    }),
    group_within: fc.constantFrom('0s', '1ms', '2ms', '4ms'),
    ignore_content_older_than: fc.constantFrom('2ms', '50ms'),
  },
  { requiredKeys: [] },
)

const invariant = fc
  .record({
    never: fc.constantFrom('allow', 'deny', 'delay'),
    count: orNone(fc.tuple(selection, threshold).map(([s, th]) => ({ ...s, ...th }))),
    when: aRandomWhen.map(textOf),
  })
  .map(({ never, count, when }) => ({
    never,
    given: count === undefined ? { when } : { count, when },
  }))

/** A policy as data; `rules` have ids r0, r1, ... */
export const aRandomPolicy: fc.Arbitrary<Json> = fc
  .tuple(
    fc.record({
      rules: fc.array(aRandomRule, { minLength: 1, maxLength: 5 }),
      exempt: fc.array(
        fc.tuple(aRandomExemption.map(textOf), fc.subarray([0, 1, 2, 3, 4], { minLength: 1 })),
        { maxLength: 2 },
      ),
      invariants: fc.array(invariant, { maxLength: 1 }),
    }),
    fc.record(
      {
        strikes: randomStrikesOptions,
        on_unknown: fc.constantFrom<Json>({ retry_after: '40s' }, { outcome: 'deny' }),
        unsupported: fc.constantFrom('hold', 'deny'),
        default: fc.constantFrom('allow', 'allow', 'allow', 'deny'),
        lease: fc.constantFrom('3s', '1h'),
        as_of: fc.constant('2026-01-01'),
        about: fc.constant('Random rules.'),
        sources: fc.constant(['https://example.org/rules']),
      },
      { requiredKeys: [] },
    ),
    fc.constantFrom<Json>(
      ...[{}, {}, { max_age: '400d' }],
      ...['keep', 'unknown', 'deny'].map((on_stale) => ({ max_age: '400d', on_stale })),
    ),
  )
  .map(([{ rules, exempt, invariants }, rest, stale]) => ({
    ...rest,
    ...stale,
    rules: rules.map((rule, i) => ({ id: `r${i}`, ...rule })),
    exempt: exempt.flatMap(([text, indexes], i) => {
      const named = indexes.filter((index) => index < rules.length).map((index) => `r${index}`)
      return named.length === 0 ? [] : [{ id: `x${i}`, rules: named, when: text }]
    }),
    invariants: invariants.map((one, i) => ({ id: `i${i}`, ...one })),
  }))
