/**
 * Who would be denied today, and until when, if the strikes of a file were all there is: evaluated here, by the core.
 *
 * No facts, no incident and no holds are known to a file, so only rules that count strikes are reported. Memory: every
 * strike of the file. The result holds subject ids; it is for the operator's own terminal.
 */
import type { Facts, Reason, Strike, Until } from '../../core/model.ts'
import { evaluate } from '../../core/policy/evaluate.ts'
import type { Plan } from '../../core/policy/plan.ts'
import type { EpochMs } from '../../core/time.ts'

export interface Denied {
  readonly subject: string
  /** Null: until the counted strikes leave their window or expire. */
  readonly until: Until | null
  readonly rules: readonly string[]
}

/** Subjects that strikes alone deny at `at`, longest first. */
export function previewDenied(
  plan: Plan,
  strikes: ReadonlyMap<string, readonly Strike[]>,
  at: EpochMs,
): Denied[] {
  const denies = new Set(plan.rules.flatMap((rule) => (rule.outcome === 'deny' ? [rule.id] : [])))
  const denied: Denied[] = []
  for (const [subject, own] of strikes) {
    const { reasons } = evaluate(plan, factsOf(subject, own, at))
    const counting = reasons.filter((reason) => denies.has(reason.rule) && counts(reason))
    if (counting.length === 0) continue
    const rules = [...new Set(counting.map((reason) => reason.rule))].sort()
    denied.push({ subject, until: latest(counting), rules })
  }
  return denied.sort(byEnd)
}

function counts(reason: Reason): boolean {
  return reason.code === 'restriction_active' || reason.code === 'strike_count'
}

function latest(reasons: readonly Reason[]): Until | null {
  let end: EpochMs | null = null
  for (const { until } of reasons) {
    if (until === 'forever') return until
    if (until !== undefined && (end === null || until > end)) end = until
  }
  return end
}

function byEnd(a: Denied, b: Denied): number {
  const [x, y] = [rank(a.until), rank(b.until)]
  if (x !== y) return x > y ? -1 : 1
  return a.subject < b.subject ? -1 : 1
}

function rank(until: Until | null): number {
  return until === 'forever' ? Number.POSITIVE_INFINITY : (until ?? 0)
}

function factsOf(subject: string, strikes: readonly Strike[], at: EpochMs): Facts {
  const host = { subject, facts: {}, sources: {}, strikes }
  return {
    at,
    hosts: [{ ...host, holds: [], reviews: [], open_broadcasts: 0 }],
    stream: {},
    request: {},
    incident: { active: false },
    platform: {},
    supports: [],
  }
}
