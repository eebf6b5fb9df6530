/**
 * One thing at a time about one session of a media server, and who was spoken of when.
 *
 * Hooks and the keeper (keeper.ts) meet here: a list that was asked for before a hook spoke of a session says nothing
 * about that session. Times are those of a clock that never steps. Losing this memory costs a second look at most.
 */
import { LRUCache } from 'lru-cache'
import { createTurns } from '../../gate/turns.ts'

export interface Sessions {
  /** Runs `work` when all earlier work about the session has ended; `asked`: the server asks whether it may start. */
  run<T>(
    server: string,
    session: string,
    work: () => Promise<T>,
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
}

/** At about 150 bytes each, 30 MB for all of them. */
const REMEMBERED = 50_000

const OVER_MS = 60_000
/** A server that has asked once is believed for so long; then twice its rhythm, and a second. */
const FIRST_RHYTHM_MS = 30_000

/** `elapsed`: milliseconds from anywhere, never backwards. */
export function createSessions(elapsed: () => number): Sessions {
  const turns = createTurns()
  const underWay = new Map<string, number>()
  const touched = new LRUCache<string, number>({ max: REMEMBERED })
  const asked = new LRUCache<string, true>({ max: REMEMBERED })
  const over = new LRUCache<string, number>({ max: REMEMBERED })
  const polls = new LRUCache<string, { last: number; rhythm: number }>({ max: REMEMBERED })
  return {
    async run(server, session, work, why) {
      const key = keyOf(server, session)
      if (why === 'asked') {
        asked.set(key, true)
        over.delete(key)
      }
      underWay.set(key, (underWay.get(key) ?? 0) + 1)
      try {
        return await turns.run(key, work)
      } finally {
        const left = (underWay.get(key) ?? 1) - 1
        if (left === 0) underWay.delete(key)
        else underWay.set(key, left)
        touched.set(key, elapsed())
      }
    },
    busySince(server, session, since) {
      const key = keyOf(server, session)
      return underWay.has(key) || (touched.get(key) ?? Number.NEGATIVE_INFINITY) >= since
    },
    polled(server, session) {
      const key = keyOf(server, session)
      const now = elapsed()
      const before = polls.get(key)
      const rhythm = before === undefined ? FIRST_RHYTHM_MS : now - before.last
      polls.set(key, { last: now, rhythm: Math.min(rhythm, FIRST_RHYTHM_MS) })
    },
    heard(server, session) {
      const poll = polls.get(keyOf(server, session))
      return poll !== undefined && elapsed() - poll.last < 2 * poll.rhythm + 1_000
    },
    ended: (server, session) => void over.set(keyOf(server, session), elapsed()),
    isOver(server, session) {
      const at = over.get(keyOf(server, session))
      return at !== undefined && elapsed() - at < OVER_MS
    },
    asked: (server, session) => asked.has(keyOf(server, session)),
  }
}

function keyOf(server: string, session: string): string {
  return `${server} ${session}`
}
