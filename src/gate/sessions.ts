/**
 * The end of a broadcast: a media server says so, or nobody heard that it was allowed.
 *
 * Broadcasts are found by (server, session), never by stream name: a refused twin on the same name has another
 * session and ends nothing. The end is a record on the subject's chain like everything else.
 */
import type { SubjectId } from '../core/model.ts'
import { broadcastDraft } from '../core/record/drafts.ts'
import type { Answer } from '../gate-types.ts'
import { advance, type Context, instantFor, newRecordId, nextPlace } from './context.ts'

interface Ending {
  readonly broadcast: string
  readonly caller: string
  readonly reason: string
}

/** Ends what runs under a media server's session; false when nothing does. */
export async function endSession(
  context: Context,
  server: string,
  session: string,
): Promise<boolean> {
  const found = await context.directory.broadcastOfSession(server, session)
  if (found === null) return false
  const ending = { broadcast: found.broadcast.id, caller: `hook:${server}`, reason: 'publish_done' }
  return context.turns.run(found.subject, () => end(context, found.subject, ending))
}

/** Takes back an allow whose caller had already been told to come back; the lease would end by itself anyway. */
export function closeUnanswered(context: Context, subject: SubjectId, answer: Answer): void {
  if (answer.repeated || answer.decision.lease_until === null) return
  const ending = { broadcast: answer.id, caller: 'livegate', reason: 'unanswered' }
  context.turns
    .run(subject, () => end(context, subject, ending))
    .catch(() => context.observe({ type: 'shed', code: 'unanswered_broadcast_left_to_its_lease' }))
}

async function end(context: Context, subject: SubjectId, ending: Ending): Promise<boolean> {
  const state = await context.ledger.load(subject)
  if (!state.broadcasts.some((open) => open.id === ending.broadcast)) return false
  const at = instantFor(context, state)
  const { pseudonym, chain } = nextPlace(context, state, at)
  const draft = broadcastDraft({
    chain,
    event: 'ended',
    broadcast: ending.broadcast,
    subject,
    cohosts: [],
    reason: ending.reason,
    request: { caller: ending.caller },
  })
  const effects = { bumps_version: false, ends: ending.broadcast }
  const id = newRecordId(context.random, at)
  await advance(context, { subject, state, at, id, pseudonym, draft, requires: [], effects })
  return true
}
