/**
 * Proofs of random policies: what the engine guarantees is never called false, what is called dead never has an effect in a
 * random history, and every counterexample fails as a test case.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../../../../src/core/policy/evaluate.ts'
import { prove } from '../../../../src/core/policy/prove/prove.ts'
import {
  barePlan,
  withoutExemption,
  withoutRule,
} from '../../../../src/core/policy/prove/restrict.ts'
import { answerKey } from '../../../../src/core/policy/prove/strictness.ts'
import { supportsOf } from '../../../../src/core/policy/vocabulary-facts.ts'
import { aRandomPolicy, compiled } from '../../../support/policy-arbitraries.ts'
import { someRandomFacts } from '../../../support/policy-facts.ts'
import { differencesOf, verdictOf } from './failing.ts'

/** Without shrinking: each step would be a proof. */
const RUNS = { numRuns: Number(process.env.PROPERTY_RUNS ?? 15), endOnFailure: true }
const WORK = { work: 12_000 }
const GUARANTEED = ['unknown-never-allows', 'one-more-never-milder', 'time-never-stricter']

describe('a random policy', () => {
  it('keeps what the engine guarantees, and its counterexamples fail', () => {
    fc.assert(
      fc.property(aRandomPolicy, (policy) => {
        const plan = compiled(policy)
        const proof = prove(plan, WORK)
        for (const property of GUARANTEED)
          expect(verdictOf(proof, property).counterexamples, property).toEqual([])
        for (const { counterexamples } of proof.verdicts)
          for (const one of counterexamples)
            expect(differencesOf(plan, one), JSON.stringify(one)).toBeGreaterThan(0)
      }),
      RUNS,
    )
  })

  it('is answered the same without what is called dead', () => {
    let dead = 0
    fc.assert(
      fc.property(
        aRandomPolicy,
        fc.array(someRandomFacts, { minLength: 20, maxLength: 20 }),
        (policy, all) => {
          const plan = barePlan(compiled(policy))
          const { counterexamples } = verdictOf(prove(plan, WORK), 'no-rule-is-dead')
          for (const { says } of counterexamples) {
            const [, what, id = ''] = /^(rule|exemption) `(.*)` never/.exec(says) ?? []
            if (what === undefined) continue
            dead++
            const less = what === 'rule' ? withoutRule(plan, id) : withoutExemption(plan, id)
            for (const random of all) {
              // Holds and reviews of the past, co-hosts and callers that cannot carry things out are not in the vocabulary.
              const [first] = random.hosts
              const facts = {
                ...random,
                hosts: [{ ...first, holds: [], reviews: [] }] as const,
                supports: supportsOf(plan),
              }
              expect(answerKey(evaluate(less, facts)), says).toBe(answerKey(evaluate(plan, facts)))
            }
          }
        },
      ),
      RUNS,
    )
    // Few random policies have a dead rule; in thousands there are.
    if (RUNS.numRuns >= 100) expect(dead).toBeGreaterThan(2)
  })
})
