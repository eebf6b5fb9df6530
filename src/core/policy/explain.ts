/**
 * The decision with its working: per host and rule whether it matched, was lifted or could not be known, and what
 * was counted; when the person may go live again, what would have to be different, and what to tell the person.
 *
 * For people at a screen: never signed, never logged. The decision is evaluate.ts's own.
 * Spec: docs/spec/policy.md, "Explanations".
 */
import type { Decision, Facts } from '../model.ts'
import type { Standing } from '../standing/standing.ts'
import type { EpochMs } from '../time.ts'
import { groups, select } from './count.ts'
import type { Counterfactual } from './counterfactual/types.ts'
import { counterfactual, MAX_COUNTERFACTUAL_WORK } from './counterfactual.ts'
import { type Eligibility, eligibleAt } from './eligible.ts'
import { evaluate } from './evaluate.ts'
import { type HostContext, hostContext, matchRule, type RuleMatch } from './evaluate-rule.ts'
import { type KeptTrace, traceKept } from './inherit-explain.ts'
import type { CountPlan, Plan, RulePlan } from './plan.ts'
import { sentenceFor } from './sentence.ts'
import type { Trivalent } from './trivalent.ts'

export interface Explanation {
  /** The instant explained. */
  readonly at: EpochMs
  readonly decision: Decision
  /** By host, then rule id. */
  readonly trace: readonly RuleTrace[]
  readonly eligible_at: Eligibility
  /** What would have to be different. */
  readonly counterfactual: Counterfactual
  /** For the person affected, by language. */
  readonly sentence: Readonly<Record<string, string>>
}

export interface RuleTrace {
  readonly rule: string
  readonly host: number
  /** `satisfied`: matched, but its hold or review is done. `not_enforced`: it applies, and is not enforced for this host. */
  readonly state:
    | 'matched'
    | 'not_matched'
    | 'unknown'
    | 'lifted'
    | 'satisfied'
    | 'warning'
    | 'not_enforced'
  /** True exemptions that name the rule, sorted; they lifted it if `state` is `lifted`. */
  readonly exemptions: readonly string[]
  /** Facts that were lacking, sorted. */
  readonly missing: readonly string[]
  /** Truth of the `when` by itself; null without. */
  readonly when: { readonly source: string; readonly truth: Trivalent } | null
  /** Null for a rule that counts nothing. */
  readonly count: CountTrace | null
  /** Restrictions that are shorter than by the rule as it is now, or milder, because their strike is older than it. */
  readonly kept: readonly KeptTrace[]
  /** Why the rule lengthens what strikes of earlier times cost; null if it does not. */
  readonly retroactive: string | null
}

export interface CountTrace {
  /** Ids counted in the window ending now, sorted. */
  readonly strikes: readonly string[]
  /** Their number after grouping, and their weights. */
  readonly n: number
  readonly weight: number
  /** What a match needs; null on a ladder. */
  readonly at_least: number | null
  readonly weight_at_least: number | null
  /** What one more strike, ungrouped, would open now; null without ladder. */
  readonly next_step: { readonly n: number; readonly length: number | 'forever' | 'warn' } | null
}

/** Explains one decision. Not for the hot path: costs many evaluations, of which `work` bounds those of changed facts. */
export function explain(
  plan: Plan,
  facts: Facts,
  work: number = MAX_COUNTERFACTUAL_WORK,
): Explanation {
  const decision = evaluate(plan, facts)
  const trace = facts.hosts.flatMap((host, index) => {
    const context = hostContext(plan, facts, index, host)
    return plan.rules.map((rule) => traceRule(context, rule, decision))
  })
  const eligible_at = eligibleAt(plan, facts)
  return {
    at: facts.at,
    decision,
    trace,
    eligible_at,
    counterfactual: counterfactual(plan, facts, decision, work),
    sentence: sentenceFor(plan, decision, eligible_at),
  }
}

function traceRule(context: HostContext, rule: RulePlan, decision: Decision): RuleTrace {
  const match = strongest([rule, ...milderOf(rule)].map((one) => matchRule(context, one)))
  const exemptions = context.plan.exemptions
    .filter(({ rules, when }) => rules.includes(rule.id) && when.evaluate(context.scope) === true)
    .map(({ id }) => id)
    .sort()
  const reasons = decision.reasons.filter(
    (reason) => reason.rule === rule.id && reason.host === context.index,
  )
  const kept = reasons.some(({ code }) => code === 'restriction_kept')
  const state = kept
    ? 'matched'
    : isSpared(rule, context, decision)
      ? 'not_enforced'
      : stateOf(match, exemptions.length > 0, reasons.length > 0)
  return {
    rule: rule.id,
    host: context.index,
    state,
    exemptions,
    missing: match.missing,
    when:
      rule.when === null
        ? null
        : { source: rule.when.source, truth: rule.when.evaluate(context.scope) },
    count: rule.count === null ? null : traceCount(context, rule, rule.count),
    kept: traceKept(context, rule),
    retroactive: rule.retroactive?.why ?? null,
  }
}

function isSpared({ id }: RulePlan, { index }: HostContext, { would }: Decision): boolean {
  return would?.rules.some(({ rule, host }) => rule === id && host === index) ?? false
}

function milderOf({ inherited }: RulePlan): readonly RulePlan[] {
  return inherited === null ? [] : inherited.milder.map((form) => form.rule)
}

const STRENGTH: readonly RuleMatch['truth'][] = [false, 'warning', 'unknown', true]

/** Of the same rule for strikes of different times, the one that says most. */
function strongest(matches: readonly RuleMatch[]): RuleMatch {
  return matches.reduce((a, b) => (STRENGTH.indexOf(b.truth) > STRENGTH.indexOf(a.truth) ? b : a))
}

function stateOf(match: RuleMatch, lifted: boolean, listed: boolean): RuleTrace['state'] {
  if (match.truth === false) return 'not_matched'
  if (lifted) return 'lifted'
  if (match.truth !== true) return match.truth
  return listed ? 'matched' : 'satisfied'
}

function traceCount(context: HostContext, rule: RulePlan, count: CountPlan): CountTrace {
  const { table, scope, plan } = context
  const { rows } = select(count, table, 'now', scope)
  const { group_within } = plan.strikes
  const n = groups(table, rows, group_within)
  return {
    strikes: rows.map((row) => table.strikes[row]?.id ?? '').sort(),
    n,
    weight: weightOf(table, rows),
    at_least:
      rule.ladder !== null || count.at_least === Number.MAX_SAFE_INTEGER ? null : count.at_least,
    weight_at_least: count.weight_at_least,
    next_step: rule.ladder === null ? null : nextStep(rule.ladder, n + 1),
  }
}

function nextStep(ladder: NonNullable<RulePlan['ladder']>, n: number): CountTrace['next_step'] {
  const step = ladder.findLast(({ at }) => at <= n)
  return step === undefined ? null : { n, length: step.length }
}

function weightOf(table: Standing, rows: readonly number[]): number {
  let weight = 0
  for (const row of rows) weight += table.strikes[row]?.weight ?? 0
  return weight
}
