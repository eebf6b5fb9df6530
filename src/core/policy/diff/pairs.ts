/**
 * Two plans taken apart into pairs that can differ: a rule of the one with the rule of the same id of the other, each
 * with its exemptions; and what the policies say as a whole.
 *
 * Answers are joined, so plans whose rules answer alike one by one answer alike. Pairs that are the same to the letter
 * are not searched.
 */
import { durationMs, MAX_DURATION_MS } from '../../time.ts'
import type { Condition, ExemptionPlan, Plan, RulePlan, StrikeCondition } from '../plan.ts'
import { onlyRules } from '../prove/restrict.ts'

export interface Pair {
  /** Null for default and lease. */
  readonly rule: string | null
  readonly a: Plan
  readonly b: Plan
  /** The answer is made alike; only words, clause, ground or appeal differ. */
  readonly wordsOnly: boolean
}

/** Pairs that are not the same to the letter, by rule id. */
export function pairsOf(a: Plan, b: Plan): Pair[] {
  const ids = [...new Set([...a.rules, ...b.rules].map(({ id }) => id))].sort()
  const pairs = ids.flatMap((id): Pair[] => {
    const [left, right] = [a, b].map((plan) => alone(plan, id)) as [Plan, Plan]
    if (spelled(left) !== spelled(right)) return [{ rule: id, a: left, b: right, wordsOnly: false }]
    const [x, y] = [a, b].map((plan) => plan.rules.find((rule) => rule.id === id))
    if (words(x) === words(y)) return []
    return [{ rule: id, a: left, b: right, wordsOnly: true }]
  })
  const [left, right] = [a, b].map((plan) => ({ ...onlyRules(plan, []), default: plan.default }))
  if (left === undefined || right === undefined || spelledWhole(a) === spelledWhole(b)) return pairs
  return [{ rule: null, a: left, b: right, wordsOnly: false }, ...pairs]
}

/** The lease and the default belong to the policy as a whole, and are compared once and not with every rule. */
function alone(plan: Plan, id: string): Plan {
  return { ...onlyRules(plan, [id]), lease_ms: durationMs(MAX_DURATION_MS) }
}

function spelledWhole({ default: otherwise, lease_ms }: Plan): string {
  return JSON.stringify([otherwise, lease_ms])
}

/** Everything that makes the answer of one rule, as text. */
function spelled({ rules, exemptions, strikes, on_unknown, unsupported }: Plan): string {
  if (rules.length === 0) return ''
  const lifts = exemptions.map(({ when }: ExemptionPlan) => when.source).sort()
  return canonical([rules, lifts, strikes, on_unknown, unsupported])
}

function words(rule: RulePlan | undefined): string {
  if (rule === undefined) return ''
  const { ground, clause, reference, jurisdiction, because, appeal } = rule
  return canonical([ground, clause, reference, jurisdiction, because, appeal])
}

/** JSON with members and sets sorted; a condition is its source. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (member instanceof Set) return [...member].sort()
    if (member instanceof Map) return [...member].sort(([x], [y]) => (x < y ? -1 : 1))
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    if ('evaluate' in member) return (member as Condition | StrikeCondition).source
    return Object.fromEntries(Object.entries(member).sort(([x], [y]) => (x < y ? -1 : 1)))
  })
}
