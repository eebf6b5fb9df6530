/**
 * Broadcasts that must be running, as far as their own chain says: begun less than a minute before, not ended, not replaced.
 *
 * Later on they may have ended unlogged (a process that died, a lease), and those a subject only joins are in other chains;
 * so this is what facts must count at least. Only the most recent subjects are remembered, which accuses nobody.
 */
import { UNCONFIRMED_BROADCAST_MS } from '../../limits.ts'
import type { EvaluatedTrace } from './trace.ts'

interface Running {
  readonly id: string
  /** It runs at least until then. */
  readonly until: number
  readonly stream: string
  readonly session: string | null
  /** False when it is not known what would replace it. */
  readonly known: boolean
}

const MAX_SUBJECTS = 65_536
const MAX_EACH = 16

export class OpenBroadcasts {
  /** Those who began one last come last. */
  readonly #running = new Map<string, readonly Running[]>()

  /** How many must run beside the one that is asked for. */
  least(sub: string, at: number, trace: EvaluatedTrace): number {
    const running = this.#running.get(sub)
    if (running === undefined) return 0
    return running.filter((one) => one.until > at && !replaces(trace, one)).length
  }

  /** What the decision let start, in place of what it replaces. */
  begin(sub: string, at: number, trace: EvaluatedTrace): void {
    if (trace.opens === null) {
      this.#refused(sub, trace)
      return
    }
    const { id, lease_until } = trace.opens
    const until = Math.min(lease_until, at + UNCONFIRMED_BROADCAST_MS)
    const session = trace.place?.session ?? null
    const one = { id, until, stream: trace.stream, session, known: trace.place !== null }
    const before = this.#running.get(sub)
    const kept = before?.filter((old) => old.until > at && !replaces(trace, old)) ?? []
    this.#running.delete(sub)
    this.#running.set(sub, [...kept.slice(1 - MAX_EACH), one])
    if (this.#running.size <= MAX_SUBJECTS) return
    const oldest = this.#running.keys().next().value
    if (oldest !== undefined) this.#running.delete(oldest)
  }

  /** What is refused although it runs (an `ungated` record may follow) is no broadcast of its session any more. */
  #refused(sub: string, { place, renews }: EvaluatedTrace): void {
    if (renews || place?.session === null) return
    const running = this.#running.get(sub)
    if (running === undefined) return
    const left = place === null ? [] : running.filter((one) => one.session !== place.session)
    this.#running.set(sub, left)
  }

  end(sub: string, id: string): void {
    const running = this.#running.get(sub)
    if (running !== undefined)
      this.#running.set(
        sub,
        running.filter((one) => one.id !== id),
      )
  }

  /** Something about these broadcasts is not known. */
  forget(sub: string): void {
    this.#running.delete(sub)
  }
}

/** True also when it only may be so. */
function replaces({ place, stream }: EvaluatedTrace, one: Running): boolean {
  if (place === null || !one.known || one.id === place.supersedes) return true
  if (place.session !== null || one.session !== null) return place.session === one.session
  return stream === one.stream
}
