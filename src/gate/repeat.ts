/**
 * When an earlier record may be the answer again: a retry under an Idempotency-Key, or an identical refusal.
 *
 * An allow is given again only while nothing that could change it has changed and its lease still runs, so a retry
 * never reopens the gate (G2). A refusal is re-evaluated first and only then answered with the earlier record, so a
 * flood of refused attempts does not flood the log, and no refusal outlives its reason. The earlier answer is not
 * stored: it is replayed from the record's own disclosed facts (G4). Next stop: ../gate.ts, `decideInTurn`.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64Url, utf8 } from '../core/encoding.ts'
import { LivegateError } from '../core/errors.ts'
import { DECISION_BUDGET_MS, IDEMPOTENCY_TTL_MS, MAX_OPEN_BROADCASTS } from '../core/limits.ts'
import type { Decision, Facts } from '../core/model.ts'
import { evaluate } from '../core/policy/evaluate.ts'
import type { Plan } from '../core/policy/plan.ts'
import { resultOf } from '../core/record/drafts.ts'
import { type EpochMs, epochMs } from '../core/time.ts'
import type { Answer, DecideRequest } from '../gate-types.ts'
import type {
  IdempotentAnswer,
  LastRefusal,
  OpenBroadcast,
  StoredRecord,
  SubjectState,
} from '../ports.ts'
import { type Context, change } from './context.ts'
import { disclosedFacts, disclosedRequest, disclosedResult } from './disclosed.ts'
import { idempotencyOf } from './effects.ts'
import { policyKey, policyOf } from './in-force.ts'

/** True when the broadcast may start now under this decision. */
export function mayStart(decision: Decision): boolean {
  return decision.lease_until !== null
}

/** Everything that must be equal for two refusals to be the same; the instant and what counts from it left out. */
function refusalFingerprint(facts: Facts, decision: Decision, plan: Plan, caller: string): string {
  const same = {
    policy: policyKey(plan),
    caller,
    decision: {
      ...decision,
      review: decision.review === null ? null : { ...decision.review, by: 0 },
      // Only the first ask opens a hold; the refusal it explains is the same.
      holds_opened: [],
    },
    hosts: facts.hosts.map((host) => host.subject),
    stream: facts.stream,
    request: facts.request,
    enforce: facts.enforce,
  }
  return toBase64Url(sha256(utf8(JSON.stringify(same))))
}

/** The earlier refusal that answers `now`, if it is still fresh. */
function sameRefusal(state: SubjectState, now: LastRefusal): LastRefusal | null {
  const last = state.refusals.find((refusal) => refusal.stream === now.stream)
  if (last === undefined || last.fingerprint !== now.fingerprint) return null
  return now.at - last.at < IDEMPOTENCY_TTL_MS ? last : null
}

/** Broadcasts an allow of this request takes the place of: the same session, the same stream, the one it supersedes. */
export function replacedBy(
  request: Pick<DecideRequest, 'stream' | 'session'>,
  state: SubjectState,
  supersedes: string | null,
): readonly string[] {
  const { session, stream } = request
  const replaced = (open: OpenBroadcast): boolean => {
    if (open.role !== 'host') return false
    // What is being cut is not gone on with, unless the very session is let start again.
    if (open.cutting !== undefined && session === undefined) return false
    if (open.id === supersedes) return true
    if (session !== undefined || open.session !== undefined)
      return open.session === session?.session && open.server === session?.server
    return open.stream !== '' && open.stream === stream.id
  }
  return state.broadcasts.filter(replaced).map((open) => open.id)
}

/**
 * Until when the broadcasts being replaced may run whether or not anybody hears of the renewal; null when none does.
 * One that was opened this very moment counts as unheard itself: its answer may have been lost, hence the retry.
 */
export function heardUntil(
  state: SubjectState,
  at: EpochMs,
  replaces: readonly string[],
): EpochMs | null {
  const untils = state.broadcasts
    .filter((open) => replaces.includes(open.id))
    .map((open) => (at - open.opened_at > DECISION_BUDGET_MS ? open.lease_until : open.heard_until))
  const last = epochMs(Math.max(at, ...untils.map((until) => until ?? at)))
  return last > at ? last : null
}

/** @throws LivegateError `rate_limited` when one more broadcast would exceed what a subject may have open. */
export function requireRoom(state: SubjectState, at: EpochMs, replaces: readonly string[]): void {
  if (state.broadcasts.length < MAX_OPEN_BROADCASTS) return
  const running = state.broadcasts.filter(
    (open) => open.lease_until > at && !replaces.includes(open.id),
  )
  if (running.length < MAX_OPEN_BROADCASTS) return
  throw new LivegateError(
    'rate_limited',
    `Cannot open another broadcast: ${running.length} of the subject run under a lease`,
    { retry_after_s: 60, hint: 'end broadcasts that are over' },
  )
}

/** What the request must have in common with a stored answer to get it again. */
export interface Standing {
  readonly version: number
  readonly policy: string
  /** Everything around the subject that evaluation sees: incident and platform, as text. */
  readonly incident: string
  readonly at: EpochMs
}

