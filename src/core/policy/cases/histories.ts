/**
 * Histories for boundary cases: strikes one rule counts, so and so many, so and so far apart.
 */
import type { Strike } from '../../model.ts'
import { expireLength } from '../../standing/standing.ts'
import { type EpochMs, epochMs } from '../../time.ts'
import { hostContext } from '../evaluate-rule.ts'
import type { CountPlan, RulePlan } from '../plan.ts'
import { matchesCategory, selectorOf } from '../selector.ts'
import type { StrikeClass } from '../vocabulary.ts'
import { type StrikeAt, strikeOf } from '../vocabulary-facts.ts'
import { type Ground, NOTHING, sceneFacts } from './ground.ts'

/** More strikes than this are not written into a test file. */
export const MAX_STRIKES = 64

/** What a rule needs to match, and how its strikes have to be placed. */
export interface Need {
  readonly kind: StrikeClass
  /** One strike for each. */
  readonly weights: readonly number[]
  /** From one to the next, so that each counts by itself. */
  readonly gap: number
  /** How long one counts, by window or expiry; Infinity = for ever. */
  readonly span: number
}

/** Strikes of `kind` at these instants; `own` gives what only one of them has. */
export function strikesAt(
  kind: StrikeClass,
  instants: readonly number[],
  own: (i: number) => Partial<StrikeAt> & { readonly weight?: number } = () => ({}),
): Strike[] {
  return instants.map((at, i) => {
    const { weight = kind.weight, ...part } = own(i)
    return strikeOf({ ...kind, weight }, { id: `s${i + 1}`, effective_at: epochMs(at), ...part })
  })
}

/** `n` instants from `first` on. */
export function spaced(first: number, n: number, gap: number): number[] {
  return Array.from({ length: n }, (_, i) => first + i * gap)
}

/** The history of a need that begins at `first`. */
export function historyOf(need: Need, first: number): Strike[] {
  const instants = spaced(first, need.weights.length, need.gap)
  return strikesAt(need.kind, instants, (i) => ({ weight: need.weights[i] ?? 1 }))
}

export function lastOf(strikes: readonly Strike[], otherwise: EpochMs): EpochMs {
  return strikes.at(-1)?.effective_at ?? otherwise
}

/** Classes a rule counts, one for each expiry there is, each counted by as few other rules as can be. */
export function classesOf(ground: Ground, count: CountPlan): StrikeClass[] {
  const { plan, vocabulary, from } = ground
  const facts = sceneFacts(ground, { at: from, strikes: [], facts: NOTHING })
  const { scope } = hostContext(plan, facts, 0, facts.hosts[0])
  const chosen = new Map<number, { kind: StrikeClass; others: number }>()
  for (const kind of vocabulary.classes) {
    if (!selects(count, kind)) continue
    const strike = strikeOf(kind, { id: 's1', effective_at: from })
    if (count.unless !== null && count.unless.evaluate(scope, strike) !== false) continue
    const others = plan.rules.filter(
      (rule) => rule.count !== null && selects(rule.count, kind),
    ).length
    const expiry = expireLength(plan.strikes, kind.category)
    const best = chosen.get(expiry)
    if (best === undefined || others < best.others) chosen.set(expiry, { kind, others })
  }
  return [...chosen.values()].map(({ kind }) => ({ ...kind, weight: 1 }))
}

export function selects(count: CountPlan, kind: StrikeClass): boolean {
  return (
    matchesCategory(count.categories, kind.category) &&
    count.severities.has(kind.severity) &&
    (count.scopes === null || kind.scope === 'any' || count.scopes.has(kind.scope))
  )
}

/** What `rule` needs with strikes of `kind`; null when that is more than a test file holds, or cannot be. */
export function needOf(
  ground: Ground,
  rule: RulePlan,
  kind: StrikeClass,
  number: number,
): Need | null {
  const { count } = rule
  if (count === null) return null
  const { strikes } = ground.plan
  const expiry = expireLength(strikes, kind.category)
  const span = Math.min(expiry, count.within ?? Number.POSITIVE_INFINITY)
  const byWeight = rule.ladder === null && count.at_least > MAX_STRIKES
  const weights = byWeight
    ? partsOf(count.weight_at_least)
    : Array.from({ length: number }, () => 1)
  if (weights === null || weights.length > MAX_STRIKES) return null
  const gap = byWeight ? 0 : gapOf(strikes.group_within, weights.length, span)
  if (weights.length > 1 && (weights.length - 1) * gap >= span) return null
  return { kind, weights, gap, span }
}

function gapOf(group: number, n: number, span: number): number {
  if (group > 0) return group + 1
  return n * 2000 < span ? 1000 : 0
}

const MAX_WEIGHT = 1000

/** Weights that add up to `sum`. */
export function partsOf(sum: number | null): number[] | null {
  if (sum === null || sum > MAX_STRIKES * MAX_WEIGHT || sum < 1) return null
  const full = Array.from({ length: Math.floor(sum / MAX_WEIGHT) }, () => MAX_WEIGHT)
  return sum % MAX_WEIGHT === 0 ? full : [...full, sum % MAX_WEIGHT]
}

/** A class that a pattern of `strikes(...)` matches, counted by as few rules as can be. */
export function classFor({ plan, vocabulary }: Ground, pattern: string): StrikeClass | null {
  const selector = selectorOf([pattern])
  const counting = (kind: StrikeClass): number =>
    plan.rules.filter(({ count }) => count !== null && selects(count, kind)).length
  const matching = vocabulary.classes.filter(({ category }) => matchesCategory(selector, category))
  const sorted = matching.map((kind) => ({ kind, n: counting(kind) })).sort((a, b) => a.n - b.n)
  return sorted[0]?.kind ?? null
}
