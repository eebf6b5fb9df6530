/**
 * A policy and the facts in, a decision out: pure, total, the same bit for bit on any machine (G4).
 *
 * All rules are evaluated for all hosts and joined; a rule can only add (join.ts), only an exemption can take away,
 * and only when it is true. Whether one rule matches is evaluate-rule.ts; what follows from a match is here: its
 * exemptions, then every component it asks for, each with a reason. Spec: docs/spec/policy.md.
 * From: gate.ts. Next on the tour: core/record.
 */
import type {
  Decision,
  Facts,
  Reason,
  ReasonCode,
  Restriction,
  Suppression,
  UnknownRule,
} from '../model.ts'
import { addMs, type EpochMs } from '../time.ts'
import { lacked } from './count-unless.ts'
import {
  type HostContext,
  hostContext,
  matchFounded,
  matchRule,
  type RuleMatch,
  union,
} from './evaluate-rule.ts'
import {
  isDue,
  isEnforced,
  isKeptEnforced,
  type Sparing,
  spare,
  startSparing,
} from './evaluate-spared.ts'
import { holdState, reviewState } from './holds.ts'
import {
  emptyJoin,
  type Join,
  joinBroadcastDelay,
  joinDeny,
  joinHold,
  joinLease,
  joinRetry,
  joinReview,
  settle,
} from './join.ts'
import type { ExemptionPlan, Plan, RulePlan } from './plan.ts'
import { compareReasons, defaultReason, ruleReason, staleReason } from './reasons.ts'
import { restrictionId } from './restriction.ts'
import { supportsDelay } from './supports.ts'
import { ruleOf, runningSuppressions, suppressionEvidence } from './suppressions.ts'

/** What one evaluation collects beside the join. */
interface Tally {
  readonly plan: Plan
  readonly facts: Facts
  readonly join: Join
  readonly rules: Set<string>
  readonly reasons: Reason[]
  readonly restrictions: Restriction[]
  readonly unknown: UnknownRule[]
  readonly exemptions: Set<string>
  readonly opened: { readonly host: number; readonly rule: string }[]
  readonly sparing: Sparing
}

/** The decision of `plan` over `facts`. Microseconds; linear in strikes, rules and hosts. Never throws. */
export function evaluate(plan: Plan, facts: Facts): Decision {
  const tally = tallied(plan, facts, false)
  const decision = finish(tally)
  if (tally.sparing.found.size === 0) return decision
  const all = tallied(plan, facts, true)
  const rules = [...all.sparing.found.values()].sort(byRuleAndHost)
  if (rules.length === 0) return decision
  const { outcome, mode, until } = settle(all.join, facts.at)
  return { ...decision, would: { outcome, mode, until, rules } }
}

function tallied(plan: Plan, facts: Facts, regardless: boolean): Tally {
  const tally = startTally(plan, facts, regardless)
  for (let index = 0; index < facts.hosts.length; index++) {
    const host = facts.hosts[index]
    if (host === undefined) continue
    const context = hostContext(plan, facts, index, host)
    const asked: Asked = new Map()
    for (const rule of plan.rules) {
      consider(tally, context, rule, asked)
      if (rule.inherited !== null)
        for (const { rule: then } of rule.inherited.milder) consider(tally, context, then, asked)
    }
    for (const suppression of runningSuppressions(context)) goOn(tally, context, suppression, asked)
  }
  if (plan.default === 'deny' && takesPart(tally)) {
    joinDeny(tally.join, null)
    tally.reasons.push(defaultReason(plan))
  }
  imposeAge(tally)
  return tally
}

/** Whether what no rule says does. */
function takesPart({ sparing, facts }: Tally): boolean {
  if (isDue(sparing, facts)) return true
  spare(sparing, 0, 'default')
  return sparing.regardless
}

function consider(tally: Tally, context: HostContext, rule: RulePlan, asked: Asked): void {
  const { sparing } = tally
  if (!sparing.regardless && !isEnforced(sparing, context.host, rule)) {
    spare(sparing, context.index, rule.id)
    return
  }
  const match = matchRule(context, rule)
  if (match.truth === false || isLifted(tally, context, rule.id, asked)) return
  contribute(tally, { context, rule, match })
}

/** A restriction that outlived an erasure: its rule as if the strikes were still there. */
function goOn(tally: Tally, context: HostContext, suppression: Suppression, asked: Asked): void {
  const rule = ruleOf(tally.plan, suppression)
  const { sparing } = tally
  if (!sparing.regardless && !isKeptEnforced(sparing, rule)) {
    spare(sparing, context.index, rule.id)
    return
  }
  const match = matchFounded(context, rule, suppressionEvidence(suppression))
  if (match.truth === false || isLifted(tally, context, rule.id, asked)) return
  contribute(tally, { context, rule, match })
}

