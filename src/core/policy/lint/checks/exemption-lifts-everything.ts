/** Exemptions that open the gate: for everybody, or from every rule. */
import type { Finding, LintCheck, LintedExemption, LintedPolicy } from '../check.ts'
import { truthFrom } from '../truth.ts'

export const exemptionLiftsEverything: LintCheck = {
  code: 'exemption-lifts-everything',
  severity: 'error',
  about: 'An exemption is true for everybody, or lifts every rule',
  *run(policy) {
    for (const exemption of policy.exemptions) {
      const finding = forEverybody(exemption, policy) ?? everyRule(exemption, policy)
      if (finding !== null) yield finding
    }
  },
}

function forEverybody({ source, plan }: LintedExemption, { now }: LintedPolicy): Finding | null {
  if (truthFrom(plan.when, now) !== true) return null
  return {
    at: source.when,
    message: `exemption \`${plan.id}\` is true for everybody, so its rules restrict nobody`,
    hint: 'say in `when` who is exempt, or remove the rules',
  }
}

/** A policy of one rule has nothing else an exemption could name. */
function everyRule({ source, plan }: LintedExemption, { rules }: LintedPolicy): Finding | null {
  if (rules.length < 2 || plan.rules.length < rules.length) return null
  return {
    at: source.rules,
    message: `exemption \`${plan.id}\` lifts all ${rules.length} rules, so nothing restricts who has it`,
    hint: 'name the rules that are meant, and leave out the gravest',
  }
}
