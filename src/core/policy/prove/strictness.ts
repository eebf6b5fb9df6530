/**
 * The order of answers: which of two is stricter, as a whole and component by component.
 *
 * deny forever > deny > retry > review > hold > broadcast delay > allow with obligations > allow; then every component
 * by itself. It is the order docs/spec/policy.md gives ("Combining"), written once more for proofs and comparisons;
 * evaluation itself only joins. Used by prove/ and diff/.
 */
import type { Decision, Obligation } from '../../model.ts'
import type { Settled } from '../join.ts'
import { mergeObligations } from '../join-obligations.ts'

/** What an answer tells a caller to do; a `Decision` is one, and so is what a record discloses. */
export type Answer = Settled

/** 0 for a plain allow, up to 7 for a deny without end. */
export function rank(decision: Answer): number {
  if (decision.outcome === 'deny') return decision.until === 'forever' ? 7 : 6
  if (decision.mode === 'retry') return 5
  if (decision.mode === 'review') return 4
  if (decision.mode === 'hold') return 3
  if (decision.mode === 'broadcast') return 2
  return decision.obligations.length > 0 ? 1 : 0
}

/** Components of a decision that have an order, from the gravest; larger is stricter. */
const MEASURES: Readonly<Record<string, (decision: Answer) => number>> = {
  outcome: rank,
  until: ({ until }) => (until === 'forever' ? Infinity : (until ?? -Infinity)),
  retry_after_s: ({ retry_after_s }) => retry_after_s ?? -1,
  review: ({ review }) => {
    if (review === null) return -Infinity
    return review.at_deadline === 'deny' ? 1e15 - review.by : review.by - 1e15
  },
  not_before: ({ not_before }) => not_before ?? -Infinity,
  broadcast_delay_s: ({ broadcast_delay_s }) => broadcast_delay_s ?? -1,
  lease_until: ({ lease_until }) => -(lease_until ?? -1),
}

export type Component = 'outcome' | 'until' | 'obligations' | (string & {})

/** Components in which `after` is milder than `before`; empty when in none. For callers that support all that is asked. */
export function milderIn(before: Answer, after: Answer): Component[] {
  const found: Component[] = []
  for (const [name, measure] of Object.entries(MEASURES))
    if (measure(after) < measure(before)) found.push(name)
  if (!coversAll(after.obligations, before.obligations)) found.push('obligations')
  return found
}

/** True when each of `mild` is asked for at least as strictly by one of `strict`. */
function coversAll(strict: readonly Obligation[], mild: readonly Obligation[]): boolean {
  return mild.every((one) => strict.some((other) => covers(other, one)))
}

/** Of the parameters `mild` has, joining it to those of `strict` changes none. */
function covers(strict: Obligation, mild: Obligation): boolean {
  const shared = Object.entries(strict).filter(([name]) => name in mild)
  const part = { ...Object.fromEntries(shared), type: strict.type }
  const joined = mergeObligations([part, mild])
  return JSON.stringify(joined) === JSON.stringify(mergeObligations([part]))
}

/** As `answerKey`, without making the texts where they cannot be equal. */
export function sameAnswer(a: Decision, b: Decision): boolean {
  return (
    a.outcome === b.outcome &&
    a.mode === b.mode &&
    a.until === b.until &&
    a.not_before === b.not_before &&
    a.retry_after_s === b.retry_after_s &&
    a.broadcast_delay_s === b.broadcast_delay_s &&
    a.lease_until === b.lease_until &&
    (isPlain(a) && isPlain(b) ? true : answerKey(a) === answerKey(b))
  )
}

/** Without anything that has members of its own. */
function isPlain({ review, obligations, reasons }: Decision): boolean {
  return (
    review === null && obligations.length === 0 && !reasons.some(({ code }) => code === 'warning')
  )
}

/** Everything a caller is told to do, as one text: equal for answers that are the same to a broadcaster. */
export function answerKey(decision: Decision): string {
  const { outcome, mode, until, not_before, review, retry_after_s } = decision
  const { broadcast_delay_s, lease_until, obligations } = decision
  const warnings = decision.reasons.filter(({ code }) => code === 'warning')
  return JSON.stringify([
    [outcome, mode, until, not_before, review, retry_after_s],
    [broadcast_delay_s, lease_until, obligations],
    warnings.map(({ rule, host }) => [rule, host]),
  ])
}