/** A policy that has grown too old: as its author said. It takes part beside everything else, so it never makes milder. */
function imposeAge(tally: Tally): void {
  const { plan, facts, join, reasons } = tally
  const { stale } = plan
  if (stale === null || stale.from === null || facts.at < stale.from) return
  if (stale.effect === 'keep' || !takesPart(tally)) return
  const { on_unknown } = plan
  if (stale.effect === 'deny' || on_unknown.outcome === 'deny') joinDeny(join, null)
  else joinRetry(join, on_unknown.retry_after_s)
  reasons.push(staleReason(plan))
}

function startTally(plan: Plan, facts: Facts, regardless: boolean): Tally {
  return {
    plan,
    facts,
    join: emptyJoin(plan.lease_ms),
    rules: new Set(),
    reasons: [],
    restrictions: [],
    unknown: [],
    exemptions: new Set(),
    opened: [],
    sparing: startSparing(facts, regardless),
  }
}

function finish(tally: Tally): Decision {
  return {
    ...settle(tally.join, tally.facts.at),
    rules: [...tally.rules].sort(),
    reasons: tally.reasons.sort(compareReasons),
    restrictions: tally.restrictions.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)),
    unknown: tally.unknown.sort(byRuleAndHost),
    exemptions: [...tally.exemptions].sort(),
    holds_opened: tally.opened.sort(byRuleAndHost),
  }
}

interface RuleAndHost {
  readonly rule: string
  readonly host: number
}

function byRuleAndHost(a: RuleAndHost, b: RuleAndHost): number {
  return a.rule === b.rule ? a.host - b.host : a.rule < b.rule ? -1 : 1
}

/** Answers of this host's exemptions so far; an exemption is asked only when a rule it names matches. */
type Asked = Map<ExemptionPlan, boolean>

function isLifted(tally: Tally, context: HostContext, rule: string, asked: Asked): boolean {
  let lifted = false
  for (const exemption of tally.plan.exemptions) {
    if (!exemption.rules.includes(rule)) continue
    let holds = asked.get(exemption)
    if (holds === undefined) {
      holds = ask(tally, context, exemption)
      asked.set(exemption, holds)
    }
    if (!holds) continue
    lifted = true
    tally.exemptions.add(exemption.id)
  }
  return lifted
}

/** An unknown exemption lifts nothing and is reported under its own id. */
function ask(tally: Tally, context: HostContext, exemption: ExemptionPlan): boolean {
  const answer = exemption.when.evaluate(context.scope)
  if (answer === 'unknown') {
    const facts = lacked(exemption.when.missing(context.scope))
    tally.unknown.push({ rule: exemption.id, host: context.index, facts })
  }
  return answer === true
}

/** A rule that matches a host and is not exempted. */
interface Finding {
  readonly context: HostContext
  readonly rule: RulePlan
  readonly match: RuleMatch
}

function contribute(tally: Tally, finding: Finding): void {
  const { rule, match } = finding
  if (match.missing.length > 0) lack(tally.unknown, finding)
  if (match.unsure) {
    const { on_unknown } = tally.plan
    if (on_unknown.outcome === 'deny') joinDeny(tally.join, null)
    else joinRetry(tally.join, on_unknown.retry_after_s)
    giveReason(tally, finding, 'fact_unknown')
  }
  if (match.truth === 'warning') giveReason(tally, finding, 'warning')
  const imposed = match.truth === true && impose(tally, finding)
  if (imposed) tally.rules.add(rule.id)
  if (tally.sparing.regardless && (imposed || match.unsure)) noteSpared(tally, finding)
}

function noteSpared({ sparing }: Tally, { context, rule, match }: Finding): void {
  const kept = match.evidence?.suppression !== undefined
  const enforced = kept ? isKeptEnforced(sparing, rule) : isEnforced(sparing, context.host, rule)
  if (!enforced) spare(sparing, context.index, rule.id)
}

/** One entry for each rule and host, also of a rule that asks for several things at once (inherit.ts). */
function lack(unknown: UnknownRule[], { context, rule, match }: Finding): void {
  const same = rule.inherited === null ? -1 : unknown.findIndex(isOf(rule.id, context.index))
  const told = unknown[same]
  const facts = told === undefined ? match.missing : union(told.facts, match.missing)
  const entry = { rule: rule.id, host: context.index, facts }
  if (told === undefined) unknown.push(entry)
  else unknown[same] = entry
}

function isOf(rule: string, host: number): (other: RuleAndHost) => boolean {
  return (other) => other.rule === rule && other.host === host
}

