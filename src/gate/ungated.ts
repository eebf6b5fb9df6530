/**
 * What ran before anybody decided (G11): its decision is recorded as late, with the reason.
 *
 * Two records, so that a decision is always the same whatever it is about: the decision with the broadcast it opens or has
 * cut, then `ungated`. Between the two the broadcast carries the reason; whoever touches it next writes what is missing.
 */
import { CUT_FOR_MS, MAX_CUTTING } from '../core/limits.ts'
import type { SubjectId } from '../core/model.ts'
import { broadcastDraft } from '../core/record/drafts.ts'
import type { OpenBroadcast, SubjectState } from '../ports.ts'
import { hintIfCutting, hostedIn } from './broadcasts.ts'
import { advance, type Context, type Effects, instantFor, later, nextPlace } from './context.ts'
import { disclosedCohosts } from './disclosed.ts'
import type { Decided } from './effects.ts'

/** What a refusal about a running stream leaves: something that is being cut from the start. */
export function cuttingOf(decided: Decided, state: SubjectState): Pick<Effects, 'opens' | 'ends'> {
  const { id, request, standing } = decided
  const { session, ungated, stream } = request
  if (ungated === undefined || session === undefined || decided.refusal === null) return {}
  const { at } = standing
  const opens: OpenBroadcast = {
    ...{ id, stream: stream.id ?? '', opened_at: at, lease_until: at, role: 'host', ungated },
    ...session,
    cutting: { since: at, until: later(at, CUT_FOR_MS), order: id, cause: 'ungated' },
  }
  const cut = state.broadcasts.filter(({ cutting }) => cutting !== undefined)
  const [oldest] = cut
  return cut.length < MAX_CUTTING || oldest === undefined ? { opens } : { opens, ends: oldest.id }
}

/**
 * The second record, inside the subject's turn. Never rejects: the broadcast says that it is missing. Tells whoever cuts.
 */
export async function tellUngated(
  context: Context,
  subject: SubjectId,
  broadcast: string,
): Promise<void> {
  try {
    await loadTold(context, subject, broadcast)
  } catch {
    context.observe({ type: 'left_to_lease', what: 'ungated' })
  }
  await hintIfCutting(context, subject, broadcast)
}

/** The state once everything is told that was to be told of this broadcast; inside the subject's turn. */
export async function loadTold(
  context: Context,
  subject: SubjectId,
  broadcast: string,
): Promise<SubjectState> {
  const state = await context.ledger.load(subject)
  const open = hostedIn(state, broadcast)
  if (open?.ungated === undefined) return state
  const { ungated: reason, ...opens } = open
  const record = await context.directory.record(broadcast)
  const cohosts = record === null ? [] : disclosedCohosts(record)
  const at = instantFor(context, state)
  const { pseudonym, chain } = nextPlace(context, state, at)
  const { server, session } = open
  const asked = server === undefined || session === undefined ? {} : { server, session }
  const request = { caller: server === undefined ? 'livegate' : `hook:${server}`, ...asked }
  const event = 'ungated'
  const draft = broadcastDraft({ chain, event, broadcast, subject, cohosts, reason, request })
  const shared = cohosts.length === 0 ? {} : { cohosts }
  const effects = { bumps_version: false, opens, ...shared }
  const id = context.newRecordId(at)
  await advance(context, { subject, state, at, id, pseudonym, draft, requires: [], effects })
  context.observe({ type: 'ungated', cause: reason, kept: open.cutting === undefined })
  return context.ledger.load(subject)
}
