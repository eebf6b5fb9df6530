/**
 * Invariants an author wrote: in a situation that is given, an outcome never occurs.
 *
 * `never: allow` is shown on the smallest histories that make the situation: more strikes are never milder (that is
 * proved beside it). `never: deny` falls apart by rule: a plan denies when one rule does. `never: delay` likewise, but
 * what one rule delays another may deny, so each find is asked of the whole plan.
 */
import type { Facts } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { evaluate } from '../evaluate.ts'
import { hostContext, matchRule } from '../evaluate-rule.ts'
import type { InvariantPlan, Plan, RulePlan } from '../plan.ts'
import { vocabularyOf } from '../vocabulary.ts'
import { inWords } from './expectation.ts'
import { boundOf, type History, historiesOf, spaceOf } from './histories.ts'
import { withCalm } from './one-more.ts'
import { onlyRules } from './restrict.ts'
import { endOf, instantsFrom, type Scene, situation } from './scene.ts'
import { shrink } from './shrink.ts'
import { assignmentsOf } from './situations.ts'
import { noteBound, spend, type Tally } from './verdict.ts'

export function checkInvariant(scene: Scene, invariant: InvariantPlan, tally: Tally): void {
  const rules = scene.plan.rules.map(({ id }) => id)
  if (invariant.never === 'allow') {
    const inside = rules.filter((id) => restricts(scene.plan, id))
    // Rules without a count that matter are few; each is asked together with all, for an allow needs all of them.
    search(scene, { invariant, ids: inside, tally, share: scene.budget.left / 4 })
    return
  }
  const share = scene.budget.left / 4 / Math.max(1, rules.length)
  if (scene.plan.default === 'deny' && invariant.never === 'deny')
    search(scene, { invariant, ids: [], tally, share })
  for (const id of rules) {
    if (tally.counterexamples.length > 0) return
    search(scene, { invariant, ids: [id], tally, share })
  }
}

function restricts(plan: Plan, id: string): boolean {
  const rule = plan.rules.find((other) => other.id === id)
  return (
    rule !== undefined &&
    (rule.outcome !== 'allow' || rule.when !== null || plan.unsupported === 'deny')
  )
}

interface Search {
  readonly invariant: InvariantPlan
  readonly ids: readonly string[]
  readonly tally: Tally
  readonly share: number
}

const MAX_PRODUCT = 20_000
const MAX_HISTORIES = 20_000

function search(scene: Scene, { invariant, ids, tally, share }: Search): void {
  const part = onlyRules(scene.plan, ids)
  const given = asRule(invariant)
  const vocabulary = vocabularyOf({ ...part, invariants: [invariant] })
  const alone: Plan = { ...part, default: scene.plan.default }
  const assignments = assignmentsOf([{ ...part, rules: [...part.rules, given] }], vocabulary, {
    at: vocabulary.anchor,
    limit: MAX_PRODUCT,
  })
  const limit = Math.max(20, Math.min(MAX_HISTORIES, share / (8 * assignments.all.length)))
  const space = spaceOf([{ ...part, rules: [...part.rules, given] }], vocabulary, limit)
  noteBound(tally, space.size, boundOf(space))
  for (const { what, why } of vocabulary.inexact)
    tally.not_covered.add(`${what} is tried only in part, ${why}`)
  if (!assignments.complete)
    tally.not_covered.add(`its facts have ${assignments.product} combinations`)
  const stop = scene.budget.spent + share
  const judged: Plan = { ...part, rules: [...part.rules, given] }
  const ended = (): boolean => {
    if (spend(scene.budget) && scene.budget.spent <= stop) return false
    tally.not_covered.add(`the budget of work ended within ${boundOf(space)}`)
    return true
  }
  for (const strikes of historiesOf(space)) {
    if (ended()) return
    if (invariant.never === 'allow' && !isSmallest(given, strikes, vocabulary.anchor, part))
      continue
    for (const assignment of assignments.all) {
      const start = situation(scene, strikes, assignment, endOf(strikes, vocabulary))
      for (const at of instantsFrom(judged, start)) {
        if (ended()) return
        const facts = { ...start, at }
        if (!isGiven(part, given, facts)) continue
        tally.histories++
        if (evaluate(alone, facts).outcome !== invariant.never) continue
        if (report(scene, { invariant, given, facts, tally })) return
      }
    }
  }
}

/** What is given, as a rule that matches there. */
function asRule({ id, given }: InvariantPlan): RulePlan {
  return { ...PLAIN, id, count: given.count, when: given.when } as unknown as RulePlan
}

const PLAIN = {
  ground: 'terms',
  clause: null,
  reference: null,
  jurisdiction: null,
  ladder: null,
  outcome: 'deny',
  hold: null,
  review: null,
  broadcast_delay_s: null,
  obligations: [],
  lease_ms: null,
  because: {},
  appeal: null,
  inherited: null,
  share: 100,
} as const

function isGiven(plan: Plan, given: RulePlan, facts: Facts): boolean {
  return matchRule(hostContext(plan, facts, 0, facts.hosts[0]), given).truth === true
}

/** True when what is counted is reached with these strikes and not without any one of them. */
function isSmallest(given: RulePlan, strikes: History, anchor: EpochMs, plan: Plan): boolean {
  const { count, when } = given
  if (count === null) return when === null || when.counts.length > 0 || strikes.length === 0
  const counted = { ...given, when: null }
  const reached = (some: History): boolean => {
    const at = strikes.at(-1)?.effective_at ?? anchor
    return isGiven(plan, counted, situation({ supports: [] }, some, new Map(), at))
  }
  if (!reached(strikes)) return false
  return strikes.every((_, i) => !reached(strikes.filter((_other, k) => k !== i)))
}

interface Found {
  readonly invariant: InvariantPlan
  readonly given: RulePlan
  readonly facts: Facts
  readonly tally: Tally
}

function report(scene: Scene, { invariant, given, facts, tally }: Found): boolean {
  const { never, id } = invariant
  const shows = (some: Facts): boolean =>
    isGiven(scene.whole, given, some) && evaluate(scene.whole, some).outcome === never
  const found = [facts, withCalm(scene, facts)].find(shows)
  if (found === undefined) {
    if (never === 'delay') tally.not_covered.add('a rule delays there by itself, others deny')
    return false
  }
  const smallest = shrink(found, shows)
  tally.counterexamples.push({
    name: `invariant ${id} holds`,
    says: `what is given holds and the answer is ${inWords(evaluate(scene.whole, smallest))}`,
    facts: smallest,
    expect: { outcome: never === 'allow' ? 'deny' : 'allow' },
  })
  return true
}
