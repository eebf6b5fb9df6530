/**
 * Cases around every value at which a condition turns: each fact it reads at, below and above each value named, absent,
 * each date and each number of strikes, with everything else such that it decides.
 */
import type { Strike } from '../../model.ts'
import { expireLength } from '../../standing/standing.ts'
import { type EpochMs, epochMs } from '../../time.ts'
import type { CountTest } from '../cel-polarity.ts'
import { leavesOf } from '../expressions.ts'
import type { Condition } from '../plan.ts'
import type { Trivalent } from '../trivalent.ts'
import type { FactAt, FactChoice } from '../vocabulary.ts'
import {
  type Assignment,
  assignments,
  type Counts,
  choicesOf,
  countKey,
  type Ground,
  type Probe,
  type Scene,
  sceneFacts,
  truthOf,
} from './ground.ts'
import { classFor, MAX_STRIKES, spaced, strikesAt } from './histories.ts'
import { factWords, lengthWords, SIDES, strikeWords } from './words.ts'

/** Facts and numbers of strikes with which a condition is true. */
export interface Solution {
  readonly facts: Assignment
  readonly counts: Counts
}

/** The solution nearest to the quiet facts; null when none is found. */
export function solve(ground: Ground, condition: Condition, at: EpochMs): Solution | null {
  for (const counts of countings(condition))
    for (const facts of assignments(choicesOf(ground, condition.facts)))
      if (truthOf(ground, condition, { at, facts, counts }) === true) return { facts, counts }
  return null
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

/** Every case of `condition`, on top of `scene`. `name` begins each sentence. */
export function* conditionProbes(
  ground: Ground,
  condition: Condition,
  scene: Scene,
  name: string,
): Generator<Probe> {
  const choices = choicesOf(ground, condition.facts)
  for (const choice of choices)
    yield* factProbes(ground, condition, { scene, name, choices }, choice)
  for (const { path, offset_ms } of condition.edges)
    if (path === null) yield* dateProbes(ground, condition, { scene, name, choices }, offset_ms)
  for (const test of countTests(condition))
    yield* countProbes(ground, condition, { scene, name, choices }, test)
}

interface On {
  readonly scene: Scene
  readonly name: string
  readonly choices: readonly FactChoice[]
}

function over(scene: Scene, facts: Assignment): Scene {
  return { ...scene, facts: new Map([...scene.facts, ...facts]) }
}

/** Values of one fact that are written out. */
const MAX_VALUES = 48

function* factProbes(
  ground: Ground,
  condition: Condition,
  { scene, name, choices }: On,
  { path, boundaries }: FactChoice,
): Generator<Probe> {
  const others = choices.filter((choice) => choice.path !== path)
  const values = boundaries.slice(0, MAX_VALUES)
  const solutions = function* (): Generator<Solution> {
    for (const counts of countings(condition))
      for (const facts of assignments(others)) yield { facts, counts }
  }
  const chosen = deciding(solutions(), values, ({ facts, counts }, value) =>
    truthOf(ground, condition, { at: scene.at, facts: withFact(facts, path, value), counts }),
  )
  for (const solution of chosen) {
    const extra = strikesFor(ground, condition, solution, scene.at)
    for (const value of values) {
      const facts = withFact(solution.facts, path, value)
      const strikes = [...scene.strikes, ...extra]
      yield {
        name: `${name}: ${[factWords(path, value), ...besides(ground, solution.facts)].join(', ')}`,
        facts: sceneFacts(ground, over({ ...scene, strikes }, facts)),
      }
    }
  }
}

/** The first of `others` that show every turn between neighbouring values there is; few, often one. */
export function deciding<S>(
  others: Iterable<S>,
  values: readonly FactAt[],
  truth: (other: S, value: FactAt) => Trivalent,
): S[] {
  const told = new Set<number>()
  const chosen: S[] = []
  for (const other of others) {
    const answers = values.map((value) => truth(other, value))
    const news = answers.flatMap((answer, i) =>
      i > 0 && answer !== answers[i - 1] && !told.has(i) ? [i] : [],
    )
    if (news.length === 0) continue
    for (const i of news) told.add(i)
    chosen.push(other)
    if (told.size === values.length - 1) break
  }
  return chosen
}

function withFact(facts: Assignment, path: string, value: FactAt): Assignment {
  return new Map([...facts, [path, value]])
}

/** What is not as quiet as usual. */
function besides(ground: Ground, facts: Assignment): string[] {
  return [...facts].flatMap(([path, value]) =>
    JSON.stringify(ground.quiet.get(path)) === JSON.stringify(value)
      ? []
      : [factWords(path, value)],
  )
}

function* dateProbes(
  ground: Ground,
  condition: Condition,
  { scene, name, choices }: On,
  date: number,
): Generator<Probe> {
  for (const counts of countings(condition))
    for (const facts of assignments(choices)) {
      const answers = SIDES.map(([by]) =>
        truthOf(ground, condition, { at: epochMs(date + by), facts, counts }),
      )
      if (answers.every((answer) => answer === answers[0])) continue
      const shift = date - scene.at
      const extra = strikesFor(ground, condition, { facts, counts }, epochMs(date - 1))
      const moved = scene.strikes.map((strike) => ({
        ...strike,
        issued_at: epochMs(strike.issued_at + shift - 1),
        effective_at: epochMs(strike.effective_at + shift - 1),
      }))
      for (const [by, words] of SIDES) {
        const there = { ...scene, at: epochMs(date + by), strikes: [...moved, ...extra] }
        yield {
          name: `${name}: ${words} the date of its condition comes`,
          facts: sceneFacts(ground, over(there, facts)),
        }
      }
      return
    }
}

function* countProbes(
  ground: Ground,
  condition: Condition,
  { scene, name, choices }: On,
  test: CountTest,
): Generator<Probe> {
  const { pattern, within, at_least } = test
  const kind = classFor(ground, pattern)
  if (kind === null || at_least > MAX_STRIKES) return
  const key = countKey(pattern, within)
  for (const counts of countings(condition))
    for (const facts of assignments(choices)) {
      const truth = (n: number): unknown =>
        truthOf(ground, condition, { at: scene.at, facts, counts: new Map([...counts, [key, n]]) })
      if (truth(at_least) === truth(at_least - 1)) continue
      const others = new Map([...counts].filter(([other]) => other !== key))
      const extra = strikesFor(ground, condition, { facts, counts: others }, scene.at)
      const what = `strikes of ${pattern}`
      for (const n of [at_least - 1, at_least, at_least + 1]) {
        const own = strikesAt(kind, spaced(scene.at, n, 0)).map(renamed)
        const there = { ...scene, strikes: [...scene.strikes, ...extra, ...own] }
        yield { name: `${name}: ${n} ${what}`, facts: sceneFacts(ground, over(there, facts)) }
      }
      const span = Math.min(
        within ?? Number.POSITIVE_INFINITY,
        expireLength(ground.plan.strikes, kind.category),
      )
      if (!Number.isFinite(span)) return
      for (const [by, words] of SIDES) {
        const own = strikesAt(kind, spaced(scene.at - span - by, at_least, 0)).map(renamed)
        const there = { ...scene, strikes: [...scene.strikes, ...extra, ...own] }
        yield {
          name: `${name}: ${strikeWords(at_least)} of ${pattern}, ${words} ${lengthWords(span)} are over`,
          facts: sceneFacts(ground, over(there, facts)),
        }
      }
      return
    }
}

function renamed<T extends object>(strike: T, i: number): T & { readonly id: string } {
  return { ...strike, id: `t${i + 1}` }
}
