/** Suspensions from the first strike, without a warning before, for what is not grave. */
import type { LintCheck, LintedRule } from '../check.ts'
import { isGrave } from '../gravity.ts'
import { spanOfCategories } from '../spans.ts'

export const noWarningStep: LintCheck = {
  code: 'no-warning-step',
  severity: 'warning',
  about:
    'A rule suspends from the first strike, without a warning before, for violations that are not grave',
  *run({ rules }) {
    for (const rule of rules) {
      if (!suspendsAtOnce(rule) || isGrave(rule.plan)) continue
      const at = rule.source.ladder?.value[0]?.value ?? spanOfCategories(rule)
      yield {
        at,
        message: `rule \`${rule.plan.id}\` suspends from the first strike, without a warning, for violations that are not all grave`,
        hint: 'begin with a warning, `ladder: { 1: warn, 2: … }`, or count grave violations alone',
      }
    }
  },
}

/** A second strike counted comes after the notice of the first, which is a warning. */
function suspendsAtOnce({ plan }: LintedRule): boolean {
  if (plan.outcome !== 'deny' || plan.count === null) return false
  if (plan.ladder !== null) return plan.ladder[0]?.length !== 'warn'
  return plan.count.at_least === 1 || plan.count.weight_at_least === 1
}
