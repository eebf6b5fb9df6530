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
  /** It fires now. */
  fired(): void
}

export function createAlarm(storage: AlarmStorage): Alarm {
  /** When it is due; null: not set; undefined: not known yet. */
  let due: number | null | undefined
  return {
    async known() {
      if (due !== undefined) return
      const stored = await storage.getAlarm()
      // Somebody may have set it meanwhile, and then knows better.
      if (due === undefined) due = stored
    },
    async arm(at) {
      if (due !== undefined && due !== null && due <= at) return
      due = at
      await storage.setAlarm(at)
    },
    fired() {
      due = null
    },
  }
}
