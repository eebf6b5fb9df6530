/**
 * How often a log itself was asked too much, for its heartbeats.
 *
 * Only what this object refused, and only since it woke: Workers and subjects' objects shed by themselves, share no memory
 * and tell nobody. So the number is a lower bound. Spec: docs/spec/record.md, "Heartbeats".
 */
import { LivegateError } from '../../core/errors.ts'

export interface Sheds {
  /** What `work` answers; counted when it is refused as `overloaded`. */
  counted<T>(work: Promise<T>): Promise<T>
  /** Refused since that was last told. */
  untold(): number
  /** So many have been told. */
  told(count: number): void
}

export function createSheds(): Sheds {
  let count = 0
  return {
    async counted(work) {
      try {
        return await work
      } catch (error) {
        if (error instanceof LivegateError && error.code === 'overloaded') count++
        throw error
      }
    },
    untold: () => count,
    told: (told) => {
      count -= told
    },
  }
}
