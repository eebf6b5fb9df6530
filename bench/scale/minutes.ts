/**
 * The worst minute of a day, by its 99th percentile and by how much of it was computed, in one pass.
 */
import { createHistogram } from './histogram.ts'

const MINUTE_MS = 60_000
/** A day, and what is still answered after it. */
const MINUTES = 24 * 60 + 2
/** With fewer decisions a 99th percentile is chance. */
const LEAST = 1_000

export interface WorstMinutes {
  /** Share of a minute in which the sequencer computed. */
  readonly busiest: number
  readonly worst_minute_p99_ms: number
}

export interface Minutes {
  computed(at: number, ms: number): void
  /** A decision that arrived at `at`; never earlier than the one before. */
  took(at: number, ms: number): void
  worst(): WorstMinutes
}

export function createMinutes(): Minutes {
  const busy = new Float64Array(MINUTES)
  let minute = 0
  let current = createHistogram()
  let worst_minute_p99_ms = 0
  const close = (): void => {
    if (current.count() >= LEAST)
      worst_minute_p99_ms = Math.max(worst_minute_p99_ms, current.percentile(0.99))
    current = createHistogram()
  }
  return {
    computed(at, ms) {
      const index = Math.min(Math.floor(at / MINUTE_MS), MINUTES - 1)
      busy[index] = (busy[index] ?? 0) + ms
    },
    took(at, ms) {
      const of = Math.floor(at / MINUTE_MS)
      if (of !== minute) close()
      minute = of
      current.add(ms)
    },
    worst() {
      close()
      return { busiest: busy.reduce((a, b) => Math.max(a, b), 0) / MINUTE_MS, worst_minute_p99_ms }
    },
  }
}
