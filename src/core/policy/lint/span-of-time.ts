/**
 * How long strikes can be counted and how many fit: what windows, expiry and grouping allow, without any strike.
 */
import { expireLength } from '../../standing/standing.ts'
import type { CategorySelector, CountPlan, Plan, StrikesPlan } from '../plan.ts'

/** A category that no exact entry names. */
const ANY = '\u0000'

/**
 * The longest expiry of a strike the selector takes, in ms; Infinity = never. A strike's own `expires_at`, which no
 * policy knows, may still be later.
 */
export function longestExpiry(strikes: StrikesPlan, selector: CategorySelector): number {
  const plan = { expire: (id: string): number => expireLength(strikes, id) }
  const lengths = [...selector.exact].map(plan.expire)
  for (const prefix of selector.all ? [''] : selector.prefixes) {
    lengths.push(plan.expire(`${prefix}${ANY}`))
    for (const id of strikes.expire_exact.keys())
      if (id.startsWith(prefix)) lengths.push(plan.expire(id))
    for (const [below, expire] of strikes.expire_prefix)
      if (below.startsWith(prefix)) lengths.push(expire === 'never' ? Infinity : expire)
  }
  return Math.max(...lengths)
}

/** How long a strike is counted by `count` at most, by window and expiry; Infinity = for ever. */
export function countedFor(plan: Plan, count: CountPlan): number {
  return Math.min(count.within ?? Infinity, longestExpiry(plan.strikes, count.categories))
}

/** The largest number `count` can reach: strikes further apart than `group_within` that fit into the window. */
export function mostCounted(plan: Plan, count: CountPlan): number {
  const { group_within } = plan.strikes
  if (group_within === 0 || count.within === null) return Infinity
  return Math.floor((count.within - 1) / (group_within + 1)) + 1
}
