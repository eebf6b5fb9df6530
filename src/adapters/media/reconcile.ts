/**
 * What a server says is live, against what the gate knows is open: who is decided now, what has ended, what stays.
 *
 * Pure. A session id alone proves nothing, because a server counts anew when it restarts: a publisher is covered by a
 * broadcast of his session *and* his stream. Whatever a hook speaks of at this moment (`busy`) is left alone. A lease is
 * lost only after two lists in a row that lack it, both older than a start can take, so that neither a start that was
 * just admitted nor one bad list ends anything; and never while the server itself asks about it (after a reload an old
 * worker of nginx keeps its publishers, and is in no list). Next: keeper.ts, which does what is said here.
 */
import { type EpochMs, epochMs } from '../../core/time.ts'
import type { BroadcastView } from '../../ports.ts'
import type { LiveSession } from './control.ts'

/** A publisher of the list, with the stream his name stands for; null = the name does not tell. */
export interface Listed extends LiveSession {
  readonly stream: string | null
}

export interface Picture<Open extends KnownBroadcast = KnownBroadcast> {
  /** When the list was asked for: what is in it was so no earlier. */
  readonly asked_at: EpochMs
  readonly listed: readonly Listed[]
  /** All broadcasts of the server, read after the list was. */
  readonly open: readonly Open[]
  /** A hook speaks of the session now, or has since `asked_at`. */
  readonly busy: (session: string) => boolean
  /** The server asks about the session itself, so it runs, in a worker that the list is not about. */
  readonly heard: (session: string) => boolean
  /** `missed` of the picture before. */
  readonly missed: ReadonlySet<string>
  readonly start_timeout_ms: number
}

export type KnownBroadcast = Pick<
  BroadcastView,
  'id' | 'stream' | 'session' | 'opened_at' | 'cutting'
>

export type Action<Open extends KnownBroadcast = KnownBroadcast> =
  /** It runs and may. */
  | { readonly type: 'keep'; readonly broadcast: Open }
  /** It runs and must not; the handle is the server's own. */
  | { readonly type: 'cut'; readonly broadcast: Open; readonly handle: string }
  /** Its cut is confirmed: the server has it no longer. */
  | { readonly type: 'confirm_absent'; readonly broadcast: Open }
  | { readonly type: 'end_lost'; readonly broadcast: Open }
  /** It runs and nothing covers it. Follows the `end_lost` of a broadcast whose session id it has. */
  | { readonly type: 'decide_ungated'; readonly listed: Listed }

export interface Reconciled<Open extends KnownBroadcast = KnownBroadcast> {
  readonly actions: readonly Action<Open>[]
  /** Ids of broadcasts this list lacks for the first time. */
  readonly missed: ReadonlySet<string>
}

/** A publisher may still be on his way so long after `start_timeout_ms`: absence confirms a cut only later. */
export const ABSENCE_MARGIN_MS = 5_000

export function reconcile<Open extends KnownBroadcast>(picture: Picture<Open>): Reconciled<Open> {
  const { listed, open, busy } = picture
  const bySession = new Map(listed.map((one) => [one.session, one]))
  const covered = new Set<string>()
  const missed = new Set<string>()
  const actions: Action<Open>[] = []
  for (const broadcast of open) {
    const { session } = broadcast
    if (session === undefined || busy(session)) continue
    const there = bySession.get(session)
    if (there === undefined && picture.heard(session)) {
      if (broadcast.cutting === null) actions.push({ type: 'keep', broadcast })
      continue
    }
    if (there !== undefined && (there.stream === null || there.stream === broadcast.stream)) {
      covered.add(session)
      actions.push(runs(broadcast, there))
    } else {
      const action = gone(picture, broadcast, there !== undefined)
      if (action !== null) actions.push(action)
      else if (isOldEnough(picture, broadcast)) missed.add(broadcast.id)
    }
  }
  for (const one of listed)
    if (!covered.has(one.session) && !busy(one.session))
      actions.push({ type: 'decide_ungated', listed: one })
  return { actions, missed }
}

function runs<Open extends KnownBroadcast>(broadcast: Open, there: Listed): Action<Open> {
  if (broadcast.cutting === null) return { type: 'keep', broadcast }
  return { type: 'cut', broadcast, handle: there.handle }
}

/** `reused`: somebody else has its session id now, so it is not there however often one looks. */
function gone<Open extends KnownBroadcast>(
  picture: Picture<Open>,
  broadcast: Open,
  reused: boolean,
): Action<Open> | null {
  if (broadcast.cutting !== null) {
    const { since } = broadcast.cutting
    const from = epochMs(since + picture.start_timeout_ms + ABSENCE_MARGIN_MS)
    return reused || picture.asked_at > from ? { type: 'confirm_absent', broadcast } : null
  }
  const lost = reused || (isOldEnough(picture, broadcast) && picture.missed.has(broadcast.id))
  return lost ? { type: 'end_lost', broadcast } : null
}

function isOldEnough(picture: Picture, { opened_at, cutting }: KnownBroadcast): boolean {
  return cutting === null && picture.asked_at > opened_at + picture.start_timeout_ms
}
