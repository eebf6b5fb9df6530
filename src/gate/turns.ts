/**
 * The keyed mutex: everything about one subject happens one after the other, in order of arrival.
 *
 * Both hosts hold it from the first read to the durable commit; a Durable Object alone does not give this, because
 * every await lets another event in. Nobody may wait for another subject's turn while holding one (deadlock): with
 * co-hosts, take their turns first and let go. Work is bounded per key and in total, so that neither a flood on one
 * subject nor a log that hangs fills the memory: beyond that the caller is shed.
 */
import { LivegateError } from '../core/errors.ts'

/** Most callers that may wait for one subject: at 1 ms a turn the last one still meets the 2 s budget. */
export const MAX_WAITERS = 256
/** Most work under way for all subjects: 16 times what HTTP lets in at once, so only a log that hangs gets here. */
export const MAX_UNDER_WAY = 8192

export interface Turns {
  /**
   * Runs `work` when all earlier work for `key` has ended, whatever its result.
   * `always` is for finishing what was let in: shedding that would leave half of it behind.
   * @throws LivegateError `overloaded` when MAX_WAITERS already wait for this key, or MAX_UNDER_WAY for any.
   */
  run<T>(key: string, work: () => Promise<T>, admit?: 'if_room' | 'always'): Promise<T>
  /** Keys with work under way. */
  size(): number
  /** True while work for `key` is under way or waits. */
  busy(key: string): boolean
}

interface Tail {
  waiting: number
  last: Promise<unknown>
}

/** A mutex whose memory is bounded by the work under way. */
export function createTurns(): Turns {
  const tails = new Map<string, Tail>()
  let underWay = 0
  return {
    size: () => tails.size,
    busy: (key) => tails.has(key),
    run<T>(
      key: string,
      work: () => Promise<T>,
      admit: 'if_room' | 'always' = 'if_room',
    ): Promise<T> {
      const tail = tails.get(key)
      if (admit === 'if_room') {
        if ((tail?.waiting ?? 0) >= MAX_WAITERS) return shed('too many requests for this subject')
        if (underWay >= MAX_UNDER_WAY) return shed('too many requests are under way')
      }
      const own = tail ?? { waiting: 0, last: Promise.resolve() }
      if (tail === undefined) tails.set(key, own)
      own.waiting++
      underWay++
      const result = tail === undefined ? begin(work) : own.last.then(work)
      own.last = result.then(nothing, nothing).then(() => {
        own.waiting--
        underWay--
        if (own.waiting === 0) tails.delete(key)
      })
      return result
    },
  }
}

/** Work that throws before its first await must free the turn like any other. */
async function begin<T>(work: () => Promise<T>): Promise<T> {
  return work()
}

function shed(why: string): Promise<never> {
  return Promise.reject(
    new LivegateError('overloaded', `Cannot take a turn: ${why}`, { retry_after_s: 1 }),
  )
}

function nothing(): void {}
