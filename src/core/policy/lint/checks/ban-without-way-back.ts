/** Bans for life on the ground of strikes that nobody can appeal against. */

import type { Span } from '../../diagnostic.ts'
import type { LintCheck, LintedPolicy, LintedRule } from '../check.ts'
import { longestExpiry } from '../span-of-time.ts'

export const banWithoutWayBack: LintCheck = {
  code: 'ban-without-way-back',
  severity: 'error',
  about: 'A rule bans for ever and gives no appeal',
  *run(policy) {
    for (const rule of policy.rules) {
      const at = rule.plan.appeal === null ? endlessAt(rule, policy) : null
      if (at === null) continue
      yield {
        at,
        message: `rule \`${rule.plan.id}\` bans for ever and gives no appeal, so there is no way back`,
        hint: 'add `appeal: { url: … }`, or let the restriction or its strikes end',
      }
    }
  },
}

/** Where a rule says that its denial never ends; null when it ends by itself or rests on no strike. */
export function endlessAt({ source, plan }: LintedRule, policy: LintedPolicy): Span | null {
  if (plan.outcome !== 'deny' || plan.count === null) return null
  if (source.ladder !== undefined)
    return source.ladder.value.find(({ value }) => value.value === 'forever')?.value ?? null
  if (plan.count.within !== null) return null
  const expiry = longestExpiry(policy.plan.strikes, plan.count.categories)
  return expiry === Infinity ? source.id : null
}
