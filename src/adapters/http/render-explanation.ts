/**
 * An explanation on the wire: what would be decided, which rules were tried and why, and when it would be allowed.
 */
import type { Decision } from '../../core/model.ts'
import { type EpochMs, formatInstant } from '../../core/time.ts'
import { renderReason, renderTimes, renderUnknown } from './render.ts'

type Json = Readonly<Record<string, unknown>>

/** The answer to `POST /v1/explanations`. */
export function renderExplanation(explanation: {
  readonly decision: Decision
  readonly trace: readonly unknown[]
  readonly eligible_at: EpochMs | null
  readonly eligible_reason: string | null
}): Json {
  const { decision, trace, eligible_at, eligible_reason } = explanation
  return {
    outcome: decision.outcome,
    ...renderTimes(decision),
    reasons: decision.reasons.map(renderReason),
    unknown: decision.unknown.map(renderUnknown),
    obligations: decision.obligations,
    trace,
    eligible_at: eligible_at === null ? null : formatInstant(eligible_at),
    ...(eligible_reason === null ? {} : { eligible_reason }),
  }
}
