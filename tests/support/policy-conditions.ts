/**
 * Random conditions with their meaning: each is CEL text beside a plain function that says when it is true.
 *
 * Every operator, function and fact of the profile is in some atom, and `strikes(...)` stands wherever its polarity
 * lets it. The meaning is written from docs/spec/policy-syntax.md alone and in numbers (0 false, ½ unknown, 1 true), so
 * that it can judge the compiler's closures. Held complete by tests/properties/policy-forms.test.ts.
 */
import fc from 'fast-check'
import type { Strike } from '../../src/core/model.ts'
import type { ConditionScope } from '../../src/core/policy/plan.ts'
import { DAY_MS } from '../../src/core/time.ts'
import { NOW } from './plans.ts'

export type Truth = 0 | 0.5 | 1
type Meaning = (scope: ConditionScope, strike: Strike | undefined) => Truth

/** A condition as text and as a function. */
export interface Said {
  readonly text: string
  readonly truth: Meaning
  /** Places of `strikes(...)` in the text. */
  readonly counts: number
}

type Get<T> = (scope: ConditionScope, strike: Strike | undefined) => T | undefined

function about<T>(get: Get<T>, rows: Readonly<Record<string, (value: T) => boolean>>): Said[] {
  return Object.entries(rows).map(([text, holds]) => ({
    text,
    counts: 0,
    truth: (scope, strike) => {
      const value = get(scope, strike)
      return value === undefined ? 0.5 : holds(value) ? 1 : 0
    },
  }))
}

/** Both values; absent while one is. */
function both<A, B>(a: Get<A>, b: Get<B>): Get<readonly [A, B]> {
  return (scope, strike) => {
    const [x, y] = [a(scope, strike), b(scope, strike)]
    return x === undefined || y === undefined ? undefined : [x, y]
  }
}

const instant = (text: string): string => `timestamp("${text}")`
const BEFORE = '2026-01-30T23:59:59.997Z'
const AFTER = '2026-01-31T00:00:00.005Z'
const age: Get<number> = ({ now, subject }) =>
  subject.created_at === undefined ? undefined : now - subject.created_at

