/**
 * Counts and ladders a second time, by the words of docs/spec/policy.md and nothing else: all subsets, all strikes, no
 * order, no shortcuts. Judges core/policy/count.ts and ladder.ts in the property tests.
 */
import type { Strike } from '../../src/core/model.ts'
import type { CountPlan, LadderStep, Plan } from '../../src/core/policy/plan.ts'
import { NOW } from './plans.ts'

const SEVERITY = ['low', 'medium', 'high', 'critical']

/** Least number of closed intervals of length g covering the points: by trying every set of left ends. */
function leastCover(points: readonly number[], g: number): number {
  if (g === 0) return points.length
  let least = points.length
  for (let set = 0; set < 2 ** points.length; set++) {
    const ends = points.filter((_, i) => (set >> i) & 1)
    const covers = points.every((x) => ends.some((end) => end <= x && x <= end + g))
    if (covers) least = Math.min(least, ends.length)
  }
  return least
}

function expiryOf(strike: Strike, plan: Plan): number {
  if (strike.expires_at !== undefined) return strike.expires_at
  const { expire_exact, expire_prefix, expire_default } = plan.strikes
  const prefixes = expire_prefix.filter(([prefix]) => strike.category.startsWith(prefix))
  const longest = prefixes.toSorted(([a], [b]) => b.length - a.length)[0]
  const length = expire_exact.get(strike.category) ?? longest?.[1] ?? expire_default
  return length === 'never' ? Infinity : strike.effective_at + length
}

/** Of the standing, what a rule selects, `unless` left out. */
export function selected(strikes: readonly Strike[], count: CountPlan, plan: Plan): Strike[] {
  const limit = plan.strikes.ignore_content_older_than
  return strikes.filter((s) => {
    const tooOld =
      limit !== null &&
      s.content_created_at !== undefined &&
      s.effective_at - s.content_created_at > limit
    const { all, exact, prefixes } = count.categories
    return (
      s.status === 'active' &&
      s.effective_at <= NOW &&
      !tooOld &&
      (all || exact.has(s.category) || prefixes.some((p) => s.category.startsWith(p))) &&
      SEVERITY.some((word) => word === s.severity && count.severities.has(s.severity)) &&
      (count.scopes === null || s.scope === 'any' || count.scopes.has(s.scope)) &&
      (count.since === null || s.effective_at >= count.since)
    )
  })
}

/** Strikes in the window `(at - within, at]` that are unexpired at `at`. */
export function inWindow(
  strikes: readonly Strike[],
  count: CountPlan,
  plan: Plan,
  at: number,
): Strike[] {
  return strikes.filter(
    (s) =>
      s.effective_at <= at &&
      (count.within === null || s.effective_at > at - count.within) &&
      expiryOf(s, plan) > at,
  )
}

/** Their number, by covers. */
export function numberOf(strikes: readonly Strike[], plan: Plan): number {
  const points = strikes.map(({ effective_at }) => effective_at)
  return leastCover(points, plan.strikes.group_within)
}

export function countMatches(
  strikes: readonly Strike[],
  count: CountPlan,
  plan: Plan,
  at: number,
): boolean {
  const counted = inWindow(strikes, count, plan, at)
  if (counted.length === 0) return false
  const weight = counted.reduce((sum, s) => sum + s.weight, 0)
  const heavy = count.weight_at_least !== null && weight >= count.weight_at_least
  return heavy || numberOf(counted, plan) >= count.at_least
}

/** Every restriction that runs now, with its opening strike. */
export function running(
  strikes: readonly Strike[],
  count: CountPlan,
  ladder: readonly LadderStep[],
  plan: Plan,
): { until: number; opened_by: string; from: number }[] {
  return strikes.flatMap((s) => {
    const counted = inWindow(strikes, count, plan, s.effective_at)
    if (!counted.includes(s)) return []
    const n = numberOf(counted, plan)
    const step = ladder.filter(({ at }) => at <= n).at(-1)
    if (step === undefined || step.length === 'warn') return []
    const until = step.length === 'forever' ? Infinity : s.effective_at + step.length
    return until > NOW ? [{ until, opened_by: s.id, from: s.effective_at }] : []
  })
}
