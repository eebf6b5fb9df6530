/**
 * Time as a log itself tells it: how long after one entry another was written, at the least.
 *
 * Clocks step, so neither `iat` alone nor the order of entries says that something happened long before; the sum of how
 * much the latest `iat` rises, no more than ten seconds an entry, does: one step of a clock counts as ten seconds.
 */

/** Most that one entry may add. */
const MAX_STEP_S = 10

export interface LogTimeState {
  readonly latest: number
  readonly elapsed: number
}

export class LogTime {
  #latest: number
  #elapsed: number

  constructor(state: LogTimeState = { latest: 0, elapsed: 0 }) {
    this.#latest = state.latest
    this.#elapsed = state.elapsed
  }

  /** The next entry, signed in this second. */
  entry(iat: number): void {
    if (iat <= this.#latest) return
    this.#elapsed += Math.min(iat - this.#latest, MAX_STEP_S)
    this.#latest = iat
  }

  /** The highest `iat` so far. */
  latest(): number {
    return this.#latest
  }

  /** Seconds since the log began. */
  now(): number {
    return this.#elapsed
  }

  state(): LogTimeState {
    return { latest: this.#latest, elapsed: this.#elapsed }
  }
}
