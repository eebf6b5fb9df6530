/**
 * The gate: may this broadcast start? Request → facts → evaluate → sign → append → answer.
 *
 * This file is the story of one decision, readable aloud; each step lives in the file it is imported from. It knows
 * ports (ports.ts), never mechanisms. Guarantees it carries: no answer without a durable record (G1), strikes count at
 * once (G2), overload sheds (G9). Strikes: gate/strikes.ts; stored facts and views: gate/subjects.ts.
 * From: adapters/http/app.ts. Next on the tour: core/policy/evaluate.ts.
 */
import { LivegateError } from './core/errors.ts'
import { DECISION_BUDGET_MS, DEFAULT_FACTS_MAX_AGE_MS } from './core/limits.ts'
import type { Facts, SubjectId } from './core/model.ts'
import { evaluate } from './core/policy/evaluate.ts'
import type { Plan } from './core/policy/plan.ts'
import { decisionDraft } from './core/record/drafts.ts'
import { requireRunning } from './gate/broadcasts.ts'
import {
  type CohostDesk,
  type Cohosts,
  createCohostDesk,
  joinCohosts,
  withdrawCohosts,
} from './gate/cohosts.ts'
import {
  advance,
  type Context,
  type GatePorts,
  type GateSettings,
  named,
  nextPlace,
} from './gate/context.ts'
import { type Listener, requireHeard } from './gate/deadline.ts'
import { type Decided, effectsOf, requestGroup } from './gate/effects.ts'
import { numbered } from './gate/enforcement.ts'
import { createErasureDesk, type ErasureDesk } from './gate/erasure-desk.ts'
import { statesOf } from './gate/explain-now.ts'
import { factsFor } from './gate/facts-for.ts'
import { policyOf, requiredBy, underOf } from './gate/in-force.ts'
import { gateOver } from './gate/methods.ts'
import { type HostRecheck, recheckAtHost } from './gate/recheck.ts'
import { randomRecordIds } from './gate/record-ids.ts'
import { createRefusedAgain } from './gate/refused-again.ts'
import {
  heardUntil,
  judgeRetry,
  mayStart,
  refusalOf,
  refusedBefore,
  rememberKey,
  replacedBy,
  requireRoom,
} from './gate/repeat.ts'
import { askedItems, reviewsAsked } from './gate/review-items.ts'
import { dueReviews } from './gate/reviews.ts'
import { takeBack, takeBackUnheard } from './gate/sessions.ts'
import { joinedAmong, leaveReplaced, settled, type Verdict } from './gate/settled.ts'
import { standingNow } from './gate/standing-now.ts'
import { createTables } from './gate/tables.ts'
import { createTurns } from './gate/turns.ts'
import { tellUngated } from './gate/ungated.ts'
import type { Answer, DecideRequest, Gate } from './gate-types.ts'
import type { Erasures, SubjectState } from './ports.ts'

/** Times a decision is made anew because a co-host's standing changed under it. */
const MAX_ATTEMPTS = 3

/** Builds a gate over its ports. Nothing runs until it is asked. */
export function createGate(ports: GatePorts, settings: Partial<GateSettings> = {}): Gate {
  return createGateWithDesk(ports, settings, (desk) => desk).gate
}

/**
 * A gate whose co-hosts may live elsewhere: `route` gets the desk over this gate's own ledger and turns, and returns the
 * one to use. `desk` is the own one, for those elsewhere who ask.
 */
export function createGateWithDesk(
  ports: GatePorts & { readonly erasures?: Erasures },
  settings: Partial<GateSettings>,
  route: (desk: CohostDesk) => CohostDesk,
): {
  readonly gate: Gate
  readonly desk: CohostDesk
  /** Ends the broadcast of a decision that the caller was never told of. Never rejects. */
  readonly takeBack: (subject: SubjectId, decision: string) => Promise<void>
  /** Looks at a broadcast of somebody here because of one who joined it elsewhere. */
  readonly atHost: (broadcast: string) => Promise<HostRecheck>
  /** What is done for the rights of the people it stores things about; null where the host cannot forget. */
  readonly erasure: ErasureDesk | null
} {
  const local = {
    newRecordId: randomRecordIds(ports.random),
    ...ports,
    turns: createTurns(),
    lives: createTurns(),
    tables: createTables(),
    refusedAgain: createRefusedAgain(),
    settings: {
      facts_max_age_ms: DEFAULT_FACTS_MAX_AGE_MS,
      budget_ms: DECISION_BUDGET_MS,
      ...settings,
    },
  }
  const { erasures } = ports
  const desk = createCohostDesk(local)
  const context = { ...local, cohosts: route(desk) }
  return {
    gate: gateOver(context, decide),
    desk,
    takeBack: (subject, decision) => takeBackUnheard(context, subject, decision),
    atHost: (broadcast) => recheckAtHost(context, broadcast),
    erasure: erasures === undefined ? null : createErasureDesk({ ...context, erasures }),
  }
}

/** One decision; made anew when a co-host's standing changes under it. */
async function decide(
  context: Context,
  request: DecideRequest,
  listener: Listener,
): Promise<Answer> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const answer = await decideOnce(context, request, listener)
    if (answer !== null) return answer
  }
  throw new LivegateError('log_unavailable', 'Cannot decide: a co-host keeps changing', {
    retry_after_s: 1,
  })
}

