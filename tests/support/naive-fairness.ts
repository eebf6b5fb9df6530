/**
 * Fairness in time a second time, by the words of docs/spec/policy.md and nothing else: one strike, one revision after
 * the other, no form left out. Judges core/policy/inherit*.ts. No `unless`.
 */
import type { Strike } from '../../src/core/model.ts'
import type { Revision } from '../../src/core/policy/inherit.ts'
import type { Plan, RulePlan } from '../../src/core/policy/plan.ts'
import { inWindow, numberOf, selected } from './naive-counting.ts'

/** What a strike costs; `length` -2 is nothing and -1 a warning. */
export interface Cost {
  readonly length: number
  readonly outcome: RulePlan['outcome']
}

const NOTHING: Cost = { length: -2, outcome: 'allow' }
const OUTCOMES: readonly string[] = ['allow', 'delay', 'deny']

function ruleOf(plan: Plan, id: string): RulePlan | undefined {
  return plan.rules.find((rule) => rule.id === id)
}

/** Under one revision alone. */
export function costUnder(plan: Plan, id: string, strike: Strike, all: readonly Strike[]): Cost {
  const rule = ruleOf(plan, id)
  if (!rule?.count || !rule.ladder) return NOTHING
  const { count, ladder, outcome } = rule
  const counted = inWindow(selected(all, count, plan), count, plan, strike.effective_at)
  if (!counted.includes(strike)) return { length: -2, outcome }
  const n = numberOf(counted, plan)
  const length = ladder.filter(({ at }) => at <= n).at(-1)?.length ?? 0
  const words = { forever: Infinity, warn: -1 }
  return { length: typeof length === 'string' ? words[length] : length, outcome }
}

/** Under the revision in force when it took effect, and all since: the milder, unless the word is said. */
export function costOf(
  revisions: readonly Revision[],
  id: string,
  strike: Strike,
  all: readonly Strike[],
): Cost {
  const first = revisions.findLastIndex(({ from }) => from <= strike.effective_at)
  const [then, ...since] = revisions.slice(Math.max(0, first))
  if (then === undefined) throw new Error('there is a revision')
  let cost = costUnder(then.plan, id, strike, all)
  for (const { plan } of since) {
    const now = costUnder(plan, id, strike, all)
    if (ruleOf(plan, id)?.retroactive) cost = now
    else
      cost = {
        length: Math.min(cost.length, now.length),
        outcome:
          OUTCOMES.indexOf(cost.outcome) < OUTCOMES.indexOf(now.outcome)
            ? cost.outcome
            : now.outcome,
      }
  }
  return cost
}
