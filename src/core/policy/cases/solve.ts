/**
 * Finds facts with which a condition is true, and others near them, by asking the condition.
 *
 * The parts of an `&&` are made true one after the other; then everything is tried. Bounded: of what is not found in
 * time there are no cases.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Strike } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { compileNode, type Evaluate } from '../cel-atoms.ts'
import { parseCel } from '../cel-library.ts'
import { factsIn } from '../cel-nodes.ts'
import type { CountTest } from '../cel-polarity.ts'
import { leavesOf } from '../expressions.ts'
import type { Condition, ConditionScope } from '../plan.ts'
import type { FactChoice } from '../vocabulary.ts'
import {
  type Assignment,
  assignments,
  type Counts,
  choicesOf,
  countKey,
  type Ground,
  near,
  truthOf,
} from './ground.ts'
import { classFor, MAX_STRIKES, spaced, strikesAt } from './histories.ts'

/** Facts and numbers of strikes with which a condition is true. */
export interface Solution {
  readonly facts: Assignment
  readonly counts: Counts
}

/** The solution nearest to the quiet facts; null when none is found. */
export function solve(ground: Ground, condition: Condition, at: EpochMs): Solution | null {
  const choices = choicesOf(ground, condition.facts)
  for (const counts of countings(condition)) {
    const facts = climb(condition, choices, { at, counts })
    if (facts !== null) return { facts, counts }
  }
  for (const counts of countings(condition))
    for (const facts of assignments(choices))
      if (truthOf(condition, { at, facts, counts }) === true) return { facts, counts }
  return null
}

/** Makes one part of an `&&` after the other true, none at the cost of those before. */
function climb(
  condition: Condition,
  choices: readonly FactChoice[],
  { at, counts }: { readonly at: EpochMs; readonly counts: Counts },
): Assignment | null {
  const parts = conjunctsOf(condition.source)
  let facts: Assignment = new Map(
    choices.flatMap(({ path, values }) => (values[0] === undefined ? [] : [[path, values[0]]])),
  )
  for (const [i, part] of parts.entries()) {
    const before = parts.slice(0, i + 1)
    const holds = (tried: Assignment): boolean =>
      before.every(({ evaluate }) => {
        const asked = {
          ...condition,
          evaluate: (scope: ConditionScope) => evaluate(scope, undefined),
        }
        return truthOf(asked, { at, facts: tried, counts }) === true
      })
    if (holds(facts)) continue
    const own = choices.filter(({ path }) => part.facts.includes(path))
    const found = first(near(own, facts), holds) ?? first(over(facts, assignments(own)), holds)
    if (found === undefined) return null
    facts = found
  }
  return facts
}

function first<T>(all: Iterable<T>, holds: (one: T) => boolean): T | undefined {
  for (const one of all) if (holds(one)) return one
  return undefined
}

function* over(facts: Assignment, all: Iterable<Assignment>): Generator<Assignment> {
  for (const some of all) yield new Map([...facts, ...some])
}

interface Conjunct {
  readonly facts: readonly string[]
  readonly evaluate: Evaluate
}

/** The parts of a condition that all have to be true. */
function conjunctsOf(source: string): Conjunct[] {
  const parsed = parseCel(source)
  if (!parsed.ok) return []
  const split = (node: ASTNode): ASTNode[] => (node.op === '&&' ? node.args.flatMap(split) : [node])
  return split(parsed.value).map((node) => ({
    facts: factsIn(node).map(({ path }) => path),
    evaluate: compileNode(node),
  }))
}

/** Ways the facts of `choices` may be: first those near a solution, then all of them. */
export function* candidates(
  ground: Ground,
  condition: Condition,
  choices: readonly FactChoice[],
  at: EpochMs,
): Generator<Solution> {
  const seed = solve(ground, condition, at)
  const paths = new Set(choices.map(({ path }) => path))
  if (seed !== null) {
    const own: Assignment = new Map([...seed.facts].filter(([path]) => paths.has(path)))
    for (const facts of near(choices, own)) yield { facts, counts: seed.counts }
  }
  for (const counts of countings(condition))
    for (const facts of assignments(choices)) yield { facts, counts }
}

/** Tests of strikes in a condition, each once. */
export function countTests(condition: Condition): CountTest[] {
  const found = new Map<string, CountTest>()
  for (const { count } of leavesOf(condition.source))
    if (count !== null)
      found.set(`${countKey(count.pattern, count.within)} ${count.at_least}`, count)
  return [...found.values()]
}

/** No strikes, enough for each test alone, enough for all. */
function countings(condition: Condition): Counts[] {
  const tests = countTests(condition)
  const one = (wanted: readonly CountTest[]): Counts => {
    const counts = new Map<string, number>()
    for (const { pattern, within, at_least } of wanted) {
      const key = countKey(pattern, within)
      counts.set(key, Math.max(at_least, counts.get(key) ?? 0))
    }
    return counts
  }
  return tests.length === 0 ? [one([])] : [one([]), ...tests.map((test) => one([test])), one(tests)]
}

/** Strikes that give each `strikes(...)` its number at `at`; what would be too many is left out. */
export function strikesFor(
  ground: Ground,
  condition: Condition,
  { counts }: Solution,
  at: EpochMs,
): Strike[] {
  const strikes = condition.counts.flatMap(({ pattern, within }) => {
    const n = counts.get(countKey(pattern, within)) ?? 0
    const kind = classFor(ground, pattern)
    return kind === null || n > MAX_STRIKES ? [] : strikesAt(kind, spaced(at, n, 0))
  })
  return strikes.map((strike, i) => ({ ...strike, id: `c${i + 1}` }))
}
