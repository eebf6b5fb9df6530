/** Denials on the ground of strikes, for a time, that nobody can appeal against. */
import type { LintCheck } from '../check.ts'
import { restsOnStrikes } from '../gravity.ts'
import { endlessAt } from './ban-without-way-back.ts'

export const denyWithoutAppeal: LintCheck = {
  code: 'deny-without-appeal',
  severity: 'warning',
  about: 'A rule denies on the ground of strikes and gives no appeal',
  *run(policy) {
    for (const rule of policy.rules) {
      const { plan, source } = rule
      if (plan.outcome !== 'deny' || plan.appeal !== null || !restsOnStrikes(plan)) continue
      if (endlessAt(rule, policy) !== null) continue
      yield {
        at: source.id,
        message: `rule \`${plan.id}\` denies on the ground of strikes and gives no appeal`,
        hint: 'add `appeal: { within: 184d, url: … }`',
      }
    }
  },
}
