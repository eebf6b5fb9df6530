/**
 * From what the gate answers to what goes over the wire: instants become RFC 3339, lengths whole seconds.
 *
 * Pure. Members that say nothing (null, host 0) are left out. Schemas of these answers: answers.ts.
 * Spec: docs/spec/api.md.
 */
import type { Decision, Reason, Restriction, Strike, UnknownRule, Until } from '../../core/model.ts'
import { type EpochMs, formatInstant } from '../../core/time.ts'
import type { Answer, ReversalAnswer, StrikeAnswer, SubjectView } from '../../gate-types.ts'
import type { OpenBroadcast, StoredFacts } from '../../ports.ts'
import { callerGroups, withDisclosures } from './disclose.ts'

type Json = Readonly<Record<string, unknown>>

/** The answer to `POST /v1/decisions`. */
export function renderAnswer(answer: Answer): Json {
  const { decision } = answer
  return {
    id: answer.id,
    outcome: answer.outcome,
    ...renderTimes(decision),
    ...renderWould(decision),
    decided_at: formatInstant(answer.decided_at),
    reasons: decision.reasons.map(renderReason),
    unknown: decision.unknown.map(renderUnknown),
    obligations: decision.obligations,
    policy: answer.policy,
    ...(answer.supersedes === null ? {} : { supersedes: answer.supersedes }),
    record: withDisclosures(answer.jws, answer.openings, callerGroups()),
    receipt: answer.receipt,
  }
}

/** What the outcome says about time: how long it holds, or when to come back. */
export function renderTimes(
  decision: Pick<
    Decision,
    | 'mode'
    | 'until'
    | 'not_before'
    | 'review'
    | 'retry_after_s'
    | 'broadcast_delay_s'
    | 'lease_until'
  >,
): Json {
  const { mode, until, not_before, review, retry_after_s, broadcast_delay_s, lease_until } =
    decision
  return {
    ...(mode === null ? {} : { mode }),
    ...(until === null ? {} : { until: renderUntil(until) }),
    ...(not_before === null ? {} : { not_before: formatInstant(not_before) }),
    ...(review === null ? {} : { review_by: formatInstant(review.by), queue: review.queue }),
    ...(retry_after_s === null ? {} : { retry_after: retry_after_s }),
    ...(broadcast_delay_s === null ? {} : { broadcast_delay_s }),
    ...(lease_until === null ? {} : { lease_until: formatInstant(lease_until) }),
  }
}

/** What was not enforced, and the outcome with it; nothing where everything was. */
export function renderWould({ would }: Pick<Decision, 'would'>): Json {
  if (would === undefined) return {}
  const { outcome, mode, until, rules } = would
  return {
    enforced: false,
    would: {
      outcome,
      ...(mode === null ? {} : { mode }),
      ...(until === null ? {} : { until: renderUntil(until) }),
      rules: rules.map(({ rule, host }) => (host === 0 ? { rule } : { rule, host })),
    },
  }
}

/** RFC 3339, or `forever`. */
export function renderUntil(until: Until): string {
  return until === 'forever' ? until : formatInstant(until)
}

/** Why, for one rule and host; `host` is left out for the subject that asked. */
export function renderReason(reason: Reason): Json {
  const { host, until, appeal, ...rest } = reason
  return {
    ...rest,
    ...(host === 0 ? {} : { host }),
    ...(until === undefined ? {} : { until: renderUntil(until) }),
    ...(appeal === undefined ? {} : { appeal: renderAppeal(appeal) }),
  }
}

function renderAppeal(appeal: NonNullable<Reason['appeal']>): Json {
  const { url, until } = appeal
  return { url, ...(until === undefined ? {} : { until: formatInstant(until) }) }
}

/** A rule that could not be evaluated. */
export function renderUnknown(unknown: UnknownRule): Json {
  const { host, ...rest } = unknown
  return { ...rest, ...(host === 0 ? {} : { host }) }
}

/** `{id, rule, from, until, strikes}`. */
export function renderRestriction(restriction: Restriction): Json {
  const { id, rule, from, until, strikes } = restriction
  return { id, rule, from: formatInstant(from), until: renderUntil(until), strikes }
}

const STRIKE_INSTANTS = [
  'issued_at',
  'effective_at',
  'notified_at',
  'content_created_at',
  'expires_at',
] as const

/** A strike with its instants as text. */
export function renderStrike(strike: Strike): Json {
  const instants: Record<string, string> = {}
  for (const name of STRIKE_INSTANTS) {
    const at = strike[name]
    if (at !== undefined) instants[name] = formatInstant(at)
  }
  return { ...strike, ...instants }
}

/** The answer to a strike. */
export function renderStrikeAnswer(answer: StrikeAnswer): Json {
  return {
    strike: renderStrike(answer.strike),
    known_category: answer.known_category,
    restrictions: answer.restrictions.map(renderRestriction),
    revoked: answer.revoked,
    ...(answer.receipt === null ? {} : { receipt: answer.receipt }),
  }
}

/** The answer to a reversal. */
export function renderReversalAnswer(answer: ReversalAnswer): Json {
  return {
    strike: renderStrike(answer.strike),
    decisions: answer.decisions.map(({ id, outcome, at }) => ({
      id,
      outcome,
      decided_at: formatInstant(at),
    })),
    restrictions: answer.restrictions.map(renderRestriction),
    ...(answer.receipt === null ? {} : { receipt: answer.receipt }),
  }
}

/** Each stored fact as `{value, as_of}`. */
export function renderFacts(facts: StoredFacts): Json {
  const rendered: Record<string, Json> = {}
  for (const [name, fact] of Object.entries(facts)) {
    const value = name === 'created_at' ? formatInstant(fact.value as EpochMs) : fact.value
    rendered[name] = { value, as_of: formatInstant(fact.as_of) }
  }
  return rendered
}

/** All that is known about a subject now. */
export function renderSubject(view: SubjectView): Json {
  return {
    subject: view.subject,
    facts: renderFacts(view.facts),
    strikes: view.strikes.map(renderStrike),
    restrictions: view.restrictions.map(renderRestriction),
    broadcasts: view.broadcasts.map(renderBroadcast),
    eligible_at: view.eligible_at === null ? null : formatInstant(view.eligible_at),
    ...(view.eligible_reason === null ? {} : { eligible_reason: view.eligible_reason }),
  }
}

/** A broadcast under a lease. */
export function renderBroadcast(broadcast: OpenBroadcast): Json {
  const { id, stream, role, opened_at, lease_until, server } = broadcast
  return {
    id,
    stream,
    role,
    opened_at: formatInstant(opened_at),
    lease_until: formatInstant(lease_until),
    ...(server === undefined ? {} : { server }),
  }
}