/** Null: a co-host changed. */
async function decideOnce(
  context: Context,
  request: DecideRequest,
  listener: Listener,
): Promise<Answer | null> {
  const id = context.newRecordId(context.clock.now())
  const work = (): Promise<Verdict | null> => decideUnder(context, { request, id, listener })
  const { hosts = [] } = request.stream
  const verdict = await (hosts.length === 0 ? work() : context.lives.run(id, work))
  if (verdict === null) return null
  if (verdict.left.length > 0) await leaveReplaced(context, verdict.left)
  return verdict.answer
}

/** Co-hosts first (never while holding a turn), then everything in the subject's own turn. */
async function decideUnder(
  context: Context,
  { request, id, listener }: Omit<Asked, 'cohosts'>,
): Promise<Verdict | null> {
  const { subject, stream } = request
  const pending = { id, stream: stream.id ?? '' }
  const cohosts = await joinCohosts(context, request, pending)
  let opened = false
  try {
    const verdict = await context.turns.run(subject, () =>
      decideInTurn(context, { request, cohosts, id, listener }),
    )
    if (cohosts.hosts.length === 0) return verdict
    opened = !verdict.answer.repeated && mayStart(verdict.answer.decision)
    if (await settled(context, { cohosts, pending, verdict, listener })) return verdict
    if (opened) await context.turns.run(subject, () => takeBack(context, subject, id), 'always')
    return null
  } catch (error) {
    await withdrawCohosts(context, cohosts, id)
    if (opened) await context.turns.run(subject, () => takeBack(context, subject, id), 'always')
    throw error
  }
}

interface Asked {
  readonly request: DecideRequest
  readonly cohosts: Cohosts
  readonly id: string
  readonly listener: Listener
}

async function decideInTurn(context: Context, asked: Asked): Promise<Verdict> {
  const { request, cohosts, id, listener } = asked
  requireHeard(listener, 'decide')
  const { subject } = request
  const state = named(
    context,
    await dueReviews(context, subject, await context.ledger.load(subject)),
  )
  const under = standingNow(context, state, statesOf(cohosts), cohosts.version)
  const { plan, around, standing } = under
  const { at } = standing
  const now = { request, state, standing }
  const known = context.refusedAgain.find(now)
  if (known !== null) return { answer: known, replaces: [], left: [] }
  const retry = await judgeRetry(context, request, { standing, state, plan })
  if (retry.before !== null) return { answer: retry.before, replaces: [], left: [] }

  const supersedes = retry.supersedes ?? request.in_place?.of ?? null
  if (request.in_place !== undefined) requireRunning(state, request.in_place.of, at)
  const replaces = replacedBy(request, state, supersedes)
  const facts = factsFor(context, { request, cohosts, state, around, at, replaces, plan })
  const decision = evaluate(plan, facts)
  const refusal = refusalOf({ request, facts, decision, plan, id })
  const late = request.ungated !== undefined
  const before = { refusal, state, decision, plan, supersedes }
  // What runs already is decided for itself: its record orders the cut.
  const again = late ? null : await refusedBefore(context, before)
  if (again !== null) {
    await rememberKey(context, { ...now, again })
    const { facts_max_age_ms } = context.settings
    context.refusedAgain.keep(now, { answer: again, facts, plan, facts_max_age_ms })
    return { answer: again, replaces: [], left: [] }
  }

  if (refusal === null) requireRoom(state, standing.at, replaces)
  requireHeard(listener, 'decide')
  const heard_until = heardUntil(state, standing.at, replaces)
  const decided = { id, request, decision, standing, refusal, replaces, heard_until, supersedes }
  const answer = await commit(context, { decided, cohosts, facts, state, plan, listener })
  if (late) await tellUngated(context, request.subject, id)
  return { answer, replaces, left: refusal === null ? joinedAmong(state, replaces) : [] }
}

/** Makes the decision durable; what nobody will hear of is taken back before anybody else's turn. */
async function commit(
  context: Context,
  input: {
    readonly decided: Decided
    readonly cohosts: Cohosts
    readonly facts: Facts
    readonly state: SubjectState
    readonly plan: Plan
    readonly listener: Listener
  },
): Promise<Answer> {
  const { decided, facts, state, plan, listener } = input
  const { id, decision, standing, supersedes } = decided
  const { subject } = decided.request
  const { at } = standing
  const { pseudonym, chain } = nextPlace(context, state, at)
  const request = requestGroup(context.pepper, decided)
  const cohosts = input.cohosts.hosts.map((host) => host.subject)
  const said = { chain, ...underOf(plan), subject: { subject, cohosts }, facts, decision }
  const stream = decided.request.stream.id ?? ''
  const asked = reviewsAsked(plan, { id, decision, at, stream, host: 0 })
  const effects = { ...effectsOf(context.pepper, decided, state), ...askedItems(state, asked) }
  const requires = requiredBy(plan)
  const { enforcement } = decided.request
  try {
    const { record, receipt } = await numbered(context, { enforcement, id }, (number) => {
      const draft = decisionDraft({ ...said, request: { ...request, ...number } })
      const step = { subject, state, at, id, pseudonym, draft, requires, effects }
      return advance(context, step)
    })
    requireHeard(listener, 'decide')
    return {
      id,
      decided_at: at,
      outcome: decision.outcome,
      decision,
      policy: policyOf(plan),
      jws: record.jws,
      openings: record.openings,
      receipt,
      supersedes,
      repeated: false,
    }
  } catch (error) {
    if (mayStart(decision)) await takeBack(context, subject, id)
    throw error
  }
}
