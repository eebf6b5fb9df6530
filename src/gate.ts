/**
 * The gate: may this broadcast start? Request → facts → evaluate → sign → append → answer.
 *
 * This file is the story of one decision, readable aloud; each step lives in the file it is imported from. It knows
 * ports (ports.ts), never mechanisms. Guarantees it carries: no answer without a durable record (G1), strikes count at
 * once (G2), overload sheds (G9). Strikes: gate/strikes.ts; stored facts and views: gate/subjects.ts.
 * From: adapters/http/app.ts. Next on the tour: core/policy/evaluate.ts.
 */
import { LivegateError } from './core/errors.ts'
import { DECISION_BUDGET_MS, DEFAULT_FACTS_MAX_AGE_MS, IDEMPOTENCY_TTL_MS } from './core/limits.ts'
import type { Decision, Facts } from './core/model.ts'
import { evaluate } from './core/policy/evaluate.ts'
import { explain } from './core/policy/explain.ts'
import type { Plan } from './core/policy/plan.ts'
import { decisionDraft } from './core/record/drafts.ts'
import type { RequestGroup } from './core/record/groups.ts'
import type { EpochMs } from './core/time.ts'
import { type Cohosts, joinCohosts, settleCohosts } from './gate/cohosts.ts'
import {
  advance,
  type Context,
  type Effects,
  type GatePorts,
  type GateSettings,
  instantFor,
  later,
  newRecordId,
  nextPlace,
} from './gate/context.ts'
import { withinBudget } from './gate/deadline.ts'
import { gather } from './gate/gather.ts'
import {
  answerFrom,
  judgeStored,
  mayStart,
  refusalFingerprint,
  sameRefusal,
} from './gate/repeat.ts'
import { closeUnanswered, endSession } from './gate/sessions.ts'
import { recordStrike, reverseStrike } from './gate/strikes.ts'
import { changeFacts, viewSubject } from './gate/subjects.ts'
import { createTurns } from './gate/turns.ts'
import type { Answer, DecideRequest, Gate } from './gate-types.ts'
import type { IdempotentAnswer, SubjectState } from './ports.ts'

/** Builds a gate over its ports. Nothing runs until it is asked. */
export function createGate(ports: GatePorts, settings: Partial<GateSettings> = {}): Gate {
  const context: Context = {
    ...ports,
    turns: createTurns(),
    settings: {
      facts_max_age_ms: DEFAULT_FACTS_MAX_AGE_MS,
      budget_ms: DECISION_BUDGET_MS,
      ...settings,
    },
  }
  const running = new Set<string>()
  return {
    decide: (request) => once(running, request, () => decideInTime(context, request)),
    explain: async (request) => {
      const cohosts = await joinCohosts(context, request, null)
      const state = await context.ledger.load(request.subject)
      const facts = factsFor(context, {
        request,
        cohosts,
        state,
        at: instantFor(context, state),
        id: '',
      })
      return explain(context.policies.active().plan, facts)
    },
    strike: (request) => recordStrike(context, request),
    reverse: (request) => reverseStrike(context, request),
    putFacts: (subject, facts, as_of) =>
      changeFacts(context, { subject, facts, as_of, replace: true }),
    patchFacts: (subject, facts, as_of) =>
      changeFacts(context, { subject, facts, as_of, replace: false }),
    subject: (subject) => viewSubject(context, subject),
    endSession: (server, session) => endSession(context, server, session),
  }
}

/** While a request with an Idempotency-Key runs, the same key is told to wait for it. */
async function once(
  running: Set<string>,
  request: DecideRequest,
  work: () => Promise<Answer>,
): Promise<Answer> {
  if (request.idempotency === undefined) return work()
  const key = JSON.stringify([request.caller, request.subject, request.idempotency.key])
  if (running.has(key))
    throw new LivegateError(
      'in_progress',
      'Cannot decide twice: a request with this Idempotency-Key is running',
      {
        retry_after_s: 1,
      },
    )
  running.add(key)
  try {
    return await work()
  } finally {
    running.delete(key)
  }
}

async function decideInTime(context: Context, request: DecideRequest): Promise<Answer> {
  const started = context.clock.now()
  const answer = await withinBudget(decide(context, request), {
    after: context.after,
    budget_ms: context.settings.budget_ms,
    late: (unheard) => closeUnanswered(context, request.subject, unheard),
  })
  const { outcome, decision } = answer
  context.observe({
    type: 'decided',
    outcome,
    mode: decision.mode,
    rules: decision.rules,
    unknown: decision.unknown.map((entry) => entry.rule),
    policy: answer.policy.digest,
    took_ms: context.clock.now() - started,
    repeated: answer.repeated,
  })
  return answer
}

/** One decision: co-hosts first (never while holding a turn), then everything in the subject's own turn. */
async function decide(context: Context, request: DecideRequest): Promise<Answer> {
  const id = newRecordId(context.random, context.clock.now())
  const cohosts = await joinCohosts(context, request, id)
  const answer = await context.turns.run(request.subject, () =>
    decideInTurn(context, request, cohosts, id),
  )
  await settleCohosts(context, cohosts, answer, id)
  return answer
}

