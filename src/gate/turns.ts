/**
 * The keyed mutex: everything about one subject happens one after the other, in order of arrival.
 *
 * Both hosts hold it from the first read to the durable commit; a Durable Object alone does not give this, because
 * every await lets another event in. Nobody may wait for another subject's turn while holding one (deadlock): with
 * co-hosts, take their turns first and let go. Waiters per key are bounded: beyond that the caller is shed.
 */
import { LivegateError } from '../core/errors.ts'

/** Most callers that may wait for one subject: at 1 ms a turn the last one still meets the 2 s budget. */
export const MAX_WAITERS = 256

export interface Turns {
  /**
   * Runs `work` when all earlier work for `key` has ended, whatever its result.
   * @throws LivegateError `overloaded` when MAX_WAITERS already wait for this key.
   */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Keys with work under way. */
  size(): number
}

interface Tail {
  waiting: number
  last: Promise<unknown>
}

/** A mutex whose memory is bounded by the work under way. */
export function createTurns(): Turns {
  const tails = new Map<string, Tail>()
  return {
    size: () => tails.size,
    run<T>(key: string, work: () => Promise<T>): Promise<T> {
      const tail = tails.get(key)
      if (tail !== undefined && tail.waiting >= MAX_WAITERS)
        return Promise.reject(
          new LivegateError(
            'overloaded',
            'Cannot take a turn: too many requests for this subject',
            {
              retry_after_s: 1,
            },
          ),
        )
      const own = tail ?? { waiting: 0, last: Promise.resolve() }
      if (tail === undefined) tails.set(key, own)
      own.waiting++
      const result = tail === undefined ? work() : own.last.then(work)
      own.last = result.then(nothing, nothing).then(() => {
        own.waiting--
        if (own.waiting === 0) tails.delete(key)
      })
      return result
    },
  }
}

function nothing(): void {}
