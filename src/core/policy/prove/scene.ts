/**
 * One plan under proof: its vocabulary, its quietest facts, and each of its rules by itself.
 */
import type { Decision, Facts, Strike } from '../../model.ts'
import { addMs, type EpochMs, epochMs } from '../../time.ts'
import { edgesOf } from '../eligible-edges.ts'
import { evaluate } from '../evaluate.ts'
import type { Plan, RulePlan } from '../plan.ts'
import { type Vocabulary, vocabularyOf } from '../vocabulary.ts'
import { factsOf, supportsOf } from '../vocabulary-facts.ts'
import { type History, historiesOf, type Space, spaceOf } from './histories.ts'
import type { Kind } from './kinds.ts'
import { barePlan, onlyRules } from './restrict.ts'
import { type Assignment, type Assignments, assignmentsOf } from './situations.ts'
import { rank } from './strictness.ts'
import { type Budget, spend } from './verdict.ts'

export interface Scene {
  readonly plan: Plan
  readonly whole: Plan
  readonly vocabulary: Vocabulary
  readonly supports: readonly string[]
  readonly budget: Budget
  /** A value for every fact with which, without strikes, the plan is as mild as can be found. */
  readonly calm: Assignment
  readonly parts: readonly Part[]
}

/** One rule with its exemptions. */
export interface Part {
  readonly rule: RulePlan
  readonly alone: Plan
  readonly vocabulary: Vocabulary
  readonly space: Space
  readonly assignments: Assignments
  /** Evaluations one property may spend on the rule. */
  readonly share: number
}

/** Least and most evaluations for one rule and property. */
const LEAST_SHARE = 2_000
const MOST_SHARE = 300_000
/** Instants looked at in one history, about. */
const INSTANTS = 6
const MAX_PRODUCT = 20_000

export function sceneOf(plan: Plan, budget: Budget): Scene {
  const whole = barePlan(plan)
  const vocabulary = vocabularyOf({ ...whole, invariants: [] })
  const counting = plan.rules.filter(({ count, when }) => count !== null || when?.counts.length)
  const share = clamp(budget.left / (3 * Math.max(1, counting.length)), LEAST_SHARE, MOST_SHARE)
  const supports = supportsOf(plan)
  const parts = plan.rules.map((rule) => partOf(onlyRules(plan, [rule.id]), rule, share))
  const scene = { plan, whole, vocabulary, supports, budget, parts }
  return { ...scene, calm: calmFor(scene, whole, [], new Map(), vocabulary.anchor) }
}

function clamp(value: number, least: number, most: number): number {
  return Math.floor(Math.min(most, Math.max(least, value)))
}

function partOf(alone: Plan, rule: RulePlan, share: number): Part {
  const vocabulary = vocabularyOf(alone)
  const options = { at: vocabulary.anchor, limit: Math.min(MAX_PRODUCT, share) }
  const assignments = assignmentsOf([alone], vocabulary, options)
  const each = assignments.all.length * INSTANTS * 3
  const space = spaceOf([alone], vocabulary, Math.max(20, share / each))
  return { rule, alone, vocabulary, space, assignments, share }
}

/** Why the rule's values stand for all only in part; empty when they do. */
export function gapsIn({ rule, vocabulary, assignments }: Part): string[] {
  const of = `rule \`${rule.id}\``
  const why = vocabulary.inexact.map((it) => `${of}: ${it.what} is tried only in part, ${it.why}`)
  if (!assignments.complete) why.push(`${of}: its facts have ${assignments.product} combinations`)
  return [...new Set(why)]
}

/** Facts of a history under an assignment, decided at `at`. Instants of facts count back from `from`. */
export function situation(
  scene: Pick<Scene, 'supports'>,
  strikes: History,
  facts: Assignment,
  at: EpochMs,
  from: EpochMs = at,
): Facts {
  const told = factsOf({ at: from, strikes, facts, supports: scene.supports })
  return at === from ? told : { ...told, at }
}

/** The instant a history is judged from: its last strike; without strikes before the first date the policy names. */
export function endOf(strikes: History, { anchor, instants }: Vocabulary): EpochMs {
  const [first] = instants
  return strikes.at(-1)?.effective_at ?? (first === undefined ? anchor : addMs(first, -1))
}

/** The instant of `facts` and every later one at which the plan can change its answer by itself. */
export function instantsFrom(plan: Plan, facts: Facts): EpochMs[] {
  const { strikes, clock } = edgesOf(plan, facts)
  const all = new Set<number>([facts.at, ...strikes, ...clock])
  return [...all].sort((a, b) => a - b).map(epochMs)
}

/** An evaluation, as long as there is budget; null without. */
export function judge(scene: Pick<Scene, 'budget'>, plan: Plan, facts: Facts): Decision | null {
  return spend(scene.budget) ? evaluate(plan, facts) : null
}

/** Nothing, each kind alone, and each kind as often as each threshold says: what is likely to make a rule match. */
export function* likely(
  vocabulary: Vocabulary,
  space: Space,
  kinds: readonly Kind[] = space.kinds,
): Generator<History> {
  yield []
  const sums = vocabulary.weights.map((sum) => Math.ceil(sum / 1000))
  const sizes = [...new Set([1, ...vocabulary.thresholds, ...sums])].sort((a, b) => a - b)
  for (const start of space.starts.slice(0, MAX_STARTS))
    for (const size of sizes)
      for (const gap of space.blockGaps)
        for (const kind of kinds) yield alike(kind, size, gap, start)
}

/** What is likely first, of these kinds; then everything there is. */
export function* candidates(part: Part, kinds: readonly Kind[]): Generator<History> {
  yield* likely(part.vocabulary, part.space, kinds)
  yield* historiesOf(part.space)
}

/** The anchor, and a few dates where the policy names dates. */
const MAX_STARTS = 9

function alike(kind: Kind, size: number, gap: number, start: EpochMs): History {
  const one: Space = {
    kinds: [kind],
    gaps: [0],
    starts: [start],
    free: 0,
    behind: 0,
    reach: [],
    blocks: [size],
    blockGaps: [gap],
    size: 1,
  }
  return [...historiesOf(one)][1] ?? []
}

/**
 * Facts beside `fixed` with which `plan` is as mild as one can get it: one fact after the other takes the value with
 * the mildest answer, twice. Not always the mildest there is.
 */
export function calmFor(
  scene: Pick<Scene, 'vocabulary' | 'supports' | 'budget'>,
  plan: Plan,
  strikes: readonly Strike[],
  fixed: Assignment,
  at: EpochMs,
): Assignment {
  const { facts } = scene.vocabulary
  const chosen = new Map(
    facts.map(({ path, values }) => [path, values.at(-1) ?? { kind: 'absent' as const }]),
  )
  for (const [path, value] of fixed) chosen.set(path, value)
  for (let pass = 0; pass < 2; pass++)
    for (const { path, values } of facts) {
      if (fixed.has(path) || values.length < 2) continue
      let least = Number.POSITIVE_INFINITY
      let best = chosen.get(path)
      for (const value of values) {
        chosen.set(path, value)
        const decision = judge(scene, plan, situation(scene, strikes, chosen, at))
        if (decision === null) break
        const cost = rank(decision) * 1e6 + decision.rules.length + decision.unknown.length
        if (cost < least) [least, best] = [cost, value]
      }
      if (best !== undefined) chosen.set(path, best)
    }
  return chosen
}
