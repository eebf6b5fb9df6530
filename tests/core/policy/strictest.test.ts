/** Of several openings the strictest, and of two contents of one strike the earlier: whichever came first. */
import { describe, expect, it } from 'vitest'
import { type Opening, strictest } from '../../../src/core/policy/ladder.ts'
import { standing } from '../../../src/core/standing/standing.ts'
import { addMs } from '../../../src/core/time.ts'
import { ago, aStrike, NOW, STRIKES } from '../../support/plans.ts'

const opening = (warns: boolean, from: number, until: number): Opening => ({
  ...{ row: 0, n: 1, warns },
  from: addMs(NOW, from),
  until: NOW + until,
})

describe('the strictest of several openings', () => {
  const [warned, later, short, long] = [
    opening(true, -9, 90),
    opening(true, -5, 50),
    opening(false, -8, 10),
    opening(false, -7, 20),
  ]
  const TABLE: readonly (readonly [string, readonly Opening[], Opening | null, Opening | null])[] =
    [
      ['is the restriction that ends last', [short, long], long, null],
      ['is a restriction before any warning', [warned, short, later], short, null],
      ['is the latest warning where nothing runs', [warned, later], null, later],
      ['is nothing when all are over', [opening(false, -9, 0), opening(true, -9, 0)], null, null],
    ]
  for (const [name, openings, running, warning] of TABLE)
    it(name, () => {
      expect(strictest(NOW, openings)).toEqual({ running, warning })
      expect(strictest(NOW, openings.toReversed())).toEqual({ running, warning })
    })
})

describe('of two contents of one strike', () => {
  it('the one that took effect earlier stands', () => {
    const both = [ago('2d'), ago('1d')].map((effective_at) => aStrike({ id: 's', effective_at }))
    for (const pair of [both, both.toReversed()])
      expect([...standing(pair, NOW, STRIKES).effective]).toEqual([ago('2d')])
  })
})
