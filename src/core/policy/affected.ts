/**
 * Whom a revision would touch: one subject's restrictions under the plan in force and under the candidate.
 *
 * For the activation report and lint. Compared is what strikes cost, by rule: until when something at least as severe
 * applies. A `when` and exemptions are left out of it (a restriction stands, whether or not this broadcast meets it), so
 * the report does not depend on what somebody streams; changes of conditions show when decisions are compared.
 * Spec: docs/spec/policy.md, "Fairness in time".
 */
import type { Facts, SubjectId, Until } from '../model.ts'
import type { EpochMs } from '../time.ts'
import { type HostContext, hostContext, matchRule } from './evaluate-rule.ts'
import type { Plan, RulePlan } from './plan.ts'
import { isAmong, withBucket } from './rollout.ts'

/** One rule that would treat one host otherwise from the first moment of the revision on. */
export interface Affected {
  readonly host: number
  readonly subject: SubjectId
  readonly rule: string
  /** `restriction`: of a ladder, which only the word `retroactive` lengthens. `count`: the window as it is seen now. */
  readonly basis: 'restriction' | 'count'
  /** The most severe thing that changes. */
  readonly outcome: RulePlan['outcome']
  readonly change: 'opened' | 'lengthened' | 'shortened' | 'closed'
  readonly before: Until | null
  readonly after: Until | null
  /** By how much, milliseconds; what is opened or closed is measured from `facts.at`. */
  readonly by: number | 'forever'
  /** Why, when it becomes stricter by the word of the candidate's rule. */
  readonly retroactive: string | null
}

/** By host, then rule. `facts.at` is when the candidate would take over; it is the plan made by inherit.ts. */
export function affected(active: Plan, candidate: Plan, told: Facts): readonly Affected[] {
  const facts = withBucket(active, withBucket(candidate, told))
  const [oldRules, nextRules] = [rulesOf(active), rulesOf(candidate)]
  const ids = [...new Set([...oldRules.keys(), ...nextRules.keys()])].sort()
  return facts.hosts.flatMap(({ subject }, host) => {
    const old = contextOf(active, facts, host)
    const next = contextOf(candidate, facts, host)
    return ids.flatMap((id): readonly Affected[] => {
      const found = compare(
        endsOf(old, oldRules.get(id)),
        endsOf(next, nextRules.get(id)),
        facts.at,
      )
      if (found === null) return []
      const rule = nextRules.get(id) ?? oldRules.get(id)
      const harsher = found.change === 'opened' || found.change === 'lengthened'
      const why = rule?.retroactive?.why ?? null
      const basis = rule?.ladder === null ? 'count' : 'restriction'
      return [{ host, subject, rule: id, basis, ...found, retroactive: harsher ? why : null }]
    })
  })
}

function contextOf(plan: Plan, facts: Facts, index: number): HostContext {
  const host = facts.hosts[index] ?? facts.hosts[0]
  return hostContext(plan, facts, index, host)
}

function rulesOf({ rules }: Plan): ReadonlyMap<string, RulePlan> {
  return new Map(rules.map((rule) => [rule.id, rule]))
}

const BY_SEVERITY = ['deny', 'delay', 'allow'] as const

/** Until when the strikes of one host keep a rule matching, at least this severely; in the order of `BY_SEVERITY`. */
type Ends = readonly number[]

function endsOf(context: HostContext, rule: RulePlan | undefined): Ends {
  const ends = BY_SEVERITY.map(() => Number.NEGATIVE_INFINITY)
  if (rule === undefined || !isAmong(rule.share, context.host.bucket)) return ends
  const measures = [rule, ...(rule.inherited?.milder ?? []).map((form) => form.rule)]
  for (const measure of measures) {
    const { truth, evidence } = matchRule(context, { ...measure, when: null })
    if (truth !== true || evidence === null || evidence.until === null) continue
    const end = evidence.until === 'forever' ? Number.POSITIVE_INFINITY : evidence.until
    for (let i = BY_SEVERITY.indexOf(measure.outcome); i < ends.length; i++)
      ends[i] = Math.max(ends[i] as number, end)
  }
  return ends
}

type Change = Pick<Affected, 'outcome' | 'change' | 'before' | 'after' | 'by'>

/** The most severe end that moves; null when none does. */
function compare(old: Ends, next: Ends, at: number): Change | null {
  const i = old.findIndex((end, severity) => end !== next[severity])
  const outcome = BY_SEVERITY[i]
  if (outcome === undefined) return null
  const [from, to] = [old[i] as number, next[i] as number]
  const [low, high] = [Math.max(at, Math.min(from, to)), Math.max(from, to)]
  return {
    outcome,
    change: changeOf(from, to),
    before: untilOf(from),
    after: untilOf(to),
    by: high === Number.POSITIVE_INFINITY ? 'forever' : high - low,
  }
}

function changeOf(from: number, to: number): Affected['change'] {
  if (from === Number.NEGATIVE_INFINITY) return 'opened'
  if (to === Number.NEGATIVE_INFINITY) return 'closed'
  return to > from ? 'lengthened' : 'shortened'
}

function untilOf(end: number): Until | null {
  if (end === Number.NEGATIVE_INFINITY) return null
  return end === Number.POSITIVE_INFINITY ? 'forever' : (end as EpochMs)
}
