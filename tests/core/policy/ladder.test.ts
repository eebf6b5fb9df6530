import { describe, expect, it } from 'vitest'
import { climb, stepFor } from '../../../src/core/policy/ladder.ts'
import { type Standing, standing } from '../../../src/core/standing/standing.ts'
import { addMs } from '../../../src/core/time.ts'
import { aLadder, aStrike, d, NOW, STRIKES } from '../../support/plans.ts'

describe('the step of the n-th strike', () => {
  const steps = aLadder({ 1: '1d', 3: '3d', 5: 'forever' })
  const cases = [
    { n: 0, at: undefined },
    { n: 1, at: 1 },
    { n: 2, at: 1 },
    { n: 3, at: 3 },
    { n: 4, at: 3 },
    { n: 5, at: 5 },
    { n: 99, at: 5 },
  ]
  for (const { n, at } of cases)
    it(`${n} is step ${at ?? 'none'}`, () => expect(stepFor(steps, n)?.at).toBe(at))
})

describe('a ladder over thousands of strikes', () => {
  /** Every strike in one group, each expiring in an order of its own: the worst case for a walk. */
  function crowd(size: number): Standing {
    const strikes = Array.from({ length: size }, (_, i) =>
      aStrike({
        id: `s${i}`,
        effective_at: addMs(NOW, -i),
        expires_at: addMs(NOW, ((i * 7919) % size) - (i % 3 === 0 ? i - 1 : 0)),
      }),
    )
    return standing(strikes, NOW, STRIKES)
  }

  /** How often climbing looked at the instants of strikes. */
  function looks(size: number, group_within: number): number {
    const table = crowd(size)
    let count = 0
    const counted = (column: Float64Array): Float64Array =>
      new Proxy(column, {
        get(target, key) {
          count++
          return Reflect.get(target, key, target)
        },
      })
    const watched = { ...table, effective: counted(table.effective), expiry: counted(table.expiry) }
    const rows = table.strikes.map((_, row) => row)
    const query = { steps: aLadder({ 1: '1d', 9000: '2d' }), within: d('30d'), group_within }
    expect(climb(query, watched, rows).running?.until).toBe(NOW + d('1d'))
    return count
  }

  for (const group_within of [0, 3, 10_000])
    it(`looks at each strike a fixed number of times (groups of ${group_within} ms)`, () => {
      expect(looks(2048, group_within) / looks(256, group_within)).toBeLessThan(8.5)
    })
})
