/**
 * What the tests of a policy can reach: every way each of its parts can turn out.
 *
 * A rule matches, does not, or lacks a fact; each ladder step opens; each exemption lifts, does not, or lacks a fact;
 * and so on. Only what can happen is a point: a fact that is always there cannot be absent. Hits are counted in
 * coverage.ts. Spec: docs/spec/policy.md, "Coverage".
 */

import { expireLength } from '../../standing/standing.ts'
import { formatDuration } from '../../time.ts'
import { CATEGORIES } from '../categories.ts'
import type { Condition, CountPlan, LadderStep, Plan, RulePlan } from '../plan.ts'
import { matchesCategory } from '../selector.ts'

export type PointKind =
  | 'policy'
  | 'strikes'
  | 'rule'
  | 'step'
  | 'unless'
  | 'hold'
  | 'review'
  | 'asks'
  | 'exemption'
  | 'co-host'

export interface Point {
  readonly kind: PointKind
  /** Id of the rule or exemption; empty for the policy's own. */
  readonly of: string
  /** `matched`, `lacks subject.created_at`, `2: 90d`. */
  readonly what: string
}

/** Facts that evaluation always has. */
const ALWAYS_KNOWN: ReadonlySet<string> = new Set([
  'now',
  'incident.active',
  'stream.hosts',
  'subject.open_broadcasts',
  'strike.id',
  'strike.category',
  'strike.severity',
  'strike.scope',
  'strike.weight',
  'strike.issued_at',
])

/** Facts of a condition that a caller may leave out. */
export function absentable(facts: readonly string[]): readonly string[] {
  return facts.filter((path) => !ALWAYS_KNOWN.has(path))
}

/** All points of `plan`, in the order a report shows them. */
export function pointsOf(plan: Plan): Point[] {
  return [
    ...policyPoints(plan),
    ...plan.rules.flatMap(rulePoints),
    ...plan.exemptions.flatMap(({ id, when }) =>
      points('exemption', id, ['lifted', 'did not lift', ...absentable(when.facts).map(lacks)]),
    ),
  ]
}

/** Name of the point of a ladder step. */
export function stepName({ at, length }: LadderStep): string {
  return `${at}: ${typeof length === 'number' ? formatDuration(length) : length}`
}

/** Name of the point of an absent fact. */
export function lacks(path: string): string {
  return `lacks ${path}`
}

function points(kind: PointKind, of: string, what: readonly string[]): Point[] {
  return what.map((name) => ({ kind, of, what: name }))
}

function policyPoints(plan: Plan): Point[] {
  const { strikes, rules } = plan
  const expires = rules.some(({ count }) => count !== null && mayExpire(plan, count))
  const counts = rules.some(({ count }) => count !== null)
  return [
    ...points('policy', '', ['no rule matched']),
    ...points('strikes', '', [
      ...(expires ? ['expired'] : []),
      ...(counts && strikes.group_within > 0 ? ['grouped'] : []),
      ...(counts && strikes.ignore_content_older_than !== null ? ['content too old'] : []),
    ]),
    ...points('co-host', '', ['restricted', 'free']),
  ]
}

/** Some category the count takes expires; categories nobody listed expire like the first part of their pattern. */
function mayExpire({ strikes }: Plan, { categories }: CountPlan): boolean {
  const taken = CATEGORIES.map(({ id }) => id).filter((id) => matchesCategory(categories, id))
  return [...taken, ...categories.exact, ...categories.prefixes].some((id) =>
    Number.isFinite(expireLength(strikes, id)),
  )
}

function rulePoints(rule: RulePlan): Point[] {
  const { id, when, count, ladder } = rule
  const warnsOnly = ladder?.every(({ length }) => length === 'warn') ?? false
  const asks = [
    ...(rule.broadcast_delay_s === null ? [] : ['broadcast_delay']),
    ...rule.obligations.map(({ type }) => type),
  ].filter((type, i, all) => all.indexOf(type) === i)
  return [
    ...points('rule', id, [
      ...(warnsOnly ? [] : ['matched']),
      ...(count === null && when !== null && isConstant(when) ? [] : ['not matched']),
      ...(warnsOnly ? [] : absentable(when?.facts ?? []).map(lacks)),
    ]),
    ...points('step', id, (ladder ?? []).map(stepName)),
    ...(count?.unless
      ? points('unless', id, ['lifted', 'counted', ...absentable(count.unless.facts).map(lacks)])
      : []),
    ...points('hold', id, rule.hold === null ? [] : ['running', 'over']),
    ...points('review', id, rule.review === null ? [] : ['pending', 'released', 'refused']),
    ...points('asks', id, asks.length === 0 ? [] : [...asks, 'unsupported']),
  ]
}

function isConstant({ facts, edges, counts }: Condition): boolean {
  return facts.length === 0 && edges.length === 0 && counts.length === 0
}