const PLAIN: readonly Said[] = [
  ...about(() => 0, { true: () => true, false: () => false }),
  ...about<boolean>((s) => s.subject.verified, {
    'subject.verified': (it) => it,
    'subject.verified == false': (it) => !it,
  }),
  ...about<boolean>((s) => s.incident.active, {
    'incident.active': (it) => it,
    'incident.active != true': (it) => !it,
  }),
  ...about<boolean>((s) => s.stream.one_to_many, { 'stream.one_to_many': (it) => it }),
  ...about<boolean>((s) => s.platform.moderation_available, {
    'platform.moderation_available': (it) => it,
  }),
  ...about<number>((s) => s.subject.followers, {
    'subject.followers < 10': (n) => n < 10,
    '10 <= subject.followers': (n) => n >= 10,
    'subject.followers in [0, 3, 20]': (n) => [0, 3, 20].includes(n),
    'subject.followers % 3 == 1': (n) => n % 3 === 1,
    'subject.followers * 2 - 1 >= 9': (n) => 2 * n - 1 >= 9,
  }),
  ...about<number>((s) => s.subject.followers || undefined, {
    '100 / subject.followers > 20': (n) => Math.trunc(100 / n) > 20,
  }),
  ...about<number>((s) => s.stream.hosts, { 'stream.hosts > 1': (n) => n > 1 }),
  ...about<number>((s) => s.open_broadcasts, {
    'subject.open_broadcasts != 1': (n) => n !== 1,
    'subject.open_broadcasts >= 2': (n) => n >= 2,
  }),
  ...about(
    both(
      (s) => s.subject.followers,
      (s) => s.open_broadcasts,
    ),
    { '-subject.followers + 5 > subject.open_broadcasts': ([n, open]) => 5 - n > open },
  ),
  ...about<string>((s) => s.subject.age_band, {
    'subject.age_band == "16-17"': (it) => it === '16-17',
    'subject.age_band in ["13-15", "16-17"]': (it) => it === '13-15' || it === '16-17',
  }),
  ...about<string>((s) => s.stream.id, { 'stream.id != "b1"': (it) => it !== 'b1' }),
  ...about<string>((s) => s.stream.audience, {
    '"public" == stream.audience': (it) => it === 'public',
  }),
  ...about<string>((s) => s.stream.category, {
    'stream.category.startsWith("ga")': (it) => it.startsWith('ga'),
  }),
  ...about<string>((s) => s.stream.admission, {
    'stream.admission.endsWith("to")': (it) => it.endsWith('to'),
  }),
  ...about<string>((s) => s.request.territory, {
    'request.territory.contains("E")': (it) => it.includes('E'),
    'size(request.territory) == 2': (it) => it.length === 2,
  }),
  ...about<string>((s) => s.request.ingest, {
    'request.ingest == "rtmp"': (it) => it === 'rtmp',
    'request.ingest.size() > 3': (it) => it.length > 3,
  }),
  ...about<string>((s) => s.incident.id, { 'incident.id < "i2"': (it) => it < 'i2' }),
  ...about(
    both(
      (s) => s.incident.scope,
      (s) => s.stream.category,
    ),
    { 'incident.scope == stream.category': ([a, b]) => a === b },
  ),
  ...about<readonly string[]>((s) => s.subject.labels, {
    'subject.labels.exists(l, l == "a")': (all) => all.includes('a'),
    'subject.labels.all(l, l != "b")': (all) => !all.includes('b'),
    'subject.labels.exists_one(l, l.size() == 1)': (all) => all.length === 1,
  }),
  ...about<readonly string[]>((s) => s.subject.linked, {
    '"u9" in subject.linked': (all) => all.includes('u9'),
    'size(subject.linked) > 0': (all) => all.length > 0,
  }),
  ...about<number>(age, {
    'now - subject.created_at < duration("4ms")': (ms) => ms < 4,
    'now - subject.created_at > duration("2ms")': (ms) => ms > 2,
    'now >= subject.created_at + duration("1ms2ms")': (ms) => ms >= 3,
    'duration("1d") >= now - subject.created_at': (ms) => DAY_MS >= ms,
    'now - subject.created_at == duration("3ms")': (ms) => ms === 3,
  }),
  ...about<number>((s) => s.subject.created_at, {
    [`subject.created_at < ${instant(BEFORE)}`]: (at) => at < NOW - 3,
  }),
  ...about<number>((s) => s.now, {
    [`now <= ${instant('2026-01-31')}`]: (at) => at <= NOW,
    [`now > ${instant(AFTER)} - duration("1ms")`]: (at) => at > NOW + 4,
  }),
]

const STRIKE: readonly Said[] = [
  ...about<string>((_, k) => k?.context, {
    'strike.context == "news"': (it) => it === 'news',
    'strike.context in ["news", "research"]': (it) => it === 'news' || it === 'research',
  }),
  ...about<number>((_, k) => k?.weight, { 'strike.weight < 3': (n) => n < 3 }),
  ...about<string>((_, k) => k?.source?.kind, {
    'strike.source_kind == "model"': (it) => it === 'model',
  }),
  ...about<string>((_, k) => k?.source?.system, {
    'strike.source_system.startsWith("s")': (it) => it.startsWith('s'),
  }),
  ...about<string>((_, k) => k?.severity, { 'strike.severity == "low"': (it) => it === 'low' }),
  ...about<string>((_, k) => k?.id, { 'strike.id.endsWith("1")': (it) => it.endsWith('1') }),
  ...about<string>((_, k) => k?.category, {
    'strike.category.contains("link")': (it) => it.includes('link'),
  }),
  ...about<string>((_, k) => k?.scope, { 'strike.scope != "any"': (it) => it !== 'any' }),
  ...about<number>((s, k) => (k === undefined ? undefined : s.now - k.issued_at), {
    'now - strike.issued_at > duration("6ms")': (ms) => ms > 6,
  }),
  ...about<number>((_, k) => k?.issued_at, {
    [`strike.issued_at >= ${instant(BEFORE)}`]: (at) => at >= NOW - 3,
  }),
]

