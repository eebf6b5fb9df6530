/**
 * "When may I go live again?": the first instant at which, if nothing else happens, the broadcast may start.
 *
 * The answer assumes that the person asks now, and again at every instant at which only holds stand in the way (a
 * hold runs from an ask). No new strike, fact, review or incident is assumed. It is found by evaluating at edges
 * (eligible-edges.ts), so it can never disagree with evaluate.ts. Until the clock itself matters to a condition,
 * strikes can only go, which makes nothing stricter (G10), so that edge is found by halving. The work is bounded: one
 * question must not keep the gate from answering others. Spec: docs/spec/policy.md, "eligible_at".
 */
import { HOLD_USABLE_MS, MAX_ELIGIBLE_WORK } from '../limits.ts'
import type { Decision, Facts, HoldFact, HostFacts } from '../model.ts'
import { type EpochMs, formatInstant } from '../time.ts'
import {
  type Edges,
  edgesOf,
  firstFrom,
  holdsOf,
  insertEdge,
  unlessesOf,
} from './eligible-edges.ts'
import { edgesWork, evaluationWork } from './eligible-work.ts'
import { evaluate } from './evaluate.ts'
import type { Condition, Plan, StrikeCondition } from './plan.ts'
import { supportsDelay } from './supports.ts'

export interface Eligibility {
  /** First instant from `facts.at` on at which the broadcast may start; null when waiting alone never helps. */
  readonly at: EpochMs | null
  /** Why `at` is null, for example `depends on facts: subject.followers`. */
  readonly reason: string | null
}

/** The decision at an edge. */
interface Step {
  readonly at: EpochMs
  readonly decision: Decision
}

interface Search {
  readonly plan: Plan
  readonly edges: Edges
  /** With the holds that asking opened. */
  asked: Facts
  /** Work of one evaluation, and how much may still be done. */
  readonly work: number
  left: number
}

/** The first edge whose evaluation lets the broadcast start. Costs up to `MAX_ELIGIBLE_WORK`, or one evaluation. */
export function eligibleAt(plan: Plan, facts: Facts): Eligibility {
  const asked = knownNow(facts)
  let step: Step = { at: facts.at, decision: evaluate(plan, asked) }
  const work = evaluationWork(plan, asked)
  const left = MAX_ELIGIBLE_WORK - work - edgesWork(plan, asked)
  const edges = left < 0 ? { strikes: [], clock: [] } : edgesOf(plan, asked)
  const search: Search = { plan, edges, asked, work, left }
  while (step.decision.lease_until === null) {
    if (search.left < 0) return tooFar(plan, step)
    if (step.at === facts.at || step.decision.mode === 'hold') ask(search, step)
    const next = following(search, step)
    if (next === null) return { at: null, reason: whyNever(step.decision, facts) }
    step = next
  }
  return { at: step.at, reason: null }
}

/** The next decision worth looking at; null when waiting changes nothing any more. */
function following(search: Search, { at, decision }: Step): Step | null {
  const { strikes, clock } = search.edges
  const from = Math.max(at + 1, endOfDenials(search.plan, decision))
  if (from === Number.POSITIVE_INFINITY) return null
  const turn = edgeFrom(clock, at + 1)
  const waits = decision.reasons.some(({ code }) => code === 'hold_running')
  if (from < turn && (decision.mode !== 'hold' || !waits))
    return halve(search, { from, to: turn, decision }) ?? lookAt(search, turn)
  return lookAt(search, Math.min(edgeFrom(strikes, from), edgeFrom(clock, from)))
}

/**
 * Where, at edges from `from` to before `to`, `decision` is got over: the broadcast may start, or only holds are left.
 * Null when it is not. A last edge without anything behind it is told all the same, for its reasons.
 */
function halve(
  search: Search,
  {
    from,
    to,
    decision,
  }: { readonly from: number; readonly to: number; readonly decision: Decision },
): Step | null {
  const edges = search.edges.strikes
  const isOver = (later: Step): boolean =>
    later.decision.lease_until !== null ||
    (decision.mode !== 'hold' && later.decision.mode === 'hold')
  let low = firstFrom(edges, from)
  let high = firstFrom(edges, to) - 1
  let blocked = low > high ? null : lookAt(search, edges[low] as number)
  if (blocked === null || isOver(blocked)) return blocked
  let over = lookAt(search, edges[high] as number)
  if (over === null || !isOver(over)) return to === Number.POSITIVE_INFINITY ? over : null
  while (high - low > 1 && search.left >= 0) {
    const middle = (low + high) >> 1
    const step = lookAt(search, edges[middle] as number)
    if (step === null || isOver(step)) [high, over] = [middle, step]
    else [low, blocked] = [middle, step]
  }
  return high - low > 1 ? blocked : over
}

/** The decision at an instant; null when that never comes. */
function lookAt(search: Search, instant: number): Step | null {
  if (instant === Number.POSITIVE_INFINITY) return null
  const at = instant as EpochMs
  search.left -= search.work
  return { at, decision: evaluate(search.plan, { ...search.asked, at }) }
}

