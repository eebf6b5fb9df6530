/** Windows that reach further back than any strike in them lives. */
import { type DurationMs, formatDuration } from '../../../time.ts'
import type { LintCheck } from '../check.ts'
import { longestExpiry } from '../span-of-time.ts'

export const windowLongerThanExpiry: LintCheck = {
  code: 'window-longer-than-expiry',
  severity: 'warning',
  about: 'A window reaches further back than the strikes in it live',
  *run({ rules, plan }) {
    for (const { source, plan: rule } of rules) {
      const within = source.count?.value.within
      if (within === undefined || rule.count === null) continue
      const expiry = longestExpiry(plan.strikes, rule.count.categories)
      if (within.value <= expiry) continue
      const lives = formatDuration(expiry as DurationMs)
      yield {
        at: within,
        message: `rule \`${rule.id}\` looks back ${formatDuration(within.value)}, but its strikes expire after ${lives}`,
        hint: `write \`within: ${lives}\`, or let the strikes live longer in \`strikes.expire\``,
      }
    }
  },
}
