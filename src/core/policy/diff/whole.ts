/**
 * What a pair of rules answers differently, shown on the whole policies: with the facts it needs, strikes of a kind that
 * other rules leave alone, and everything else as quiet as can be. See compare.ts.
 */
import type { Decision, Facts } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { evaluate } from '../evaluate.ts'
import type { Plan } from '../plan.ts'
import type { History } from '../prove/histories.ts'
import { fateOf } from '../prove/kinds.ts'
import { withoutRule } from '../prove/restrict.ts'
import { calmFor, situation } from '../prove/scene.ts'
import type { Assignment } from '../prove/situations.ts'
import { answerKey } from '../prove/strictness.ts'
import type { Budget } from '../prove/verdict.ts'
import type { StrikeClass, Vocabulary } from '../vocabulary.ts'
import type { Difference } from './difference.ts'
import type { Pair } from './pairs.ts'

/** Two whole policies under comparison. */
export interface Search {
  readonly a: Plan
  readonly b: Plan
  readonly vocabulary: Vocabulary
  readonly supports: readonly string[]
  readonly budget: Budget
  readonly calm: Assignment
  readonly differences: Difference[]
  readonly covered: Set<string>
  readonly not_covered: Set<string>
  histories: number
  bound: string
}

/** One pair of them. */
export interface Half {
  readonly pair: Pair
  readonly vocabulary: Vocabulary
  readonly lengths: ReadonlySet<number>
  /** Answers seen, with the kinds of strikes they were seen for. */
  readonly seen: Map<string, string[][]>
  found: number
}

/** Where a pair differs. */
export interface Found {
  readonly facts: Facts
  readonly assignment: Assignment
  readonly from: EpochMs
  readonly dated: boolean
}

/** The facts that make the difference: each of the others becomes absent, or takes its first value, if that changes nothing. */
export function needed(search: Search, { pair, vocabulary }: Half, found: Found): Assignment {
  const strikes = found.facts.hosts[0].strikes
  const keyOf = (some: Assignment): string => {
    const facts = { ...situation(search, strikes, some, found.from), at: found.facts.at }
    return `${answerKey(evaluate(pair.a, facts))} ${answerKey(evaluate(pair.b, facts))}`
  }
  const wanted = keyOf(found.assignment)
  const chosen = new Map(found.assignment)
  for (const { path, values } of vocabulary.facts) {
    const own = chosen.get(path)
    if (own?.kind === 'absent') continue
    const fewer = new Map(chosen)
    fewer.delete(path)
    if (keyOf(fewer) === wanted) {
      chosen.delete(path)
      continue
    }
    for (const value of values) {
      chosen.set(path, value)
      if (keyOf(chosen) === wanted) break
      if (own !== undefined) chosen.set(path, own)
    }
  }
  return chosen
}

/** Facts for which the whole policies differ as the pair does; null when other rules cover it wherever was looked. */
export function onWhole(search: Search, half: Half, found: Found): Facts | null {
  const { pair } = half
  for (const strikes of relabelled(search, half, found.facts.hosts[0].strikes)) {
    for (const calm of calms(search, half, strikes, found)) {
      const all = new Map([...calm, ...found.assignment])
      const facts = { ...situation(search, strikes, all, found.from), at: found.facts.at }
      const [x, y] = [evaluate(search.a, facts), evaluate(search.b, facts)]
      const differs = pair.wordsOnly
        ? x.rules.includes(pair.rule ?? '') && y.rules.includes(pair.rule ?? '')
        : answerKey(x) !== answerKey(y)
      if (differs) return withoutIdle(search, facts, answersOf(x, y), found.assignment)
    }
  }
  return null
}

function answersOf(x: Decision, y: Decision): string {
  return `${answerKey(x)} ${answerKey(y)}`
}

function* calms(
  search: Search,
  { pair }: Half,
  strikes: History,
  found: Found,
): Generator<Assignment> {
  yield search.calm
  const { rule } = pair
  const rest = rule === null ? search.a : withoutRule(search.a, rule)
  if (strikes.length > 0) yield calmFor(search, rest, strikes, found.assignment, found.facts.at)
}

const MAX_RELABELLED = 24

/** The strikes as they are, then of other classes that are the same to the pair and perhaps not to other rules. */
function* relabelled({ vocabulary }: Search, { pair }: Half, strikes: History): Generator<History> {
  yield strikes
  const [first] = strikes
  if (first === undefined) return
  const fate = fateOf([pair.a, pair.b], classOf(first))
  let tried = 0
  for (const kind of vocabulary.classes) {
    if (!kind.seen || fateOf([pair.a, pair.b], kind) !== fate) continue
    if (tried++ >= MAX_RELABELLED) return
    const { seen: _, ...members } = kind
    yield strikes.map(({ context: _c, source: _s, ...strike }) => ({ ...strike, ...members }))
  }
}

export function classOf({
  category,
  severity,
  scope,
  weight,
  context,
  source,
}: History[0]): StrikeClass {
  return {
    category,
    severity,
    scope,
    weight,
    ...(context === undefined ? {} : { context }),
    ...(source === undefined ? {} : { source }),
    seen: true,
  }
}

/** Facts nobody needs for both answers are not told. */
function withoutIdle(search: Search, facts: Facts, answers: string, told: Assignment): Facts {
  let left = facts
  for (const path of search.calm.keys()) {
    const [root, member = ''] = path.split('.')
    if (root !== 'subject' || told.has(path)) continue
    const [first, ...others] = left.hosts
    const known = Object.entries(first.facts).filter(([name]) => name !== member)
    const host = { ...first, facts: Object.fromEntries(known) }
    const fewer: Facts = { ...left, hosts: [host, ...others] }
    if (answersOf(evaluate(search.a, fewer), evaluate(search.b, fewer)) === answers) left = fewer
  }
  return left
}
