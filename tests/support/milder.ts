/**
 * "Never milder" as code: compares two decisions by severity and then component by component (G10).
 */
import type { Decision, Obligation } from '../../src/core/model.ts'
import type { Plan } from '../../src/core/policy/plan.ts'

/** Why `after` is milder than `before`, or an empty list. Of the plan only `unsupported` is read. */
export function milder(plan: Plan, before: Decision, after: Decision): string[] {
  const found: string[] = []
  const need = (holds: boolean, what: string): void => void (holds || found.push(what))
  need(severity(after) >= severity(before), 'outcome')
  need(untilOf(after) >= untilOf(before), 'until')
  need(holdOf(after, plan) >= holdOf(before, plan), 'not_before')
  need((after.retry_after_s ?? -1) >= (before.retry_after_s ?? -1), 'retry_after_s')
  need(reviewOf(after) >= reviewOf(before), 'review')
  need((after.broadcast_delay_s ?? -1) >= (before.broadcast_delay_s ?? -1), 'broadcast_delay_s')
  need((after.lease_until ?? -1) <= (before.lease_until ?? -1), 'lease_until')
  for (const obligation of before.obligations)
    need(
      after.obligations.some((other) => covers(other, obligation)),
      `obligation ${obligation.type}`,
    )
  return found
}

/** deny forever > deny > retry > review > hold > broadcast > allow with obligations > allow. */
export function severity(decision: Decision): number {
  if (decision.outcome === 'deny') return decision.until === 'forever' ? 7 : 6
  if (decision.mode === 'retry') return 5
  if (decision.mode === 'review') return 4
  if (decision.mode === 'hold') return 3
  if (decision.mode === 'broadcast') return 2
  return decision.obligations.length > 0 ? 1 : 0
}

function untilOf({ until }: Decision): number {
  return until === 'forever' ? Infinity : (until ?? -Infinity)
}

/** A hold that waiting alone does not end is stricter than any end. */
function holdOf(decision: Decision, plan: Plan): number {
  if (decision.not_before !== null) return decision.not_before
  const holds = plan.unsupported === 'hold' && decision.reasons.some(isUnsupported)
  return holds ? Infinity : -Infinity
}

function isUnsupported({ code }: Decision['reasons'][number]): boolean {
  return code === 'unsupported_condition'
}

/** A deny at the deadline before an allow; of denies the sooner, of allows the later. */
function reviewOf({ review }: Decision): number {
  if (review === null) return -Infinity
  return review.at_deadline === 'deny' ? 1e15 - review.by : review.by - 1e15
}

/** The table of docs/spec/policy.md, "Obligations", once more. */
const LEAST = [
  'audience_cap.viewers',
  'duration_cap.minutes',
  'duration_cap.seconds',
  'recheck.seconds',
]
const MOST = ['latency.seconds', 'slow_mode.seconds', 'age_floor.years']

function covers(strict: Obligation, mild: Obligation): boolean {
  return Object.entries(mild).every(([name, value]) => {
    const other = strict[name]
    const place = `${mild.type}.${name}`
    if (typeof value !== 'number' || typeof other !== 'number') return other === value
    if (LEAST.includes(place) || name.startsWith('max_')) return other <= value
    return MOST.includes(place) || name.startsWith('min_') ? other >= value : other === value
  })
}
