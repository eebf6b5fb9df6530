/**
 * Finds the histories two policies answer differently, each as small as it can be.
 *
 * Pair by pair of rules, over the vocabulary of both, in order of size: a history is passed over when a smaller one
 * already shows the same two answers for the same kinds of strikes. What a pair answers differently is then shown on
 * the whole policies, with the other rules as quiet as can be; what they cover everywhere is counted and not listed.
 */
import type { Facts } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { evaluate } from '../evaluate.ts'
import type { Plan } from '../plan.ts'
import { boundOf, type History, historiesOf, type Space, spaceOf } from '../prove/histories.ts'
import { isLifted, selects } from '../prove/kinds.ts'
import { barePlan } from '../prove/restrict.ts'
import { calmFor, endOf, instantsFrom, situation } from '../prove/scene.ts'
import { type Assignment, assignmentsOf } from '../prove/situations.ts'
import { sameAnswer } from '../prove/strictness.ts'
import { type Budget, spend } from '../prove/verdict.ts'
import { planFor, type Stretch, stretchesOf, stretchWords } from '../rollout-plans.ts'
import { vocabularyOf } from '../vocabulary.ts'
import { supportsOf } from '../vocabulary-facts.ts'
import { type Difference, directionOf, idOf, type Relative, relative } from './difference.ts'
import { type Pair, pairsOf } from './pairs.ts'
import { classOf, type Found, type Half, needed, onWhole, type Search } from './whole.ts'
import { sentenceOf } from './words.ts'

export interface DiffOptions {
  /** Evaluations, at most. */
  readonly work?: number
  readonly progress?: (spent: number) => void
}

export interface Diff {
  /** By rule, then smallest first. */
  readonly differences: readonly Difference[]
  /** Rules that answer differently by themselves, while other rules cover it in every history tried. */
  readonly covered: readonly string[]
  /** What was not looked at, and why. */
  readonly not_covered: readonly string[]
  /** Histories with facts and instants that were judged, and the largest bound. */
  readonly histories: number
  readonly bound: string
}

export const DEFAULT_DIFF_WORK = 600_000
/** Differences of one rule; more help nobody. */
const MAX_PER_RULE = 100

/**
 * Every difference found within the bound. Equal policies (in another order, with other comments) have none. Where a rule is
 * not enforced for everybody, the policies are compared for each stretch of buckets, and a difference says for which.
 */
export function diffPlans(a: Plan, b: Plan, options: DiffOptions = {}): Diff {
  const { work = DEFAULT_DIFF_WORK } = options
  const stretches = stretchesOf(a, b)
  const parts = stretches.map((stretch) => {
    const [left, right] = [planFor(a, stretch.from), planFor(b, stretch.from)]
    const found = diffEnforced(left, right, { ...options, work: work / stretches.length })
    return withinStretch(found, stretch)
  })
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : together(parts)
}

function withinStretch(diff: Diff, stretch: Stretch): Diff {
  const whom = stretchWords(stretch)
  if (whom === '') return diff
  const differences = diff.differences.map((one): Difference => {
    const [first, ...others] = one.facts.hosts
    const facts = { ...one.facts, hosts: [{ ...first, bucket: stretch.from }, ...others] as const }
    return { ...one, facts, says: `${whom}: ${one.says}` }
  })
  return { ...diff, differences, not_covered: diff.not_covered.map((why) => `${whom}: ${why}`) }
}

/** One difference that several stretches have is told of each: an answer that moves for ten people is not one for fifty. */
function together(parts: readonly Diff[]): Diff {
  const covered = new Set(parts.flatMap((part) => part.covered))
  return {
    differences: parts.flatMap((part) => part.differences),
    covered: [...covered],
    not_covered: parts.flatMap((part) => part.not_covered),
    histories: parts.reduce((sum, { histories }) => sum + histories, 0),
    bound: parts.map(({ bound }) => bound).reduce((x, y) => (y.length > x.length ? y : x), ''),
  }
}

function diffEnforced(a: Plan, b: Plan, options: DiffOptions): Diff {
  const { work = DEFAULT_DIFF_WORK, progress = null } = options
  const pairs = pairsOf(a, b)
  const search = startSearch(a, b, { left: work, spent: 0, progress })
  for (const pair of pairs) comparePair(search, pair, work / pairs.length)
  const { differences, histories, bound } = search
  return {
    differences,
    covered: [...search.covered],
    not_covered: [...search.not_covered],
    histories,
    bound,
  }
}

function startSearch(a: Plan, b: Plan, budget: Budget): Search {
  const [left, right] = [barePlan(a), barePlan(b)]
  const vocabulary = vocabularyOf({ ...left, invariants: [] }, { ...right, invariants: [] })
  const supports = supportsOf(a, b)
  const both: Plan = {
    ...left,
    rules: [...left.rules, ...right.rules.map((rule) => ({ ...rule, id: `${rule.id}'` }))],
  }
  const calm = calmFor({ vocabulary, supports, budget }, both, [], new Map(), vocabulary.anchor)
  return {
    a: left,
    b: right,
    vocabulary,
    supports,
    budget,
    calm,
    differences: [],
    covered: new Set(),
    not_covered: new Set(),
    histories: 0,
    bound: '',
  }
}

const MAX_PRODUCT = 5_000

