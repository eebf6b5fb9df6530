/**
 * Gives work a budget: past it the caller gets 503, and what the work still brings about is handed to `late`.
 */
import { LivegateError } from '../core/errors.ts'
import type { After } from './context.ts'

export interface Deadline<T> {
  readonly after: After
  readonly budget_ms: number
  /** Called when the work succeeds although its caller was already told to come back. */
  readonly late: (value: T) => void
}

/** @throws LivegateError `log_unavailable` when `work` takes longer than the budget. */
export function withinBudget<T>(work: Promise<T>, deadline: Deadline<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let expired = false
    const cancel = deadline.after(deadline.budget_ms, () => {
      expired = true
      reject(
        new LivegateError('log_unavailable', 'Cannot decide in time: the log did not answer', {
          retry_after_s: 1,
        }),
      )
    })
    work.then(
      (value) => {
        cancel()
        if (expired) deadline.late(value)
        else resolve(value)
      },
      (error: unknown) => {
        cancel()
        reject(error)
      },
    )
  })
}
