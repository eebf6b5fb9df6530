/**
 * Which refusals are shed load: too much was asked at once, of the gate or by one caller.
 *
 * A request is shed once, where it is answered (HTTP and hooks), however many parts of its work found no room inside;
 * work nobody asked for (a heartbeat, a round) is not a request. Heartbeats sign the count. Spec: docs/spec/record.md,
 * "Heartbeats".
 */
import { LivegateError } from '../core/errors.ts'
import type { GateEvent } from '../ports.ts'

/** The event of a request that ended with `error`; null when it was not shed. */
export function shedBy(error: unknown): GateEvent | null {
  if (!(error instanceof LivegateError)) return null
  const { code } = error
  return code === 'overloaded' || code === 'rate_limited' ? { type: 'shed', code } : null
}
