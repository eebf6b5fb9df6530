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
  /** True when this process has been asked whether the session may start. */
  asked(server: string, session: string): boolean
}

/** At about 150 bytes each, 15 MB for both. */
const REMEMBERED = 50_000

/** `elapsed`: milliseconds from anywhere, never backwards. */
export function createSessions(elapsed: () => number): Sessions {
  const turns = createTurns()
  const underWay = new Map<string, number>()
  const touched = new LRUCache<string, number>({ max: REMEMBERED })
  const asked = new LRUCache<string, true>({ max: REMEMBERED })
  return {
    async run(server, session, work, why) {
      const key = keyOf(server, session)
      if (why === 'asked') asked.set(key, true)
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
    asked: (server, session) => asked.has(keyOf(server, session)),
  }
}

function keyOf(server: string, session: string): string {
  return `${server} ${session}`
}
