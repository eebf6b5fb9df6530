/**
 * When a round runs in Node: soon after something was appended, at most once in an interval, never two at a time.
 *
 * A round that fails is tried again after the interval; the entries it was about are durable already. Next stop:
 * sqlite/rounds.ts.
 */
import type { Rounds } from '../sqlite/rounds.ts'

export interface RoundTimer {
  /** Something was appended. */
  poke(): void
  /** Stops the clock, waits for a running round, then runs a last one; false when the log could not be finished. */
  finish(): Promise<boolean>
}

export interface RoundTimerParts {
  readonly rounds: Rounds
  /** True while entries wait for a round. */
  readonly waiting: () => boolean
  /** A round failed (it will be tried again unless the log has halted). */
  readonly onError?: (error: unknown) => void
  /** Shortest time between the beginnings of two rounds, ms; 1,000 unless given. */
  readonly intervalMs?: number
}

export const ROUND_INTERVAL_MS = 1_000

export function createRoundTimer(parts: RoundTimerParts): RoundTimer {
  const { rounds, waiting, onError, intervalMs = ROUND_INTERVAL_MS } = parts
  let timer: ReturnType<typeof setTimeout> | null = null
  let running: Promise<void> = Promise.resolve()
  let last = Number.NEGATIVE_INFINITY
  let stopped = false

  function poke(): void {
    if (timer !== null || stopped || !waiting()) return
    const wait = Math.max(0, last + intervalMs - performance.now())
    timer = setTimeout(() => {
      last = performance.now()
      running = attempt()
    }, wait)
  }

  async function attempt(): Promise<void> {
    try {
      await rounds.run()
    } catch (error) {
      onError?.(error)
    }
    timer = null
    poke()
  }

  return {
    poke,
    async finish() {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      await running
      try {
        while (await rounds.run());
        return true
      } catch (error) {
        onError?.(error)
        return false
      }
    },
  }
}
