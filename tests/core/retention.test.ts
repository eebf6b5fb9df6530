/** How long things are kept, as an operator writes it. */
import { describe, expect, it } from 'vitest'
import {
  KEEP_EVERYTHING,
  keepsEverything,
  keptFor,
  parseRetention,
  type RetentionRules,
  retentionWords,
} from '../../src/core/retention.ts'

const DAY = 86_400_000

function rules(text: string): RetentionRules {
  const parsed = parseRetention(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

describe('a retention setting', () => {
  it('reads days, weeks, years and for ever, with blanks around', () => {
    const read = rules(' decisions = 180d , broadcasts=2w,reviews=1y,strikes=forever,')
    expect(read.kinds).toEqual({ decisions: 180 * DAY, broadcasts: 14 * DAY, reviews: 365 * DAY })
    expect(keptFor(read, 'hate.speech')).toBe(Number.POSITIVE_INFINITY)
  })

  for (const { category, days } of [
    { category: 'child.csam', days: null },
    { category: 'child.csam.grave', days: null },
    { category: 'child', days: 30 },
    { category: 'child.other', days: 30 },
    { category: 'childish', days: 730 },
    { category: 'spam', days: 730 },
  ])
    it(`keeps a strike of ${category} ${days === null ? 'for ever' : `${days} days`}: the longest name counts`, () => {
      const read = rules('strikes=2y,strikes.child=30d,strikes.child.csam=forever')
      expect(keptFor(read, category)).toBe(days === null ? Infinity : days * DAY)
    })

  it('keeps what it does not name', () => {
    expect(keptFor(rules('decisions=1d'), 'spam')).toBe(Infinity)
    expect(keptFor(KEEP_EVERYTHING, 'spam')).toBe(Infinity)
    expect(keepsEverything(KEEP_EVERYTHING)).toBe(true)
    expect(keepsEverything(rules('strikes=forever'))).toBe(true)
    expect(keepsEverything(rules('strikes.spam=9d'))).toBe(false)
  })

  for (const [text, part] of [
    ['', 'NAME=LENGTH'],
    [',', 'NAME=LENGTH'],
    ['decisions', 'not `decisions`'],
    ['decisions=', 'not `decisions=`'],
    ['decisions=0d', 'not `decisions=0d`'],
    ['decisions=180', 'not `decisions=180`'],
    ['decisions=1d=2d', 'not `decisions=1d=2d`'],
    ['decisions=-1d', 'not `decisions=-1d`'],
    ['decisions=99999y', 'not `decisions=99999y`'],
    ['facts=1d', 'not `facts`'],
    ['strikes.=1d', 'not `strikes.`'],
    ['strikes.Hate=1d', 'not `strikes.Hate`'],
    ['decisions=1d,decisions=2d', 'not `decisions` twice'],
    ['strikes=1d,strikes=2d', 'not `strikes` twice'],
  ] as const)
    it(`refuses ${JSON.stringify(text)}`, () => {
      const parsed = parseRetention(text)
      expect(parsed.ok).toBe(false)
      if (!parsed.ok) {
        expect(parsed.error).toMatch(/^expected /)
        expect(parsed.error).toContain(part)
      }
    })

  it('is told in days', () => {
    expect(retentionWords(rules('decisions=180d,strikes.spam=2w'))).toEqual([
      { what: 'decisions', days: 180 },
      { what: 'broadcasts', days: null },
      { what: 'reviews', days: null },
      { what: 'strikes', days: null },
      { what: 'strikes.spam', days: 14 },
    ])
  })
})
