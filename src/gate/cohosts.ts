/**
 * Co-hosts: whoever appears in a broadcast answers for it with their own history.
 *
 * Nobody waits for another subject while holding a turn, so each co-host is visited in its own turn before the
 * decision: the pending broadcast is written to its ledger (a strike landing afterwards will find it there) and its
 * standing is read. After the decision the pending entry is confirmed or taken back; if that never happens, it ends
 * by itself after UNCONFIRMED_BROADCAST_MS and counts for nothing.
 */
import { UNCONFIRMED_BROADCAST_MS } from '../core/limits.ts'
import type { SubjectId } from '../core/model.ts'
import type { Answer, CohostRequest, DecideRequest } from '../gate-types.ts'
import type { SubjectState } from '../ports.ts'
import { type Context, change, type Effects, instantFor, later } from './context.ts'
import type { HostState } from './gather.ts'
import { mayStart } from './repeat.ts'

export interface Cohosts {
  readonly hosts: readonly HostState[]
  /** Sum of the co-hosts' versions: unchanged exactly while each is unchanged, because none ever falls. */
  readonly version: number
}

const NOBODY: Cohosts = { hosts: [], version: 0 }

/** Reads each co-host's standing; with an `id` also registers the pending broadcast there, durably. */
export async function joinCohosts(
  context: Context,
  request: Pick<DecideRequest, 'subject' | 'stream'>,
  id: string | null,
): Promise<Cohosts> {
  const asked = uniqueCohosts(request)
  if (asked.length === 0) return NOBODY
  const stream = request.stream.id ?? ''
  const hosts = await Promise.all(
    asked.map(async (cohost) => ({
      subject: cohost.subject,
      given: cohost.facts ?? {},
      state: await context.turns.run(cohost.subject, () =>
        register(context, cohost.subject, stream, id),
      ),
    })),
  )
  return { hosts, version: hosts.reduce((sum, host) => sum + host.state.version, 0) }
}

/** Confirms or takes back what `joinCohosts` registered, and stores holds that began for a co-host. */
export async function settleCohosts(
  context: Context,
  cohosts: Cohosts,
  answer: Answer,
  id: string,
): Promise<void> {
  const { decision, repeated } = answer
  const confirmed = !repeated && mayStart(decision)
  const settle = async (host: HostState, index: number): Promise<void> => {
    const state = await context.ledger.load(host.subject)
    const pending = state.broadcasts.find((open) => open.id === id)
    const holds = decision.holds_opened
      .filter((hold) => !repeated && hold.host === index + 1)
      .map((hold) => ({
        stream: pending?.stream ?? '',
        rule: hold.rule,
        first_asked_at: answer.decided_at,
      }))
    const effects: Effects = {
      bumps_version: false,
      ...(holds.length === 0 ? {} : { holds }),
      ...(confirmed && pending !== undefined && decision.lease_until !== null
        ? { opens: { ...pending, lease_until: decision.lease_until } }
        : { ends: id }),
    }
    await change(context, { subject: host.subject, state, at: instantFor(context, state), effects })
  }
  await Promise.all(
    cohosts.hosts.map((host, index) => context.turns.run(host.subject, () => settle(host, index))),
  )
}

async function register(
  context: Context,
  subject: SubjectId,
  stream: string,
  id: string | null,
): Promise<SubjectState> {
  const state = await context.ledger.load(subject)
  if (id === null) return state
  const at = instantFor(context, state)
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

function uniqueCohosts(
  request: Pick<DecideRequest, 'subject' | 'stream'>,
): readonly CohostRequest[] {
  const seen = new Set<SubjectId>([request.subject])
  const unique: CohostRequest[] = []
  for (const cohost of request.stream.hosts ?? []) {
    if (seen.has(cohost.subject)) continue
    seen.add(cohost.subject)
    unique.push(cohost)
  }
  return unique
}
