/**
 * The end of a broadcast: a media server says so, or nobody heard that it was allowed.
 *
 * Broadcasts are found by (server, session), never by stream name: a refused twin on the same name has another
 * session and ends nothing. The end is a record on the subject's chain like everything else; with co-hosts it ends
 * there too, before it ends with the host, so that an interrupted end can be repeated.
 */
import type { SubjectId } from '../core/model.ts'
import { broadcastDraft } from '../core/record/drafts.ts'
import { endWithCohosts } from './cohosts.ts'
import { advance, type Context, instantFor, newRecordId, nextPlace } from './context.ts'
import { disclosedCohosts } from './disclosed.ts'

interface Ending {
  readonly broadcast: string
  readonly cohosts: readonly SubjectId[]
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
  const { subject, broadcast } = found
  const record = await context.directory.record(broadcast.id)
  const cohosts = record === null ? [] : disclosedCohosts(record)
  await endWithCohosts(context, cohosts, broadcast.id)
  const caller = `hook:${server}`
  const ending = { broadcast: broadcast.id, cohosts, caller, reason: 'publish_done' }
  return context.turns.run(subject, () => end(context, subject, ending))
}

/**
 * Ends the broadcast a decision opened although its caller was told to come back; inside the subject's turn.
 * Never rejects: what cannot be ended now ends with its lease.
 */
export async function takeBack(
  context: Context,
  subject: SubjectId,
  broadcast: string,
): Promise<void> {
  const ending = { broadcast, cohosts: [], caller: 'livegate', reason: 'unanswered' }
  try {
    await end(context, subject, ending)
  } catch {
    context.observe({ type: 'left_to_lease', what: 'unanswered_broadcast' })
  }
}

/**
 * The same for a decision whose caller gave up while it was made elsewhere, with its co-hosts; in turns of its own.
 * Never rejects.
 */
export async function takeBackUnheard(
  context: Context,
  subject: SubjectId,
  broadcast: string,
): Promise<void> {
  try {
    const record = await context.directory.record(broadcast)
    if (record !== null) await endWithCohosts(context, disclosedCohosts(record), broadcast)
  } catch {
    context.observe({ type: 'left_to_lease', what: 'cohost' })
  }
  await context.turns.run(subject, () => takeBack(context, subject, broadcast), 'always')
}

async function end(context: Context, subject: SubjectId, ending: Ending): Promise<boolean> {
  const { broadcast, cohosts, caller, reason } = ending
  const state = await context.ledger.load(subject)
  if (!state.broadcasts.some((open) => open.id === broadcast)) return false
  const at = instantFor(context, state)
  const { pseudonym, chain } = nextPlace(context, state, at)
  const request = { caller }
  const event = 'ended'
  const draft = broadcastDraft({ chain, event, broadcast, subject, cohosts, reason, request })
  const named = cohosts.length === 0 ? {} : { cohosts }
  const effects = { bumps_version: false, ends: broadcast, ...named }
  const id = newRecordId(context.random, at)
  await advance(context, { subject, state, at, id, pseudonym, draft, requires: [], effects })
  return true
}
