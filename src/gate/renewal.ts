/**
 * May what runs go on? The same question again, about what was given at the start and what is known now.
 *
 * An evaluation like the first one, in the host's turn and with its co-hosts; the broadcast itself does not count as open.
 * If it may run its lease is extended where that was asked for, or where only a rollout lets it run on after a strike; else it is revoked: from then on it does not count as open
 * and somebody has to end it (cuts.ts). Either is a record. Who asks: recheck.ts, callers, media servers' keepers.
 */
import { LivegateError } from '../core/errors.ts'
import { CUT_FOR_MS } from '../core/limits.ts'
import type { Decision, Facts, SubjectId } from '../core/model.ts'
import { evaluate } from '../core/policy/evaluate.ts'
import type { Plan } from '../core/policy/plan.ts'
import { wouldRun } from '../core/policy/rollout.ts'
import { renewalDraft } from '../core/record/drafts.ts'
import { type EpochMs, epochMs } from '../core/time.ts'
import type { RenewalAnswer, RenewRequest } from '../gate-types.ts'
import type { OpenBroadcast, RecheckCause, SubjectState } from '../ports.ts'
import { hintIfCutting, requireRunning, subjectOfBroadcast } from './broadcasts.ts'
import type { Cohosts } from './cohosts.ts'
import { advance, type Context, change, type Effects, later, named, nextPlace } from './context.ts'
import { type Listener, requireHeard } from './deadline.ts'
import { factsFor, surroundings } from './facts-for.ts'
import { decider, policyOf, requiredBy, underOf } from './in-force.ts'
import { type Question, questionOf } from './question.ts'
import { leaveCohosts, settleRenewal, visitCohosts } from './renewal-cohosts.ts'
import { mayStart } from './repeat.ts'
import { loadTold } from './ungated.ts'

/** Times it is looked at anew because a co-host's standing changed under it. */
const MAX_ATTEMPTS = 3
/** Of the new lease; a renewal that adds less is none, so that who asks again and again fills no log. */
const LEAST_EXTENSION = 1 / 16

/** What people did about one person: that it would have stopped something is on record. */
const ON_RECORD: ReadonlySet<RecheckCause> = new Set<RecheckCause>(['strike', 'review'])

/** Everything one look works on. */
interface Look {
  readonly request: RenewRequest
  readonly question: Question
  readonly cohosts: Cohosts
  readonly listener: Listener
}

/** Looks again at one broadcast. @throws LivegateError `not_found`, `conflict` when it no longer runs. */
export async function renew(
  context: Context,
  request: RenewRequest,
  listener: Listener,
): Promise<RenewalAnswer> {
  const subject = await subjectOfBroadcast(context, request.broadcast)
  if (subject === null)
    throw new LivegateError('not_found', 'Cannot renew the broadcast: there is none with this id')
  return renewOf(context, subject, request, listener)
}

/** The same where it is known whose it is. */
export function renewOf(
  context: Context,
  subject: SubjectId,
  request: RenewRequest,
  listener: Listener,
): Promise<RenewalAnswer> {
  const look = (): Promise<RenewalAnswer> => renewAlone(context, subject, request, listener)
  return context.lives.run(request.broadcast, look, 'always')
}

/** The same when nothing else is done about this broadcast. */
export async function renewAlone(
  context: Context,
  subject: SubjectId,
  request: RenewRequest,
  listener: Listener,
): Promise<RenewalAnswer> {
  const { broadcast } = request
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const state = await context.ledger.load(subject)
    const open = requireRunning(state, broadcast, context.clock.now())
    const question = await questionOf(context, subject, open)
    const pending = { id: broadcast, stream: open.stream }
    const cohosts = await visitCohosts(context, question, pending)
    try {
      const answer = await context.turns.run(
        subject,
        () => lookInTurn(context, { request, question, cohosts, listener }),
        'always',
      )
      if (await settleRenewal(context, cohosts, { pending, answer, opened_at: open.opened_at }))
        return answer
    } catch (error) {
      if (error instanceof LivegateError && error.code === 'conflict')
        await leaveCohosts(context, cohosts, broadcast)
      throw error
    }
  }
  throw new LivegateError('log_unavailable', 'Cannot renew: a co-host keeps changing', {
    retry_after_s: 1,
  })
}

async function lookInTurn(context: Context, look: Look): Promise<RenewalAnswer> {
  const { request, question, cohosts, listener } = look
  requireHeard(listener, 'renew')
  const { subject } = question
  const state = named(context, await loadTold(context, subject, request.broadcast))
  const { plan, at } = decider(context, state, ...cohosts.hosts.map((host) => host.state))
  const open = requireRunning(state, request.broadcast, at)
  const facts = factsFor(context, {
    request: { ...question, facts: request.facts ?? {} },
    ...{ cohosts, state, at, plan, around: surroundings(context), replaces: [open.id] },
    again: { running_since: open.opened_at, remembered: question.remembered[0] ?? {} },
  })
  const decision = evaluate(plan, facts)
  requireHeard(listener, 'renew')
  const looked = { look, state, open, plan, facts, decision, at }
  const { lease_until } = decision
  if (lease_until === null) return revoke(context, looked)
  if (question.readable && isExtended(request, open, { decision, at, lease_until }))
    return extend(context, looked, lease_until)
  return leave(context, looked)
}

