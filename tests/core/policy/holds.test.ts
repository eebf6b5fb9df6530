/** Holds and reviews, in whatever order they are disclosed. */
import { describe, expect, it } from 'vitest'
import { holdState, reviewState } from '../../../src/core/policy/holds.ts'
import { addMs } from '../../../src/core/time.ts'
import { ago, d, NOW } from '../../support/plans.ts'

describe('a hold', () => {
  const query = { rule: 'r', hold: d('15m'), at: NOW }
  const asked = ['3h', '10m', '40m'].map((length) => ({ rule: 'r', first_asked_at: ago(length) }))

  it('runs from the latest ask, in whatever order asks are disclosed', () => {
    for (const holds of [
      asked,
      asked.toReversed(),
      asked.toSorted((a, b) => a.first_asked_at - b.first_asked_at),
    ])
      expect(holdState(query, holds)).toEqual({
        ...{ not_before: addMs(ago('10m'), d('15m')), satisfied: false, opened: false },
      })
  })

  it('is not one of another rule, nor of an instant to come', () => {
    const holds = [
      { rule: 'q', first_asked_at: ago('20m') },
      { rule: 'r', first_asked_at: addMs(NOW, 1) },
    ]
    const begins = { not_before: addMs(NOW, d('15m')), satisfied: false, opened: true }
    expect(holdState(query, holds)).toEqual(begins)
    expect(holdState(query, [])).toEqual(begins)
  })

  it('asked for in this very millisecond runs already', () =>
    expect(holdState(query, [{ rule: 'r', first_asked_at: NOW }]).opened).toBe(false))
})

describe('a review', () => {
  const released = { rule: 'r', result: 'released', at: ago('2h') } as const
  const refused = { rule: 'r', result: 'refused', at: ago('1h') } as const

  it('is what was said last, in whatever order it is disclosed', () => {
    expect(reviewState('r', [released, refused], NOW)).toBe('refused')
    expect(reviewState('r', [refused, released], NOW)).toBe('refused')
    const later = { ...released, at: NOW }
    expect(reviewState('r', [later, refused], NOW)).toBe('released')
    expect(reviewState('r', [refused, later], NOW)).toBe('released')
  })

  it('refuses, of two words in one millisecond', () => {
    const both = [
      { ...released, at: NOW },
      { ...refused, at: NOW },
    ]
    expect(reviewState('r', both, NOW)).toBe('refused')
    expect(reviewState('r', both.toReversed(), NOW)).toBe('refused')
  })

  it('is pending while nothing was said of this rule by now', () => {
    const others = [
      { ...released, rule: 'q' },
      { ...released, at: addMs(NOW, 1) },
    ]
    expect(reviewState('r', others, NOW)).toBe('pending')
  })
})
