/** Rules no case ever makes match. */
import type { LintCheck } from '../check.ts'

export const untestedRule: LintCheck = {
  code: 'untested-rule',
  severity: 'warning',
  about: 'No case beside the policy makes a rule match',
  of_tests: true,
  *run({ rules, tests }) {
    for (const { source, plan } of rules)
      if (!tests.matched.has(plan.id))
        yield {
          at: source.id,
          message: `no case makes rule \`${plan.id}\` match`,
          hint: `add a case with \`expect: { rules: [${plan.id}] }\``,
        }
  },
}
