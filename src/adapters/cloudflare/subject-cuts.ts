/**
 * Ends, at their media servers, the broadcasts of this subject that must stop.
 *
 * The order lies in the subject's state before anything is called, so a death costs a try and no order: the alarm goes on
 * until the server says that it dropped somebody, reports the end, or the time for trying is over. "0 dropped" confirms
 * nothing: the publisher may be about to begin. From: subject-house.ts.
 */
import { type EpochMs, epochMs } from '../../core/time.ts'
import { endOf } from '../../gate/broadcast-port.ts'
import type { After } from '../../gate/context.ts'
import type { CutDone, Gate } from '../../gate-types.ts'
import type { BroadcastView, Clock, OpenBroadcast } from '../../ports.ts'
import { isSession } from './session.ts'

/** A session of a media server as its control interface knows it. */
export interface AtServer {
  readonly server: string
  readonly session: string
  readonly handle: string
}

/** How many the server dropped; null where nobody can be asked. Never rejects. */
export type CutAtServer = (at: AtServer) => Promise<number | 'unknown' | null>

export interface SubjectCutsParts {
  readonly cut: CutAtServer
  readonly gate: () => Pick<Gate, 'broadcast' | 'cutDone'>
  /** Runs what writes, as for anybody who asks. */
  readonly answering: <T>(work: () => Promise<T>) => Promise<T>
  readonly clock: Clock
  readonly after: After
}

export interface SubjectCuts {
  /** A hint of the gate: something has to stop. */
  revoked(view: BroadcastView): void
  /** Tries each once more, and gives up what nobody could confirm in time. Never rejects. */
  again(broadcasts: readonly OpenBroadcast[]): Promise<void>
}

/** Waits between tries while this object is awake: some 20 s in all, then the alarm. */
const WAITS_MS = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]
/** The alarm tries again after so long, at first. */
const CUT_AGAIN_MS = 15_000

/** When what must stop is tried again: less often the longer it does not; null for nothing that a server runs. */
export function nextCut(broadcasts: readonly OpenBroadcast[], now: EpochMs): EpochMs | null {
  const waits = broadcasts.flatMap((open) =>
    open.cutting === undefined || !isSession(open)
      ? []
      : [Math.max(CUT_AGAIN_MS, (now - open.cutting.since) / 2)],
  )
  return waits.length === 0 ? null : epochMs(Math.round(now + Math.min(...waits)))
}

export function createSubjectCuts(parts: SubjectCutsParts): SubjectCuts {
  const { cut, gate, answering, clock, after } = parts
  const attempts = new Map<string, number>()

  /** True when there is nothing left to try. */
  async function tryOnce(id: string): Promise<boolean> {
    const view = await gate().broadcast(id)
    if (view?.cutting == null || view.server === undefined || view.session === undefined)
      return true
    const { server, session, handle = '' } = view
    const tried = (attempts.get(id) ?? 0) + 1
    attempts.set(id, tried)
    const dropped = await cut({ server, session, handle })
    if (dropped === null) return true
    if (typeof dropped !== 'number' || dropped < 1) return false
    await done(id, { confirmed: 'dropped', attempts: tried })
    return true
  }

  async function done(id: string, how: CutDone): Promise<void> {
    attempts.delete(id)
    await answering(() => gate().cutDone(id, how))
  }

  async function keepTrying(id: string): Promise<void> {
    for (const wait_ms of WAITS_MS) {
      if (await tryOnce(id)) return
      await new Promise<void>((go) => after(wait_ms, go))
    }
  }

  return {
    revoked({ id }) {
      // What goes wrong here the alarm does over.
      void keepTrying(id).catch(() => {})
    },
    async again(broadcasts) {
      const now = clock.now()
      for (const open of broadcasts) {
        if (open.cutting === undefined || !isSession(open)) continue
        const next = nextCut([open], now)
        const over = next === null || endOf(open) <= next
        const tried = await tryOnce(open.id).catch(() => false)
        if (!tried && over)
          await done(open.id, { confirmed: 'none', attempts: attempts.get(open.id) ?? 0 }).catch(
            () => {},
          )
      }
    },
  }
}
