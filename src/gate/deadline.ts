/**
 * Gives work a budget: past it the caller gets 503, and the work learns that nobody listens any more.
 *
 * Only the work can clean up after itself, because only it knows what it has made durable so far; it asks its
 * listener before it begins something and after it has finished something. A hung log therefore leaves no open
 * broadcast behind once it moves again.
 */
import { LivegateError } from '../core/errors.ts'
import type { After } from './context.ts'

/** Whoever waits for an answer. */
export interface Listener {
  /** True once the caller was told to come back; never false again. */
  readonly gone: boolean
}

export interface Budget {
  readonly after: After
  readonly budget_ms: number
  /** What could not be done, for the message: `decide`. */
  readonly verb: string
}

/** @throws LivegateError `log_unavailable` when `work` takes longer than the budget; `work` then runs on, unheard. */
export function withinBudget<T>(
  work: (listener: Listener) => Promise<T>,
  { after, budget_ms, verb }: Budget,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const listener = { gone: false }
    const cancel = after(budget_ms, () => {
      listener.gone = true
      reject(tooLate(verb))
    })
    work(listener).then(
      (value) => {
        cancel()
        resolve(value)
      },
      (error: unknown) => {
        cancel()
        reject(error)
      },
    )
  })
}

/** Ends work nobody waits for. */
export function requireHeard(listener: Listener, verb: string): void {
  if (listener.gone) throw tooLate(verb)
}

function tooLate(verb: string): LivegateError {
  return new LivegateError('log_unavailable', `Cannot ${verb} in time: the log did not answer`, {
    retry_after_s: 1,
  })
}