/**
 * Judges a stored answer: `again` gives the record to answer with, `supersedes` the one to replace.
 * @throws LivegateError `idempotency_mismatch` when the key was used with another body.
 */
function judgeStored(
  stored: IdempotentAnswer | null,
  request: DecideRequest,
  now: Standing,
  state: SubjectState,
): { readonly again: string | null; readonly supersedes: string | null } {
  if (stored === null || stored.expires_at <= now.at) return { again: null, supersedes: null }
  if (stored.fingerprint !== request.idempotency?.fingerprint)
    throw new LivegateError(
      'idempotency_mismatch',
      'Cannot use this Idempotency-Key: it was used with another body',
      { hint: 'use a new key for a new question' },
    )
  const { valid_until } = stored
  const unchanged =
    stored.version === now.version &&
    stored.policy === now.policy &&
    stored.incident === now.incident &&
    valid_until !== null &&
    now.at < valid_until &&
    // One that was shortened after a crash counts for less than the stored answer says.
    state.broadcasts.some((open) => open.id === stored.decision && open.lease_until >= valid_until)
  return unchanged
    ? { again: stored.decision, supersedes: null }
    : { again: null, supersedes: stored.decision }
}

/**
 * The answer a stored record gave, replayed under `plan`; null when the record no longer tells (erased) or the replay
 * gives anything but what was signed (another policy, another engine): then only a new decision is an answer.
 */
function answerFrom(record: StoredRecord, plan: Plan): Answer | null {
  const facts = disclosedFacts(record)
  if (record.kind !== 'decision' || facts === null) return null
  const decision = evaluate(plan, facts)
  if (JSON.stringify(resultOf(decision)) !== JSON.stringify(disclosedResult(record))) return null
  return {
    id: record.id,
    decided_at: record.at,
    outcome: decision.outcome,
    decision,
    policy: policyOf(plan),
    jws: record.jws,
    openings: record.openings,
    receipt: record.receipt,
    supersedes: disclosedRequest(record)?.supersedes ?? null,
    repeated: true,
  }
}

/** What a retry under an Idempotency-Key gets: the stored answer, or a new one that names what it supersedes. */
export async function judgeRetry(
  context: Context,
  request: DecideRequest,
  now: { readonly standing: Standing; readonly state: SubjectState; readonly plan: Plan },
): Promise<{ readonly before: Answer | null; readonly supersedes: string | null }> {
  if (request.idempotency === undefined) return { before: null, supersedes: null }
  const key = context.pepper.hash('idempotency_key', request.idempotency.key)
  const stored = await context.ledger.idempotent(request.caller, request.subject, key)
  const { again, supersedes } = judgeStored(stored, request, now.standing, now.state)
  if (again === null) return { before: null, supersedes }
  const before = earlierAnswer(await context.directory.record(again), now.plan)
  return before === null ? { before, supersedes: again } : { before, supersedes: null }
}

/** The refusal as it will be remembered; null when the broadcast may start. */
export function refusalOf(input: {
  readonly request: DecideRequest
  readonly facts: Facts
  readonly decision: Decision
  readonly plan: Plan
  readonly id: string
}): LastRefusal | null {
  const { request, facts, decision, plan, id } = input
  if (mayStart(decision)) return null
  const fingerprint = refusalFingerprint(facts, decision, plan, request.caller)
  return { stream: request.stream.id ?? '', decision: id, fingerprint, at: facts.at }
}

/** The earlier record of the same refusal; null when this one must be told: it differs, opens a hold, or supersedes. */
export async function refusedBefore(
  context: Context,
  input: {
    readonly refusal: LastRefusal | null
    readonly state: SubjectState
    readonly decision: Decision
    readonly plan: Plan
    readonly supersedes: string | null
  },
): Promise<Answer | null> {
  const { refusal, state, decision, plan, supersedes } = input
  if (refusal === null || decision.holds_opened.length > 0) return null
  const last = sameRefusal(state, refusal)
  if (last === null || (supersedes !== null && supersedes !== last.decision)) return null
  const answer = earlierAnswer(await context.directory.record(last.decision), plan)
  const { by } = answer?.decision.review ?? { by: null }
  return by !== null && by <= refusal.at ? null : answer
}

function earlierAnswer(record: StoredRecord | null, plan: Plan): Answer | null {
  return record === null ? null : answerFrom(record, plan)
}

/** A key that got an earlier refusal is a used key too: with another body it is refused (no record, nothing is logged). */
export async function rememberKey(
  context: Context,
  input: {
    readonly request: DecideRequest
    readonly state: SubjectState
    readonly standing: Standing
    readonly again: Answer
  },
): Promise<void> {
  const { request, state, standing, again } = input
  const { id, decision } = again
  const idempotency = idempotencyOf(context.pepper, { id, request, decision, standing })
  if (idempotency === null) return
  const effects = { bumps_version: false, idempotency }
  await change(context, { subject: request.subject, state, at: standing.at, effects })
}
