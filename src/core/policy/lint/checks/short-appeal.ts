/** Appeals against denials that end sooner than the law of the European Union lets them. */
import { DAY_MS, formatDuration } from '../../../time.ts'
import type { LintCheck } from '../check.ts'

/** The longest that six months can be. */
const SIX_MONTHS_MS: number = 184 * DAY_MS

export const shortAppeal: LintCheck = {
  code: 'short-appeal',
  severity: 'info',
  about: 'The time to appeal against a denial is shorter than six months',
  *run({ rules }) {
    for (const { source, plan } of rules) {
      const within = source.appeal?.value.within
      if (plan.outcome !== 'deny' || within === undefined || within.value >= SIX_MONTHS_MS) continue
      yield {
        at: within,
        message: `rule \`${plan.id}\` gives ${formatDuration(within.value)} to appeal, six months are up to 184d`,
        hint: 'give 184d, or leave `within` out',
      }
    }
  },
}
