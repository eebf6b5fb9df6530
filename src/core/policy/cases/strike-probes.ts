/**
 * Cases around every edge of what a rule counts: numbers, windows, expiry, grouping, ladder steps and their ends, since,
 * age of content, and each kind of strike it tells from others.
 */
import { SEVERITIES, type Strike } from '../../model.ts'
import { expireLength } from '../../standing/standing.ts'
import { type DurationMs, epochMs, formatDuration } from '../../time.ts'
import { CATEGORIES } from '../categories.ts'
import type { CountPlan, RulePlan } from '../plan.ts'
import { matchesCategory } from '../selector.ts'
import type { StrikeClass } from '../vocabulary.ts'
import { instantText } from './facts-yaml.ts'
import { type Assignment, type Ground, type Probe, sceneFacts } from './ground.ts'
import {
  classesOf,
  historyOf,
  lastOf,
  MAX_STRIKES,
  type Need,
  needOf,
  partsOf,
  spaced,
  strikesAt,
} from './histories.ts'
import { lengthWords, SIDES, strikeWords } from './words.ts'

/** What a rule is probed with beside its strikes. */
export interface Circumstance {
  /** Facts with which its `when` holds. */
  readonly facts: Assignment
  /** Strikes its `when` needs, for a history that ends at this instant. */
  readonly also: (at: number) => readonly Strike[]
}

/** Every case of what `rule` counts. */
export function* strikeProbes(
  ground: Ground,
  rule: RulePlan,
  circumstance: Circumstance,
): Generator<Probe> {
  const { count } = rule
  if (count === null) return
  const on: On = { ground, rule, count, circumstance }
  const kinds = classesOf(ground, count)
  for (const [i, kind] of kinds.entries()) {
    const least = rule.ladder === null ? count.at_least : 1
    const need = needOf(ground, rule, kind, least)
    if (need === null) continue
    if (rule.ladder === null) yield* exitProbes(on, need)
    else yield* ladderProbes(on, kind, i === 0)
    if (i > 0) continue
    yield* numberProbes(on, kind)
    yield* beginProbes(on, need)
    yield* kindProbes(on, need)
  }
}

interface On {
  readonly ground: Ground
  readonly rule: RulePlan
  readonly count: CountPlan
  readonly circumstance: Circumstance
}

function probe(
  { ground, rule, circumstance }: On,
  strikes: readonly Strike[],
  at: number,
  words: string,
): Probe {
  const all = [...strikes, ...circumstance.also(at)]
  const scene = { at: epochMs(at), strikes: all, facts: circumstance.facts }
  return { name: `${rule.id}: ${words}`, facts: sceneFacts(ground, scene) }
}

/** As the first of several strikes leaves, by window or expiry. */
function* exitProbes(on: On, need: Need): Generator<Probe> {
  const { ground, count } = on
  if (!Number.isFinite(need.span)) return
  const strikes = historyOf(need, ground.from)
  const leaves = count.within === need.span ? 'leaves the window' : 'expires'
  const first = strikes.length === 1 ? 'it' : 'the first'
  for (const [by, words] of SIDES)
    yield probe(
      on,
      strikes,
      ground.from + need.span + by,
      `${strikeWords(strikes.length)}, ${words} ${first} ${leaves} after ${formatDuration(need.span as DurationMs)}`,
    )
}

/** One strike too few, just enough, one too many; and the same for sums of weights. */
function* numberProbes(on: On, kind: StrikeClass): Generator<Probe> {
  const { ground, rule, count } = on
  const numbers = new Set<number>()
  const thresholds = rule.ladder === null ? [count.at_least] : rule.ladder.map(({ at }) => at)
  for (const n of thresholds) for (const by of [-1, 0, 1]) numbers.add(n + by)
  for (const n of [...numbers].sort((a, b) => a - b)) {
    if (n < 1 || n > MAX_STRIKES) continue
    const need = needOf(ground, { ...rule, count: { ...count, at_least: n } }, kind, n)
    if (need === null) continue
    const strikes = historyOf(need, ground.from)
    yield probe(on, strikes, lastOf(strikes, ground.from), `${strikeWords(n)}`)
  }
  if (count.weight_at_least === null) return
  for (const by of [-1, 0, 1]) {
    const weights = partsOf(count.weight_at_least + by)
    if (weights === null) continue
    const instants = weights.map(() => ground.from as number)
    const strikes = strikesAt(kind, instants, (i) => ({ weight: weights[i] ?? 1 }))
    yield probe(on, strikes, ground.from, `strikes of weight ${count.weight_at_least + by}`)
  }
  yield* groupProbes(on, kind, count.at_least)
}

