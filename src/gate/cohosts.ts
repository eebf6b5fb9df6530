/**
 * Co-hosts: whoever appears in a broadcast answers for it with their own history.
 *
 * Nobody waits for another subject while holding a turn, so each co-host is visited in its own turn before the
 * decision: the pending broadcast is written to its ledger (a strike landing afterwards will find it there) and its
 * standing is read. After the decision the pending entry is confirmed or taken back; a co-host whose standing changed
 * in between makes the decision void. What nobody settles (a crash) ends by itself after UNCONFIRMED_BROADCAST_MS.
 */
import { UNCONFIRMED_BROADCAST_MS } from '../core/limits.ts'
import type { SubjectId } from '../core/model.ts'
import type { EpochMs } from '../core/time.ts'
import type { Answer, CohostRequest, DecideRequest } from '../gate-types.ts'
import type { SubjectState } from '../ports.ts'
import { askedCohosts } from './asked-cohosts.ts'
import { type Context, change, type Effects, instantFor, later } from './context.ts'
import type { HostState } from './gather.ts'
import { heardUntil, mayStart, requireRoom } from './repeat.ts'
import { askedItems, type ReviewItem, reviewsAsked } from './review-items.ts'
import { dueReviews } from './reviews.ts'

export interface Cohosts {
  readonly hosts: readonly HostState[]
  /** Sum of the co-hosts' versions: unchanged exactly while each is unchanged, because none ever falls. */
  readonly version: number
}

/** What is being decided. */
export interface Pending {
  /** Id of the decision to come, and of the broadcast it may open. */
  readonly id: string
  readonly stream: string
}

const NOBODY: Cohosts = { hosts: [], version: 0 }

/** The desk itself must not ask the desk. */
type LocalContext = Omit<Context, 'cohosts'>

type Question = Pick<DecideRequest, 'subject' | 'stream'>

/** What settling one co-host takes: plain data, because its ledger may be in another object. */
export interface Settling {
  readonly pending: Pending
  /** Version of its standing that the decision saw. */
  readonly version: number
  /** The broadcast that may start; null when none may. */
  readonly started: {
    readonly id: string
    readonly decided_at: EpochMs
    readonly lease_until: EpochMs | null
    readonly repeated: boolean
    readonly replaces: readonly string[]
  } | null
  /** Rules whose hold began for this co-host, and when. */
  readonly holds: readonly { readonly rule: string; readonly first_asked_at: EpochMs }[]
  /** What people are asked about this co-host. */
  readonly reviews?: readonly ReviewItem[]
  /** It runs already: where the standing changed nothing is done about it here. */
  readonly renews?: true
}

/**
 * What is done about one co-host, each in that subject's own turn. A port of its own, because where every subject is an
 * object the turn is in there (adapters/cloudflare/subject-object.ts); here, at hand, it is `createCohostDesk`.
 */
export interface CohostDesk {
  /** Its standing now, without effect. */
  standing(subject: SubjectId): Promise<SubjectState> | SubjectState
  /** Registers a pending broadcast, durably; the state before. Rejects with nothing registered for certain. */
  join(subject: SubjectId, pending: Pending): Promise<SubjectState>
  /** Confirms or takes back; false when the standing changed meanwhile, and then nothing runs there any more. */
  settle(subject: SubjectId, settling: Settling): Promise<boolean>
  /** Ends a broadcast there; one that is not open changes nothing. Rejects when that is not durable. */
  end(subject: SubjectId, broadcast: string): Promise<void>
}

/** The desk over a context's own ledger and turns. */
export function createCohostDesk(context: Omit<Context, 'cohosts'>): CohostDesk {
  const { turns, ledger } = context
  return {
    standing: (subject) => ledger.load(subject),
    join: (subject, pending) => turns.run(subject, () => register(context, subject, pending)),
    settle: (subject, settling) =>
      turns.run(subject, () => settleOne(context, subject, settling), 'always'),
    end: (subject, broadcast) =>
      turns.run(subject, () => endWithCohost(context, subject, broadcast), 'always'),
  }
}

/** Each co-host's standing now, without effect. */
export async function readCohosts(context: Context, request: Question): Promise<Cohosts> {
  const asked = askedCohosts(request)
  if (asked.length === 0) return NOBODY
  return cohostsOf(
    await Promise.all(
      asked.map(async (cohost) =>
        hostState(cohost, await context.cohosts.standing(cohost.subject)),
      ),
    ),
  )
}

/** Registers the pending broadcast with each co-host, durably, and reads its standing; with all of them or none. */
export async function joinCohosts(
  context: Context,
  request: Question,
  pending: Pending,
): Promise<Cohosts> {
  const asked = askedCohosts(request)
  if (asked.length === 0) return NOBODY
  const joined = await Promise.allSettled(
    asked.map(async (cohost) =>
      hostState(cohost, await context.cohosts.join(cohost.subject, pending)),
    ),
  )
  const failed = joined.find((result) => result.status === 'rejected')
  if (failed === undefined)
    return cohostsOf(joined.flatMap((result) => ('value' in result ? [result.value] : [])))
  const subjects = asked.map((cohost) => cohost.subject)
  await withdraw(context, subjects, pending.id)
  throw failed.reason
}

interface Settled {
  readonly pending: Pending
  readonly answer: Answer
  readonly replaces: readonly string[]
}

/**
 * Confirms or takes back what `joinCohosts` registered, and stores holds that began for a co-host.
 * False when a co-host's standing changed meanwhile: the answer must not be given, and nothing is registered any more.
 */
