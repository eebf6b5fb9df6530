/**
 * When two revisions of a rule give every history the same restrictions, or one never a longer one.
 *
 * Errs on the side of "differs": a form kept in vain costs a microsecond, one left out wrongly breaks a promise.
 * Used by inherit.ts.
 */
import type { EpochMs } from '../time.ts'
import { lengthRank, stepFor } from './ladder.ts'
import type { CountPlan, LadderStep, RulePlan, StrikesPlan } from './plan.ts'

/** A rule that opens restrictions. */
export interface LadderRule extends RulePlan {
  readonly count: CountPlan
  readonly ladder: readonly LadderStep[]
}

export function isLadder(rule: RulePlan | undefined): rule is LadderRule {
  return rule !== undefined && rule.count !== null && rule.ladder !== null
}

/**
 * First instant at which no strike from before `until` can matter to `rule` any more: its longest restriction is over,
 * and where a step warns the strike has left the window. Infinity for `forever`, or a warning without window.
 */
export function lastedUntil({ count, ladder }: LadderRule, until: EpochMs): number {
  let longest = 0
  for (const { length } of ladder) {
    const lasts =
      length === 'warn' ? (count.within ?? Number.POSITIVE_INFINITY) : lengthRank(length)
    longest = Math.max(longest, lasts)
  }
  return until - 1 + longest
}

/** Equal for `strikes` members that make the same standing of every history. */
export function strikesKey(strikes: StrikesPlan): string {
  const { expire_default, expire_exact, expire_prefix } = strikes
  const exact = [...expire_exact].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const { ignore_content_older_than, group_within } = strikes
  return JSON.stringify([
    expire_default,
    exact,
    expire_prefix,
    ignore_content_older_than,
    group_within,
  ])
}

/** Equal for rules that count the same of every history. A ladder does not look at thresholds. */
export function countingKey(strikes: StrikesPlan, count: CountPlan): string {
  const { categories, severities, scopes, within, since, unless } = count
  return JSON.stringify([
    strikesKey(strikes),
    categories.all,
    [...categories.exact].toSorted(),
    categories.prefixes.toSorted(),
    [...severities].toSorted(),
    scopes === null ? null : [...scopes].toSorted(),
    within,
    since,
    unless === null ? null : unless.source,
  ])
}

/** True if `ladder` gives every number at least what `other` gives it. */
export function isNoMilder(ladder: readonly LadderStep[], other: readonly LadderStep[]): boolean {
  const rank = (steps: readonly LadderStep[], n: number): number =>
    lengthRank(stepFor(steps, n)?.length ?? null)
  return [...ladder, ...other].every(({ at }) => rank(ladder, at) >= rank(other, at))
}
