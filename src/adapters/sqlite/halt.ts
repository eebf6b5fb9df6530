/**
 * The one-way switch of G6: once anything is in doubt nothing is written any more, and everybody is told why.
 *
 * Set by the writer (disk full, I/O error, corruption) and by rounds (storage rolled back, another root). Only a new
 * process, after a person has looked, starts anew.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Observe } from '../../ports.ts'

export interface Halt {
  /** Why nothing is accepted any more; null while all is well. */
  why(): string | null
  /** The first reason is kept. `hint` is what to do instead of repairing. */
  halt(why: string, hint?: string): void
  /** The error every later write is answered with. */
  error(): LivegateError
}

export function createHalt(observe: Observe = () => {}): Halt {
  let reason: string | null = null
  let advice = 'Look at the reason, repair or restore the data directory, then start again.'
  return {
    why: () => reason,
    halt: (why, hint = advice) => {
      if (reason !== null) return
      reason = why
      advice = hint
      observe({ type: 'halted', why })
    },
    error: () =>
      new LivegateError('halted', `Cannot write: the log has halted (${reason ?? 'unknown'})`, {
        hint: advice,
      }),
  }
}
