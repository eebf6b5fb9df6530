/** Rules that change no outcome, because another one matches whenever they do and is at least as strict. */
import type { Finding, LintCheck, LintedPolicy, LintedRule } from '../check.ts'
import { createCovers } from '../covers.ts'

export const shadowedRule: LintCheck = {
  code: 'shadowed-rule',
  severity: 'warning',
  about:
    'A rule changes no outcome, because another one matches whenever it does and is at least as strict',
  /** Quadratic in rules, with a comparison of few numbers for almost every pair. */
  *run(policy) {
    const covers = createCovers(policy.plan)
    for (const rule of policy.rules) {
      const by = coverOf(rule, policy, covers)
      if (by !== null) yield findingOf(rule, by)
    }
  },
}

/** The first rule that covers `rule`; of two that cover each other only the later one is covered. */
function coverOf(
  rule: LintedRule,
  { rules }: LintedPolicy,
  covers: ReturnType<typeof createCovers>,
): LintedRule | null {
  for (const other of rules) {
    if (other === rule || !covers(other.plan, rule.plan)) continue
    if (isBefore(other, rule) || !covers(rule.plan, other.plan)) return other
  }
  return null
}

function isBefore(a: LintedRule, b: LintedRule): boolean {
  return a.source.id.start < b.source.id.start
}

function findingOf({ source }: LintedRule, by: LintedRule): Finding {
  return {
    at: source.id,
    message: `rule \`${source.id.value}\` changes no outcome: rule \`${by.plan.id}\` matches whenever it does and is at least as strict`,
    hint: 'remove one of them, or make this one stricter',
  }
}
