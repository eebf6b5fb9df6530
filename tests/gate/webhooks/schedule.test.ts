/** The schedule of docs/webhooks.md. */
import { describe, expect, it, test } from 'vitest'
import { epochMs } from '../../../src/core/time.ts'
import type { Posted } from '../../../src/gate/webhooks/port.ts'
import {
  arrived,
  isGone,
  letterAfter,
  MAX_ATTEMPTS,
  restAfter,
} from '../../../src/gate/webhooks/schedule.ts'

const AT = epochMs(1_800_000_000_000)
const S = 1_000
const MIN = 60 * S
const H = 60 * MIN

const failed = (attempts: number, posted: Posted, spread = 0) =>
  letterAfter({ index: 7, attempts, at: AT, posted, spread })
const waitOf = (attempts: number, posted: Posted, spread = 0): number | null => {
  const { due_at } = failed(attempts, posted, spread)
  return due_at === null ? null : due_at - AT
}
const refused: Posted = { status: 500, retry_after_s: null }

describe('a message that did not arrive is tried again', () => {
  test.each([
    [1, 5 * S],
    [2, 30 * S],
    [3, 5 * MIN],
    [4, 30 * MIN],
    [5, 2 * H],
    [6, 5 * H],
    [7, 10 * H],
    [8, 14 * H],
    [9, 20 * H],
    [10, null],
  ])('after attempt %i: %s ms later', (attempts, wait) => {
    expect(waitOf(attempts, refused)).toBe(wait)
    if (wait === null) return expect(attempts).toBe(MAX_ATTEMPTS)
    expect(waitOf(attempts, refused, 0.999_999)).toBeLessThanOrEqual(wait * 1.2)
    expect(waitOf(attempts, refused, 0.5)).toBeGreaterThan(wait)
  })

  test.each([
    ['as late as the receiver asks', 600, 10 * MIN],
    ['no later than an hour, whatever it asks', 86_400, H],
    ['no sooner than planned, whatever it asks', 1, 5 * S],
  ])('%s', (_what, retry_after_s, wait) => {
    expect(waitOf(1, { status: 429, retry_after_s })).toBe(wait)
  })

  it('and a receiver cannot keep it from being given up', () => {
    expect(waitOf(MAX_ATTEMPTS, { status: 429, retry_after_s: 60 })).toBeNull()
  })

  it('with its place, its count and what went wrong, in our words', () => {
    expect(failed(3, { fault: 'timeout' })).toEqual({
      index: 7,
      attempts: 3,
      due_at: AT + 5 * MIN,
      failed_at: AT,
      error: 'timeout',
    })
    expect(failed(1, refused).error).toBe('status 500')
  })
})

test.each([
  [199, false, false],
  [200, true, false],
  [299, true, false],
  [300, false, false],
  [410, false, true],
])('status %i: arrived %s, gone %s', (status, hasArrived, gone) => {
  expect(arrived({ status, retry_after_s: null })).toBe(hasArrived)
  expect(isGone({ status, retry_after_s: null })).toBe(gone)
})

test.each([
  ['the first time a second', 1, [refused], S],
  ['the second time five', 2, [refused], 5 * S],
  ['then half a minute', 3, [refused], 30 * S],
  [
    'as long as the most patient answer asks',
    1,
    [refused, { status: 503, retry_after_s: 40 }],
    40 * S,
  ],
  ['never above a minute', 1, [{ status: 503, retry_after_s: 86_400 }], MIN],
  ['by the plan when nothing answers', 2, [{ fault: 'unreachable' }], 5 * S],
] as const)('an endpoint that took nothing rests, %s', (_what, failures, posted, rest) => {
  expect(restAfter(failures, posted)).toBe(rest)
})
