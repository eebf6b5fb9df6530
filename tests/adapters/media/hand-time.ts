/**
 * Time that moves only by hand: a clock, timers, and a way to let everything run that needs neither.
 */
import { type EpochMs, epochMs } from '../../../src/core/time.ts'
import type { Clock } from '../../../src/ports.ts'

export interface HandTime {
  readonly clock: Clock
  readonly elapsed: () => number
  readonly after: (delay_ms: number, fire: () => void) => () => void
  /** Moves on, timer by timer, letting what each starts run to its end. */
  advance(ms: number): Promise<void>
  /** Delays of the timers that wait, shortest first. */
  timers(): number[]
}

export const START: EpochMs = epochMs(1_790_000_000_000)

export function handTime(): HandTime {
  let passed = 0
  const waiting = new Set<{ readonly at: number; readonly fire: () => void }>()
  const now = (): EpochMs => epochMs(START + passed)
  return {
    clock: { now },
    elapsed: () => passed,
    after(delay_ms, fire) {
      const timer = { at: passed + delay_ms, fire }
      waiting.add(timer)
      return () => waiting.delete(timer)
    },
    async advance(ms) {
      const until = passed + ms
      await settled()
      for (;;) {
        const due = [...waiting].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
        if (due === undefined) break
        waiting.delete(due)
        passed = Math.max(passed, due.at)
        due.fire()
        await settled()
      }
      passed = until
      await settled()
    },
    timers: () => [...waiting].map(({ at }) => at - passed).sort((a, b) => a - b),
  }
}

/** Lets everything that needs no timer run to its end. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve()
}
