/**
 * Says which restrictions are what they are because of an earlier revision, for people.
 *
 * "kept from revision 3: 7d instead of 30d". Part of an explanation, never of a decision.
 * Spec: docs/spec/policy.md, "Fairness in time".
 */
import { type EpochMs, formatDuration } from '../time.ts'
import { select } from './count.ts'
import type { HostContext } from './evaluate-rule.ts'
import { isLadder } from './inherit-forms.ts'
import { keptLadder } from './inherit-ladder.ts'
import type { LadderStep, RulePlan } from './plan.ts'

/** What one strike opened, and what it would have opened by the rule as it is now. */
export interface KeptTrace {
  /** Id of the opening strike, and when it took effect. */
  readonly strike: string
  readonly from: EpochMs
  /** The revision that is kept. */
  readonly revision: number
  /** Null length: nothing was opened, the rule was not there. */
  readonly kept: KeptMeasure
  readonly instead: KeptMeasure
}

export interface KeptMeasure {
  readonly outcome: RulePlan['outcome']
  readonly length: LadderStep['length'] | null
}

/** By strike. Empty for a rule that inherits nothing. */
export function traceKept(context: HostContext, rule: RulePlan): readonly KeptTrace[] {
  if (rule.inherited === null) return []
  const { milder } = rule.inherited
  const own = keptBy(context, rule, { outcome: rule.outcome, revision: null })
  const others = milder.flatMap((form) =>
    keptBy(context, form.rule, { outcome: rule.outcome, revision: form.revision }),
  )
  return [...own, ...others].sort((a, b) => a.from - b.from || (a.strike < b.strike ? -1 : 1))
}

function keptBy(
  context: HostContext,
  rule: RulePlan,
  now: { readonly outcome: RulePlan['outcome']; readonly revision: number | null },
): readonly KeptTrace[] {
  if (!isLadder(rule) || rule.inherited === null) return []
  const selection = select(rule.count, context.table, 'ever', context.scope)
  return keptLadder(context, rule, selection).openings.flatMap((opening) => {
    const revision = opening.kept?.revision ?? now.revision
    if (revision === null) return []
    const { length, kept: cut } = opening
    const instead = { outcome: now.outcome, length: cut?.instead ?? length }
    const strike = context.table.strikes[opening.row]?.id ?? ''
    const kept = { outcome: rule.outcome, length }
    return [{ strike, from: opening.from, revision, kept, instead }]
  })
}

/** `kept from revision 3: 7d instead of 30d`; with the outcomes where they differ too. */
export function keptText({ revision, kept, instead }: KeptTrace): string {
  const alike = kept.outcome === instead.outcome
  const say = ({ outcome, length }: KeptMeasure): string =>
    alike || length === null ? lengthText(length) : `${outcome} ${lengthText(length)}`
  return `kept from revision ${revision}: ${say(kept)} instead of ${say(instead)}`
}

function lengthText(length: LadderStep['length'] | null): string {
  if (length === null) return 'nothing'
  return typeof length === 'string' ? length : formatDuration(length)
}
