/** Rules that count nothing yet. */
import { formatInstant } from '../../../time.ts'
import type { LintCheck } from '../check.ts'

export const sinceInFuture: LintCheck = {
  code: 'since-in-future',
  severity: 'info',
  about: 'A rule counts strikes from an instant that is still to come',
  *run({ rules, now }) {
    for (const { source, plan } of rules) {
      const since = source.count?.value.since
      if (since === undefined || since.value <= now) continue
      yield {
        at: since,
        message: `rule \`${plan.id}\` counts nothing before ${formatInstant(since.value)}, which is still to come`,
      }
    }
  },
}
