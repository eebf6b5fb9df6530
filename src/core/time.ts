/**
 * Instants and lengths of time: the only two ways livegate counts.
 *
 * An instant is UTC milliseconds since 1970, a day is exactly 24 hours, intervals are `[start, end)`. Nothing here
 * (or anywhere in core) reads a clock: the instant of a decision is a fact handed in. Calendar months and years
 * are refused because their length depends on where one stands. Spec: docs/spec/policy.md, "Time".
 */
import { err, ok, type Result } from './result.ts'

declare const epoch: unique symbol
declare const duration: unique symbol

/** UTC milliseconds since 1970-01-01T00:00:00Z; a safe integer. */
export type EpochMs = number & { readonly [epoch]: true }
/** A length of time in milliseconds; a non-negative safe integer. */
export type DurationMs = number & { readonly [duration]: true }

export const SECOND_MS = 1_000
export const MINUTE_MS: number = 60 * SECOND_MS
export const HOUR_MS: number = 60 * MINUTE_MS
export const DAY_MS: number = 24 * HOUR_MS

/** Year 0001 and year 9999, the range RFC 3339 can write. */
const MIN_EPOCH_MS = -62_135_596_800_000
const MAX_EPOCH_MS = 253_402_300_799_999
/** One hundred years: longer is `forever`, or a typing error. */
export const MAX_DURATION_MS: number = 36_525 * DAY_MS

/** Brands an integer that is already known to be an instant in range. Throws RangeError otherwise. */
export function epochMs(value: number): EpochMs {
  if (!isEpochMs(value)) throw new RangeError(`Cannot use ${String(value)} as an instant`)
  return value
}

/** True for a safe integer between the years 0001 and 9999. */
export function isEpochMs(value: unknown): value is EpochMs {
  return (
    Number.isSafeInteger(value) &&
    (value as number) >= MIN_EPOCH_MS &&
    (value as number) <= MAX_EPOCH_MS
  )
}

/** Brands a length. Throws RangeError unless it is an integer from 0 to 100 years. */
export function durationMs(value: number): DurationMs {
  if (!Number.isSafeInteger(value) || value < 0 || value > MAX_DURATION_MS)
    throw new RangeError(`Cannot use ${String(value)} as a duration`)
  return value as DurationMs
}

/** `at + length`, capped at the last instant RFC 3339 can write. */
export function addMs(at: EpochMs, length: number): EpochMs {
  return Math.min(MAX_EPOCH_MS, Math.max(MIN_EPOCH_MS, at + length)) as EpochMs
}

const INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2}))?$/

/**
 * Reads an RFC 3339 instant, or a bare date as its midnight UTC. Fractions below a millisecond are cut off, a leap
 * second (`:60`) is refused, as are days a month does not have.
 */
export function parseInstant(text: string): Result<EpochMs, string> {
  const m = text.length <= 40 ? INSTANT.exec(text) : null
  if (m === null) return err('expected an RFC 3339 instant such as 2026-01-31T00:00:00Z')
  const [year, month, day] = [Number(m[1]), Number(m[2]), Number(m[3])]
  const [hour, minute, second] = [Number(m[4] ?? 0), Number(m[5] ?? 0), Number(m[6] ?? 0)]
  const millis = Number((m[7] ?? '').slice(0, 3).padEnd(3, '0'))
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59)
    return err('expected an instant that exists')
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day)
    return err('expected a day that exists')
  const offset = offsetMs(m[8])
  if (offset === null) return err('expected an offset between -23:59 and +23:59')
  const value = date.setUTCHours(hour, minute, second, millis) - offset
  return isEpochMs(value) ? ok(value) : err('expected an instant between the years 0001 and 9999')
}

function offsetMs(zone: string | undefined): number | null {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))]
  if (hours > 23 || minutes > 59) return null
  return (zone[0] === '-' ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS)
}

/** RFC 3339, UTC, always three decimals: `2026-12-20T00:00:00.000Z`. */
export function formatInstant(at: EpochMs): string {
  return new Date(at).toISOString()
}

const SHORT = /^(\d{1,9})(ms|s|m|h|d|w)$/
const ISO_8601 =
  /^P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?$/
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
}

/**
 * Reads `500ms`, `30s`, `15m`, `24h`, `30d`, `2w` or ISO 8601 such as `P30D`, `PT1H30M`. One unit in the short form;
 * months and years are refused (their length varies). At most 100 years.
 */
export function parseDuration(text: string): Result<DurationMs, string> {
  const short = SHORT.exec(text)
  if (short !== null) return within(Number(short[1]) * (UNIT_MS[short[2] ?? ''] ?? Number.NaN))
  const iso = text.length > 1 && !text.endsWith('T') && text !== 'P' ? ISO_8601.exec(text) : null
  if (iso === null) {
    const calendar = /^P(?=.*[MY])[^T]*[MY]|^\d+\s*(mo|months?|y|years?)$/.test(text)
    return err(
      calendar
        ? 'months and years vary in length, expected days such as 30d'
        : 'expected a duration such as 30d, 24h, 15m, 10s or P30D',
    )
  }
  const [weeks, days, hours, minutes, seconds] = iso.slice(1).map((part) => Number(part ?? 0))
  return within(
    (weeks ?? 0) * 7 * DAY_MS +
      (days ?? 0) * DAY_MS +
      (hours ?? 0) * HOUR_MS +
      (minutes ?? 0) * MINUTE_MS +
      (seconds ?? 0) * SECOND_MS,
  )
}

function within(value: number): Result<DurationMs, string> {
  return Number.isSafeInteger(value) && value <= MAX_DURATION_MS
    ? ok(value as DurationMs)
    : err('expected at most 100 years')
}

/** The shortest text that reads back as `length`: `30d`, `15m`, `1500ms`. */
export function formatDuration(length: DurationMs): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = UNIT_MS[unit] ?? 1
    if (length >= size && length % size === 0) return `${length / size}${unit}`
  }
  return length === 0 ? '0s' : `${length}ms`
}
