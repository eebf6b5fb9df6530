/** The word that lengthens what is past, which every later revision with this text says again. */
import type { LintCheck } from '../check.ts'

export const lastingRetroactive: LintCheck = {
  code: 'lasting-retroactive',
  severity: 'info',
  about:
    'A rule may lengthen what earlier strikes cost, in this revision and each later one that keeps the word',
  *run({ rules }) {
    for (const { source, plan } of rules) {
      if (source.retroactive === undefined) continue
      yield {
        at: source.retroactive,
        message: `rule \`${plan.id}\` may lengthen what earlier strikes cost, and will with every change for as long as it says so`,
        hint: 'remove `retroactive` with the next revision: what it lengthened stays',
      }
    }
  },
}