/** What was found out about one broadcast. */
interface Looked {
  readonly look: Look
  readonly state: SubjectState
  readonly open: OpenBroadcast
  readonly plan: Plan
  readonly facts: Facts
  readonly decision: Decision
  readonly at: EpochMs
}

function isExtended(
  { cause = 'caller', facts }: RenewRequest,
  open: OpenBroadcast,
  {
    decision,
    at,
    lease_until,
  }: Pick<Looked, 'decision' | 'at'> & { readonly lease_until: EpochMs },
): boolean {
  // It may be over before anybody asks again, and a rollout is judged by whom it would have stopped.
  if (ON_RECORD.has(cause) && decision.would !== undefined && !wouldRun(decision.would)) return true
  if (cause !== 'lease' && cause !== 'caller') return false
  return (
    facts !== undefined || lease_until - open.lease_until >= LEAST_EXTENSION * (lease_until - at)
  )
}

/** It runs on as it did. */
async function leave(context: Context, looked: Looked): Promise<RenewalAnswer> {
  const { look, state, open, plan, decision, at } = looked
  const { recheck, ...opens } = open
  if (recheck !== undefined) {
    const { subject } = look.question
    await change(context, { subject, state, at, effects: { bumps_version: false, opens } })
  }
  return {
    ...{ broadcast: open.id, event: 'unchanged', id: null, at },
    ...{ lease_until: open.lease_until, decision, policy: policyOf(plan) },
  }
}

async function extend(
  context: Context,
  looked: Looked,
  lease_until: EpochMs,
): Promise<RenewalAnswer> {
  const { recheck: _done, ...open } = looked.open
  const id = context.newRecordId(looked.at)
  const opens = { ...open, lease_until, renewed: id }
  return recorded(context, looked, { event: 'renewed', id, lease_until, effects: { opens } })
}

async function revoke(context: Context, looked: Looked): Promise<RenewalAnswer> {
  const { open, at, look, decision } = looked
  const { recheck: _done, heard_until: _heard, ...rest } = open
  const id = context.newRecordId(at)
  const { cause = 'caller' } = look.request
  const until = epochMs(Math.max(open.lease_until, later(at, CUT_FOR_MS)))
  const opens = { ...rest, lease_until: at, cutting: { since: at, until, order: id, cause } }
  const holds = decision.holds_opened
    .filter((hold) => hold.host === 0)
    .map(({ rule }) => ({ stream: open.stream, rule, first_asked_at: at }))
  const effects = holds.length === 0 ? { opens } : { opens, holds }
  const { subject } = look.question
  try {
    return await recorded(context, looked, { event: 'revoked', id, lease_until: at, effects })
  } finally {
    // Also where that is not known to have been written: what was must not wait for the next start.
    await hintIfCutting(context, subject, open.id)
  }
}

async function recorded(
  context: Context,
  { look, state, open, plan, facts, decision, at }: Looked,
  made: {
    readonly event: 'renewed' | 'revoked'
    readonly id: string
    readonly lease_until: EpochMs
    readonly effects: Omit<Effects, 'bumps_version'>
  },
): Promise<RenewalAnswer> {
  const { event, id, lease_until } = made
  const { subject, cohosts } = look.question
  const { caller, cause = 'caller' } = look.request
  const { pseudonym, chain } = nextPlace(context, state, at)
  const request = open.stream === '' ? { caller } : { caller, stream: open.stream }
  const draft = renewalDraft({
    ...{ chain, event, broadcast: open.id, facts, decision, reason: cause, ...underOf(plan) },
    ...{ subject: { subject, cohosts }, request },
  })
  const shared = cohosts.length === 0 ? {} : { cohosts }
  const effects = { bumps_version: false, ...made.effects, ...shared }
  const requires = requiredBy(plan)
  const step = { subject, state, at, id, pseudonym, draft, requires, effects }
  const { record, receipt } = await advance(context, step)
  context.observe({ type: event, cause })
  return {
    ...{ broadcast: open.id, event, id, at, lease_until, decision, policy: policyOf(plan) },
    ...{ jws: record.jws, openings: record.openings, receipt },
  }
}

/** True when it may go on under a lease. */
export function goesOn({ event, decision }: RenewalAnswer): boolean {
  return event !== 'revoked' && mayStart(decision)
}
