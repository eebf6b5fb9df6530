/**
 * Tables of evaluations: rules, facts and what the decision must say.
 */
import { describe, expect, it } from 'vitest'
import type { Decision, Facts, HostFacts } from '../../src/core/model.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import type { Plan, RulePlan } from '../../src/core/policy/plan.ts'
import { addMs } from '../../src/core/time.ts'
import { aCount, aPlan, aRule, aStrike, NOW, someFacts } from './plans.ts'

export interface Case {
  readonly name: string
  readonly rules: readonly RulePlan[]
  readonly plan?: Partial<Plan>
  readonly host?: Partial<HostFacts>
  readonly facts?: Partial<Facts>
  readonly expect: Partial<Decision>
}

export function table(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    for (const { name, rules, plan, host, facts, expect: expected } of cases)
      it(name, () => {
        const decision = evaluate(aPlan({ rules, ...plan }), someFacts(host, facts))
        expect(decision).toMatchObject(expected)
      })
  })
}

/** Strikes `s1`, `s2`, ... taking effect at these instants. */
export const strikesAt = (...instants: readonly number[]): Partial<HostFacts> => ({
  strikes: instants.map((instant, i) =>
    aStrike({ id: `s${i + 1}`, effective_at: addMs(NOW, instant - NOW) }),
  ),
})
export const NOTHING: Partial<Decision> = { outcome: 'allow', rules: [], reasons: [] }
export const counting = (
  part: Parameters<typeof aCount>[0],
  rule: Partial<RulePlan> = {},
): RulePlan => aRule({ id: 'r', count: aCount(part), ...rule })
