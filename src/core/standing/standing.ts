/**
 * Folds a subject's strikes, as of one instant, into the sorted table every count reads.
 *
 * Pure and independent of arrival order. Knows how strikes live and die (reversal, age of the content, expiry) but
 * nothing of rules: which strikes a rule counts is core/policy/count.ts. Strikes already expired stay in the table,
 * because a ladder asks what was unexpired when an earlier strike took effect. Expiry is exclusive.
 * Spec: docs/spec/policy.md, "Standing".
 */
import { SEVERITIES, type Strike } from '../model.ts'
import type { StrikesPlan } from '../policy/plan.ts'
import type { EpochMs } from '../time.ts'

/** Strikes that exist at `at`, column by column so that counting touches numbers only. */
export interface Standing {
  readonly at: EpochMs
  /** Sorted by (effective_at, id). */
  readonly strikes: readonly Strike[]
  readonly effective: Float64Array
  /** First instant at which the strike no longer counts; Infinity = never. */
  readonly expiry: Float64Array
  /** Index into `categories`. */
  readonly category: Uint16Array
  /** Distinct category ids in order of first appearance. */
  readonly categories: readonly string[]
  /** Bit `1 << index in SEVERITIES`; all bits for a word that is none, so that it never opens the gate. */
  readonly severity: Uint8Array
}

/** Of most subjects; a column each costs more than deciding about them. */
const NONE: Omit<Standing, 'at'> = {
  strikes: [],
  effective: new Float64Array(0),
  expiry: new Float64Array(0),
  category: new Uint16Array(0),
  categories: [],
  severity: new Uint8Array(0),
}

/** The fold. Two copies of one id count once; if either is reversed, both are gone. */
export function standing(strikes: readonly Strike[], at: EpochMs, plan: StrikesPlan): Standing {
  if (strikes.length === 0) return { ...NONE, at }
  const kept = sorted(existing(distinct(strikes), at, plan))
  const effective = new Float64Array(kept.length)
  const expiry = new Float64Array(kept.length)
  const category = new Uint16Array(kept.length)
  const severity = new Uint8Array(kept.length)
  const categories: string[] = []
  const lengths: number[] = []
  const index = new Map<string, number>()
  let row = 0
  for (const strike of kept) {
    let k = index.get(strike.category)
    if (k === undefined) {
      k = categories.length
      index.set(strike.category, k)
      categories.push(strike.category)
      lengths.push(expireLength(plan, strike.category))
    }
    effective[row] = strike.effective_at
    expiry[row] = strike.expires_at ?? strike.effective_at + (lengths[k] as number)
    category[row] = k
    severity[row++] = severityBits(strike)
  }
  return { at, strikes: kept, effective, expiry, category, categories, severity }
}

/** How long a strike of `category` counts: exact id, else longest prefix, else the default; Infinity = never expires. */
export function expireLength(plan: StrikesPlan, category: string): number {
  const exact = plan.expire_exact.get(category)
  if (exact !== undefined) return exact === 'never' ? Infinity : exact
  for (const [prefix, expire] of plan.expire_prefix)
    if (category.startsWith(prefix)) return expire === 'never' ? Infinity : expire
  return plan.expire_default === 'never' ? Infinity : plan.expire_default
}

function severityBits({ severity }: Strike): number {
  const index = SEVERITIES.indexOf(severity)
  return index < 0 ? 0xff : 1 << index
}

function distinct(strikes: readonly Strike[]): readonly Strike[] {
  const ids = new Set<string>()
  for (const strike of strikes) ids.add(strike.id)
  if (ids.size === strikes.length) return strikes
  const byId = new Map<string, Strike>()
  for (const strike of strikes) {
    const other = byId.get(strike.id)
    byId.set(strike.id, other === undefined ? strike : oneOf(other, strike))
  }
  return [...byId.values()]
}

/** Stores refuse one id with two contents; should it happen, the choice must not depend on who came first. */
function oneOf(a: Strike, b: Strike): Strike {
  if (a.status !== b.status) return a.status === 'reversed' ? a : b
  if (a.effective_at !== b.effective_at) return a.effective_at < b.effective_at ? a : b
  return canonical(a) <= canonical(b) ? a : b
}

function canonical(strike: Strike): string {
  return JSON.stringify(strike, [...Object.keys(strike), 'system', 'kind'].sort())
}

function existing(strikes: readonly Strike[], at: EpochMs, plan: StrikesPlan): Strike[] {
  const limit = plan.ignore_content_older_than
  const kept: Strike[] = []
  for (const strike of strikes) {
    if (strike.status === 'reversed' || strike.effective_at > at) continue
    const made = strike.content_created_at
    if (limit !== null && made !== undefined && strike.effective_at - made > limit) continue
    kept.push(strike)
  }
  return kept
}

function sorted(strikes: Strike[]): Strike[] {
  let previous: Strike | undefined
  for (const strike of strikes) {
    if (previous !== undefined && order(previous, strike) > 0) return strikes.sort(order)
    previous = strike
  }
  return strikes
}

function order(a: Strike, b: Strike): number {
  if (a.effective_at !== b.effective_at) return a.effective_at - b.effective_at
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
