/**
 * An explanation on the wire: what would be decided, which rules were tried and why, and what would change it.
 *
 * Pure. The trace keeps the words of core/policy/explain.ts; only lengths become whole seconds (rounded up: a wait must
 * not end early) and host 0 is left out.
 */
import type { Explanation, RuleTrace } from '../../core/policy/explain.ts'
import { type KeptTrace, keptText } from '../../core/policy/inherit-explain.ts'
import { formatInstant, SECOND_MS } from '../../core/time.ts'
import { renderReason, renderTimes, renderUnknown, renderWould } from './render.ts'
import { renderCounterfactual } from './render-counterfactual.ts'

type Json = Readonly<Record<string, unknown>>

/** The answer to `POST /v1/explanations`. */
export function renderExplanation(explanation: Explanation): Json {
  const { decision, trace, eligible_at, counterfactual, sentence } = explanation
  const { at, reason } = eligible_at
  return {
    at: formatInstant(explanation.at),
    outcome: decision.outcome,
    ...renderTimes(decision),
    ...renderWould(decision),
    reasons: decision.reasons.map(renderReason),
    unknown: decision.unknown.map(renderUnknown),
    obligations: decision.obligations,
    trace: trace.map(renderTrace),
    eligible_at: at === null ? null : formatInstant(at),
    ...(reason === null ? {} : { eligible_reason: reason }),
    ...renderCounterfactual(counterfactual),
    sentence,
  }
}

function renderTrace({ host, count, kept, retroactive, ...rest }: RuleTrace): Json {
  return {
    ...rest,
    ...(kept.length === 0 ? {} : { kept: kept.map(renderKept) }),
    ...(retroactive === null ? {} : { retroactive }),
    ...(host === 0 ? {} : { host }),
    count:
      count === null
        ? null
        : { ...count, next_step: count.next_step === null ? null : renderStep(count.next_step) },
  }
}

function renderStep({ n, length }: { n: number; length: number | string }): Json {
  return { n, length: lengthOf(length) }
}

function lengthOf(length: number | string | null): number | string | null {
  return typeof length === 'number' ? Math.ceil(length / SECOND_MS) : length
}

function renderKept(trace: KeptTrace): Json {
  const { strike, from, revision, kept, instead } = trace
  return {
    strike,
    from: formatInstant(from),
    revision,
    outcome: kept.outcome,
    length: lengthOf(kept.length),
    instead: { outcome: instead.outcome, length: lengthOf(instead.length) },
    text: keptText(trace),
  }
}
