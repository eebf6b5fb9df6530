/**
 * When a message that did not arrive is sent again, and when nobody tries any more.
 *
 * The schedule is about that of the Standard Webhooks specification ("Retry schedule"): dense at first, two days in all.
 */
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from '../../core/time.ts'
import type { Letter, Posted } from './port.ts'

/** After the first attempt, the second, and so on; then it is a dead letter. */
const DELAYS_MS: readonly number[] = [
  5_000,
  30_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
]

export const MAX_ATTEMPTS: number = DELAYS_MS.length + 1

/** A receiver cannot make itself be waited for longer. */
const MAX_RETRY_AFTER_MS: number = HOUR_MS

export function arrived(posted: Posted): boolean {
  return 'status' in posted && posted.status >= 200 && posted.status < 300
}

/** What came of it, in few different words: for counters. */
export function resultOf(posted: Posted): string {
  return 'status' in posted ? `status_${Math.floor(posted.status / 100)}xx` : posted.fault
}

/** The receiver wants nothing any more. */
export function isGone(posted: Posted): boolean {
  return 'status' in posted && posted.status === 410
}

/** The letter after one more failed attempt. `attempts` counts that one. `spread` in [0, 1) keeps many apart. */
export function letterAfter(failed: {
  readonly index: number
  readonly attempts: number
  readonly at: EpochMs
  readonly posted: Posted
  readonly spread: number
}): Letter {
  const { index, attempts, at, posted, spread } = failed
  const delay = DELAYS_MS[attempts - 1]
  const least = Math.min(askedMs(posted), MAX_RETRY_AFTER_MS)
  const wait = delay === undefined ? null : Math.max(delay * (1 + spread / 5), least)
  const due_at = wait === null ? null : epochMs(at + Math.round(wait))
  return { index, attempts, due_at, failed_at: at, error: wordsFor(posted) }
}

/** What went wrong, without anything the receiver wrote. */
function wordsFor(posted: Posted): string {
  return 'status' in posted ? `status ${posted.status}` : posted.fault
}

/** An endpoint that cannot be gone on with is looked at again after this. */
export const MAX_REST_MS: number = MINUTE_MS

/** How long an endpoint rests that took nothing of a batch, after so many such batches, ms; longer where it asks for that. */
export function restAfter(failures: number, posted: readonly Posted[]): number {
  const usual = [1_000, 5_000][failures - 1] ?? 30_000
  return Math.min(Math.max(usual, ...posted.map(askedMs)), MAX_REST_MS)
}

/** Retry-After. */
function askedMs(posted: Posted): number {
  return 'status' in posted ? (posted.retry_after_s ?? 0) * 1000 : 0
}

/** Seconds a Retry-After asks for at `now`: it has seconds or a date (RFC 9110 section 10.2.3). Null for nonsense. */
export function retryAfterIn(text: string, now: number): number | null {
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - now) / 1000
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null
}
