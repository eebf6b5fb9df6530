/**
 * The end of a broadcast: a media server says so, its caller does, or nobody heard that it was allowed.
 *
 * Broadcasts are found by (server, session), never by stream name: a refused twin on the same name has another
 * session and ends nothing. The end is a record on the subject's chain like everything else; with co-hosts it ends
 * there too, before it ends with the host, so that an interrupted end can be repeated. What was to be cut has been, then.
 */
import type { SubjectId } from '../core/model.ts'
import { broadcastDraft } from '../core/record/drafts.ts'
import type { EndReason, EndRequest } from '../gate-types.ts'
import { hostedIn } from './broadcasts.ts'
import { endWithCohosts } from './cohosts.ts'
import { advance, type Context, instantFor, nextPlace } from './context.ts'
import { recordCut } from './cuts.ts'
import { disclosedCohosts } from './disclosed.ts'
import { loadTold } from './ungated.ts'

interface Ending {
  readonly broadcast: string
  readonly cohosts: readonly SubjectId[]
  readonly caller: string
  readonly reason: EndReason
  readonly unless_cutting?: true
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
  const caller = `hook:${server}`
  const reason = 'publish_done'
  return endWithAll(context, subject, { broadcast: broadcast.id, cohosts, caller, reason })
}

/** Ends one broadcast by its id; false when it has ended, or there is none. */
export async function endBroadcast(context: Context, request: EndRequest): Promise<boolean> {
  const { broadcast, caller, reason = 'caller', unless_cutting } = request
  const record = await context.directory.record(broadcast)
  if (record?.kind !== 'decision') return false
  const { subject } = record
  const open = hostedIn(await context.ledger.load(subject), broadcast)
  if (open === null || (unless_cutting && open.cutting !== undefined)) return false
  const cohosts = disclosedCohosts(record)
  const only = unless_cutting === undefined ? {} : { unless_cutting }
  return endWithAll(context, subject, { broadcast, cohosts, caller, reason, ...only })
}

async function endWithAll(context: Context, subject: SubjectId, ending: Ending): Promise<boolean> {
  const { broadcast, cohosts } = ending
  const own = (): Promise<boolean> =>
    context.turns.run(subject, () => end(context, subject, ending))
  if (cohosts.length === 0) return own()
  return context.lives.run(broadcast, async () => {
    await endWithCohosts(context, cohosts, broadcast)
    return own()
  })
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
  const ending = { broadcast, cohosts: [], caller: 'livegate', reason: 'unanswered' as const }
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
  const work = async (): Promise<void> => {
    try {
      const record = await context.directory.record(broadcast)
      if (record !== null) await endWithCohosts(context, disclosedCohosts(record), broadcast)
    } catch {
      context.observe({ type: 'left_to_lease', what: 'cohost' })
    }
    await context.turns.run(subject, () => takeBack(context, subject, broadcast), 'always')
  }
  await context.lives.run(broadcast, work, 'always')
}

async function end(context: Context, subject: SubjectId, ending: Ending): Promise<boolean> {
  const { broadcast, cohosts, caller, reason } = ending
  const state = await loadTold(context, subject, broadcast)
  const open = hostedIn(state, broadcast)
  if (open === null) return false
  if (open.cutting !== undefined) {
    if (ending.unless_cutting === true) return false
    const done = { confirmed: reason === 'lost' ? 'absent' : 'reported', attempts: 0 } as const
    await recordCut(context, { subject, state, open, cohosts, done, caller })
    return true
  }
  const at = instantFor(context, state)
  const { pseudonym, chain } = nextPlace(context, state, at)
  const request = { caller }
  const event = 'ended'
  const draft = broadcastDraft({ chain, event, broadcast, subject, cohosts, reason, request })
  const named = cohosts.length === 0 ? {} : { cohosts }
  const effects = { bumps_version: false, ends: broadcast, ...named }
  const id = context.newRecordId(at)
  await advance(context, { subject, state, at, id, pseudonym, draft, requires: [], effects })
  return true
}
