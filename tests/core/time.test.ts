/**
 * Instants and lengths are read strictly and written in one way.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addMs,
  DAY_MS,
  durationMs,
  epochMs,
  formatDuration,
  formatInstant,
  isEpochMs,
  MAX_DURATION_MS,
  parseDuration,
  parseInstant,
} from '../../src/core/time.ts'

const MIN = -62_135_596_800_000
const MAX = 253_402_300_799_999

test('every instant and every length comes back from its text', () => {
  fc.assert(
    fc.property(fc.integer({ min: MIN, max: MAX }), (value) => {
      expect(parseInstant(formatInstant(epochMs(value)))).toEqual({ ok: true, value })
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999 }), (value) => {
      expect(parseDuration(formatDuration(durationMs(value)))).toEqual({ ok: true, value })
    }),
  )
})

const instants: readonly [text: string, iso: string][] = [
  ['2026-01-31', '2026-01-31T00:00:00.000Z'],
  ['2026-01-31T12:30:00+02:00', '2026-01-31T10:30:00.000Z'],
  ['2026-01-31t00:00:00.1239z', '2026-01-31T00:00:00.123Z'],
  ['2024-02-29T23:59:59.999Z', '2024-02-29T23:59:59.999Z'],
  ['0001-01-01', '0001-01-01T00:00:00.000Z'],
]
test.each(instants)('`%s` is %s', (text, iso) => {
  const parsed = parseInstant(text)
  expect(parsed.ok && formatInstant(parsed.value)).toBe(iso)
})

test.each([
  '2026-02-29',
  '2026-13-01',
  '2026-01-32',
  '2026-00-10',
  '2026-01-31T24:00:00Z',
  '2026-01-31T23:59:60Z',
  '2026-01-31T00:00:00',
  '2026-01-31 00:00:00Z',
  '2026-01-31T00:00:00+24:00',
  ' 2026-01-31',
  '2026-1-31',
  '0000-01-01',
  '',
])('`%s` is no instant', (text) => {
  expect(parseInstant(text).ok).toBe(false)
})

const lengths: readonly [text: string, ms: number][] = [
  ['500ms', 500],
  ['30s', 30_000],
  ['15m', 900_000],
  ['24h', DAY_MS],
  ['2w', 14 * DAY_MS],
  ['P30D', 30 * DAY_MS],
  ['PT1H30M', 5_400_000],
  ['P1W', 7 * DAY_MS],
  ['36525d', MAX_DURATION_MS],
]
test.each(lengths)('`%s` is %d ms', (text, value) => {
  expect(parseDuration(text)).toEqual({ ok: true, value })
})

test.each([
  '',
  'P',
  'PT',
  'P1DT',
  '1y',
  '3 months',
  'P1M',
  'P1Y',
  '-1d',
  '1.5h',
  '1d2h',
  '36526d',
  '30',
])('`%s` is no length', (text) => {
  expect(parseDuration(text).ok).toBe(false)
})

test('sums stop at the ends of the calendar, and numbers out of range are refused', () => {
  expect(addMs(epochMs(MAX), DAY_MS)).toBe(MAX)
  expect(addMs(epochMs(MIN), -1)).toBe(MIN)
  expect([MIN - 1, MAX + 1, 1.5, Number.NaN, '1', null].map(isEpochMs)).toEqual(
    Array(6).fill(false),
  )
  expect(() => epochMs(MAX + 1)).toThrow(RangeError)
  expect(() => durationMs(-1)).toThrow(RangeError)
  expect(() => durationMs(MAX_DURATION_MS + 1)).toThrow(RangeError)
})
