/**
 * One more co-host for what runs: the question of its start once more, about everybody, under a decision of its own.
 *
 * An allow takes the place of what ran; anything else leaves it as it was, and the one who wanted to join stays out. What was
 * given at the start counts as given then. Next stop: ../gate.ts.
 */
import { LivegateError } from '../core/errors.ts'
import { MAX_COHOSTS } from '../core/limits.ts'
import type { DecideRequest, JoinRequest } from '../gate-types.ts'
import { requireRunning, subjectOfBroadcast } from './broadcasts.ts'
import type { Context } from './context.ts'
import { questionOf } from './question.ts'

/** What is to be decided. @throws LivegateError `not_found`, `conflict` when it no longer runs, or cannot be read back. */
export async function joiningOf(context: Context, asked: JoinRequest): Promise<DecideRequest> {
  const { broadcast, cohost, caller } = asked
  const subject = await subjectOfBroadcast(context, broadcast)
  if (subject === null)
    throw new LivegateError('not_found', 'Cannot join the broadcast: there is none with this id')
  const state = await context.ledger.load(subject)
  const open = requireRunning(state, broadcast, context.clock.now())
  const question = await questionOf(context, subject, open)
  const { stream, request, supports, enforce, cohosts, remembered, readable } = question
  if (!readable)
    throw new LivegateError('conflict', 'Cannot join the broadcast: what it began with is erased', {
      hint: 'end it, and ask for a new decision about everybody',
    })
  if (cohost.subject === subject)
    throw new LivegateError('conflict', 'Cannot join the broadcast: it is the subject’s own')
  const others = cohosts.map((one, i) => ({ subject: one, remembered: remembered[i + 1] ?? {} }))
  const hosts = [...others.filter((one) => one.subject !== cohost.subject), cohost]
  if (hosts.length > MAX_COHOSTS)
    throw new LivegateError('conflict', `Cannot join the broadcast: it has ${MAX_COHOSTS} already`)
  const { server, session, handle } = open
  const named = server === undefined || session === undefined ? null : { server, session }
  return {
    ...{ subject, stream: { ...stream, hosts }, request, supports, caller, facts: {} },
    ...(named === null ? {} : { session: handle === undefined ? named : { ...named, handle } }),
    ...(enforce === undefined ? {} : { enforce }),
    in_place: { of: broadcast, remembered: remembered[0] ?? {} },
  }
}