/** Everything a matching rule asks for; false if all it asked for is satisfied, so that it matches no longer. */
function impose(tally: Tally, finding: Finding): boolean {
  const { rule, match } = finding
  const said = tally.reasons.length
  if (rule.outcome === 'deny') joinDeny(tally.join, match.evidence?.until ?? null)
  if (rule.lease_ms !== null) joinLease(tally.join, rule.lease_ms)
  imposeReview(tally, finding)
  imposeHold(tally, finding)
  imposeConditions(tally, finding)
  if (tally.reasons.length > said) return true
  if (isSatisfiable(rule)) return false
  giveReason(tally, finding, match.evidence?.code ?? 'condition')
  return true
}

/** True if a hold or a review is all the rule asks for. */
function isSatisfiable(rule: RulePlan): boolean {
  if (rule.hold === null && rule.review === null) return false
  if (rule.outcome === 'deny' || rule.lease_ms !== null) return false
  return rule.broadcast_delay_s === null && rule.obligations.length === 0
}

function imposeReview(tally: Tally, finding: Finding): void {
  const { context, rule } = finding
  if (rule.review === null) return
  const { at } = tally.facts
  const state = reviewState(rule.id, context.host.reviews, at)
  if (state === 'refused') {
    joinDeny(tally.join, null)
    giveReason(tally, finding, 'review_refused')
  }
  if (state !== 'pending') return
  const { queue, within, at_deadline } = rule.review
  joinReview(tally.join, { queue, by: addMs(at, within), at_deadline })
  giveReason(tally, finding, 'review_required')
}

function imposeHold(tally: Tally, finding: Finding): void {
  const { context, rule } = finding
  if (rule.hold === null) return
  const { at, running_since } = tally.facts
  const since = running_since === undefined ? {} : { running_since }
  const query = { rule: rule.id, hold: rule.hold, at, ...since }
  const state = holdState(query, context.host.holds)
  if (state.satisfied) return
  joinHold(tally.join, state.not_before)
  if (state.opened && !tally.opened.some(isOf(rule.id, context.index)))
    tally.opened.push({ host: context.index, rule: rule.id })
  giveReason(tally, finding, 'hold_running', state.not_before)
}

/** Tape delay and obligations; what the caller cannot carry out becomes the policy's `unsupported`, never nothing. */
function imposeConditions(tally: Tally, finding: Finding): void {
  const { join, facts, plan } = tally
  const { rule, match } = finding
  let supported = true
  if (rule.broadcast_delay_s !== null) {
    joinBroadcastDelay(join, rule.broadcast_delay_s)
    supported = supportsDelay(facts.supports, rule.broadcast_delay_s)
  }
  for (const obligation of rule.obligations) {
    join.obligations.push(obligation)
    if (!facts.supports.includes(obligation.type)) supported = false
  }
  if (supported) return
  const until = match.evidence?.until ?? null
  if (plan.unsupported === 'deny') joinDeny(join, until)
  else joinHold(join, until === 'forever' ? null : until)
  giveReason(tally, finding, 'unsupported_condition')
}

function giveReason(
  tally: Tally,
  finding: Finding,
  code: ReasonCode,
  not_before: EpochMs | null = null,
): void {
  const { context, rule, match } = finding
  if (code === 'fact_unknown' && isTold(tally, rule, context.index)) return
  const restriction = code === 'fact_unknown' ? null : restrict(tally, finding)
  const input = { code, host: context.index, evidence: match.evidence, not_before, restriction }
  tally.reasons.push(ruleReason(tally.plan, rule, input))
}

/** A rule that asks for several things at once is unknown once. */
function isTold({ reasons }: Tally, { id, inherited }: RulePlan, host: number): boolean {
  if (inherited === null) return false
  const same = isOf(id, host)
  return reasons.some((reason) => reason.code === 'fact_unknown' && same(reason))
}

/** Lists the running restriction behind a match once, and names it. */
function restrict(tally: Tally, { context, rule, match }: Finding): string | null {
  const { evidence } = match
  if (evidence?.suppression !== undefined) return listKept(tally, context, evidence.suppression)
  if (evidence === null || evidence.code !== 'restriction_active') return null
  const { opening, until, strikes } = evidence
  if (opening === null || until === null) return null
  const { subject } = context.host
  const id = restrictionId({ subject, rule: rule.id, opened_by: opening.id })
  if (!tally.restrictions.some((other) => other.id === id)) {
    const opened = { from: opening.effective_at, opened_by: opening.id }
    tally.restrictions.push({ id, subject, rule: rule.id, ...opened, until, strikes })
  }
  return id
}

function listKept(tally: Tally, { host }: HostContext, kept: Suppression): string {
  const { id, rule, from, until } = kept
  const { subject } = host
  if (!tally.restrictions.some((other) => other.id === id))
    tally.restrictions.push({ id, subject, rule, from, until, strikes: [] })
  return id
}
