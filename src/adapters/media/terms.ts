/**
 * Times in what a server is told: how long a stream may run, when asking again may help. Pure.
 */
import type { Answer } from '../../gate-types.ts'
import type { MediaServer } from './servers-file.ts'

/** What is left of the lease, where the server ends the stream by itself. At least a millisecond: 0 means for ever. */
export function lifetimeOf(
  server: MediaServer,
  lease_until: Answer['decision']['lease_until'],
  now: number,
): { readonly lifetime_ms?: number } {
  if (!server.lifetime || lease_until === null) return {}
  return { lifetime_ms: Math.max(1, lease_until - now) }
}

/** When asking again may help, for logs and proxies; the publisher never sees it. */
export function retryAfterSeconds({ decision }: Answer, now: number): number | null {
  if (decision.retry_after_s !== null) return decision.retry_after_s
  return decision.not_before === null ? null : (decision.not_before - now) / 1000
}
