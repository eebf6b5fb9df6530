/** Denials under the terms that do not name the clause. */
import type { LintCheck } from '../check.ts'
import { restsOnStrikes } from '../gravity.ts'

export const missingClause: LintCheck = {
  code: 'missing-clause',
  severity: 'warning',
  about: 'A rule denies under the terms on the ground of strikes and names no clause',
  *run({ rules }) {
    for (const { source, plan } of rules) {
      if (plan.outcome !== 'deny' || plan.ground !== 'terms' || plan.clause !== null) continue
      if (!restsOnStrikes(plan)) continue
      yield {
        at: source.id,
        message: `rule \`${plan.id}\` denies under the terms and names no clause`,
        hint: 'add `clause: …`, as people find it in the terms',
      }
    }
  },
}
