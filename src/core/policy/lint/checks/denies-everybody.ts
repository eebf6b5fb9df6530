/** Rules that deny whoever asks, and that no exemption lifts. */
import type { LintCheck } from '../check.ts'
import { truthFrom } from '../truth.ts'

export const deniesEverybody: LintCheck = {
  code: 'denies-everybody',
  severity: 'error',
  about: 'A rule denies everybody, and no exemption names it',
  *run({ rules, exemptions, now }) {
    const lifted = new Set(exemptions.flatMap(({ plan }) => plan.rules))
    for (const { source, plan } of rules) {
      if (plan.outcome !== 'deny' || plan.count !== null || plan.when === null) continue
      if (source.when === undefined || lifted.has(plan.id)) continue
      if (truthFrom(plan.when, now) !== true) continue
      yield {
        at: source.when,
        message: `rule \`${plan.id}\` denies everybody: its \`when\` is true whatever the facts are`,
        hint: 'say in `when` who is denied, or exempt who is not',
      }
    }
  },
}
