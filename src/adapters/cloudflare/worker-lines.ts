/**
 * Log lines of the edge host: one JSON object a line on the console, which the platform collects.
 *
 * What may be written is what a GateEvent can hold, and errors by their message: no subject, no key, no token, no
 * stream. Same names and levels as the Node host's.
 */
import type { GateEvent, Observe } from '../../ports.ts'

type Level = 'error' | 'warn' | 'info'
type Fields = Readonly<Record<string, unknown>>

const RANK = { silent: 0, error: 1, warn: 2, info: 3 } as const
/** Refusals of one kind are written at most this often. */
const QUIET_MS = 1_000

/** Writes a line. */
export function line(level: Level, msg: string, fields: Fields = {}): void {
  console[level](JSON.stringify({ level, time: new Date().toISOString(), ...fields, msg }))
}

/** What failed without an answer of its own saying so. */
export function reportFailure(where: string, error: unknown): void {
  line('error', 'failed', { where, error: messageOf(error) })
}

/** Writes the events an operator must see, at `level` and above. */
export function logEvents(level: keyof typeof RANK, now: () => number): Observe {
  const seldom = createSeldom(now)
  const write = (at: Level, { type, ...fields }: GateEvent, more: Fields = {}): void => {
    if (RANK[at] <= RANK[level]) line(at, type, { ...fields, ...more })
  }
  return (event) => {
    switch (event.type) {
      case 'halted':
        return write('error', event)
      case 'shed':
      case 'hook_refused':
      case 'control_failed':
      case 'ungated_stranger': {
        const left_out = seldom(Object.values(event).join(' '))
        return left_out === null ? undefined : write('warn', event, left_out)
      }
      case 'policy_rejected':
      case 'policy_stale':
      case 'left_to_lease':
      case 'witness_failed':
        return write('warn', event)
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
        return write('info', event)
      case 'decided':
      case 'committed':
      case 'round':
      case 'shadowed':
      case 'witnessed':
      case 'webhook_posted':
      case 'retention_swept':
      case 'renewed':
      case 'observed':
        return
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Null for what is left out; otherwise how many like it were left out since the last one written. */
function createSeldom(now: () => number): (kind: string) => { readonly left_out?: number } | null {
  const kinds = new Map<string, { since: number; left_out: number }>()
  return (kind) => {
    const at = now()
    const last = kinds.get(kind)
    if (last !== undefined && at - last.since < QUIET_MS && at >= last.since) {
      last.left_out++
      return null
    }
    kinds.set(kind, { since: at, left_out: 0 })
    return last === undefined || last.left_out === 0 ? {} : { left_out: last.left_out }
  }
}
