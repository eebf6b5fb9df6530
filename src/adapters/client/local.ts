/**
 * Asks a gate in the same process and answers like a client: the same results for whoever waits behind them.
 *
 * Nothing needs verifying here, the record is the gate's own. What ends a request because the log or the capacity is
 * missing becomes `fail`; any other error is the caller's and is thrown on.
 */
import { LivegateError, type ProblemCode } from '../../core/errors.ts'
import type { Reason, RequestFacts, SubjectFacts, Until } from '../../core/model.ts'
import type { Openings } from '../../core/record/groups.ts'
import { presentation } from '../../core/record/presentation.ts'
import { type EpochMs, formatInstant } from '../../core/time.ts'
import type { Answer, DecideRequest, Gate } from '../../gate-types.ts'
import type { AnswerReason, AskResult, VerifiedAnswer } from './answer.ts'

/** A question in the gate's own nouns: instants are UTC milliseconds. */
export interface GateQuestion {
  readonly subject: string
  readonly stream?: DecideRequest['stream']
  readonly request?: RequestFacts
  /** Override stored facts field by field. */
  readonly facts?: SubjectFacts
  readonly supports?: readonly string[]
  /** For whom the policy is enforced here: `on` (unless given), `off` or `canary N%`. */
  readonly enforce?: string
}

export interface LocalOptions {
  readonly gate: Pick<Gate, 'decide'>
  /** Who asks, disclosed in the record; for example the name of the application. */
  readonly caller: string
  /** What it means when the gate cannot decide now; `closed` unless given. */
  readonly fail?: 'closed' | 'open'
}

/** Codes that say "not now". */
const UNAVAILABLE: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'log_unavailable',
  'overloaded',
  'halted',
  'rate_limited',
])

/** Asks the gate, once. */
export async function askGate(options: LocalOptions, question: GateQuestion): Promise<AskResult> {
  const { gate, caller, fail = 'closed' } = options
  const { subject, stream = {}, request = {}, facts = {}, supports = [], enforce } = question
  const door = enforce === undefined ? {} : { enforce }
  try {
    const answer = await gate.decide({ subject, stream, request, facts, supports, caller, ...door })
    return { verified: true, answer: wireOf(answer) }
  } catch (error) {
    if (!(error instanceof LivegateError) || !UNAVAILABLE.has(error.code)) throw error
    return { verified: false, outcome: fail === 'open' ? 'allow' : 'deny', cause: error.message }
  }
}

function wireOf(answer: Answer): VerifiedAnswer {
  const { id, outcome, decision, policy, receipt, supersedes } = answer
  const openings = answer.openings as Openings
  const unknown = decision.unknown.map(({ host, ...rest }) =>
    host === 0 ? rest : { ...rest, host },
  )
  return {
    ...{ id, outcome, policy, receipt, unknown, obligations: decision.obligations },
    ...timesOf(answer),
    ...sparedOf(answer),
    decided_at: formatInstant(answer.decided_at),
    reasons: decision.reasons.map(reasonOf),
    ...(supersedes === null ? {} : { supersedes }),
    record: presentation(answer.jws, openings, ['chain', 'result', 'subject', 'request']),
  }
}

function timesOf({ decision }: Answer): Partial<VerifiedAnswer> {
  const { mode, until, not_before, review, retry_after_s, broadcast_delay_s, lease_until } =
    decision
  return {
    ...(mode === null ? {} : { mode }),
    ...(until === null ? {} : { until: untilText(until) }),
    ...(not_before === null ? {} : { not_before: formatInstant(not_before) }),
    ...(review === null ? {} : { review_by: formatInstant(review.by), queue: review.queue }),
    ...(retry_after_s === null ? {} : { retry_after: retry_after_s }),
    ...(broadcast_delay_s === null ? {} : { broadcast_delay_s }),
    ...(lease_until === null ? {} : { lease_until: formatInstant(lease_until) }),
  }
}

function sparedOf({ decision: { would } }: Answer): Pick<VerifiedAnswer, 'enforced' | 'would'> {
  if (would === undefined) return {}
  const { outcome, mode, until, rules } = would
  const told = {
    outcome,
    ...(mode === null ? {} : { mode }),
    ...(until === null ? {} : { until: untilText(until) }),
    rules: rules.map(({ rule, host }) => (host === 0 ? { rule } : { rule, host })),
  }
  return { enforced: false, would: told }
}

function reasonOf({ host, until, appeal, ...rest }: Reason): AnswerReason {
  return {
    ...rest,
    ...(host === 0 ? {} : { host }),
    ...(until === undefined ? {} : { until: untilText(until) }),
    ...(appeal === undefined ? {} : { appeal: appealOf(appeal) }),
  }
}

function appealOf({ url, until }: NonNullable<Reason['appeal']>): object {
  return until === undefined ? { url } : { url, until: formatInstant(until) }
}

function untilText(until: Until): string {
  return until === 'forever' ? until : formatInstant(until as EpochMs)
}