function comparePair(search: Search, pair: Pair, share: number): void {
  // Strikes that end by themselves are not varied here: they bring no rule to another answer than others do.
  const vocabulary = { ...vocabularyOf(pair.a, pair.b), own_expiries: [null] }
  const assignments = assignmentsOf([pair.a, pair.b], vocabulary, {
    at: vocabulary.anchor,
    limit: MAX_PRODUCT,
  })
  const each = 12 * assignments.all.length
  const space = spaceOf([pair.a, pair.b], vocabulary, Math.max(20, share / each))
  const name = pair.rule === null ? 'the policy' : `rule \`${pair.rule}\``
  if (!assignments.complete)
    search.not_covered.add(`${name}: its facts have ${assignments.product} combinations`)
  if (boundOf(space).length >= search.bound.length) search.bound = boundOf(space)
  const lengths = new Set(vocabulary.offsets.map(({ ms }) => ms))
  const half: Half = { pair, vocabulary, lengths, seen: new Map(), found: 0 }
  const stop = search.budget.spent + share * 2 + 1000
  for (const strikes of historiesOf(space))
    for (const facts of assignments.all) {
      if (half.found >= MAX_PER_RULE || search.budget.spent > stop || search.budget.left <= 0) {
        const why =
          half.found >= MAX_PER_RULE
            ? `more than ${MAX_PER_RULE} differences`
            : 'the budget of work ended'
        search.not_covered.add(`${name}: ${why}, within ${boundOf(space)}`)
        return
      }
      compareHistory(search, half, { strikes, facts, space })
    }
}

interface Tried {
  readonly strikes: History
  readonly facts: Assignment
  readonly space: Space
}

function compareHistory(
  search: Search,
  half: Half,
  { strikes, facts: assignment, space }: Tried,
): void {
  const { a, b, wordsOnly, rule } = half.pair
  const from = endOf(strikes, half.vocabulary)
  const start = situation(search, strikes, assignment, from)
  const instants = new Set([...instantsFrom(a, start), ...instantsFrom(b, start)])
  for (const at of [...instants].sort((x, y) => x - y)) {
    const facts = { ...start, at }
    if (!spend(search.budget) || !spend(search.budget)) return
    const [before, after] = [evaluate(a, facts), evaluate(b, facts)]
    search.histories++
    if (wordsOnly) {
      if (rule === null || !before.rules.includes(rule)) continue
    } else if (sameAnswer(before, after)) continue
    const told = [
      relative(before, facts, half.lengths),
      relative(after, facts, half.lengths),
    ] as const
    if (isKnown(half, told, facts)) continue
    const dated = strikes.length > 0 && strikes[0]?.effective_at !== space.starts[0]
    report(search, half, { facts, assignment, from, dated: dated || isDated(half, strikes, at) })
    if (wordsOnly) half.found = MAX_PER_RULE - 1
  }
}

/** Without strikes the instant itself is what is told, where the policy names one. */
function isDated({ vocabulary }: Half, strikes: History, at: EpochMs): boolean {
  return strikes.length === 0 && vocabulary.instants.some((one) => one === at || one + 1 === at)
}

/**
 * True when a history of some of these strikes' kinds gave the same two answers already. Where kinds are mixed, those
 * both policies treat alike are one: every kind is told by itself before.
 */
function isKnown(half: Half, told: readonly [Relative, Relative], facts: Facts): boolean {
  const { seen, pair } = half
  const key = pair.wordsOnly ? '' : JSON.stringify([told, factsKey(facts)])
  const own = facts.hosts[0].strikes.map(kindKey).sort()
  const mixed = new Set(own).size > 1
  const kinds = mixed ? facts.hosts[0].strikes.map((one) => treatment(half, one)).sort() : own
  const smaller = seen.get(key) ?? []
  if (smaller.some((others) => isPart(others, own) || isPart(others, kinds))) return true
  smaller.push(kinds)
  seen.set(key, smaller)
  return false
}

/** Whether each of the two counts a strike. */
function treatment({ pair }: Half, strike: History[0]): string {
  const counts = [pair.a, pair.b].map(({ rules: [rule] }) => {
    const count = rule?.count ?? null
    if (count === null || !selects(count, classOf(strike))) return 0
    return isLifted(count, strike) ? 0 : 1
  })
  return counts.join('')
}

function kindKey(strike: History[0]): string {
  const { category, severity, scope, weight, context, source } = strike
  return JSON.stringify([category, severity, scope, weight, context, source])
}

/** Of the conditions' facts; instants by how long ago. */
function factsKey({ at, hosts, stream, request, incident, platform }: Facts): string {
  const [{ facts, open_broadcasts }] = hosts
  const { created_at, ...rest } = facts
  const age = created_at === undefined ? null : at - created_at
  return JSON.stringify([age !== null, rest, open_broadcasts, stream, request, incident, platform])
}

/** True when every kind of `some` is in `all`, as often. Both sorted. */
function isPart(some: readonly string[], all: readonly string[]): boolean {
  let i = 0
  for (const one of all) if (some[i] === one) i++
  return i === some.length
}

function report(search: Search, half: Half, { facts, assignment, from, dated }: Found): void {
  const { pair, lengths } = half
  const [x, y] = [evaluate(pair.a, facts), evaluate(pair.b, facts)]
  const named = {
    rule: pair.rule,
    before: relative(x, facts, lengths),
    after: relative(y, facts, lengths),
    facts,
    assignment: needed(search, half, { facts, assignment, from, dated }),
    dated,
  }
  const id = idOf(named)
  if (search.differences.some((other) => other.id === id)) return
  const shown =
    onWhole(search, half, { facts, assignment: named.assignment, from, dated }) ??
    onWhole(search, half, { facts, assignment, from, dated })
  if (shown === null) {
    search.covered.add(pair.rule ?? 'default')
    return
  }
  half.found++
  const [before, after] = [evaluate(search.a, shown), evaluate(search.b, shown)]
  const direction = pair.wordsOnly ? 'other' : directionOf(before, after)
  const says = sentenceOf(pair, named, { before, after, facts: shown })
  search.differences.push({ id, rule: pair.rule, direction, says, facts: shown, before, after })
}