async function decideInTurn(
  context: Context,
  request: DecideRequest,
  cohosts: Cohosts,
  id: string,
): Promise<Answer> {
  const { plan } = context.policies.active()
  const state = await context.ledger.load(request.subject)
  const at = instantFor(context, state)
  const standing = {
    version: state.version + cohosts.version,
    policy: plan.digest,
    incident: JSON.stringify(context.surroundings.incident()),
    at,
  }
  const retry = judgeStored(await storedAnswer(context, request), request, standing, state)
  const before = retry.again === null ? null : await earlierAnswer(context, retry.again, plan)
  if (before !== null) return before

  const facts = factsFor(context, { request, cohosts, state, at, id })
  const decision = evaluate(plan, facts)
  const stream = request.stream.id ?? ''
  const fingerprint = mayStart(decision)
    ? null
    : refusalFingerprint(facts, decision, plan, request.caller)
  const refused = fingerprint === null ? null : sameRefusal(state, stream, fingerprint, at)
  const again = refused === null ? null : await earlierAnswer(context, refused.decision, plan)
  if (again !== null && !reviewIsOver(again, at)) return again

  const place = nextPlace(context, state, at)
  const { record, receipt } = await advance(context, {
    subject: request.subject,
    state,
    at,
    id,
    pseudonym: place.pseudonym,
    draft: decisionDraft({
      chain: place.chain,
      policy: plan.digest,
      facts,
      decision,
      request: requestGroup(context, request, retry.supersedes),
    }),
    requires: [plan.digest],
    effects: effectsOf({ context, request, facts, decision, id, fingerprint, standing }),
  })
  return {
    id,
    decided_at: at,
    outcome: decision.outcome,
    decision,
    policy: { name: plan.name, digest: plan.digest },
    jws: record.jws,
    openings: record.openings,
    receipt,
    supersedes: retry.supersedes,
    repeated: false,
  }
}

function factsFor(
  context: Context,
  input: {
    readonly request: Pick<DecideRequest, 'subject' | 'facts' | 'stream' | 'request' | 'supports'>
    readonly cohosts: Cohosts
    readonly state: SubjectState
    readonly at: EpochMs
    readonly id: string
  },
): Facts {
  const { request, state } = input
  return gather({
    at: input.at,
    request,
    hosts: [{ subject: request.subject, given: request.facts, state }, ...input.cohosts.hosts],
    incident: context.surroundings.incident(),
    platform: context.surroundings.platform(),
    facts_max_age_ms: context.settings.facts_max_age_ms,
    broadcast: input.id,
  })
}

async function storedAnswer(
  context: Context,
  request: DecideRequest,
): Promise<IdempotentAnswer | null> {
  if (request.idempotency === undefined) return null
  const { key } = request.idempotency
  return context.ledger.idempotent(request.caller, request.subject, context.pepper.hash(key))
}

async function earlierAnswer(context: Context, id: string, plan: Plan): Promise<Answer | null> {
  const record = await context.directory.record(id)
  return record === null ? null : answerFrom(record, plan)
}

function reviewIsOver(answer: Answer, at: EpochMs): boolean {
  const { review } = answer.decision
  return review !== null && review.by <= at
}

function requestGroup(
  context: Context,
  request: DecideRequest,
  supersedes: string | null,
): RequestGroup {
  const { stream, session, idempotency } = request
  const { territory, ingest } = request.request
  return {
    caller: request.caller,
    ...(stream.id === undefined ? {} : { stream: stream.id }),
    ...(territory === undefined ? {} : { territory }),
    ...(ingest === undefined ? {} : { ingest }),
    ...(idempotency === undefined ? {} : { idempotency: context.pepper.hash(idempotency.key) }),
    ...(supersedes === null ? {} : { supersedes }),
    ...(session === undefined ? {} : session),
  }
}

interface EffectsInput {
  readonly context: Context
  readonly request: DecideRequest
  readonly facts: Facts
  readonly decision: Decision
  readonly id: string
  readonly fingerprint: string | null
  readonly standing: {
    readonly version: number
    readonly policy: string
    readonly incident: string
    readonly at: EpochMs
  }
}

/** What a decision changes beside the log: an open broadcast, or a remembered refusal; holds that began with it. */
function effectsOf(input: EffectsInput): Effects {
  const { context, request, decision, id, fingerprint, standing } = input
  const stream = request.stream.id ?? ''
  const holds = decision.holds_opened
    .filter((hold) => hold.host === 0)
    .map((hold) => ({ stream, rule: hold.rule, first_asked_at: standing.at }))
  const { outcome, mode, rules, lease_until } = decision
  return {
    bumps_version: false,
    decision: { outcome, mode, rules, strikes: strikesOf(decision) },
    ...(holds.length === 0 ? {} : { holds }),
    ...(lease_until === null
      ? {}
      : {
          opens: {
            id,
            stream,
            opened_at: standing.at,
            lease_until,
            role: 'host',
            ...request.session,
          },
        }),
    ...(fingerprint === null
      ? {}
      : { refusal: { stream, decision: id, fingerprint, at: standing.at } }),
    ...(request.idempotency === undefined
      ? {}
      : {
          idempotency: {
            caller: request.caller,
            key: context.pepper.hash(request.idempotency.key),
            fingerprint: request.idempotency.fingerprint,
            decision: id,
            version: standing.version,
            policy: standing.policy,
            incident: standing.incident,
            valid_until: lease_until,
            expires_at: later(standing.at, IDEMPOTENCY_TTL_MS),
          },
        }),
  }
}

/** Ids of every strike the reasons name, so that a reversal finds the decisions that relied on it. */
function strikesOf(decision: Decision): readonly string[] {
  return [...new Set(decision.reasons.flatMap((reason) => reason.strikes))].sort()
}
