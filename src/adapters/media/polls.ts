/**
 * A server asks whether something that runs may go on: renewed at half of its lease, stopped when it was revoked.
 *
 * What nobody has decided is decided here too, where the question says who publishes. Anything unknown, and any failure,
 * goes on: a gate that is ill must not end the streams of healthy people (docs/media/README.md). From: hooks.ts.
 */

import type { MediaEvent } from './dialect.ts'
import { NO_GUESS_LIMIT } from './guess-limit.ts'
import type { KeptPorts, ServerReach } from './kept-server.ts'
import { causeOf, decideLate } from './late-decisions.ts'
import { renewLease } from './renewals.ts'
import { resolveSubject } from './resolve-subject.ts'

export type PollEvent = Extract<MediaEvent, { readonly kind: 'poll' }>

/** `stop` names the decision that let it start, or the one that refuses it. */
export type PollAnswer =
  | { readonly type: 'go_on' }
  | { readonly type: 'stop'; readonly decision: string }

const GO_ON: PollAnswer = { type: 'go_on' }

/** Never rejects. */
export async function answerPoll(
  ports: KeptPorts,
  reach: ServerReach,
  event: PollEvent,
): Promise<PollAnswer> {
  const { server } = reach
  ports.sessions.polled(server.id, event.session)
  // A hook speaks of it at this moment: its start may still be undecided.
  if (ports.sessions.busySince(server.id, event.session, Number.POSITIVE_INFINITY)) return GO_ON
  try {
    const asked = ports.sessions.asked(server.id, event.session)
    return await ports.sessions.run(server.id, event.session, () =>
      answer(ports, reach, { event, asked }),
    )
  } catch (error) {
    ports.onError(error)
    return GO_ON
  }
}

async function answer(
  ports: KeptPorts,
  reach: ServerReach,
  { event, asked }: { readonly event: PollEvent; readonly asked: boolean },
): Promise<PollAnswer> {
  const { server } = reach
  const found = await ports.directory.broadcastOfSession(server.id, event.session)
  const now = ports.clock.now()
  if (found === null) return decidePolled(ports, reach, { event, asked, leased: false })
  const { broadcast } = found
  if (broadcast.cutting !== undefined) return { type: 'stop', decision: broadcast.id }
  if (broadcast.lease_until <= now)
    return decidePolled(ports, reach, { event, asked, leased: true })
  if (!ports.renewals.due(broadcast, now)) return GO_ON
  const event_of = await renewLease(ports, server, broadcast)
  return event_of === 'revoked' ? { type: 'stop', decision: broadcast.id } : GO_ON
}

async function decidePolled(
  ports: KeptPorts,
  reach: ServerReach,
  poll: { readonly event: PollEvent; readonly asked: boolean; readonly leased: boolean },
): Promise<PollAnswer> {
  const { server, dialect } = reach
  const { start, session } = poll.event
  if (start === undefined) return GO_ON
  // Asked before it ended, and heard of after that. One that only tells of joins tells of another.
  if (dialect.capabilities.poll && ports.sessions.isOver(server.id, session)) return GO_ON
  const lookup = { ...ports, guesses: NO_GUESS_LIMIT }
  const resolved = await resolveSubject(lookup, server, start, ports.clock.now())
  if (!resolved.ok) return GO_ON
  const { leased, asked } = poll
  const cause = causeOf({ leased, asked, before: false, when_down: server.when_down })
  const handle = dialect.handleOf?.(start, resolved.value.playback_name) ?? ''
  const whose = resolved.value
  const ingest = start.ingest === undefined ? {} : { ingest: start.ingest }
  const late = { ...reach, session, handle, whose, cause, ...ingest }
  const made = await decideLate(ports.gate, late)
  return made.outcome === 'allow' ? GO_ON : { type: 'stop', decision: made.id }
}
