/**
 * The one alarm of an object, as those who need to be woken see it: not later than they ask.
 *
 * Setting it takes effect with what is written in the same turn of the event loop, so a record and the alarm that will
 * bring it into the log are one commit. When it fires, an object forgets that it was set and sets what is left to do.
 */
import type { EpochMs } from '../../core/time.ts'

/** What of `ctx.storage` it takes. */
export type AlarmStorage = Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm'>

export interface Alarm {
  /** Resolves when it is known whether an alarm is set; await it before writing. */
  known(): Promise<void>
  /** Makes it fire at `at` or earlier. Call it in the turn of the write it belongs to, and await both. */
  arm(at: EpochMs): Promise<void>
  /**
   * As `arm`, for what only has to happen once the object is quiet: an alarm set this way that is due soon moves on to
   * `at`, in a write that happens anyway, rather than interrupt. Never past what `arm` asked for, nor for more than a minute.
   */
  defer(at: EpochMs): Promise<void>
  /** It fires now. */
  fired(): void
}

/** An alarm that is due this much before what is asked for now stays where it is: moving it is a row written. */
const NEAR_MS = 4_000
const MAX_DEFERRED_MS = 60_000

export function createAlarm(storage: AlarmStorage): Alarm {
  /** When it is due; null: not set; undefined: not known yet. */
  let due: number | null | undefined
  /** Nothing may move it past this. */
  let bound = Number.POSITIVE_INFINITY

  async function set(at: number): Promise<void> {
    due = at
    await storage.setAlarm(at)
  }

  return {
    async known() {
      if (due !== undefined) return
      const stored = await storage.getAlarm()
      // Somebody may have set it meanwhile, and then knows better.
      if (due !== undefined) return
      due = stored
      // Nobody remembers what for.
      if (stored !== null) bound = stored
    },
    async arm(at) {
      bound = Math.min(bound, at)
      if (due === undefined || due === null || due > at) await set(at)
    },
    async defer(at) {
      if (due === undefined || due === null) {
        bound = Math.min(bound, at + MAX_DEFERRED_MS)
        return set(at)
      }
      const later = Math.min(at, bound)
      if (due > at || later - due >= NEAR_MS) await set(later)
    },
    fired() {
      due = null
      bound = Number.POSITIVE_INFINITY
    },
  }
}
