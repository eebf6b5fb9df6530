/**
 * "When may I go live again?": the first instant at which, if nothing else happens, the broadcast may start.
 *
 * The answer assumes that the person asks now, and again at every instant at which only holds stand in the way (a
 * hold runs from an ask). No new strike, fact, review or incident is assumed. It is found by evaluating at edges
 * (eligible-edges.ts), so it can never disagree with evaluate.ts. Spec: docs/spec/policy.md, "eligible_at".
 */
import { HOLD_USABLE_MS } from '../limits.ts'
import type { Decision, Facts, HoldFact, HostFacts } from '../model.ts'
import type { EpochMs } from '../time.ts'
import { edgesOf } from './eligible-edges.ts'
import { evaluate } from './evaluate.ts'
import type { Plan } from './plan.ts'

export interface Eligibility {
  /** First instant from `facts.at` on at which the broadcast may start; null when waiting alone never helps. */
  readonly at: EpochMs | null
  /** Why `at` is null, for example `depends on facts: subject.followers`. */
  readonly reason: string | null
}

/** Evaluations one answer may cost; reached only by a policy whose holds keep missing each other. */
const MAX_EVALUATIONS = 20_000

/** The first edge whose evaluation lets the broadcast start. Costs up to one evaluation per edge. */
export function eligibleAt(plan: Plan, facts: Facts): Eligibility {
  let asked = knownNow(facts)
  const edges = edgesOf(plan, asked)
  let last: Decision | null = null
  let earliest: number = facts.at
  for (let i = 0; i < edges.length && i < MAX_EVALUATIONS; i++) {
    const at = edges[i] as EpochMs
    if (at < earliest) continue
    const decision = evaluate(plan, { ...asked, at })
    if (decision.lease_until !== null) return { at, reason: null }
    last = decision
    earliest = Math.max(earliest, endOfDenials(plan, decision))
    if (earliest === Number.POSITIVE_INFINITY) break
    if (at > facts.at && decision.mode !== 'hold') continue
    asked = remember(asked, decision, at)
    for (const { rule } of decision.holds_opened) addHoldEdges(plan, edges, rule, at)
  }
  return { at: null, reason: last === null ? null : whyNever(last, facts) }
}

/** What lies ahead of the instant is not known now; it would come into being as the instant is moved. */
function knownNow(facts: Facts): Facts {
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

/** Denials founded on strikes alone, that no exemption may lift later, cannot end before they say. */
function endOfDenials(plan: Plan, decision: Decision): number {
  let end = Number.NEGATIVE_INFINITY
  for (const { rule: id, until, code } of decision.reasons) {
    if (until === undefined || (code !== 'restriction_active' && code !== 'strike_count')) continue
    const rule = plan.rules.find((other) => other.id === id)
    if (rule?.outcome !== 'deny' || rule.when !== null || rule.count?.unless != null) continue
    if (plan.exemptions.some(({ rules }) => rules.includes(id))) continue
    end = Math.max(end, until === 'forever' ? Number.POSITIVE_INFINITY : until)
  }
  return end
}

/** The facts after an ask: holds that opened are kept, as the gate would. */
function remember(facts: Facts, decision: Decision, at: EpochMs): Facts {
  if (decision.holds_opened.length === 0) return facts
  const [first, ...others] = facts.hosts.map((host, index): HostFacts => {
    const opened = decision.holds_opened.filter((hold) => hold.host === index)
    const holds = opened.map(({ rule }): HoldFact => ({ rule, first_asked_at: at }))
    return { ...host, holds: [...host.holds, ...holds] }
  })
  return first === undefined ? facts : { ...facts, hosts: [first, ...others] }
}

function addHoldEdges(plan: Plan, edges: EpochMs[], id: string, at: EpochMs): void {
  const hold = plan.rules.find((rule) => rule.id === id)?.hold ?? 0
  insert(edges, at + hold)
  insert(edges, at + hold + HOLD_USABLE_MS)
}

function insert(edges: EpochMs[], instant: number): void {
  let i = edges.length
  while (i > 0 && (edges[i - 1] as number) > instant) i--
  if (edges[i - 1] !== instant) edges.splice(i, 0, instant as EpochMs)
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
  const wanted = obligations.map(({ type }) => type)
  if (broadcast_delay_s !== null) wanted.push('broadcast_delay')
  return [...new Set(wanted)].filter((type) => !supports.includes(type)).join(', ')
}
