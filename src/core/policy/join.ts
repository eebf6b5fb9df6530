/**
 * Combining is a join, not a pick: what each rule asks for is added up, and the strictest of each kind stays.
 *
 * Every member of a `Join` only ever moves one way, so neither the order of rules nor saying a thing twice can
 * matter, and adding never makes anything milder (G10). `until` is the latest end that is known; `not_before` is given
 * only when waiting until then satisfies every hold. Spec: docs/spec/policy.md, "Combining".
 */
import type { Decision, DelayMode, Obligation, Outcome, Until } from '../model.ts'
import type { DurationMs, EpochMs } from '../time.ts'
import { addMs } from '../time.ts'
import { mergeObligations } from './join-obligations.ts'

type Review = NonNullable<Decision['review']>

/** The running total of one decision. Change it only through the functions below. */
export interface Join {
  denies: boolean
  until: Until | null
  holds: boolean
  /** Infinity once a part has no end that waiting reaches. */
  holds_until: number
  review: Review | null
  retry_after_s: number | null
  broadcast_delay_s: number | null
  lease_ms: DurationMs
  readonly obligations: Obligation[]
}

/** The least element: an allow with the policy's lease. */
export function emptyJoin(lease_ms: DurationMs): Join {
  return {
    denies: false,
    until: null,
    holds: false,
    holds_until: Number.NEGATIVE_INFINITY,
    review: null,
    retry_after_s: null,
    broadcast_delay_s: null,
    lease_ms,
    obligations: [],
  }
}

export function joinDeny(join: Join, until: Until | null): void {
  join.denies = true
  join.until = laterUntil(join.until, until)
}

/** Null: waiting alone does not end it. */
export function joinHold(join: Join, not_before: EpochMs | null): void {
  join.holds = true
  join.holds_until = Math.max(join.holds_until, not_before ?? Number.POSITIVE_INFINITY)
}

export function joinRetry(join: Join, retry_after_s: number): void {
  join.retry_after_s = Math.max(join.retry_after_s ?? 0, retry_after_s)
}

export function joinReview(join: Join, review: Review): void {
  if (join.review === null || isStricterReview(review, join.review)) join.review = review
}

export function joinBroadcastDelay(join: Join, seconds: number): void {
  join.broadcast_delay_s = Math.max(join.broadcast_delay_s ?? 0, seconds)
}

export function joinLease(join: Join, lease_ms: DurationMs): void {
  if (lease_ms < join.lease_ms) join.lease_ms = lease_ms
}

/** The later end; none is known before any, `forever` comes after every instant. */
export function laterUntil(a: Until | null, b: Until | null): Until | null {
  if (a === null || b === null) return a ?? b
  if (a === 'forever' || b === 'forever') return 'forever'
  return a > b ? a : b
}

/**
 * A total order, so that the strictest review is one and the same in any order: a deny at the deadline before an
 * allow; of denies the sooner, of allows the later; then the queue's name.
 */
function isStricterReview(a: Review, b: Review): boolean {
  if (a.at_deadline !== b.at_deadline) return a.at_deadline === 'deny'
  if (a.by !== b.by) return a.at_deadline === 'deny' ? a.by < b.by : a.by > b.by
  return a.queue < b.queue
}

/** The members of a decision that the join decides. */
export type Settled = Pick<
  Decision,
  | 'outcome'
  | 'mode'
  | 'until'
  | 'not_before'
  | 'review'
  | 'retry_after_s'
  | 'broadcast_delay_s'
  | 'lease_until'
  | 'obligations'
>

/** Names the most severe part: deny, retry, review, hold, broadcast delay, allow. */
export function settle(join: Join, at: EpochMs): Settled {
  const mode = join.denies ? null : modeOf(join)
  const outcome: Outcome = join.denies ? 'deny' : mode === null ? 'allow' : 'delay'
  const startsNow = outcome === 'allow' || mode === 'broadcast'
  return {
    outcome,
    mode,
    until: join.until,
    not_before: Number.isFinite(join.holds_until) ? (join.holds_until as EpochMs) : null,
    review: join.review,
    retry_after_s: join.retry_after_s,
    broadcast_delay_s: join.broadcast_delay_s,
    lease_until: startsNow ? addMs(at, join.lease_ms) : null,
    obligations: mergeObligations(join.obligations),
  }
}

function modeOf(join: Join): DelayMode | null {
  if (join.retry_after_s !== null) return 'retry'
  if (join.review !== null) return 'review'
  if (join.holds) return 'hold'
  return join.broadcast_delay_s === null ? null : 'broadcast'
}