export async function settleCohosts(
  context: Context,
  cohosts: Cohosts,
  settled: Settled,
): Promise<boolean> {
  const { pending, answer } = settled
  if (cohosts.hosts.length === 0) return true
  const starts = mayStart(answer.decision)
  const same = await Promise.all(
    cohosts.hosts.map((host, index) =>
      context.cohosts.settle(host.subject, {
        pending,
        version: host.state.version,
        started: starts ? startedOf(settled) : null,
        holds: holdsOf(answer, index + 1),
        ...reviewsOf(context, settled, index + 1),
      }),
    ),
  )
  if (!starts || !same.includes(false)) return true
  await withdrawCohosts(context, cohosts, answer.id)
  return false
}

/** Takes back a broadcast that was registered with co-hosts, as far as that is possible now. */
export async function withdrawCohosts(
  context: Context,
  cohosts: Cohosts,
  id: string,
): Promise<void> {
  const subjects = cohosts.hosts.map((host) => host.subject)
  await withdraw(context, subjects, id)
}

/** Ends a broadcast with each co-host. Rejects when that is not durable with all of them. */
export async function endWithCohosts(
  context: Context,
  subjects: readonly SubjectId[],
  id: string,
): Promise<void> {
  await Promise.all(subjects.map((subject) => context.cohosts.end(subject, id)))
}

async function endWithCohost(context: LocalContext, subject: SubjectId, id: string): Promise<void> {
  const state = await context.ledger.load(subject)
  if (!state.broadcasts.some((open) => open.id === id)) return
  const effects = { bumps_version: false, ends: id }
  await change(context, { subject, state, at: instantFor(context, state), effects })
}

async function withdraw(
  context: Context,
  subjects: readonly SubjectId[],
  id: string,
): Promise<void> {
  try {
    await endWithCohosts(context, subjects, id)
  } catch {
    context.observe({ type: 'left_to_lease', what: 'cohost' })
  }
}

function startedOf({ answer, replaces }: Settled): Settling['started'] {
  const { id, decided_at, decision, repeated } = answer
  return { id, decided_at, lease_until: decision.lease_until, repeated, replaces }
}

function holdsOf(answer: Answer, host: number): Settling['holds'] {
  const opened = answer.repeated ? [] : answer.decision.holds_opened
  return opened
    .filter((hold) => hold.host === host)
    .map((hold) => ({ rule: hold.rule, first_asked_at: answer.decided_at }))
}

function reviewsOf(
  { policies }: Pick<Context, 'policies'>,
  { answer, pending }: Settled,
  host: number,
): Pick<Settling, 'reviews'> {
  const { id, decision, decided_at: at, repeated } = answer
  if (repeated || decision.review === null) return {}
  const { plan } = policies.active(at)
  const reviews = reviewsAsked(plan, { id, decision, at, stream: pending.stream, host })
  return reviews.length === 0 ? {} : { reviews }
}

async function settleOne(
  context: LocalContext,
  subject: SubjectId,
  settling: Settling,
): Promise<boolean> {
  const { pending, version, started } = settling
  const state = await context.ledger.load(subject)
  const same = state.version === version
  if (settling.renews === true && started !== null && !same) return false
  const holds = settling.holds.map((hold) => ({ ...hold, stream: pending.stream }))
  const effects: Effects = {
    bumps_version: false,
    ...(holds.length === 0 ? {} : { holds }),
    ...askedItems(state, settling.reviews ?? []),
    ...(started !== null && same ? confirmed(state, pending, started) : { ends: pending.id }),
  }
  await change(context, { subject, state, at: instantFor(context, state), effects })
  return same
}

/** The broadcast as it stands with a co-host from now on; also when a repeated answer finds it gone there. */
function confirmed(
  state: SubjectState,
  pending: Pending,
  started: NonNullable<Settling['started']>,
): Pick<Effects, 'opens' | 'ends'> {
  const { id, decided_at, lease_until, repeated, replaces } = started
  if (lease_until === null) return { ends: pending.id }
  const heard_until = heardUntil(state, decided_at, replaces)
  const opens = {
    id,
    stream: pending.stream,
    opened_at: decided_at,
    lease_until,
    role: 'cohost' as const,
    ...(heard_until === null ? {} : { heard_until }),
  }
  const ends = repeated ? pending.id : replaces[0]
  return ends === undefined ? { opens } : { opens, ends }
}

async function register(
  context: LocalContext,
  subject: SubjectId,
  { id, stream }: Pending,
): Promise<SubjectState> {
  const state = await dueReviews(context, subject, await context.ledger.load(subject))
  const at = instantFor(context, state)
  requireRoom(state, at, [id])
  const until = later(at, UNCONFIRMED_BROADCAST_MS)
  // One that runs already keeps its lease, and its mark until it is settled.
  const before = state.broadcasts.find((open) => open.id === id)
  const fresh = { id, stream, opened_at: at, lease_until: until, role: 'cohost' as const }
  const opens =
    before !== undefined && before.lease_until > until ? before : { ...before, ...fresh }
  await change(context, { subject, state, at, effects: { bumps_version: false, opens } })
  return state
}

function hostState(cohost: CohostRequest, state: SubjectState): HostState {
  const { subject, facts: given = {}, remembered } = cohost
  return remembered === undefined
    ? { subject, given, state }
    : { subject, given, remembered, state }
}

function cohostsOf(hosts: readonly HostState[]): Cohosts {
  return { hosts, version: hosts.reduce((sum, host) => sum + host.state.version, 0) }
}
