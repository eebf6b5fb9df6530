import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { EXPLANATION_ANSWER } from '../../../src/adapters/http/answers.ts'
import { renderExplanation } from '../../../src/adapters/http/render-explanation.ts'
import { explain } from '../../../src/core/policy/explain.ts'
import { inherit } from '../../../src/core/policy/inherit.ts'
import { ago, aStrike, someFacts } from '../../support/plans.ts'
import { compiled, type Json } from '../../support/policy-arbitraries.ts'

/** What a strike of revision 1 (a week) is told under revision 2. */
function toldUnder(rule: Json): Json {
  const count = { category: '*' }
  const plans = [{ ladder: { 1: '7d' } }, rule].map((part) =>
    compiled({ rules: [{ id: 'r', count, outcome: 'deny', ...part }] }),
  )
  const [one, two] = plans
  if (one === undefined || two === undefined) throw new Error('there are two plans')
  const earlier = { plan: one, revision: 1, from: ago('90d') }
  const made = inherit({ plan: two, revision: 2, from: ago('1d') }, [earlier])
  if (!made.ok) throw new Error('the plan is made')
  const strikes = [aStrike({ id: 's_1', effective_at: ago('2d') })]
  const answer = renderExplanation(explain(made.value, someFacts({ strikes })))
  v.assert(EXPLANATION_ANSWER, answer)
  return answer
}

describe('an explanation on the wire', () => {
  it('says what is kept from which revision, in seconds and in words', () => {
    expect(toldUnder({ ladder: { 1: '30d' } })).toMatchObject({
      until: '2026-02-05T00:00:00.000Z',
      trace: [
        {
          kept: [
            {
              strike: 's_1',
              from: '2026-01-29T00:00:00.000Z',
              revision: 1,
              outcome: 'deny',
              length: 604_800,
              instead: { outcome: 'deny', length: 2_592_000 },
              text: 'kept from revision 1: 7d instead of 30d',
            },
          ],
        },
      ],
    })
  })

  it('says why a rule is retroactive, and nothing of either where there is nothing to say', () => {
    const why = 'the law of 2026 says so'
    const told = toldUnder({ ladder: { 1: '30d' }, retroactive: { why } })
    expect(told).toMatchObject({ trace: [{ retroactive: why }] })
    expect(JSON.stringify(told)).not.toContain('kept')
    expect(JSON.stringify(toldUnder({ ladder: { 1: '5d' } }))).not.toMatch(/kept|retroactive/)
  })
})
