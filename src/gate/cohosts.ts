/**
 * Co-hosts: whoever appears in a broadcast answers for it with their own history.
 *
 * Nobody waits for another subject while holding a turn, so each co-host is visited in its own turn before the
 * decision: the pending broadcast is written to its ledger (a strike landing afterwards will find it there) and its
 * standing is read. After the decision the pending entry is confirmed or taken back; a co-host whose standing changed
 * in between makes the decision void. What nobody settles (a crash) ends by itself after UNCONFIRMED_BROADCAST_MS.
 */
import { LivegateError } from '../core/errors.ts'
import { MAX_COHOSTS, UNCONFIRMED_BROADCAST_MS } from '../core/limits.ts'
import type { SubjectId } from '../core/model.ts'
import type { Answer, CohostRequest, DecideRequest } from '../gate-types.ts'
import type { SubjectState } from '../ports.ts'
import { type Context, change, type Effects, instantFor, later } from './context.ts'
import type { HostState } from './gather.ts'
import { heardUntil, mayStart, requireRoom } from './repeat.ts'

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

type Question = Pick<DecideRequest, 'subject' | 'stream'>

/** Each co-host's standing now, without effect. */
export async function readCohosts(context: Context, request: Question): Promise<Cohosts> {
  const asked = askedCohosts(request)
  if (asked.length === 0) return NOBODY
  return cohostsOf(
    await Promise.all(
      asked.map(async (cohost) => hostState(cohost, await context.ledger.load(cohost.subject))),
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
      hostState(
        cohost,
        await context.turns.run(cohost.subject, () => register(context, cohost.subject, pending)),
      ),
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
  const { pending, answer, replaces } = settled
  if (cohosts.hosts.length === 0) return true
  const starts = mayStart(answer.decision)
  const settle = async (host: HostState, index: number): Promise<boolean> => {
    const state = await context.ledger.load(host.subject)
    const same = state.version === host.state.version
    const effects: Effects = {
      bumps_version: false,
      ...holdsOf(answer, index + 1, pending.stream),
      ...(starts && same ? confirmed(state, { pending, answer, replaces }) : { ends: pending.id }),
    }
    await change(context, { subject: host.subject, state, at: instantFor(context, state), effects })
    return same
  }
  const same = await Promise.all(
    cohosts.hosts.map((host, index) =>
      context.turns.run(host.subject, () => settle(host, index), 'always'),
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
  await Promise.all(
    subjects.map((subject) =>
      context.turns.run(subject, () => endWithCohost(context, subject, id), 'always'),
    ),
  )
}

async function endWithCohost(context: Context, subject: SubjectId, id: string): Promise<void> {
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

/** The broadcast as it stands with a co-host from now on; also when a repeated answer finds it gone there. */
function confirmed(
  state: SubjectState,
  { pending, answer, replaces }: Settled,
): Pick<Effects, 'opens' | 'ends'> {
  const { lease_until } = answer.decision
  if (lease_until === null) return { ends: pending.id }
  const heard_until = heardUntil(state, answer.decided_at, replaces)
  const opens = {
    id: answer.id,
    stream: pending.stream,
    opened_at: answer.decided_at,
    lease_until,
    role: 'cohost' as const,
    ...(heard_until === null ? {} : { heard_until }),
  }
  const ends = answer.repeated ? pending.id : replaces[0]
  return ends === undefined ? { opens } : { opens, ends }
}

function holdsOf(answer: Answer, host: number, stream: string): Pick<Effects, 'holds'> {
  const opened = answer.repeated ? [] : answer.decision.holds_opened
  const holds = opened
    .filter((hold) => hold.host === host)
    .map((hold) => ({ stream, rule: hold.rule, first_asked_at: answer.decided_at }))
  return holds.length === 0 ? {} : { holds }
}

async function register(
  context: Context,
  subject: SubjectId,
  { id, stream }: Pending,
): Promise<SubjectState> {
  const state = await context.ledger.load(subject)
  const at = instantFor(context, state)
  requireRoom(state, at, [])
  const opens = {
    id,
    stream,
    opened_at: at,
    lease_until: later(at, UNCONFIRMED_BROADCAST_MS),
    role: 'cohost' as const,
  }
  await change(context, { subject, state, at, effects: { bumps_version: false, opens } })
  return state
}

function hostState(cohost: CohostRequest, state: SubjectState): HostState {
  return { subject: cohost.subject, given: cohost.facts ?? {}, state }
}

function cohostsOf(hosts: readonly HostState[]): Cohosts {
  return { hosts, version: hosts.reduce((sum, host) => sum + host.state.version, 0) }
}

/** Each co-host once, whatever the request says; the one who asks is not its own co-host. */
function askedCohosts(request: Question): readonly CohostRequest[] {
  const { hosts = [] } = request.stream
  if (hosts.length === 0) return []
  const seen = new Set<SubjectId>([request.subject])
  const unique: CohostRequest[] = []
  for (const cohost of hosts) {
    if (seen.has(cohost.subject)) continue
    seen.add(cohost.subject)
    unique.push(cohost)
  }
  if (unique.length > MAX_COHOSTS)
    throw new LivegateError('invalid_request', 'Cannot decide: too many co-hosts', {
      faults: [{ pointer: '/stream/hosts', detail: `expected at most ${MAX_COHOSTS}` }],
    })
  return unique
}
