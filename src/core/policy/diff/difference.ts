/**
 * One difference between two policies: a smallest history, both answers, and an id that names it for good.
 *
 * The id is made of what the rule does, in lengths and not in dates: the strikes, the gaps between them, the facts and
 * both answers. An edit somewhere else leaves it as it is.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64Url, utf8 } from '../../encoding.ts'
import type { Decision, Facts, Obligation } from '../../model.ts'
import type { Assignment } from '../prove/situations.ts'
import { type Answer, milderIn, rank } from '../prove/strictness.ts'

export interface Difference {
  /** `d_` and 12 characters. */
  readonly id: string
  /** The rule it comes from; null for what the policy says as a whole (default, lease). */
  readonly rule: string | null
  /** Of the second policy against the first. `other`: stricter in one thing and milder in another, or other words. */
  readonly direction: 'stricter' | 'milder' | 'other'
  readonly says: string
  /** The smallest history found. */
  readonly facts: Facts
  readonly before: Decision
  readonly after: Decision
}

/** Which way `after` went. */
export function directionOf(before: Answer, after: Answer): Difference['direction'] {
  if (rank(before) !== rank(after)) return rank(after) > rank(before) ? 'stricter' : 'milder'
  const milder = milderIn(before, after).length > 0
  const stricter = milderIn(after, before).length > 0
  if (milder === stricter) return 'other'
  return milder ? 'milder' : 'stricter'
}

/** What a decision says, in lengths from the strikes and from its instant. */
export interface Relative {
  readonly outcome: string
  /** Length of what runs, in ms. */
  readonly until: number | 'forever' | null
  readonly not_before: number | null
  readonly review: readonly [queue: string, within: number, at_deadline: string] | null
  readonly retry_after_s: number | null
  readonly broadcast_delay_s: number | null
  readonly lease: number | null
  readonly obligations: readonly Obligation[]
  readonly warnings: number
}

/** `lengths` are those the plans name: an end is told from the strike it follows by one of them. */
export function relative(decision: Decision, facts: Facts, lengths: ReadonlySet<number>): Relative {
  const { outcome, mode, not_before, review, lease_until } = decision
  return {
    outcome: mode === null ? outcome : mode,
    until: endOf(decision, facts, lengths),
    not_before: not_before === null ? null : not_before - facts.at,
    review: review === null ? null : [review.queue, review.by - facts.at, review.at_deadline],
    retry_after_s: decision.retry_after_s,
    broadcast_delay_s: decision.broadcast_delay_s,
    lease: lease_until === null ? null : lease_until - facts.at,
    obligations: decision.obligations,
    warnings: decision.reasons.filter(({ code }) => code === 'warning').length,
  }
}

function endOf({ until }: Decision, facts: Facts, lengths: ReadonlySet<number>): Relative['until'] {
  if (until === null || until === 'forever') return until
  for (const { effective_at } of facts.hosts[0].strikes.toReversed())
    if (lengths.has(until - effective_at)) return until - effective_at
  return until - facts.at
}

/** What an id is made of. */
export interface Named {
  readonly rule: string | null
  readonly before: Relative
  readonly after: Relative
  readonly facts: Facts
  readonly assignment: Assignment
  /** True when the first strike, or the decision without strikes, lies at a date that matters. */
  readonly dated: boolean
}

export function idOf({ rule, before, after, facts, assignment, dated }: Named): string {
  const { strikes } = facts.hosts[0]
  const from = strikes[0]?.effective_at ?? facts.at
  const shapes = strikes.map((strike) => [
    strike.category,
    strike.severity,
    strike.scope,
    strike.weight,
    strike.context ?? null,
    strike.source ?? null,
    strike.effective_at - from,
    strike.expires_at === undefined ? null : strike.expires_at - strike.effective_at,
    strike.content_created_at === undefined
      ? null
      : strike.effective_at - strike.content_created_at,
  ])
  const known = [...assignment].filter(([, value]) => value.kind !== 'absent')
  const told = known.sort(([a], [b]) => (a < b ? -1 : 1))
  const text = JSON.stringify([
    [rule, before, after],
    [shapes, facts.at - from, told],
    dated ? from : null,
  ])
  return `d_${toBase64Url(sha256(utf8(text)))
    .replaceAll(/[-_]/g, '')
    .slice(0, 12)}`
}
