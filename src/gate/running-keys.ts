/** Idempotency-Keys whose decision is under way: a second request with the same key comes back later. */
import { LivegateError } from '../core/errors.ts'
import type { DecideRequest } from '../gate-types.ts'

/**
 * Takes an Idempotency-Key for as long as its decision runs, its clean-up included: a retry that came earlier could be
 * given an answer that is being taken back. Returns what frees it. @throws LivegateError `in_progress`.
 */
export function claimKey(running: Set<string>, request: DecideRequest): () => void {
  if (request.idempotency === undefined) return () => {}
  const key = JSON.stringify([request.caller, request.subject, request.idempotency.key])
  if (running.has(key))
    throw new LivegateError(
      'in_progress',
      'Cannot decide twice: a request with this Idempotency-Key is running',
      { retry_after_s: 1 },
    )
  running.add(key)
  return () => running.delete(key)
}
