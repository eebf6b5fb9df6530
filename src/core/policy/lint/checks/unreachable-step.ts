/** Ladder steps whose number no window can hold, because strikes close together count once. */
import { type DurationMs, formatDuration } from '../../../time.ts'
import type { LintCheck } from '../check.ts'
import { mostCounted } from '../span-of-time.ts'

export const unreachableStep: LintCheck = {
  code: 'unreachable-step',
  severity: 'warning',
  about: 'A step of a ladder can never be reached',
  *run({ rules, plan }) {
    const grouped = formatDuration(plan.strikes.group_within)
    for (const { source, plan: rule } of rules) {
      if (rule.count === null || source.ladder === undefined) continue
      const most = mostCounted(plan, rule.count)
      const step = source.ladder.value.find(({ key }) => Number(key) > most)
      if (step === undefined) continue
      const within = formatDuration(rule.count.within as DurationMs)
      yield {
        at: step.at,
        message: `step ${step.key} of rule \`${rule.id}\` can never be reached: ${within} hold at most ${most} strikes that are more than ${grouped} apart`,
        hint: 'lengthen `within`, or shorten `group_within`',
      }
    }
  },
}
