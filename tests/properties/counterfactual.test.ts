/** What an explanation claims would change an answer does, exactly so; and nothing smaller of the same kind does. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Facts, SEVERITIES, type Strike } from '../../src/core/model.ts'
import { applyChange, askedNow, withFact } from '../../src/core/policy/counterfactual/apply.ts'
import { answerKey, answerOf, lastingKey } from '../../src/core/policy/counterfactual/judge.ts'
import type { Counterfactual, Effect } from '../../src/core/policy/counterfactual/types.ts'
import { counterfactual } from '../../src/core/policy/counterfactual.ts'
import { edgesOf } from '../../src/core/policy/eligible-edges.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import { inherit } from '../../src/core/policy/inherit.ts'
import type { Plan } from '../../src/core/policy/plan.ts'
import { addMs, epochMs } from '../../src/core/time.ts'
import { NOW } from '../support/plans.ts'
import { aRandomPolicy, compiled } from '../support/policy-arbitraries.ts'
import { aRandomStrike, someRandomFacts } from '../support/policy-facts.ts'

/** A hundred each time; thousands on demand. */
const RUNS = { numRuns: Number(process.env.PROPERTY_RUNS ?? 100) }
const ENOUGH = 1e9

/** Compiled, or in force after an earlier revision that keeps what it promised. */
const aRandomPlan: fc.Arbitrary<Plan> = fc
  .tuple(aRandomPolicy, fc.option(aRandomPolicy), fc.integer({ min: -12, max: 0 }))
  .map(([policy, earlier, from]) => {
    const plan = compiled(policy)
    if (earlier === null) return plan
    const before = { plan: compiled(earlier), revision: 1, from: addMs(NOW, -30) }
    const made = inherit({ plan, revision: 2, from: addMs(NOW, from) }, [before])
    return made.ok ? made.value : plan
  })

type Of<K> = Effect & { readonly change: Extract<Effect['change'], { kind: K }> }
const of = <K extends string>({ changes }: Counterfactual, kind: K): Of<K>[] =>
  changes.filter((effect): effect is Of<K> => effect.change.kind === kind)

function forAll(
  holds: (input: {
    readonly plan: Plan
    readonly facts: Facts
    readonly found: Counterfactual
    readonly extra: Omit<Strike, 'id'>
  }) => void,
): void {
  fc.assert(
    fc.property(aRandomPlan, someRandomFacts, aRandomStrike, (plan, facts, extra) => {
      const found = counterfactual(plan, facts, evaluate(plan, facts), ENOUGH)
      holds({ plan, facts, found, extra })
    }),
    RUNS,
  )
}

describe('every change claimed', () => {
  it('gives exactly the answer claimed, and another than now', () => {
    forAll(({ plan, facts, found }) => {
      const now = evaluate(plan, facts)
      for (const { change, answer } of found.changes) {
        const after = evaluate(plan, applyChange(plan, facts, change))
        expect(answerOf(after)).toEqual(answer)
        if (change.kind !== 'later') expect(answerKey(after)).not.toBe(answerKey(now))
      }
    })
  })

  it('is the whole list unless it says otherwise', () => {
    let whole = 0
    let all = 0
    forAll(({ found }) => {
      const cut = found.incomplete.filter(({ why }) => why === 'work').map(({ kind }) => kind)
      // Strikes that many an `unless` together tells apart, and numbers that are computed with, may be too many.
      expect(cut.filter((kind) => kind !== 'struck' && kind !== 'fact')).toEqual([])
      all++
      if (cut.length === 0) whole++
    })
    expect(whole / all).toBeGreaterThan(0.5)
  })
})

