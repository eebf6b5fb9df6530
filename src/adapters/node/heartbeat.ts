/**
 * Writes heartbeat records: at most once a minute after activity, hourly when idle.
 *
 * A heartbeat shows an auditor that the log is alive and not truncated; completeness rests on chains and receipts.
 * `shed` counts requests refused for overload since the last one, as far as this process saw them.
 */
import { heartbeatDraft } from '../../core/record/drafts.ts'
import { HOUR_MS, MINUTE_MS } from '../../core/time.ts'
import type { Clock, Observe } from '../../ports.ts'
import type { Heartbeats } from '../sqlite/heartbeats.ts'
import type { Scribe } from './bootstrap.ts'

export interface HeartbeatParts {
  readonly store: {
    readonly heartbeats: Heartbeats
    readonly signer: { readonly kid: string }
    status(): { readonly entries: number; readonly halted: string | null }
  }
  readonly scribe: Scribe
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

export interface Heartbeat {
  readonly observe: Observe
  /** Writes one when it is due; called by the timer, and by tests. */
  tick(): Promise<void>
  stop(): void
}

export function createHeartbeat(parts: HeartbeatParts): Heartbeat {
  const { store, scribe, clock, onError } = parts
  let shed = 0
  let last = clock.now()
  let busy = false

  async function tick(): Promise<void> {
    if (busy || store.status().halted !== null) return
    busy = true
    try {
      const from_index = store.heartbeats.uncovered()
      const to_index = store.status().entries
      const idle = to_index - from_index <= 1 && shed === 0
      if (idle && clock.now() - last < HOUR_MS) return
      const counted = shed
      const totals = store.heartbeats.totals({ from_index, to_index })
      await scribe.append(
        [heartbeatDraft({ from_index, to_index, totals, shed: counted })],
        [store.signer.kid],
      )
      shed -= counted
      last = clock.now()
    } catch (error) {
      onError(error)
    } finally {
      busy = false
    }
  }

  const timer = setInterval(() => void tick(), MINUTE_MS)
  timer.unref()
  return {
    tick,
    observe: (event) => {
      if (event.type === 'shed') shed++
    },
    stop: () => clearInterval(timer),
  }
}
