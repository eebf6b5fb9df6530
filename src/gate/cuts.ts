/**
 * The end of a cut: confirmed or given up, as a record that says by what order, how it is known and how long it took.
 *
 * Cutting itself is an adapter's (media keepers, the caller's own player); this is where they report.
 */
import type { SubjectId } from '../core/model.ts'
import { broadcastDraft } from '../core/record/drafts.ts'
import type { CutDone } from '../gate-types.ts'
import type { OpenBroadcast, SubjectState } from '../ports.ts'
import { hostedIn } from './broadcasts.ts'
import { advance, type Context, instantFor, nextPlace } from './context.ts'
import { disclosedCohosts } from './disclosed.ts'
import { loadTold } from './ungated.ts'

/** False when nothing of this id is being cut. */
export async function cutDone(
  context: Context,
  broadcast: string,
  done: CutDone,
): Promise<boolean> {
  const opening = await context.directory.record(broadcast)
  if (opening?.kind !== 'decision') return false
  const { subject } = opening
  const cohosts = disclosedCohosts(opening)
  return context.turns.run(
    subject,
    async () => {
      const state = await loadTold(context, subject, broadcast)
      const open = hostedIn(state, broadcast)
      if (open?.cutting === undefined) return false
      await recordCut(context, { subject, state, open, cohosts, done, caller: callerOf(open) })
      return true
    },
    'always',
  )
}

function callerOf({ server }: OpenBroadcast): string {
  return server === undefined ? 'livegate' : `hook:${server}`
}

/** Inside the subject's turn. */
export async function recordCut(
  context: Context,
  input: {
    readonly subject: SubjectId
    readonly state: SubjectState
    readonly open: OpenBroadcast
    readonly cohosts: readonly SubjectId[]
    readonly done: CutDone
    readonly caller: string
  },
): Promise<void> {
  const { subject, state, open, cohosts, done, caller } = input
  const { cutting } = open
  if (cutting === undefined) return
  const at = instantFor(context, state)
  const { pseudonym, chain } = nextPlace(context, state, at)
  const took_ms = at - cutting.since
  const { confirmed, attempts } = done
  const draft = broadcastDraft({
    ...{ chain, event: 'cut', broadcast: open.id, subject, cohosts, reason: cutting.cause },
    cut: { ordered: cutting.order, confirmed, took_ms, attempts },
    request: { caller },
  })
  const shared = cohosts.length === 0 ? {} : { cohosts }
  const effects = { bumps_version: false, ends: open.id, ...shared }
  const id = context.newRecordId(at)
  await advance(context, { subject, state, at, id, pseudonym, draft, requires: [], effects })
  context.observe({ type: 'cut', cause: cutting.cause, confirmed, took_ms, attempts })
}
