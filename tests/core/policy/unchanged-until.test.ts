import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision, Facts } from '../../../src/core/model.ts'
import { evaluate } from '../../../src/core/policy/evaluate.ts'
import { unchangedUntil } from '../../../src/core/policy/unchanged-until.ts'
import { addMs, type EpochMs } from '../../../src/core/time.ts'
import { NOW } from '../../support/plans.ts'
import { aRandomPolicy, compiled } from '../../support/policy-arbitraries.ts'
import { aRandomStrike, someRandomFacts } from '../../support/policy-facts.ts'

const YEAR = 365 * 86_400_000

/** All but what counts from the ask. */
function said(decision: Decision): unknown {
  return { ...decision, review: decision.review === null ? null : { ...decision.review, by: 0 } }
}

describe('until when a decision stays what it is', () => {
  it('it is the same at every instant before, for random policies and histories', () => {
    let held = 0
    fc.assert(
      fc.property(aRandomPolicy, someRandomFacts, (policy, facts) => {
        const plan = compiled(policy)
        const now = evaluate(plan, facts)
        // Such a one is told anew, and an allow has a lease of its own.
        if (now.holds_opened.length > 0 || now.lease_until !== null) return
        const until = unchangedUntil(plan, facts, YEAR)
        for (let at = NOW + 1; at < Math.min(until, NOW + 40); at++) {
          held++
          expect(said(evaluate(plan, { ...facts, at: at as EpochMs }))).toEqual(said(now))
        }
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 300) },
    )
    expect(held).toBeGreaterThan(50)
  })

  const PLAN = compiled({
    livegate: 'policy/v1',
    name: 'test',
    rules: [
      {
        ...{ id: 'struck', ground: 'terms', count: { category: ['*'] } },
        ...{ ladder: { 1: '30d', 2: '90d', 3: 'forever' }, outcome: 'deny' },
      },
    ],
    on_unknown: { retry_after: '30s' },
    default: 'allow',
    lease: '4h',
  })
  const DAY = 86_400_000
  const aHistory = (given: Partial<Facts['hosts'][0]>): Facts => ({
    at: NOW,
    hosts: [
      {
        ...{ subject: 'p', facts: {}, sources: {}, strikes: [], holds: [], reviews: [] },
        ...{ open_broadcasts: 0, ...given },
      },
    ],
    ...{ stream: {}, request: {}, incident: { active: false }, platform: {}, supports: [] },
  })
  const aStrike = (effective_at: EpochMs): Facts['hosts'][0]['strikes'][0] => ({
    ...fc.sample(aRandomStrike, { numRuns: 1, seed: 1 })[0],
    ...{ id: 's', subject: 'p', category: 'hate.speech', severity: 'high', weight: 1 },
    ...{ scope: 'any', status: 'active', effective_at, issued_at: effective_at },
  })

  it.each([
    {
      name: 'a stored fact is dropped the millisecond after its age',
      facts: aHistory({ sources: { followers: { from: 'stored', as_of: addMs(NOW, -DAY) } } }),
      age: 2 * DAY,
      until: NOW + DAY + 1,
    },
    {
      name: 'one that is too old already changes nothing any more',
      facts: aHistory({ sources: { created_at: { from: 'stored', as_of: addMs(NOW, -DAY) } } }),
      age: DAY - 1,
      until: Number.POSITIVE_INFINITY,
    },
    {
      name: 'a strike ahead of the instant is not looked past',
      facts: aHistory({ strikes: [aStrike(addMs(NOW, 1))] }),
      age: YEAR,
      until: NOW,
    },
    {
      name: 'nor is a word of a reviewer',
      facts: aHistory({ reviews: [{ rule: 'r', result: 'released', at: addMs(NOW, 1) }] }),
      age: YEAR,
      until: NOW,
    },
    {
      name: 'nor is a history that costs more to look through than to evaluate',
      facts: aHistory({ strikes: Array.from({ length: 4096 }, () => aStrike(addMs(NOW, -1))) }),
      age: YEAR,
      until: NOW,
    },
  ])('$name', ({ facts, age, until }) => {
    expect(unchangedUntil(PLAN, facts, age)).toBe(until)
  })
})