function edgeFrom(edges: readonly number[], instant: number): number {
  return edges[firstFrom(edges, instant)] ?? Number.POSITIVE_INFINITY
}

/** The search ends before it found an answer; what is certain is said all the same. */
function tooFar(plan: Plan, { at, decision }: Step): Eligibility {
  const end = Math.max(at, endOfDenials(plan, decision))
  if (end === Number.POSITIVE_INFINITY)
    return { at: null, reason: `restricted without end: ${rulesWith(decision, 'forever')}` }
  const earliest = formatInstant(end as EpochMs)
  return { at: null, reason: `not before ${earliest}: too much changes until then to search on` }
}

/** What lies ahead of the instant is not known now; it would come into being as the instant is moved. */
export function knownNow(facts: Facts): Facts {
  const [first, ...others] = facts.hosts.map(
    (host): HostFacts => ({
      ...host,
      strikes: host.strikes.filter(({ effective_at }) => effective_at <= facts.at),
      holds: host.holds.filter(({ first_asked_at }) => first_asked_at <= facts.at),
      reviews: host.reviews.filter(({ at }) => at <= facts.at),
    }),
  )
  return first === undefined ? facts : { ...facts, hosts: [first, ...others] }
}

/** Denials that only strikes going can end, and that no exemption may lift later, cannot end before they say. */
function endOfDenials(plan: Plan, decision: Decision): number {
  let end = Number.NEGATIVE_INFINITY
  for (const { rule: id, until, code } of decision.reasons) {
    if (until === undefined || (code !== 'restriction_active' && code !== 'strike_count')) continue
    const rule = plan.rules.find((other) => other.id === id)
    // What a rule asks for on behalf of another time need not be a denial.
    if (rule?.outcome !== 'deny' || (rule.inherited?.milder.length ?? 0) > 0) continue
    const lifters = plan.exemptions.filter(({ rules }) => rules.includes(id))
    const conditions = [rule.when, ...unlessesOf(rule), ...lifters.map(({ when }) => when)]
    if (!conditions.every((condition) => condition === null || isTimeless(condition))) continue
    end = Math.max(end, until === 'forever' ? Number.POSITIVE_INFINITY : until)
  }
  return end
}

/** True when neither the clock nor strikes going can change what an expression says. */
function isTimeless(condition: Condition | StrikeCondition): boolean {
  if ('counts' in condition && condition.counts.length > 0) return false
  return condition.edges.length === 0 && !condition.facts.includes('now')
}

/** Asks at a step: the holds that open are kept, as the gate would, and end at edges of their own. */
function ask(search: Search, { at, decision }: Step): void {
  search.asked = remember(search.asked, decision, at)
  for (const { rule: id } of decision.holds_opened) {
    for (const hold of holdsOf(search.plan, id)) {
      insertEdge(search.edges.clock, at + hold)
      insertEdge(search.edges.clock, at + hold + HOLD_USABLE_MS)
    }
  }
}

/** The facts after an ask: holds that opened are kept, as the gate would. */
export function remember(facts: Facts, decision: Decision, at: EpochMs): Facts {
  if (decision.holds_opened.length === 0) return facts
  const [first, ...others] = facts.hosts.map((host, index): HostFacts => {
    const opened = decision.holds_opened.filter((hold) => hold.host === index)
    const holds = opened.map(({ rule }): HoldFact => ({ rule, first_asked_at: at }))
    return { ...host, holds: [...host.holds, ...holds] }
  })
  return first === undefined ? facts : { ...facts, hosts: [first, ...others] }
}

/** Words for the decision after the last edge, from the part that waiting can do least about. */
function whyNever(decision: Decision, facts: Facts): string {
  if (decision.until === 'forever')
    return `restricted without end: ${rulesWith(decision, 'forever')}`
  const lacking = new Set(decision.unknown.flatMap(({ facts: paths }) => paths))
  if (decision.reasons.some(({ code }) => code === 'fact_unknown'))
    return `depends on facts: ${[...lacking].sort().join(', ')}`
  const codes = new Set(decision.reasons.map(({ code }) => code))
  if (codes.has('review_refused')) return 'refused by a review'
  if (codes.has('policy_stale')) return 'the policy has grown too old'
  if (codes.has('default')) return 'denied by default'
  if (decision.review !== null) return 'depends on a review'
  if (codes.has('unsupported_condition'))
    return `depends on what the caller supports: ${unsupported(decision, facts)}`
  return `depends on facts of rules: ${decision.rules.join(', ')}`
}

function rulesWith(decision: Decision, until: 'forever'): string {
  const rules = decision.reasons.filter((reason) => reason.until === until)
  return [...new Set(rules.map(({ rule }) => rule))].join(', ')
}

function unsupported({ obligations, broadcast_delay_s }: Decision, { supports }: Facts): string {
  const lacking = obligations.map(({ type }) => type).filter((type) => !supports.includes(type))
  if (broadcast_delay_s !== null && !supportsDelay(supports, broadcast_delay_s))
    lacking.push('broadcast_delay')
  return [...new Set(lacking)].join(', ')
}
