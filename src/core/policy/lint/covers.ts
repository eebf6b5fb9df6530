/**
 * Does one rule make another without effect: it matches whenever the other does, and asks at least as much?
 *
 * Sound and not complete: true only when it follows from the members one by one, for every history and all facts. What
 * takes a search is left to `livegate policy prove`. Two rules on different grounds are never compared, because the
 * person affected is owed both. Meaning of the members: docs/spec/policy.md.
 */

import { stepFor } from '../ladder.ts'
import type { CategorySelector, CountPlan, LadderStep, Plan, RulePlan } from '../plan.ts'
import { matchesCategory } from '../selector.ts'

/** `covers(a, b)` is true when rule b has no effect beside rule a. Made once for a plan. */
export function createCovers(plan: Plan): (a: RulePlan, b: RulePlan) => boolean {
  const means = new Map(plan.rules.map((rule) => [rule.id, meansOf(rule)]))
  return (a, b) =>
    a.ground === b.ground &&
    (a.outcome === 'deny' || (!isKept(b) && means.get(a.id) === means.get(b.id))) &&
    coversWhen(a, b) &&
    coversCount(a, b) &&
    // Beside a rule that keeps old promises, one that does not may be the longer.
    (b.retroactive === null || a.retroactive !== null) &&
    // An exemption of the one that does not name the other would make the other matter.
    plan.exemptions.every(({ rules }) => !rules.includes(a.id) || rules.includes(b.id))
}

/** Holds and reviews are kept rule by rule: one can be done while the other has only begun. */
function isKept({ hold, review }: RulePlan): boolean {
  return hold !== null || review !== null
}

/** Everything a rule asks for, to be compared as a whole. */
function meansOf(rule: RulePlan): string {
  const { outcome, hold, review, broadcast_delay_s, obligations, lease_ms } = rule
  return JSON.stringify([outcome, hold, review, broadcast_delay_s, obligations, lease_ms])
}

function coversWhen(a: RulePlan, b: RulePlan): boolean {
  // While the condition of the other is unknown it asks to come back, which only a denial makes idle.
  if (a.when === null) return b.when === null || a.outcome === 'deny'
  return a.when.source === b.when?.source
}

function coversCount(a: RulePlan, b: RulePlan): boolean {
  // Strikes give a denial an end, which a condition alone has not.
  if (a.count === null) return b.count === null
  if (b.count === null || (a.ladder === null) !== (b.ladder === null)) return false
  return coversTime(a.count, b.count) && coversSize(a, b) && coversSelection(a.count, b.count)
}

function coversTime(a: CountPlan, b: CountPlan): boolean {
  return (
    (a.within === null || (b.within !== null && b.within <= a.within)) &&
    (a.since === null || (b.since !== null && b.since >= a.since))
  )
}

function coversSize(a: RulePlan, b: RulePlan): boolean {
  if (a.ladder !== null && b.ladder !== null) return coversLadder(a.ladder, b.ladder)
  if (a.count === null || b.count === null || a.count.at_least > b.count.at_least) return false
  const [mine, other] = [a.count.weight_at_least, b.count.weight_at_least]
  return other === null || (mine !== null && mine <= other)
}

function coversLadder(a: readonly LadderStep[], b: readonly LadderStep[]): boolean {
  return [...a, ...b].every(({ at }) => {
    const [mine, other] = [stepFor(a, at)?.length, stepFor(b, at)?.length]
    // A warning is given after a longer restriction has ended as well.
    if (other === 'warn') return mine === 'warn'
    return rank(mine) >= rank(other)
  })
}

function rank(length: LadderStep['length'] | undefined): number {
  if (length === undefined || length === 'warn') return -1
  return length === 'forever' ? Number.POSITIVE_INFINITY : length
}

function coversSelection(a: CountPlan, b: CountPlan): boolean {
  return (
    (a.unless === null || a.unless.source === b.unless?.source) &&
    isWithin(b.severities, a.severities) &&
    (a.scopes === null || (b.scopes !== null && isWithin(b.scopes, a.scopes))) &&
    coversCategories(a.categories, b.categories)
  )
}

function isWithin<T>(part: ReadonlySet<T>, whole: ReadonlySet<T>): boolean {
  for (const one of part) if (!whole.has(one)) return false
  return true
}

function coversCategories(a: CategorySelector, b: CategorySelector): boolean {
  if (a.all) return true
  if (b.all) return false
  return (
    [...b.exact].every((id) => matchesCategory(a, id)) &&
    b.prefixes.every((prefix) => a.prefixes.some((wider) => prefix.startsWith(wider)))
  )
}
