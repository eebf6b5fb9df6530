/** Ladders that forget a strike before its own restriction ends, so that whoever comes back begins anew. */
import { type DurationMs, formatDuration } from '../../../time.ts'
import type { LintCheck } from '../check.ts'
import { countedFor } from '../span-of-time.ts'

export const windowShorterThanStep: LintCheck = {
  code: 'window-shorter-than-step',
  severity: 'warning',
  about:
    'A step lasts longer than its strike counts, so the next one is out of reach for who waited it out',
  *run({ rules, plan }) {
    for (const { source, plan: rule } of rules) {
      if (rule.count === null || source.ladder === undefined) continue
      const counted = countedFor(plan, rule.count)
      const steps = source.ladder.value
      const step = steps
        .slice(0, -1)
        .find(({ value }) => typeof value.value === 'number' && value.value >= counted)
      if (step === undefined) continue
      const lasts = formatDuration(step.value.value as DurationMs)
      yield {
        at: step.value,
        message: `step ${step.key} of rule \`${rule.id}\` lasts ${lasts}, but its strike counts ${formatDuration(counted as DurationMs)}: who waits it out begins anew`,
        hint: 'lengthen the window or the expiry beyond the step, or shorten the step',
      }
    }
  },
}
