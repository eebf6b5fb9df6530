/**
 * Turns gate events into structured log lines (JSON, one per line, through pino).
 *
 * What may be written is what a GateEvent can hold: no subject id, no key, no token, no stream. Decisions are not
 * logged line by line at `info`: the transparency log is their log, metrics count them. Refusals come in floods, and
 * writing each would make the flood worse: one line a second of a kind, with how many were left out before it.
 */
import { type DestinationStream, type Logger, pino } from 'pino'
import type { GateEvent, Observe } from '../../ports.ts'
import { messageOf } from './system.ts'

/** Refusals of one kind are written at most this often. */
const QUIET_MS = 1_000

/** A logger that writes to `destination` (standard error in production). */
export function createLogger(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
}

/** Writes what failed without ending the process: work in the background, requests that were answered 500. */
export function logFailures(logger: Logger): {
  readonly onError: (error: unknown) => void
  readonly report: (failure: { readonly route: string; readonly error: unknown }) => void
} {
  return {
    onError: (error) => logger.error({ error: messageOf(error) }, 'background'),
    report: ({ route, error }) => logger.error({ route, error: messageOf(error) }, 'failed'),
  }
}

/** Writes the events an operator must see. `elapsed`: milliseconds from anywhere, never backwards. */
export function logEvents(logger: Logger, elapsed: () => number): Observe {
  const seldom = createSeldom(elapsed)
  return (event: GateEvent): void => {
    const { type } = event
    switch (event.type) {
      case 'halted':
        logger.error(fieldsOf(event), type)
        return
      case 'shed':
      case 'hook_refused':
      case 'control_failed':
      case 'ungated_stranger': {
        const left_out = seldom(Object.values(event).join(' '))
        if (left_out !== null) logger.warn({ ...fieldsOf(event), ...left_out }, type)
        return
      }
      case 'policy_rejected':
      case 'policy_stale':
      case 'left_to_lease':
      case 'witness_failed':
        logger.warn(fieldsOf(event), type)
        return
      case 'policy_active':
      case 'strike_recorded':
      case 'strike_reversed':
      case 'revoked':
      case 'ungated':
      case 'cut':
      case 'media_server':
      case 'erased':
      case 'erasure_done':
      case 'retained':
        logger.info(fieldsOf(event), type)
        return
      case 'webhook_posted': {
        if (event.result === 'status_2xx') return
        const left_out = seldom(`${type} ${event.endpoint} ${event.result}`)
        if (left_out !== null) logger.warn({ ...fieldsOf(event), ...left_out }, type)
        return
      }
      case 'decided':
      case 'committed':
      case 'round':
      case 'shadowed':
      case 'witnessed':
      case 'retention_swept':
      case 'renewed':
      case 'observed':
        // One for every decision: nothing is put together for a line nobody wants.
        if (logger.isLevelEnabled('debug')) logger.debug(fieldsOf(event), type)
        return
    }
  }
}

function fieldsOf({ type: _, ...fields }: GateEvent): object {
  return fields
}

/** Null for what is left out; otherwise how many like it were left out since the last one written. */
function createSeldom(
  elapsed: () => number,
): (kind: string) => { readonly left_out?: number } | null {
  const kinds = new Map<string, { since: number; left_out: number }>()
  return (kind) => {
    const now = elapsed()
    const last = kinds.get(kind)
    if (last !== undefined && now - last.since < QUIET_MS) {
      last.left_out++
      return null
    }
    kinds.set(kind, { since: now, left_out: 0 })
    return last === undefined || last.left_out === 0 ? {} : { left_out: last.left_out }
  }
}
