/**
 * Strikes of a history, by kind: a class of the vocabulary with what is a strike's own, its expiry and its content's age.
 *
 * The vocabulary tells apart what any comparison tells apart; here classes are one when the same happens to them:
 * counted by the same rules, expiring alike. See histories.ts.
 */
import type { Strike } from '../../model.ts'
import { expireLength } from '../../standing/standing.ts'
import { epochMs } from '../../time.ts'
import type { ConditionScope, CountPlan, Plan, StrikeCondition } from '../plan.ts'
import { matchesCategory, selectorOf } from '../selector.ts'
import type { StrikeClass, Vocabulary } from '../vocabulary.ts'
import { strikeOf } from '../vocabulary-facts.ts'

export interface Kind {
  readonly kind: StrikeClass
  readonly expires_after: number | null
  readonly content_age: number | null
}

/** Classes that differ in what happens to them; what an `unless` lifts for certain, and content too old, is no strike. */
export function kindsOf(plans: readonly Plan[], vocabulary: Vocabulary): Kind[] {
  const { classes, own_expiries, offsets, content_ages } = vocabulary
  const expires = offsets.some(({ kinds: of }) => of.includes('strike')) ? own_expiries : [null]
  const found = new Map<string, StrikeClass>()
  for (const kind of classes) {
    const key = kind.seen ? fateOf(plans, kind) : null
    if (key !== null && !found.has(key)) found.set(key, kind)
  }
  const ages = isOneLimit(plans) ? [null] : content_ages
  return [...found.values()].flatMap((kind) =>
    expires.flatMap((expires_after) =>
      ages.map((content_age): Kind => ({ kind, expires_after, content_age })),
    ),
  )
}

function isOneLimit(plans: readonly Plan[]): boolean {
  return new Set(plans.map(({ strikes }) => strikes.ignore_content_older_than)).size === 1
}

/** Equal for classes that all the plans treat alike; null for one that has no say in any. */
export function fateOf(plans: readonly Plan[], kind: StrikeClass): string | null {
  const fates = plans.map((plan) => fateIn(plan, kind))
  return fates.every((fate) => fate === null) ? null : fates.join(' ')
}

function fateIn(plan: Plan, kind: StrikeClass): string | null {
  const strike = strikeOf(kind, { id: 's1', effective_at: epochMs(0) })
  const counts = [
    ...plan.rules.map(({ count }) => count),
    ...plan.invariants.map((it) => it.given.count),
  ]
  const parts: unknown[] = []
  let matters = false
  for (const count of counts) {
    if (count === null) continue
    const lifted = isLifted(count, strike)
    const counted = !lifted && selects(count, kind)
    matters ||= counted
    const read = counted && count.unless !== null && !isOfKind(count.unless) ? kind : null
    parts.push([counted, read, counted && count.weight_at_least !== null ? kind.weight : 0])
  }
  for (const pattern of patternsOf(plan)) {
    const counted = matchesCategory(selectorOf([pattern]), kind.category)
    matters ||= counted
    parts.push(counted)
  }
  return matters ? JSON.stringify([parts, String(expireLength(plan.strikes, kind.category))]) : null
}

/** True when an `unless` lifts every strike of the kind, whatever else is known. */
export function isLifted({ unless }: CountPlan, strike: Strike): boolean {
  if (unless === null || !isOfKind(unless)) return false
  return unless.evaluate({} as ConditionScope, strike) === true
}

/** True when only the kind of a strike decides: neither its id nor its date, nor any fact. */
function isOfKind({ strike_only, facts }: StrikeCondition): boolean {
  return strike_only && !facts.includes('strike.issued_at') && !facts.includes('strike.id')
}

/** True when a count takes strikes of the class, `unless` and windows left aside. */
export function selects(count: CountPlan, kind: StrikeClass): boolean {
  const { categories, severities, scopes } = count
  return (
    severities.has(kind.severity) &&
    (scopes === null || kind.scope === 'any' || scopes.has(kind.scope)) &&
    matchesCategory(categories, kind.category)
  )
}

function patternsOf(plan: Plan): string[] {
  const conditions = [
    ...plan.rules,
    ...plan.exemptions,
    ...plan.invariants.map(({ given }) => given),
  ]
  return conditions.flatMap(({ when }) => when?.counts.map(({ pattern }) => pattern) ?? [])
}
