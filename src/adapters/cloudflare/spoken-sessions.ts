/**
 * What a media server has just said of its sessions, in the memory of that server's object.
 *
 * Whoever looks at what the server runs (the keeper of that server) must not decide about what a hook speaks of at this moment, nor
 * end what the server itself asks about. Hooks are answered anywhere, but each of them asks this object whose a session is.
 * Memory only: what is lost with it is learned again with the next question of the server.
 */
import type { SpokenSessions } from './rpc-keeper.ts'

/** A start may be held back this long and then takes its decision's time. */
export const BUSY_MS = 10_000
/** A server that has asked once is believed for so long; then twice its rhythm, and a second. */
const FIRST_RHYTHM_MS = 30_000
/** Sessions remembered: some 5 MB. */
const REMEMBERED = 20_000

interface Spoken {
  hook_at: number | null
  poll_at: number | null
  rhythm_ms: number
}

export interface SpokenBook {
  note(session: string, how: 'hook' | 'poll'): void
  of(sessions: readonly string[]): SpokenSessions
}

/** `now`: milliseconds from anywhere. */
export function createSpokenBook(now: () => number): SpokenBook {
  const book = new Map<string, Spoken>()
  const there = (session: string): Spoken => {
    const known = book.get(session) ?? { hook_at: null, poll_at: null, rhythm_ms: FIRST_RHYTHM_MS }
    // The one spoken of last is forgotten last.
    book.delete(session)
    book.set(session, known)
    const [oldest] = book.keys()
    if (book.size > REMEMBERED && oldest !== undefined) book.delete(oldest)
    return known
  }
  /** A clock that stepped back tells nothing. */
  const isWithin = (at: number | null, ms: number): boolean =>
    at !== null && now() >= at && now() - at < ms
  return {
    note(session, how) {
      const spoken = there(session)
      const at = now()
      if (how === 'hook') spoken.hook_at = at
      else {
        if (spoken.poll_at !== null)
          spoken.rhythm_ms = Math.min(FIRST_RHYTHM_MS, Math.max(0, at - spoken.poll_at))
        spoken.poll_at = at
      }
    },
    of(sessions) {
      const known = sessions.flatMap((session) => {
        const spoken = book.get(session)
        return spoken === undefined ? [] : [{ session, ...spoken }]
      })
      const ids = (all: readonly { readonly session: string }[]): readonly string[] =>
        all.map(({ session }) => session)
      return {
        busy: ids(known.filter(({ hook_at }) => isWithin(hook_at, BUSY_MS))),
        heard: ids(
          known.filter(({ poll_at, rhythm_ms }) => isWithin(poll_at, 2 * rhythm_ms + 1_000)),
        ),
        asked: ids(known.filter(({ hook_at }) => hook_at !== null)),
      }
    },
  }
}