const windows = fc.constantFrom<readonly [string, number | null]>(
  ['', null],
  [', "1ms"', 1],
  [', "3ms"', 3],
  [', "8ms"', 8],
)
/** "At least k" in every spelling the language has. */
function atLeast(call: string, k: number): readonly string[] {
  return [`${call} >= ${k}`, `${call} > ${k - 1}`, `${k} <= ${call}`, `${k - 1} < ${call}`]
}

const counted: fc.Arbitrary<Said> = fc
  .tuple(
    fc.constantFrom('*', 'terrorism.*', 'terrorism.link', 'hate.*'),
    windows,
    fc.nat(3),
    fc.integer({ min: 1, max: 3 }),
  )
  .map(([pattern, [written, within], form, k]) => ({
    text: atLeast(`strikes("${pattern}"${written})`, k)[form] ?? '',
    counts: 1,
    truth: ({ countStrikes }) =>
      countStrikes(pattern, within as Parameters<typeof countStrikes>[1]) >= k ? 1 : 0,
  }))

function not(a: Said): Said {
  return { ...a, text: `!(${a.text})`, truth: (s, k) => (1 - a.truth(s, k)) as Truth }
}

function and(a: Said, b: Said): Said {
  const truth: Meaning = (s, k) => Math.min(a.truth(s, k), b.truth(s, k)) as Truth
  return { text: `(${a.text}) && (${b.text})`, counts: a.counts + b.counts, truth }
}

function or(a: Said, b: Said): Said {
  const truth: Meaning = (s, k) => Math.max(a.truth(s, k), b.truth(s, k)) as Truth
  return { text: `(${a.text}) || (${b.text})`, counts: a.counts + b.counts, truth }
}

/** Unknown which: what both branches agree on. */
function choose(which: Said, yes: Said, no: Said): Said {
  return {
    text: `(${which.text}) ? (${yes.text}) : (${no.text})`,
    counts: which.counts + yes.counts + no.counts,
    truth: (s, k) => {
      const [w, y, n] = [which.truth(s, k), yes.truth(s, k), no.truth(s, k)]
      if (w === 0.5) return y === n ? y : 0.5
      return w === 1 ? y : n
    },
  }
}

/** Conditions over `leaf`; `turned` is what may stand under a negation, `which` before a question mark. */
function tree(
  leaf: fc.Arbitrary<Said>,
  turned: fc.Arbitrary<Said>,
  which: fc.Arbitrary<Said>,
): fc.Arbitrary<Said> {
  return fc.letrec<{ node: Said }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      { weight: 4, arbitrary: leaf },
      { weight: 2, arbitrary: fc.tuple(tie('node'), tie('node')).map(([a, b]) => and(a, b)) },
      { weight: 2, arbitrary: fc.tuple(tie('node'), tie('node')).map(([a, b]) => or(a, b)) },
      { weight: 1, arbitrary: turned.map(not) },
      {
        weight: 1,
        arbitrary: fc.tuple(which, tie('node'), tie('node')).map(([w, y, n]) => choose(w, y, n)),
      },
    ),
  })).node
}

const atom = fc.constantFrom(...PLAIN)
const perhapsCounted = fc.oneof(counted, atom)
const notCounted = fc.oneof(counted.map(not), atom)

/** For `when` and `given`: one more strike makes it no less true. */
export const aRandomWhen: fc.Arbitrary<Said> = tree(perhapsCounted, notCounted, atom)
/** For exemptions: one more strike makes it no more true. */
export const aRandomExemption: fc.Arbitrary<Said> = tree(notCounted, perhapsCounted, atom)

const perStrike = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...STRIKE) },
  { weight: 1, arbitrary: atom },
)
/** For `unless`. */
export const aRandomUnless: fc.Arbitrary<Said> = tree(perStrike, perStrike, perStrike)
