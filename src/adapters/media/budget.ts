/**
 * How much is asked of one media server: so many calls at once, so many a second, the rest waits in order.
 *
 * A token bucket of `at_once` tokens: a single cut goes out at once, a thousand of one incident at the server's pace.
 */
import type { After } from './decide-start.ts'

export interface Budget {
  /** Runs `work` when it is its turn; what waits is bounded by its callers. */
  run<T>(work: () => Promise<T>): Promise<T>
}

export interface BudgetOptions {
  readonly at_once: number
  readonly per_second: number
  /** Milliseconds from anywhere, never backwards. */
  readonly elapsed: () => number
  readonly after: After
}

export function createBudget({ at_once, per_second, elapsed, after }: BudgetOptions): Budget {
  const waiting: (() => void)[] = []
  let head = 0
  let underWay = 0
  let tokens = at_once
  let filled = elapsed()
  let timer = false

  function refill(): void {
    const now = elapsed()
    tokens = Math.min(at_once, tokens + ((now - filled) * per_second) / 1000)
    filled = now
  }

  function pump(): void {
    refill()
    while (head < waiting.length && underWay < at_once && tokens >= 1) {
      tokens--
      underWay++
      waiting[head++]?.()
    }
    if (head === waiting.length) {
      waiting.length = 0
      head = 0
    } else if (underWay < at_once && !timer) {
      timer = true
      after(Math.max(1, Math.ceil(((1 - tokens) * 1000) / per_second)), () => {
        timer = false
        pump()
      })
    }
  }

  return {
    async run(work) {
      await new Promise<void>((go) => {
        waiting.push(go)
        pump()
      })
      try {
        return await work()
      } finally {
        underWay--
        pump()
      }
    },
  }
}
