/**
 * Cases around every value at which a condition turns: each fact it reads at, below and above each value named, absent,
 * each date and each number of strikes, with everything else such that it decides.
 */
import { expireLength } from '../../standing/standing.ts'
import { epochMs } from '../../time.ts'
import type { CountTest } from '../cel-polarity.ts'
import type { Condition } from '../plan.ts'
import type { Trivalent } from '../trivalent.ts'
import type { FactAt, FactChoice } from '../vocabulary.ts'
import {
  type Assignment,
  choicesOf,
  countKey,
  type Ground,
  type Probe,
  type Scene,
  sceneFacts,
  truthOf,
} from './ground.ts'
import { classFor, MAX_STRIKES, spaced, strikesAt } from './histories.ts'
import { candidates, countTests, strikesFor } from './solve.ts'
import { factWords, lengthWords, SIDES, strikeWords } from './words.ts'

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

function inScene(scene: Scene, facts: Assignment): Scene {
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
  const chosen = deciding(
    candidates(ground, condition, others, scene.at),
    values,
    ({ facts, counts }, value) =>
      truthOf(condition, { at: scene.at, facts: withFact(facts, path, value), counts }),
  )
  for (const solution of chosen) {
    const extra = strikesFor(ground, condition, solution, scene.at)
    for (const value of values) {
      const facts = withFact(solution.facts, path, value)
      const strikes = [...scene.strikes, ...extra]
      yield {
        name: `${name}: ${[factWords(path, value), ...besides(ground, solution.facts)].join(', ')}`,
        facts: sceneFacts(ground, inScene({ ...scene, strikes }, facts)),
      }
    }
  }
}

/** Answers of a condition asked for in one search: some 50 ms. */
const MAX_ASKED = 20_000

/** The first of `others` that show every turn between neighbouring values there is; few, often one. */
export function deciding<S>(
  others: Iterable<S>,
  values: readonly FactAt[],
  truth: (other: S, value: FactAt) => Trivalent,
): S[] {
  const told = new Set<number>()
  const chosen: S[] = []
  let asked = 0
  for (const other of others) {
    asked += values.length
    if (asked > MAX_ASKED) break
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
  for (const { facts, counts } of candidates(ground, condition, choices, scene.at)) {
    const answers = SIDES.map(([by]) =>
      truthOf(condition, { at: epochMs(date + by), facts, counts }),
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
        facts: sceneFacts(ground, inScene(there, facts)),
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
  for (const { facts, counts } of candidates(ground, condition, choices, scene.at)) {
    const truth = (n: number): unknown =>
      truthOf(condition, { at: scene.at, facts, counts: new Map([...counts, [key, n]]) })
    if (truth(at_least) === truth(at_least - 1)) continue
    const others = new Map([...counts].filter(([other]) => other !== key))
    const extra = strikesFor(ground, condition, { facts, counts: others }, scene.at)
    const what = `strikes of ${pattern}`
    for (const n of [at_least - 1, at_least, at_least + 1]) {
      const own = strikesAt(kind, spaced(scene.at, n, 0)).map(renamed)
      const there = { ...scene, strikes: [...scene.strikes, ...extra, ...own] }
      yield { name: `${name}: ${n} ${what}`, facts: sceneFacts(ground, inScene(there, facts)) }
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
        facts: sceneFacts(ground, inScene(there, facts)),
      }
    }
    return
  }
}

function renamed<T extends object>(strike: T, i: number): T & { readonly id: string } {
  return { ...strike, id: `t${i + 1}` }
}
