/**
 * No call of another service is waited for without end: given up, it counts as lost, and what it was for is tried again.
 */
import type { After } from '../../gate/context.ts'

/** What `call` answers; rejects when it takes longer than `patience_ms`. What it does later is nobody's any more. */
export function withPatience<T>(
  call: () => PromiseLike<T>,
  { after, patience_ms, who }: { after: After; patience_ms: number; who: string },
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = after(patience_ms, () => reject(new Error(`${who} did not answer`)))
    call().then(
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
