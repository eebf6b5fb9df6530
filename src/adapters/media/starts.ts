/**
 * Memory of the starts under way, so that one session has one broadcast.
 *
 * A server's session id is only unique while the server runs: nginx counts connections from one again after a
 * restart. A `nonce` tells one life of an id from the next; where nobody can be asked what runs it becomes part of the
 * idempotency key, so a repeated call is answered alike and a new life never with an old answer. Losing this memory (restart, eviction) costs
 * nothing but that: the gate's own table of open broadcasts stays the truth.
 */
import { LRUCache } from 'lru-cache'
import type { Place } from './tape.ts'

/** One life of a session id. */
export interface Start {
  readonly nonce: string
  /** Connection fields as the server wrote them. */
  readonly connection: string
  readonly stream: string
  /** Aborted when the server says it is over. */
  readonly over: AbortController
  /** What admitted it, and where to; null until then. */
  admitted: { readonly decision: string; readonly place: Place } | null
}

/** At about 600 bytes each, 30 MB; more live streams than one gate serves. */
const MAX_STARTS = 50_000

export interface Starts {
  get(server: string, session: string): Start | undefined
  /** Begins a new life; `at` is when it was first seen. */
  begin(
    session: { readonly server: string; readonly session: string; readonly at: number },
    start: Pick<Start, 'connection' | 'stream'>,
  ): Start
  forget(server: string, session: string): void
}

/** Stays so that the memory is never empty; no session has its key. */
const NOBODY: Start = {
  ...{ nonce: '', connection: '', stream: '', admitted: null },
  over: new AbortController(),
}

export function createStarts(): Starts {
  const starts = new LRUCache<string, Start>({ max: MAX_STARTS })
  let lives = 0
  return {
    get: (server, session) => starts.get(keyOf(server, session)),
    begin({ server, session, at }, { connection, stream }) {
      lives++
      const nonce = `${at.toString(36)}.${lives.toString(36)}`
      let over: AbortController | null = null
      const start = {
        ...{ nonce, connection, stream },
        admitted: null,
        get over() {
          over ??= new AbortController()
          return over
        },
      }
      starts.set(keyOf(server, session), start)
      return start
    },
    forget(server, session) {
      const key = keyOf(server, session)
      // Taking out the last one would make the cache wipe all the room it has reserved, a tenth of a millisecond.
      if (starts.size === 1 && starts.has(key)) starts.set('', NOBODY)
      starts.delete(key)
    },
  }
}

function keyOf(server: string, session: string): string {
  return `${server} ${session}`
}
