/**
 * Which strikes a rule counts, and how many they are.
 *
 * A window is `(at - within, at]`: a strike of this very millisecond counts, one exactly `within` old does not. The
 * number of a set of strikes is the least number of closed intervals of length `group_within` that cover it, so two
 * strikes exactly `group_within` apart are one. That number never falls when a strike is added (G10).
 * Spec: docs/spec/policy.md, "Counting". Restrictions that begin at a strike are in ladder.ts.
 */
import type { Strike } from '../model.ts'
import { SEVERITIES } from '../model.ts'
import type { Standing } from '../standing/standing.ts'
import type { EpochMs } from '../time.ts'
import { createUnless, type Unless } from './count-unless.ts'
import type { CategorySelector, ConditionScope, CountPlan } from './plan.ts'
import { matchesCategory, selectorOf } from './selector.ts'

/** The strikes a rule selects, as rows of a standing. */
export interface Selection {
  /** Rows, ascending. */
  readonly rows: readonly number[]
  /** Facts an `unless` lacked for a selected strike, sorted; the strike counts all the same. */
  readonly missing: readonly string[]
}

const NONE: readonly number[] = []
const NO_FACTS: readonly string[] = []
const EMPTY: Selection = { rows: NONE, missing: NO_FACTS }

/** Which strikes may still matter: all there are, or those in the window ending now and not expired. */
export type Reach = 'ever' | 'now'

/** Strikes `plan` counts, `unless` applied. Linear in strikes; allocates only when something matches. */
export function select(
  plan: CountPlan,
  table: Standing,
  reach: Reach,
  scope: ConditionScope,
): Selection {
  const { effective, expiry, category, severity } = table
  if (effective.length === 0) return EMPTY
  const wanted = plan.categories.all ? null : matchingCategories(plan.categories, table.categories)
  if (wanted !== null && !wanted.includes(true)) return EMPTY
  const severities = severityMask(plan)
  const now = reach === 'now'
  const since = plan.since ?? Number.NEGATIVE_INFINITY
  const start = now && plan.within !== null ? table.at - plan.within : Number.NEGATIVE_INFINITY
  let rows: number[] | null = null
  let unless: Unless | null = null
  for (let i = firstAfter(effective, start); i < effective.length; i++) {
    if (((severity[i] as number) & severities) === 0) continue
    if (wanted !== null && wanted[category[i] as number] !== true) continue
    if ((effective[i] as number) < since) continue
    const ends = expiry[i] as number
    if (ends <= (effective[i] as number) || (now && ends <= table.at)) continue
    const strike = table.strikes[i] as Strike
    if (plan.scopes !== null && strike.scope !== 'any' && !plan.scopes.has(strike.scope)) continue
    if (plan.unless !== null) {
      unless ??= createUnless(plan.unless, scope)
      if (unless.lifts(strike)) continue
    }
    if (rows === null) rows = []
    rows.push(i)
  }
  if (rows === null) return EMPTY
  return { rows, missing: unless === null ? NO_FACTS : unless.missing() }
}

function severityMask(plan: CountPlan): number {
  let mask = 0
  for (let i = 0; i < SEVERITIES.length; i++)
    if (plan.severities.has(SEVERITIES[i] as (typeof SEVERITIES)[number])) mask |= 1 << i
  return mask
}

function matchingCategories(selector: CategorySelector, categories: readonly string[]): boolean[] {
  const matching: boolean[] = []
  for (const id of categories) matching.push(matchesCategory(selector, id))
  return matching
}

/** First row with `effective > instant`. */
function firstAfter(effective: Float64Array, instant: number): number {
  if (instant === Number.NEGATIVE_INFINITY) return 0
  let low = 0
  let high = effective.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((effective[middle] as number) > instant) high = middle
    else low = middle + 1
  }
  return low
}

/** Least number of closed intervals of length `group_within` covering `rows`; with 0 every strike counts by itself. */
export function groups(table: Standing, rows: readonly number[], group_within: number): number {
  if (group_within === 0) return rows.length
  let count = 0
  let covered = Number.NEGATIVE_INFINITY
  for (const row of rows) {
    const instant = table.effective[row] as number
    if (instant <= covered) continue
    count++
    covered = instant + group_within
  }
  return count
}

/** True while a count without ladder matches: its number reaches `at_least`, or its weights `weight_at_least`. */
export function reaches(
  plan: CountPlan,
  table: Standing,
  rows: readonly number[],
  group_within: number,
): boolean {
  if (rows.length === 0) return false
  if (groups(table, rows, group_within) >= plan.at_least) return true
  if (plan.weight_at_least === null) return false
  let weight = 0
  for (const row of rows) weight += (table.strikes[row] as Strike).weight
  return weight >= plan.weight_at_least
}

/**
 * First instant at which a count that matches now stops matching, if nothing is added: strikes leave by window or
 * expiry, and a number only falls as they do, so the exits are searched by halving.
 */
export function countEnd(
  plan: CountPlan,
  table: Standing,
  rows: readonly number[],
  group_within: number,
): EpochMs | 'forever' {
  const exits = exitsOf(plan, table, rows)
  const sorted = isAscending(exits) ? exits : exits.slice().sort()
  let low = 0
  let high = sorted.length - 1
  // The last strike to leave, or without grouping the k-th last, needs no search.
  if (plan.at_least === 1) low = high
  else if (group_within === 0 && plan.weight_at_least === null) low = high -= plan.at_least - 1
  while (low < high) {
    const middle = (low + high) >> 1
    const instant = sorted[middle] as number
    const left = rows.filter((_, i) => (exits[i] as number) > instant)
    if (reaches(plan, table, left, group_within)) low = middle + 1
    else high = middle
  }
  const end = sorted[low] ?? Number.POSITIVE_INFINITY
  return end === Number.POSITIVE_INFINITY ? 'forever' : (end as EpochMs)
}

/** `exitOf` every row. */
export function exitsOf(
  plan: { readonly within: number | null },
  table: Standing,
  rows: readonly number[],
): Float64Array {
  const exits = new Float64Array(rows.length)
  for (let p = 0; p < rows.length; p++) exits[p] = exitOf(plan, table, rows[p] as number)
  return exits
}

export function isAscending(values: Float64Array): boolean {
  for (let i = 1; i < values.length; i++)
    if ((values[i] as number) < (values[i - 1] as number)) return false
  return true
}

/** First instant at which the strike of `row` no longer counts for `plan`, by window or expiry; Infinity = never. */
export function exitOf(
  plan: { readonly within: number | null },
  table: Standing,
  row: number,
): number {
  const expiry = table.expiry[row] as number
  if (plan.within === null) return expiry
  return Math.min(expiry, (table.effective[row] as number) + plan.within)
}

/** `strikes(pattern, within)` of a condition: unexpired strikes in the window ending now; 0 when none, no grouping. */
export function countStrikes(table: Standing, pattern: string, within: number | null): number {
  const selector = selectorOf([pattern])
  const wanted = selector.all ? null : matchingCategories(selector, table.categories)
  const start = within === null ? Number.NEGATIVE_INFINITY : table.at - within
  let count = 0
  for (let i = firstAfter(table.effective, start); i < table.effective.length; i++)
    if (
      (table.expiry[i] as number) > table.at &&
      (wanted === null || wanted[table.category[i] as number])
    )
      count++
  return count
}
