/**
 * A plan cut down to some of its rules, with the exemptions that lift them.
 *
 * The answer of a plan is the join of the answers of its rules taken alone, each with its own exemptions, and of the
 * default: no rule reads another. That is what lets a proof look at one rule at a time (tests/core/policy/prove holds
 * evaluate.ts to it). Sentences and appeals are left out: they cost time and change no answer.
 */
import type { Plan, RulePlan } from '../plan.ts'

/** The rules named, bare, and the exemptions that name them. The default is left out: it is no rule's. */
export function onlyRules(plan: Plan, ids: readonly string[]): Plan {
  const wanted = new Set(ids)
  return {
    ...plan,
    languages: [],
    default: 'allow',
    invariants: [],
    rules: plan.rules.filter(({ id }) => wanted.has(id)).map(bare),
    exemptions: plan.exemptions
      .filter(({ rules }) => rules.some((id) => wanted.has(id)))
      .map((exemption) => ({
        ...exemption,
        rules: exemption.rules.filter((id) => wanted.has(id)),
      })),
  }
}

/** The whole plan without what is only said and not done. */
export function barePlan(plan: Plan): Plan {
  return { ...plan, languages: [], rules: plan.rules.map(bare) }
}

/** The plan without one rule. */
export function withoutRule(plan: Plan, id: string): Plan {
  return { ...plan, rules: plan.rules.filter((rule) => rule.id !== id) }
}

/** The plan without one exemption. */
export function withoutExemption(plan: Plan, id: string): Plan {
  return { ...plan, exemptions: plan.exemptions.filter((exemption) => exemption.id !== id) }
}

function bare(rule: RulePlan): RulePlan {
  return { ...rule, because: {}, appeal: null, clause: null }
}
