/**
 * Writes heartbeat records: at most once a minute after activity, hourly when idle.
 *
 * A heartbeat shows an auditor that the log is alive and not truncated; completeness rests on chains and receipts.
 * `shed` counts the requests that were shed since the last one, as far as this process saw them; nothing is counted
 * twice or lost because a heartbeat could not be written. Spec: docs/spec/record.md, "Heartbeats".
 */
import { heartbeatDraft } from '../../core/record/drafts.ts'
import { HOUR_MS, MINUTE_MS } from '../../core/time.ts'
import type { Observe } from '../../ports.ts'
import type { Heartbeats } from '../sqlite/heartbeats.ts'
import type { Scribe } from './bootstrap.ts'

/** How often the timer looks whether one is due. */
const LOOK_EVERY_MS = 10_000

export interface HeartbeatParts {
  readonly store: {
    readonly heartbeats: Heartbeats
    readonly signer: { readonly kid: string }
    status(): { readonly entries: number; readonly halted: string | null }
  }
  readonly scribe: Pick<Scribe, 'append'>
  /** Milliseconds from anywhere, never backwards: a clock set back must not silence it. */
  readonly elapsed: () => number
  readonly onError: (error: unknown) => void
}

export interface Heartbeat {
  readonly observe: Observe
  /** Writes one when it is due; called by the timer, and by tests. Never rejects. */
  tick(): Promise<void>
  start(): void
  /** No further one; resolves when one under way is written or has failed. */
  stop(): Promise<void>
}

interface Tried {
  readonly to_index: number
  readonly shed: number
}

export function createHeartbeat(parts: HeartbeatParts): Heartbeat {
  const { store, scribe, elapsed, onError } = parts
  let shed = 0
  let last = elapsed()
  /** Where the last one ended; null when only the log knows. */
  let from: number | null = null
  let tried: Tried | null = null
  let running: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined

  /** A heartbeat that failed may be in the log all the same: then what it counted is counted. */
  function recall(): number {
    const begin = store.heartbeats.uncovered()
    if (tried?.to_index === begin) shed -= tried.shed
    tried = null
    return begin
  }

  async function write(): Promise<void> {
    const since = elapsed() - last
    if (since < MINUTE_MS || store.status().halted !== null) return
    from ??= recall()
    const from_index = from
    const to_index = store.status().entries
    // The one entry after a heartbeat's end is that heartbeat itself.
    const idle = to_index - from_index <= 1 && shed === 0
    if (idle && since < HOUR_MS) return
    const totals = store.heartbeats.totals({ from_index, to_index })
    tried = { to_index, shed }
    from = null
    await scribe.append(
      [heartbeatDraft({ from_index, to_index, totals, shed: tried.shed })],
      [store.signer.kid],
    )
    shed -= tried.shed
    tried = null
    from = to_index
    last = elapsed()
  }

  function tick(): Promise<void> {
    running ??= write()
      .catch(onError)
      .finally(() => {
        running = null
      })
    return running
  }

  return {
    tick,
    observe(event) {
      if (event.type === 'shed') shed++
    },
    start() {
      timer ??= setInterval(() => void tick(), LOOK_EVERY_MS).unref()
    },
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
