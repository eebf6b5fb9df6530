/**
 * What a decision changes beside the log, and what its record says about the question.
 *
 * Pure but for the pepper. An allow opens a broadcast under its lease in place of those it replaces; a refusal is
 * remembered so that the same one is not logged again; holds that began with it are kept.
 */
import { IDEMPOTENCY_TTL_MS, MAX_RELIED_ON } from '../core/limits.ts'
import type { Decision, Outcome } from '../core/model.ts'
import type { RequestGroup } from '../core/record/groups.ts'
import type { EpochMs } from '../core/time.ts'
import type { DecideRequest } from '../gate-types.ts'
import type {
  IdempotentAnswer,
  LastRefusal,
  OpenBroadcast,
  Pepper,
  SubjectState,
} from '../ports.ts'
import { type Effects, later } from './context.ts'
import type { Standing } from './repeat.ts'
import { cuttingOf } from './ungated.ts'

export interface Decided {
  readonly id: string
  readonly request: DecideRequest
  readonly decision: Decision
  readonly standing: Standing
  /** Null when the broadcast may start. */
  readonly refusal: LastRefusal | null
  /** Open broadcasts this one takes the place of, and until when they run by themselves. */
  readonly replaces: readonly string[]
  readonly heard_until: EpochMs | null
  readonly supersedes: string | null
}

/** The group `request` of the record. */
export function requestGroup(pepper: Pepper, decided: Decided): RequestGroup {
  const { request, supersedes } = decided
  const { stream, session, idempotency } = request
  const { territory, ingest } = request.request
  return {
    caller: request.caller,
    ...(stream.id === undefined ? {} : { stream: stream.id }),
    ...(territory === undefined ? {} : { territory }),
    ...(ingest === undefined ? {} : { ingest }),
    ...(idempotency === undefined
      ? {}
      : { idempotency: pepper.hash('idempotency_key', idempotency.key) }),
    ...(supersedes === null ? {} : { supersedes }),
    ...(session === undefined ? {} : { server: session.server, session: session.session }),
  }
}

/** What decisions are searched by as if it were a rule, where something that applied was not enforced; no rule has this id. */
export const NOT_ENFORCED = '!enforced'

/** Everything committed together with the record. */
export function effectsOf(pepper: Pepper, decided: Decided, state: SubjectState): Effects {
  const { decision, refusal } = decided
  const { outcome, mode } = decision
  const rules = decision.would === undefined ? decision.rules : [...decision.rules, NOT_ENFORCED]
  const idempotency = idempotencyOf(pepper, decided)
  return {
    bumps_version: false,
    decision: { outcome, mode, rules, strikes: strikesOf(decision), ...wouldOf(decision) },
    ...cohostsOf(decided),
    ...holdsOf(decided),
    ...openingOf(decided),
    ...cuttingOf(decided, state),
    ...(refusal === null ? {} : { refusal }),
    ...(idempotency === null ? {} : { idempotency }),
  }
}

/** Of something that applied and was not enforced: what would have been, by whose doing. */
export function wouldOf({ would }: Decision): {
  readonly would?: { readonly outcome: Outcome; readonly rules: readonly string[] }
} {
  if (would === undefined) return {}
  const rules = [...new Set(would.rules.map(({ rule }) => rule))]
  return { would: { outcome: would.outcome, rules } }
}

/** Those whose ids its openings hold. */
function cohostsOf({ request: { stream } }: Decided): Pick<Effects, 'cohosts'> {
  const cohosts = [...new Set((stream.hosts ?? []).map(({ subject }) => subject))]
  return cohosts.length === 0 ? {} : { cohosts }
}

function holdsOf({ request, decision, standing }: Decided): Pick<Effects, 'holds'> {
  const stream = request.stream.id ?? ''
  const holds = decision.holds_opened
    .filter((hold) => hold.host === 0)
    .map((hold) => ({ stream, rule: hold.rule, first_asked_at: standing.at }))
  return holds.length === 0 ? {} : { holds }
}

function openingOf(decided: Decided): Pick<Effects, 'opens' | 'ends'> {
  const { id, request, decision, standing, replaces, heard_until } = decided
  const { lease_until } = decision
  if (lease_until === null) return {}
  const opens: OpenBroadcast = {
    id,
    stream: request.stream.id ?? '',
    opened_at: standing.at,
    lease_until,
    role: 'host',
    ...(heard_until === null ? {} : { heard_until }),
    ...((request.stream.hosts ?? []).length === 0 ? {} : { joined: true as const }),
    ...request.session,
    ...(request.ungated === undefined ? {} : { ungated: request.ungated }),
  }
  const [ends] = replaces
  return ends === undefined ? { opens } : { opens, ends }
}

/** The row under the request's Idempotency-Key; null without one. */
export function idempotencyOf(
  pepper: Pepper,
  decided: Pick<Decided, 'id' | 'request' | 'decision' | 'standing'>,
): IdempotentAnswer | null {
  const { id, request, decision, standing } = decided
  if (request.idempotency === undefined) return null
  return {
    caller: request.caller,
    key: pepper.hash('idempotency_key', request.idempotency.key),
    fingerprint: request.idempotency.fingerprint,
    decision: id,
    version: standing.version,
    policy: standing.policy,
    incident: standing.incident,
    valid_until: decision.lease_until,
    expires_at: later(standing.at, IDEMPOTENCY_TTL_MS),
  }
}

/** Ids of the strikes the reasons name, in their order, so that a reversal finds the decisions that relied on it. */
function strikesOf(decision: Decision): readonly string[] {
  const named = new Set(decision.reasons.flatMap((reason) => reason.strikes))
  return [...named].slice(0, MAX_RELIED_ON).sort()
}
