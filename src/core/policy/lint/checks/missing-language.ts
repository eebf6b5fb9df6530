/** Sentences that are lacking in a language other rules speak. */
import type { LintCheck } from '../check.ts'

export const missingLanguage: LintCheck = {
  code: 'missing-language',
  severity: 'warning',
  about: 'A sentence is lacking in a language that other rules speak',
  *run({ rules, plan }) {
    for (const { source, plan: rule } of rules) {
      if (source.because === undefined) continue
      const lacking = plan.languages.filter((language) => !Object.hasOwn(rule.because, language))
      if (lacking.length === 0) continue
      yield {
        at: source.because,
        message: `the sentence of rule \`${rule.id}\` is not there in ${lacking.slice(0, 5).join(', ')}${lacking.length > 5 ? ` and ${lacking.length - 5} more` : ''}, which other rules speak`,
        hint: 'add it in every language',
      }
    }
  },
}
