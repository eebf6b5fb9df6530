/**
 * Until when a decision stays what it is if nobody does anything.
 *
 * Not when it changes: only that it does not before. What lies ahead of the instant already, and what costs too much to
 * look through, counts as changing at once. Edges: eligible-edges.ts.
 */
import type { Facts, HostFacts } from '../model.ts'
import { edgesOf } from './eligible-edges.ts'
import { edgesWork } from './eligible-work.ts'
import type { Plan } from './plan.ts'

/** In units of about ten nanoseconds (eligible-work.ts): a millisecond. */
const MAX_WORK = 100_000

/**
 * The first instant at which `evaluate` may say anything else about the same history; `facts.at` when that is not known,
 * Infinity for never. A `review` counts from the ask and is left out, as are the instants of facts given with the question.
 * `max_age_ms`: stored facts older than this are left out of `facts`.
 */
export function unchangedUntil(plan: Plan, facts: Facts, max_age_ms: number): number {
  const { at, hosts } = facts
  if (edgesWork(plan, facts) > MAX_WORK) return at
  if (hosts.some((host) => isAhead(host, at))) return at
  const { strikes, clock } = edgesOf(plan, facts)
  const ages = hosts.flatMap(({ sources }) =>
    Object.values(sources).map(({ as_of }) => as_of + max_age_ms + 1),
  )
  return Math.min(
    strikes[0] ?? Number.POSITIVE_INFINITY,
    clock[0] ?? Number.POSITIVE_INFINITY,
    ...ages.filter((age) => age > at),
  )
}

function isAhead({ strikes, holds, reviews }: HostFacts, at: number): boolean {
  return (
    strikes.some(({ effective_at }) => effective_at > at) ||
    holds.some(({ first_asked_at }) => first_asked_at > at) ||
    reviews.some((review) => review.at > at)
  )
}
