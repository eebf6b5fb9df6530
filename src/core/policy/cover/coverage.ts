/**
 * Counts which points of a policy the cases reached, by looking at each case a second time.
 *
 * Evaluation knows nothing of it, so the gate is not slower for it; what each rule did is asked of evaluate-rule.ts
 * itself. Spec: docs/spec/policy.md, "Coverage". Points: points.ts; as text: report.ts.
 */
import type { Decision, Facts, Strike } from '../../model.ts'
import { select } from '../count.ts'
import { lacked } from '../count-unless.ts'
import { type HostContext, hostContext, matchRule, type RuleMatch } from '../evaluate-rule.ts'
import { holdState, reviewState } from '../holds.ts'
import { stepFor } from '../ladder.ts'
import type { ExemptionPlan, Plan, RulePlan } from '../plan.ts'
import { supportsDelay } from '../supports.ts'
import { lacks, type Point, type PointKind, pointsOf, stepName } from './points.ts'

export interface CoveredPoint extends Point {
  /** Cases, hosts counted singly, that reached it. */
  readonly hits: number
}

export interface Coverage {
  /** One case and its decision. Costs about as much as the evaluation. */
  see(facts: Facts, decision: Decision): void
  /** Cases seen. */
  cases(): number
  /** Every point with its hits so far. */
  points(): CoveredPoint[]
}

/** Counts for `plan`, from nothing. */
export function createCoverage(plan: Plan): Coverage {
  const points = pointsOf(plan)
  const hits = new Map(points.map((point) => [keyOf(point), 0]))
  const hit: Hit = (kind, of, what) => {
    const key = keyOf({ kind, of, what })
    const before = hits.get(key)
    if (before !== undefined) hits.set(key, before + 1)
  }
  let cases = 0
  return {
    see(facts, decision) {
      cases++
      if (decision.reasons.every(({ code }) => code === 'default'))
        hit('policy', '', 'no rule matched')
      facts.hosts.forEach((host, index) => {
        seeHost(hostContext(plan, facts, index, host), hit)
      })
    },
    cases: () => cases,
    points: () => points.map((point) => ({ ...point, hits: hits.get(keyOf(point)) ?? 0 })),
  }
}

type Hit = (kind: PointKind, of: string, what: string) => void

function keyOf({ kind, of, what }: Point): string {
  return `${kind} ${of} ${what}`
}

function seeHost(context: HostContext, hit: Hit): void {
  const asked = new Set<ExemptionPlan>()
  let restricted = false
  seeStrikes(context, hit)
  for (const rule of context.plan.rules) {
    const match = matchRule(context, rule)
    seeMatch(rule, match, hit)
    seeUnless(context, rule, hit)
    if (match.truth === false) continue
    const naming = context.plan.exemptions.filter(({ rules }) => rules.includes(rule.id))
    for (const exemption of naming) asked.add(exemption)
    if (naming.some(({ when }) => when.evaluate(context.scope) === true)) continue
    restricted = true
    if (match.truth === true) seeMeans(context, rule, hit)
  }
  for (const exemption of asked) seeExemption(context, exemption, hit)
  if (context.index > 0) hit('co-host', '', restricted ? 'restricted' : 'free')
}

function seeStrikes({ table, host, facts, plan }: HostContext, hit: Hit): void {
  if (table.expiry.some((ends) => ends <= table.at)) hit('strikes', '', 'expired')
  const limit = plan.strikes.ignore_content_older_than
  const ignored = ({ status, effective_at, content_created_at: made }: Strike): boolean =>
    limit !== null &&
    made !== undefined &&
    status === 'active' &&
    effective_at <= facts.at &&
    effective_at - made > limit
  if (host.strikes.some(ignored)) hit('strikes', '', 'content too old')
}

function seeMatch(rule: RulePlan, match: RuleMatch, hit: Hit): void {
  const { truth, evidence, missing } = match
  const { id, ladder } = rule
  if (truth === true) hit('rule', id, 'matched')
  if (truth === false) hit('rule', id, 'not matched')
  if (truth === 'unknown') for (const path of missing) hit('rule', id, lacks(path))
  if (evidence === null || evidence.count === null) return
  if (evidence.count < evidence.strikes.length) hit('strikes', '', 'grouped')
  const step = ladder === null ? null : stepFor(ladder, evidence.count)
  if (step !== null) hit('step', id, stepName(step))
}

function seeUnless(context: HostContext, { id, count }: RulePlan, hit: Hit): void {
  if (count === null || count.unless === null) return
  const { table, scope } = context
  const { unless } = count
  const seen = new Set<string>()
  for (const row of select({ ...count, unless: null }, table, 'ever', scope).rows) {
    const strike = table.strikes[row] as Strike
    const answer = unless.evaluate(scope, strike)
    if (answer === 'unknown')
      for (const path of lacked(unless.missing(scope, strike))) seen.add(lacks(path))
    else seen.add(answer ? 'lifted' : 'counted')
  }
  for (const what of seen) hit('unless', id, what)
}

function seeMeans({ facts, host }: HostContext, rule: RulePlan, hit: Hit): void {
  if (rule.hold !== null) {
    const { satisfied } = holdState({ rule: rule.id, hold: rule.hold, at: facts.at }, host.holds)
    hit('hold', rule.id, satisfied ? 'over' : 'running')
  }
  if (rule.review !== null) hit('review', rule.id, reviewState(rule.id, host.reviews, facts.at))
  const { supports } = facts
  for (const { type } of rule.obligations)
    hit('asks', rule.id, supports.includes(type) ? type : 'unsupported')
  const seconds = rule.broadcast_delay_s
  if (seconds !== null)
    hit('asks', rule.id, supportsDelay(supports, seconds) ? 'broadcast_delay' : 'unsupported')
}

function seeExemption(context: HostContext, { id, when }: ExemptionPlan, hit: Hit): void {
  const answer = when.evaluate(context.scope)
  if (answer === 'unknown')
    for (const path of lacked(when.missing(context.scope))) hit('exemption', id, lacks(path))
  else hit('exemption', id, answer ? 'lifted' : 'did not lift')
}
