/** The tests of the policies that come with livegate notice nine of ten small mistakes in them; see scripts/mutants. */
import { describe, expect, it } from 'vitest'
import { policyScores } from '../../scripts/mutants/policy-score.ts'
import { ENOUGH, ratio, type Score, scoreText } from '../../scripts/mutants/score.ts'

/** No policy may hide behind the others. */
const FLOOR = 0.85

describe('a mistake in a policy', () => {
  const scores = policyScores()

  it('is noticed nine times of ten', () => {
    const sum = (of: (score: Score) => number): number =>
      scores.reduce((total, score) => total + of(score), 0)
    const differing = sum(({ tried, equivalent }) => tried - equivalent)
    expect(differing).toBeGreaterThan(500)
    expect(sum(({ killed }) => killed) / differing).toBeGreaterThanOrEqual(ENOUGH)
  })

  for (const score of scores) {
    it(`is noticed in ${score.of} as elsewhere`, () =>
      expect(ratio(score), scoreText(score)).toBeGreaterThanOrEqual(FLOOR))

    it(`is not excused without need in ${score.of}`, () => expect(score.unused).toEqual([]))
  }
})
