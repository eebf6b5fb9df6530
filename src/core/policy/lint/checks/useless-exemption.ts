/** Exemptions that are true for nobody. */
import type { LintCheck } from '../check.ts'
import { truthFrom } from '../truth.ts'

export const uselessExemption: LintCheck = {
  code: 'useless-exemption',
  severity: 'warning',
  about: 'An exemption can never be true',
  *run({ exemptions, now }) {
    for (const { source, plan } of exemptions)
      if (truthFrom(plan.when, now) === false)
        yield {
          at: source.when,
          message: `exemption \`${plan.id}\` lifts nothing: its \`when\` is false whatever the facts are`,
          hint: 'correct the condition, or remove the exemption',
        }
  },
}
