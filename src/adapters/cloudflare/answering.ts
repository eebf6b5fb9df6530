/**
 * Writes down, once answers have left, where their records stand in the log: that is how an object that wakes knows they left.
 *
 * At once when the object was quiet before, because it may soon be put away. While it is busy the next record is likely to
 * carry the place anyway (places.ts), so it waits a little: below the ten seconds after which a quiet object loses its memory.
 * Should the object die before, its last answer is taken for lost, which shortens what it opened. No alarm is needed for this, and
 * none is set. Next stop: places.ts.
 */
import type { After } from '../../gate/context.ts'
import type { Clock } from '../../ports.ts'
import type { Writer } from '../sqlite/sql.ts'
import type { ChainStore } from './chain-store.ts'

/** Answers leave in the turn they are made in; an object that waits is one that is paid for. */
export const AT_ONCE_MS = 1
export const WHEN_BUSY_MS = 5_000

/** Runs a question; what it wrote counts as answered when no question is under way any more. */
export interface Answering {
  <T>(question: () => Promise<T>): Promise<T>
  /** True while none is under way: the answer of every record there is has left, or never will. */
  idle(): boolean
}

export function createAnswering(parts: {
  readonly writer: Writer
  readonly store: Pick<ChainStore, 'peek'>
  readonly clock: Clock
  readonly after: After
}): Answering {
  const { writer, store, clock, after } = parts
  let asked = 0
  let waiting = false
  let last = Number.NEGATIVE_INFINITY

  const unwritten = (): boolean => {
    const places = store.peek()?.places
    return places !== undefined && places.written() < places.known()
  }

  function settle(delay_ms: number): void {
    const since = last
    waiting = true
    after(delay_ms, () => {
      waiting = false
      // Whoever is under way will be back here.
      if (asked > 0 || !unwritten()) return
      if (last === since) writer.write(() => store.peek()?.places.write()).catch(nothing)
      // A clock that steps back must not keep it waiting.
      else settle(Math.min(WHEN_BUSY_MS, Math.max(AT_ONCE_MS, last + WHEN_BUSY_MS - clock.now())))
    })
  }

  const answering = async <T>(question: () => Promise<T>): Promise<T> => {
    asked++
    try {
      return await question()
    } finally {
      asked--
      const now = clock.now()
      const busy = now - last < WHEN_BUSY_MS
      last = now
      if (asked === 0 && !waiting && unwritten()) settle(busy ? WHEN_BUSY_MS : AT_ONCE_MS)
    }
  }
  return Object.assign(answering, { idle: () => asked === 0 })
}

/** What could not be written is told by the log again. */
function nothing(): void {}
