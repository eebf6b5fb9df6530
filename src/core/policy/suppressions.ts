/**
 * Restrictions that outlive an erasure: which of them would, and what one stands for in an evaluation.
 *
 * A suppression takes the place of the strikes of its rule: everything else the rule says (its `when`, its exemptions,
 * what it asks for, its texts) is as in the policy in force. Where that has no such rule any more it is a deny. So it is
 * never milder than to have nothing, and never grave for another reason than the one it was made for.
 * Spec: docs/spec/policy.md, "Restrictions that outlive an erasure". Used by evaluate.ts and gate/erasure.ts.
 */
import { MAX_SUPPRESSIONS } from '../limits.ts'
import type { Facts, Suppression, Until } from '../model.ts'
import type { EpochMs } from '../time.ts'
import { type Evidence, type HostContext, hostContext, matchRule } from './evaluate-rule.ts'
import type { Plan, RulePlan } from './plan.ts'
import { restrictionId } from './restriction.ts'
import { EVERYBODY, isAmong } from './rollout.ts'

/** True while it runs. */
export function isRunning({ until }: { readonly until: Until }, at: EpochMs): boolean {
  return until === 'forever' || until > at
}

/** Those of a host that run, for each rule the one that ends last: it covers the others. */
export function runningSuppressions({ host, facts }: HostContext): readonly Suppression[] {
  const { suppressions } = host
  if (suppressions === undefined) return []
  return strictestByRule(suppressions.filter((one) => isRunning(one, facts.at)))
}

/** What it takes the place of: the strikes of a rule. */
export function suppressionEvidence(suppression: Suppression): Evidence {
  const { until } = suppression
  return {
    ...{ code: 'restriction_kept', opening: null, until, strikes: [], count: null, kept: null },
    suppression,
  }
}

/** The rule of a suppression; a plain deny where the policy has none of this id. */
export function ruleOf(plan: Plan, { rule: id }: Suppression): RulePlan {
  return plan.rules.find((rule) => rule.id === id) ?? { ...PLAIN_DENY, id }
}

/** A rule that says nothing but no. */
export const PLAIN_DENY: Omit<RulePlan, 'id'> = {
  ground: 'terms',
  clause: null,
  reference: null,
  jurisdiction: null,
  count: null,
  when: null,
  ladder: null,
  retroactive: null,
  inherited: null,
  outcome: 'deny',
  hold: null,
  review: null,
  broadcast_delay_s: null,
  obligations: [],
  lease_ms: null,
  because: {},
  appeal: null,
  share: EVERYBODY,
}

/**
 * What the first host's strikes impose now, whatever conditions and exemptions say of this very moment, and what was
 * kept before: the restrictions that go on when its history is erased. At most MAX_SUPPRESSIONS, those that end last.
 */
export function suppressionsOf(plan: Plan, facts: Facts): readonly Suppression[] {
  const [host] = facts.hosts
  const context = hostContext(plan, facts, 0, host)
  const found = plan.rules.flatMap((rule) => {
    const forms = [rule, ...(rule.inherited?.milder ?? []).map((form) => form.rule)]
    return forms.flatMap((form) => imposed(context, form))
  })
  return strictestByRule([...found, ...runningSuppressions(context)])
    .sort((a, b) => (isStricter(a, b) ? -1 : 1))
    .slice(0, MAX_SUPPRESSIONS)
}

/** By strikes alone; a rule that counts nothing imposes nothing that could be kept. */
function imposed(context: HostContext, rule: RulePlan): readonly Suppression[] {
  if (rule.count === null || !isAmong(rule.share, context.host.bucket)) return []
  const { evidence } = matchRule(context, { ...rule, when: null })
  if (evidence === null || evidence.code === 'warning') return []
  const { opening, until } = evidence
  if (opening === null || until === null) return []
  const id = restrictionId({
    subject: context.host.subject,
    rule: rule.id,
    opened_by: opening.id,
  })
  return [{ rule: rule.id, from: opening.effective_at, until, id }]
}

function strictestByRule(suppressions: readonly Suppression[]): Suppression[] {
  const byRule = new Map<string, Suppression>()
  for (const one of suppressions) {
    const other = byRule.get(one.rule)
    if (other === undefined || isStricter(one, other)) byRule.set(one.rule, one)
  }
  return [...byRule.values()].sort((a, b) => (a.rule < b.rule ? -1 : 1))
}

/** A total order, so that the one that stays does not depend on who came first. */
function isStricter(a: Suppression, b: Suppression): boolean {
  if (end(a) !== end(b)) return end(a) > end(b)
  return a.from === b.from ? a.id < b.id : a.from < b.from
}

function end({ until }: Suppression): number {
  return until === 'forever' ? Number.POSITIVE_INFINITY : until
}
