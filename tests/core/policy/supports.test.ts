/** What a caller's words about tape delay mean; with rules: evaluate.test.ts. */
import { describe, expect, it } from 'vitest'
import { delayUpTo, supportsDelay, supportsRunning } from '../../../src/core/policy/supports.ts'

describe('a tape delay', () => {
  const cases: readonly (readonly [supports: readonly string[], seconds: number, can: boolean])[] =
    [
      [[], 1, false],
      [['broadcast_delay'], 1, true],
      [['broadcast_delay'], 999_999, true],
      [['broadcast_delay:30'], 30, true],
      [['broadcast_delay:30'], 31, false],
      [['broadcast_delay:10', 'audience_cap', 'broadcast_delay:30'], 30, true],
      [['broadcast_delay:0'], 1, false],
      [['broadcast_delay:030'], 1, false],
      [['broadcast_delay:'], 1, false],
      [['broadcast_delay:-1'], 1, false],
      [['broadcast_delay:1e3'], 1, false],
      [['broadcast_delay:30 '], 1, false],
      [['broadcast_delay:9999999'], 1, false],
      [['xbroadcast_delay:30'], 1, false],
      [['audience_cap:30'], 1, false],
    ]
  for (const [supports, seconds, can] of cases)
    it(`of ${seconds} s ${can ? 'can' : 'cannot'} be made by who says ${JSON.stringify(supports)}`, () => {
      expect(supportsDelay(supports, seconds)).toBe(can)
    })

  it('is written as it is read', () => {
    expect(supportsDelay([delayUpTo(30)], 30)).toBe(true)
    expect(supportsDelay([delayUpTo(30)], 31)).toBe(false)
  })
})

describe('of what runs already', () => {
  it('a place chosen at the start is as late as it is, and no later', () => {
    const said = ['audience_cap', 'broadcast_delay:30']
    expect(supportsRunning(said, 10)).toEqual(['audience_cap', 'broadcast_delay:10'])
    expect(supportsRunning(said, 30)).toEqual(said)
    expect(supportsRunning(said, 60)).toEqual(said)
  })
  it('what is shown at once cannot become late', () => {
    expect(supportsRunning(['audience_cap', 'broadcast_delay:30'], 0)).toEqual(['audience_cap'])
  })
  it('who can delay anything at any time still can', () => {
    expect(supportsRunning(['broadcast_delay'], 0)).toEqual(['broadcast_delay'])
    expect(supportsRunning(['broadcast_delay'], 10)).toEqual(['broadcast_delay'])
  })
})
