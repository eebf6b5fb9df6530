/**
 * When a round runs on the edge: by the object's alarm, at most once in an interval, never two at a time.
 *
 * The alarm is set in the very event that writes what it is for, so no entry is without an alarm that will publish it;
 * and it is set again before a round begins, so a round that is cut short runs again. One that comes twice, early or
 * late does nothing that is not due. Node's counterpart: adapters/node/round-timer.ts. Next stop: sqlite/rounds.ts.
 */
import type { Rounds } from '../sqlite/rounds.ts'

export interface RoundAlarm {
  /** Something is being written that a round has to publish; called in the same event, before it is. */
  arm(): void
  /** The alarm went off. Never rejects: the runtime gives up after a few tries, this does not. */
  ring(): Promise<void>
}

export interface RoundAlarmParts {
  readonly storage: Pick<DurableObjectStorage, 'setAlarm' | 'deleteAlarm'>
  readonly rounds: Pick<Rounds, 'run'>
  /** True while entries wait for a round. */
  readonly waiting: () => boolean
  readonly now: () => number
  readonly onError: (error: unknown) => void
  /** Shortest time between the beginnings of two rounds, ms; 1,000 unless given. */
  readonly intervalMs?: number
}

export const ROUND_INTERVAL_MS = 1_000
/** After a failed round the next waits twice as long as the one before, up to this. */
const MAX_WAIT_MS = 60_000

export function createRoundAlarm(parts: RoundAlarmParts): RoundAlarm {
  const { storage, rounds, waiting, now, onError, intervalMs = ROUND_INTERVAL_MS } = parts
  /** True while an alarm is known to be set; one may be set without this being known. */
  let armed = false
  let last = Number.NEGATIVE_INFINITY
  let failures = 0
  let ringing: Promise<void> | null = null

  /** Not awaited: the write belongs to the transaction of this event, and no answer leaves before that is durable. */
  function setAt(time: number): void {
    armed = true
    storage.setAlarm(time).catch((error) => {
      armed = false
      onError(error)
    })
  }

  function clear(): void {
    armed = false
    storage.deleteAlarm().catch(onError)
  }

  async function attempt(): Promise<void> {
    try {
      await rounds.run()
      failures = 0
    } catch (error) {
      failures++
      onError(error)
    }
  }

  async function ring(): Promise<void> {
    if (!waiting()) return clear()
    const began = now()
    if (began < last + intervalMs) return setAt(last + intervalMs)
    last = began
    setAt(began + MAX_WAIT_MS)
    await attempt()
    if (waiting()) setAt(last + Math.min(intervalMs * 2 ** failures, MAX_WAIT_MS))
    else clear()
  }

  return {
    arm() {
      if (!armed) setAt(Math.max(now(), last + intervalMs))
    },
    ring() {
      ringing ??= ring().finally(() => {
        ringing = null
      })
      return ringing
    },
  }
}
