/**
 * When retention periods are looked after in Node: soon after the start, then every hour, in steps between decisions.
 *
 * What is over is sqlite/retention.ts's and gate/retention.ts's; this is only the clock. Stopped in the middle it goes on
 * at the next sweep. Without a period nothing but ended suppressions goes. Spec: docs/erasure.md, "Retention".
 */
import { RETAINED_KINDS, type RetentionRules } from '../../core/retention.ts'
import { epochMs } from '../../core/time.ts'
import type { After } from '../../gate/context.ts'
import type { ErasureDesk } from '../../gate/erasure-desk.ts'
import type { Clock, Observe } from '../../ports.ts'
import type { SqlRetention } from '../sqlite/retention.ts'

export interface RetentionParts {
  readonly rules: RetentionRules
  readonly retention: SqlRetention
  readonly desk: Pick<ErasureDesk, 'retain'>
  readonly clock: Clock
  readonly after: After
  readonly elapsed: () => number
  readonly observe: Observe
  readonly onError: (error: unknown) => void
  /** Time between two sweeps, ms; an hour unless given. */
  readonly intervalMs?: number
}

export interface RetentionSweep {
  start(): void
  /** One sweep now; resolves when everything was looked at, or it was stopped. */
  sweep(): Promise<void>
  /** Ends after the step under way. */
  stop(): Promise<void>
}

export const SWEEP_INTERVAL_MS = 3_600_000
/** After the start, decisions first. */
const FIRST_MS = 10_000
/** Subjects looked at between two turns of the event loop: some milliseconds. */
const SUBJECTS_PER_TURN = 50

export function createRetention(parts: RetentionParts): RetentionSweep {
  const { after, elapsed, observe, onError, intervalMs = SWEEP_INTERVAL_MS } = parts
  let running: Promise<void> = Promise.resolve()
  let cancel = (): void => {}
  let stopped = false
  const ended = (): boolean => stopped

  async function sweep(): Promise<void> {
    const began = elapsed()
    try {
      await sweepAll(parts, ended)
      if (!stopped) observe({ type: 'retention_swept', took_ms: elapsed() - began })
    } catch (error) {
      if (!stopped) onError(error)
    }
  }

  function plan(delay_ms: number): void {
    if (stopped) return
    cancel = after(delay_ms, () => {
      running = sweep().then(() => plan(intervalMs))
    })
  }

  return {
    start: () => plan(FIRST_MS),
    sweep,
    async stop() {
      stopped = true
      cancel()
      await running
    },
  }
}

async function sweepAll(parts: RetentionParts, ended: () => boolean): Promise<void> {
  const { retention, clock } = parts
  await repeat(parts, ended, 'suppressions', () => retention.dropEnded(clock.now()))
  await sweepOpenings(parts, ended)
  if ([...parts.rules.strikes.values()].some(Number.isFinite)) await sweepStrikes(parts, ended)
}

async function sweepOpenings(parts: RetentionParts, ended: () => boolean): Promise<void> {
  const { retention, clock, rules } = parts
  const now = clock.now()
  for (const kind of RETAINED_KINDS) {
    const length = rules.kinds[kind] ?? Number.POSITIVE_INFINITY
    if (!Number.isFinite(length) || length > now) continue
    const before = epochMs(now - length)
    for (let more = true; more && !ended(); ) {
      const step = await retention.dropOpenings(kind, before, now)
      tell(parts, kind, step.dropped)
      more = step.more
      await turn(parts)
    }
  }
  await repeat(parts, ended, 'decisions', () => retention.dropReleased(now))
}

async function repeat(
  parts: RetentionParts,
  ended: () => boolean,
  what: string,
  step: () => Promise<number>,
): Promise<void> {
  for (let count = 1; count > 0 && !ended(); ) {
    count = await step()
    tell(parts, what, count)
    await turn(parts)
  }
}

async function sweepStrikes(parts: RetentionParts, ended: () => boolean): Promise<void> {
  const { retention, desk, rules } = parts
  for (let place: number | null = 0; place !== null && !ended(); ) {
    const { subjects, next } = retention.struck(place, SUBJECTS_PER_TURN)
    for (const subject of subjects) {
      for (let more = true; more && !ended(); ) {
        const step = await desk.retain(subject, rules)
        tell(parts, 'strikes', step.strikes)
        more = step.more
      }
    }
    place = next
    await turn(parts)
  }
}

function tell({ observe }: RetentionParts, what: string, count: number): void {
  if (count > 0) observe({ type: 'retained', what, count })
}

/** Decisions that wait go first. */
function turn({ after }: RetentionParts): Promise<void> {
  return new Promise((resolve) => {
    after(0, resolve)
  })
}
