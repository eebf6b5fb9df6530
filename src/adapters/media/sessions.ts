/**
 * One thing at a time about one session of a media server, and who was spoken of when.
 *
 * Hooks and the keeper (keeper.ts) meet here: a list that was asked for before a hook spoke of a session says nothing
 * about that session. Times are those of a clock that never steps. Losing this memory costs a second look at most.
 */
import { LRUCache } from 'lru-cache'
import { createTurns } from '../../gate/turns.ts'
import type { Start } from './starts.ts'

export interface Sessions {
  /** Runs `work` when all earlier work about the session has ended; `asked`: the server asks whether it may start. */
  run<T>(
    server: string,
    session: string,
    work: (spoken: Spoken) => Promise<T>,
    why?: 'asked' | 'other',
  ): Promise<T>
  /** True while work about the session is under way, or when some ended at or after `since`. */
  busySince(server: string, session: string, since: number): boolean
  /** The server has just asked whether it may go on. */
  polled(server: string, session: string): void
  /** True while the server asks about it in the rhythm it had, so that it runs whatever a list says. */
  heard(server: string, session: string): boolean
  /** It has ended, or was cut: a question about it that was under way says nothing any more. */
  ended(server: string, session: string): void
  /** True for a minute after it ended, unless it has asked to start since. */
  isOver(server: string, session: string): boolean
  /** True when this process has been asked whether the session may start. */
  asked(server: string, session: string): boolean
  /** What was begun last and may run; null for nothing. */
  start(server: string, session: string): Start | null
}

/** What whoever has the session's turn may change. */
export interface Spoken {
  /** What was begun last and may run; null for nothing. */
  start: Start | null
}

/** At about 800 bytes each, 40 MB; more live streams than one gate serves. */
const REMEMBERED = 50_000

/** What is remembered of one; instants as `elapsed` tells them, long ago where there is none. */
interface Known extends Spoken {
  asked: boolean
  touched: number
  over: number
  /** When it asked last whether it may go on, and how long after the time before. */
  polls: { readonly at: number; readonly rhythm: number } | null
}
const NEVER = Number.NEGATIVE_INFINITY

const OVER_MS = 60_000
/** A server that has asked once is believed for so long; then twice its rhythm, and a second. */
const FIRST_RHYTHM_MS = 30_000

/** `elapsed`: milliseconds from anywhere, never backwards. */
export function createSessions(elapsed: () => number): Sessions {
  const turns = createTurns()
  const all = new LRUCache<string, Known>({ max: REMEMBERED })
  const knownAs = (key: string): Known => {
    const before = all.get(key)
    if (before !== undefined) return before
    const made = { asked: false, touched: NEVER, over: NEVER, polls: null, start: null }
    all.set(key, made)
    return made
  }
  return {
    async run(server, session, work, why) {
      const key = keyOf(server, session)
      const known = knownAs(key)
      if (why === 'asked') {
        known.asked = true
        known.over = NEVER
      }
      try {
        return await turns.run(key, () => work(known))
      } finally {
        known.touched = elapsed()
        // Others came meanwhile, so many that it had to go.
        if (!all.has(key)) all.set(key, known)
      }
    },
    busySince(server, session, since) {
      const key = keyOf(server, session)
      return turns.busy(key) || (all.get(key)?.touched ?? NEVER) >= since
    },
    polled(server, session) {
      const known = knownAs(keyOf(server, session))
      const at = elapsed()
      const rhythm = known.polls === null ? FIRST_RHYTHM_MS : at - known.polls.at
      known.polls = { at, rhythm: Math.min(rhythm, FIRST_RHYTHM_MS) }
    },
    heard(server, session) {
      const polls = all.get(keyOf(server, session))?.polls ?? null
      return polls !== null && elapsed() - polls.at < 2 * polls.rhythm + 1_000
    },
    ended(server, session) {
      knownAs(keyOf(server, session)).over = elapsed()
    },
    isOver(server, session) {
      const { over = NEVER } = all.get(keyOf(server, session)) ?? {}
      return over !== NEVER && elapsed() - over < OVER_MS
    },
    asked: (server, session) => all.get(keyOf(server, session))?.asked === true,
    start: (server, session) => all.get(keyOf(server, session))?.start ?? null,
  }
}

function keyOf(server: string, session: string): string {
  return `${server} ${session}`
}