describe('nothing smaller of the same kind', () => {
  it('comes sooner: the answer is the same at every instant up to the first later one', () => {
    forAll(({ plan, facts, found }) => {
      const asked = askedNow(plan, facts)
      const before = lastingKey(evaluate(plan, asked))
      const [first] = of(found, 'later')
      const end = first?.change.at ?? addMs(facts.at, 9_000_000)
      const { strikes, clock } = edgesOf(plan, asked)
      const every = Array.from({ length: 40 }, (_, i) => facts.at + i)
      for (const instant of [...strikes, ...clock, ...every, end - 1]) {
        if (instant < facts.at || instant >= end) continue
        expect(lastingKey(evaluate(plan, { ...asked, at: epochMs(instant) }))).toBe(before)
      }
      if (first !== undefined)
        expect(lastingKey(evaluate(plan, { ...asked, at: end }))).not.toBe(before)
    })
  })

  it('is left out of the strikes whose reversal changes the answer', () => {
    forAll(({ plan, facts, found }) => {
      const now = answerKey(evaluate(plan, facts))
      const listed = of(found, 'reversed').map(({ change }) => `${change.host} ${change.strike}`)
      if (found.incomplete.some(({ kind }) => kind === 'reversed')) return
      facts.hosts.forEach(({ strikes }, host) => {
        for (const { id } of strikes) {
          const changed = applyChange(plan, facts, { kind: 'reversed', host, strike: id })
          const differs = answerKey(evaluate(plan, changed)) !== now
          expect([`${host} ${id}`, differs]).toEqual([
            `${host} ${id}`,
            listed.includes(`${host} ${id}`),
          ])
        }
      })
    })
  })

  it('is a strike: no lighter, milder one gives the same answer as one that is claimed', () => {
    forAll(({ plan, facts, found, extra }) => {
      if (found.incomplete.some(({ kind }) => kind === 'struck')) return
      const { category, scope, context, source, severity, weight } = extra
      const strike = {
        ...{ category, scope, severity, weight },
        ...(context === undefined ? {} : { context }),
        ...(source === undefined ? {} : { source }),
      }
      const changed = applyChange(plan, facts, { kind: 'struck', host: 0, strike })
      const key = answerKey(evaluate(plan, changed))
      if (key === answerKey(evaluate(plan, facts))) return
      const claimed = of(found, 'struck').find(({ answer }) => answerKey(answer) === key)
      expect(claimed).toBeDefined()
      if (claimed === undefined) return
      const least = claimed.change.strike
      const size = (one: { weight: number; severity: Strike['severity'] }): number =>
        one.weight * 10 + SEVERITIES.indexOf(one.severity)
      expect(size(least)).toBeLessThanOrEqual(size(strike))
    })
  })

  it('is a number nearer to what it is now', () => {
    forAll(({ plan, facts, found }) => {
      if (found.incomplete.some(({ kind }) => kind === 'fact')) return
      const now = answerKey(evaluate(plan, facts))
      for (const { change } of of(found, 'fact')) {
        const { from, to } = change
        if (typeof from !== 'number' || typeof to !== 'number') continue
        const side = Math.sign(to - from)
        const nearest = of(found, 'fact').filter(
          ({ change: c }) =>
            c.fact === change.fact &&
            c.host === change.host &&
            Math.sign(Number(c.to) - from) === side,
        )
        const least = Math.min(...nearest.map(({ change: c }) => Math.abs(Number(c.to) - from)))
        for (let by = 1; by < Math.min(least, 50); by++) {
          const nearer = withFact(facts, change.host, change.fact, from + side * by)
          expect(answerKey(evaluate(plan, nearer))).toBe(now)
        }
      }
    })
  })
})

describe('an unknown fact', () => {
  it('gives the answer claimed for each way it could turn out', () => {
    forAll(({ plan, facts, found }) => {
      for (const { fact, host, strike, ways } of found.settles)
        for (const { value, answer } of ways) {
          const change = { kind: 'fact', host, fact, strike, from: null, to: value } as const
          const known = applyChange(plan, facts, change)
          expect(known).not.toEqual(facts)
          expect(answerOf(evaluate(plan, known))).toEqual(answer)
        }
    })
  })

  it('is listed wherever the decision says that it is lacking', () => {
    forAll(({ plan, facts, found }) => {
      for (const { facts: paths } of evaluate(plan, facts).unknown)
        for (const path of paths)
          if (!path.startsWith('strike.') && path !== 'evaluation_error')
            expect(found.settles.map(({ fact }) => fact)).toContain(path)
    })
  })
})

describe('a rule that nearly matches', () => {
  it('matches, or ceases to, with the change that is named', () => {
    forAll(({ plan, facts, found }) => {
      for (const { rule, host, change, matches, away } of found.near) {
        const ids = (at: Facts): boolean =>
          evaluate(plan, at).reasons.some(
            (reason) =>
              reason.rule === rule &&
              reason.host === host &&
              reason.code !== 'fact_unknown' &&
              reason.code !== 'warning',
          )
        expect(ids(applyChange(plan, facts, change))).toBe(matches)
        if (away !== 'step') expect(ids(facts)).toBe(!matches)
      }
    })
  })
})
