/** Rules that stop somebody and do not say why. */
import type { RulePlan } from '../../plan.ts'
import type { LintCheck } from '../check.ts'

export const missingBecause: LintCheck = {
  code: 'missing-because',
  severity: 'warning',
  about: 'A rule denies, holds or asks for a review and has no sentence for the person it stops',
  *run({ rules }) {
    for (const { source, plan } of rules)
      if (stops(plan) && source.because === undefined)
        yield {
          at: source.id,
          message: `rule \`${plan.id}\` has no sentence for the person it stops`,
          hint: 'add `because: { en: "…" }`',
        }
  },
}

/** A tape delay or an obligation lets people start. */
function stops({ outcome, hold, review }: RulePlan): boolean {
  return outcome === 'deny' || hold !== null || review !== null
}
