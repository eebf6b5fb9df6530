/**
 * Turns gate events into structured log lines (JSON, one per line, through pino).
 *
 * What may be written is what a GateEvent can hold: no subject id, no key, no token, no stream. Decisions are not
 * logged line by line at `info`: the transparency log is their log, metrics count them.
 */
import { type DestinationStream, type Logger, pino } from 'pino'
import type { GateEvent, Observe } from '../../ports.ts'

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

/** Writes the events an operator must see. */
export function logEvents(logger: Logger): Observe {
  return (event: GateEvent): void => {
    const { type, ...fields } = event
    switch (event.type) {
      case 'halted':
        logger.error(fields, type)
        return
      case 'policy_rejected':
      case 'hook_refused':
      case 'shed':
        logger.warn(fields, type)
        return
      case 'policy_active':
      case 'strike_recorded':
      case 'strike_reversed':
        logger.info(fields, type)
        return
      case 'decided':
      case 'committed':
      case 'round':
        logger.debug(fields, type)
        return
    }
  }
}
