/**
 * Work that is done again and again while the process runs, never twice at once.
 */

export interface Every {
  start(): void
  /** Resolves when the work under way is over; none begins afterwards. */
  stop(): Promise<void>
}

/** `work` must not reject. `after` as in system.ts. */
export function every(
  pause_ms: number,
  after: (delay_ms: number, fire: () => void) => () => void,
  work: () => Promise<void>,
): Every {
  let cancel: (() => void) | null = null
  let running: Promise<void> | null = null
  let stopped = false
  function later(): void {
    if (stopped) return
    cancel = after(pause_ms, () => {
      running = work().then(later)
    })
  }
  return {
    start: later,
    async stop() {
      stopped = true
      cancel?.()
      await running
    },
  }
}