/** Two strikes just in one group, and just not; without grouping two of one millisecond, and of two. */
function* groupProbes(on: On, kind: StrikeClass, number: number): Generator<Probe> {
  const { ground, rule } = on
  const group = ground.plan.strikes.group_within
  const need = number < 2 ? null : needOf(ground, rule, kind, number)
  if (need === null || need.weights.length < 2) return
  const before = spaced(ground.from, need.weights.length - 1, need.gap)
  for (const by of group === 0 ? [0, 1] : [-1, 0, 1]) {
    const last = (before.at(-1) ?? ground.from) + group + by
    const strikes = strikesAt(kind, [...before, last])
    const apart = `the last two ${lengthWords(group + by)} apart`
    yield probe(on, strikes, last, `${strikeWords(strikes.length)}, ${apart}`)
  }
}

/** Each step opens, and ends; and what makes a strike the first again: window, expiry, grouping. */
function* ladderProbes(on: On, kind: StrikeClass, first: boolean): Generator<Probe> {
  const { ground, rule, count } = on
  const steps = rule.ladder ?? []
  for (const { at: n, length } of first ? steps : []) {
    const need = needOf(ground, rule, kind, n)
    if (need === null) continue
    const strikes = historyOf(need, ground.from)
    const last = lastOf(strikes, ground.from)
    const ends = length === 'warn' ? need.span : length === 'forever' ? Number.NaN : length
    if (!Number.isFinite(ends)) continue
    const what =
      length === 'warn' ? 'its warning ends' : `its restriction of ${lengthWords(ends)} ends`
    const from = length === 'warn' && n === 1 ? ground.from : last
    for (const [by, words] of SIDES)
      yield probe(on, strikes, from + ends + by, `step ${n}, ${words} ${what}`)
  }
  const second = steps.find(({ at }) => at > 1)?.at
  const need = second === undefined ? null : needOf(ground, rule, kind, second)
  if (need === null) return
  if (first) yield* groupProbes(on, kind, need.weights.length)
  const expiry = expireLength(ground.plan.strikes, kind.category)
  if (!Number.isFinite(need.span)) return
  const leaves = count.within !== null && count.within <= expiry ? 'leaves the window' : 'expires'
  for (const [by, words] of SIDES) {
    const last = ground.from + need.span + by
    const n = need.weights.length
    const between = spaced(last - (n - 2) * need.gap, n - 2, need.gap)
    const strikes = strikesAt(kind, [ground.from, ...between, last])
    if (
      strikes.some(
        (strike, i) => i > 0 && strike.effective_at < (strikes[i - 1]?.effective_at ?? 0),
      )
    )
      continue
    yield probe(
      on,
      strikes,
      last,
      `strike ${n}, ${words} the first ${leaves} after ${lengthWords(need.span)}`,
    )
  }
}

/** From when on strikes count, and from how old content. */
function* beginProbes(on: On, need: Need): Generator<Probe> {
  const { ground, count } = on
  if (count.since !== null)
    for (const [by, words] of SIDES) {
      const strikes = historyOf(need, count.since + by)
      const when = `the first ${words} ${instantText(count.since)} comes`
      yield probe(
        on,
        strikes,
        lastOf(strikes, ground.from),
        `${strikeWords(strikes.length)}, ${when}`,
      )
    }
  const limit = ground.plan.strikes.ignore_content_older_than
  if (limit !== null)
    for (const by of [-1, 0, 1]) {
      const [head, ...rest] = historyOf(need, ground.from)
      if (head === undefined) return
      const made = epochMs(head.effective_at - limit - by)
      const strikes = [{ ...head, content_created_at: made }, ...rest]
      const what = `${strikeWords(strikes.length)}, the first for content of ${lengthWords(limit + by)}`
      yield probe(on, strikes, lastOf(strikes, ground.from), what)
    }
}

/** Categories of one rule that are written out. */
const MAX_CATEGORIES = 16

/** Each severity, category and scope it names, and one it does not. */
function* kindProbes(on: On, need: Need): Generator<Probe> {
  const { ground, count } = on
  const { exact, prefixes, all } = count.categories
  const of = function* (kind: StrikeClass, words: string): Generator<Probe> {
    const strikes = historyOf({ ...need, kind }, ground.from)
    yield probe(
      on,
      strikes,
      lastOf(strikes, ground.from),
      `${strikeWords(strikes.length)} ${words}`,
    )
  }
  if (count.severities.size < SEVERITIES.length)
    for (const severity of SEVERITIES)
      yield* of({ ...need.kind, severity }, `of severity ${severity}`)
  if (!all) {
    const known = CATEGORIES.map(({ id }) => id)
    const under = prefixes.map(
      (prefix) => known.find((id) => id.startsWith(prefix)) ?? `${prefix}x`,
    )
    const other = known.find((id) => !matchesCategory(count.categories, id)) ?? 'x.unlisted'
    const named = [...exact, ...under].slice(0, MAX_CATEGORIES)
    for (const category of [...named, other])
      yield* of({ ...need.kind, category }, `for ${category}`)
  }
  if (count.scopes !== null)
    for (const scope of ['any', ...count.scopes, 'elsewhere'])
      yield* of({ ...need.kind, scope }, `of scope ${scope}`)
}
