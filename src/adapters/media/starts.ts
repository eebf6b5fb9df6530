/**
 * One life of a session id: what was asked first, by which connection, and what became of it.
 *
 * A server's session id is only unique while the server runs: nginx counts connections from one again after a
 * restart. The `nonce` tells one life of an id from the next; where nobody can be asked what runs it becomes part of the
 * idempotency key, so a repeated call is answered alike and a new life never with an old answer. Kept in sessions.ts;
 * losing one (restart, eviction) costs nothing but that: the gate's own table of open broadcasts stays the truth.
 */
import type { Place } from './tape.ts'

/** What admitted a start, and where to. */
export interface Admitted {
  readonly decision: string
  readonly place: Place
  /** Digest of what the server said of the connection. */
  readonly connection: string
}

export class Start {
  readonly nonce: string
  readonly stream: string
  admitted: Admitted | null = null
  #over: AbortController | null = null

  constructor(nonce: string, stream: string) {
    this.nonce = nonce
    this.stream = stream
  }

  /** Aborted when the server says it is over; made when first looked at, as few ever are. */
  get over(): AbortController {
    this.#over ??= new AbortController()
    return this.#over
  }
}
