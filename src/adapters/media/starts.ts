/**
 * One life of a session id: what was asked first, by which connection, and what became of it.
 *
 * A server's session id is only unique while the server runs: nginx counts connections from one again after a
 * restart. The `nonce` tells one life of an id from the next; where nobody can be asked what runs it becomes part of the
 * idempotency key, so a repeated call is answered alike and a new life never with an old answer. Kept in sessions.ts;
 * losing one (restart, eviction) costs nothing but that: the gate's own table of open broadcasts stays the truth.
 */
import type { Place } from './tape.ts'

export class Start {
  readonly nonce: string
  /** Digest of what the server said of the connection. */
  readonly connection: string
  readonly stream: string
  /** What admitted it, and where to; null until then. */
  admitted: { readonly decision: string; readonly place: Place } | null = null
  #over: AbortController | null = null

  constructor(nonce: string, { connection, stream }: Pick<Start, 'connection' | 'stream'>) {
    this.nonce = nonce
    this.connection = connection
    this.stream = stream
  }

  /** Aborted when the server says it is over; made when first looked at, as few ever are. */
  get over(): AbortController {
    this.#over ??= new AbortController()
    return this.#over
  }
}
