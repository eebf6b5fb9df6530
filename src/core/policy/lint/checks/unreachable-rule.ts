/** Rules that match nobody: a `when` that is false, an `unless` that lifts every strike, a number no window can hold. */
import { type DurationMs, formatDuration } from '../../../time.ts'
import type { Finding, LintCheck, LintedPolicy, LintedRule } from '../check.ts'
import { mostCounted } from '../span-of-time.ts'
import { truthAlways, truthFrom, truthOfUnless } from '../truth.ts'

export const unreachableRule: LintCheck = {
  code: 'unreachable-rule',
  severity: 'warning',
  about: 'A rule can never match',
  *run(policy) {
    for (const rule of policy.rules) {
      const finding = onWhen(rule, policy) ?? onUnless(rule) ?? onNumber(rule, policy)
      if (finding !== null) yield finding
    }
  },
}

function onWhen({ source, plan }: LintedRule, { now }: LintedPolicy): Finding | null {
  if (source.when === undefined || plan.when === null) return null
  if (truthFrom(plan.when, now) !== false) return null
  const never = truthAlways(plan.when) === false
  return {
    at: source.when,
    message: `rule \`${plan.id}\` can never match${never ? '' : ' from now on'}: its \`when\` is false whatever the facts are`,
    hint: never ? 'correct the condition, or remove the rule' : 'remove the rule: its time is over',
  }
}

function onUnless({ source, plan }: LintedRule): Finding | null {
  const unless = plan.count?.unless ?? null
  if (source.unless === undefined || unless === null || truthOfUnless(unless) !== true) return null
  return {
    at: source.unless,
    message: `rule \`${plan.id}\` can never match: its \`unless\` lifts every strike`,
    hint: 'correct the condition, or remove the rule',
  }
}

function onNumber({ source, plan }: LintedRule, policy: LintedPolicy): Finding | null {
  const at = source.count?.value.at_least
  const { count } = plan
  if (at === undefined || count === null || count.weight_at_least !== null) return null
  const most = mostCounted(policy.plan, count)
  if (count.at_least <= most) return null
  const within = formatDuration(count.within as DurationMs)
  const grouped = formatDuration(policy.plan.strikes.group_within)
  return {
    at,
    message: `rule \`${plan.id}\` can never match: ${within} hold at most ${most} strikes that are more than ${grouped} apart`,
    hint: 'lengthen `within`, or shorten `group_within`',
  }
}
