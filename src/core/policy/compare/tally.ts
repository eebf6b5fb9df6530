/**
 * Counts of differences over any number of decisions, with a few examples of each kind and each rule.
 *
 * Holds nothing but counts and examples, so it may be fed a whole log. Parts of a log may be counted apart, in threads, and
 * put together in their order. Next: backtest.ts.
 */
import type { Facts } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { evaluate } from '../evaluate.ts'
import type { Plan } from '../plan.ts'
import { withBucket } from '../rollout.ts'
import {
  type Change,
  type ChangeExample,
  changeOf,
  type Direction,
  directionOf,
  type Said,
  sideOf,
  type Term,
  termsChanged,
} from './changes.ts'

export interface Compared {
  /** Id of the decision. */
  readonly id: string
  readonly facts: Facts
  readonly before: Said
}

export interface Judged {
  /** Id of the decision. */
  readonly id: string
  readonly at: EpochMs
  readonly before: Said
  readonly after: Said
}

/** Decisions in which a rule had a say, before and with the candidate. */
export interface RuleCount {
  readonly before: number
  readonly after: number
  /** With the candidate but not before, and the other way round. */
  readonly gained: number
  readonly lost: number
}

/** The changes a rule had a part in: of another outcome, because it was gained or lost; else because it had a say. */
export interface RuleChanges {
  readonly changes: Readonly<Partial<Record<Change, number>>>
  /** Ids of the first decisions. */
  readonly examples: readonly string[]
}

export interface ChangeReport {
  /** Decisions looked at, and the time between the first and the last of them. */
  readonly decisions: number
  readonly from: EpochMs | null
  readonly to: EpochMs | null
  readonly unchanged: number
  /** How many of each; those that did not occur are left out. */
  readonly changes: Readonly<Partial<Record<Change, number>>>
  readonly directions: Readonly<Record<Direction, number>>
  /** What of the terms changed in changes of `terms`. */
  readonly terms: Readonly<Partial<Record<Term, number>>>
  /** By rule id, sorted; rules that had no say are left out. */
  readonly rules: Readonly<Record<string, RuleCount>>
  /** By rule id, sorted; rules without a part in any change are left out. */
  readonly by_rule: Readonly<Record<string, RuleChanges>>
  /** The first ones of each change, fairly shared. */
  readonly examples: readonly ChangeExample[]
}

/** A report that may be added to another: nothing is cut off yet. */
export interface TallyPart extends ChangeReport {
  readonly spare: readonly ChangeExample[]
}

export interface Tally {
  /** How the answers differ; null when they do not. */
  add(judged: Judged): Change | null
  /** Adds what was counted of later decisions. */
  merge(part: TallyPart): void
  part(): TallyPart
  report(): ChangeReport
}

export interface Comparison {
  /** What the candidate says instead; null when it says the same. */
  add(compared: Compared): Change | null
  report(): ChangeReport
}

/** An empty comparison with `candidate`. Costs one evaluation for each decision. */
export function createComparison(candidate: Plan): Comparison {
  const tally = createTally()
  return {
    add: ({ id, facts, before }) =>
      tally.add({
        id,
        at: facts.at,
        before,
        after: evaluate(candidate, withBucket(candidate, facts)),
      }),
    report: tally.report,
  }
}

/** Examples of all changes together, of one, and of one rule. */
export const MAX_EXAMPLES = 20
const MAX_EXAMPLES_OF_ONE = 5
const MAX_EXAMPLES_OF_RULE = 3

type Counts<K extends string> = Map<K, number>
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface OfRule {
  readonly changes: Counts<Change>
  readonly examples: string[]
}

export function createTally(): Tally {
  const changes: Counts<Change> = new Map()
  const terms: Counts<Term> = new Map()
  const directions: Record<Direction, number> = { stricter: 0, milder: 0, other: 0 }
  const rules = new Map<string, Mutable<RuleCount>>()
  const byRule = new Map<string, OfRule>()
  const examples: ChangeExample[] = []
  const spare: ChangeExample[] = []
  const shown: Counts<Change> = new Map()
  let decisions = 0
  let unchanged = 0
  let from: EpochMs | null = null
  let to: EpochMs | null = null

  function span(first: EpochMs | null, last: EpochMs | null): void {
    if (first !== null && (from === null || first < from)) from = first
    if (last !== null && (to === null || last > to)) to = last
  }

  function keep(example: ChangeExample): void {
    const seen = shown.get(example.change) ?? 0
    if (seen < MAX_EXAMPLES_OF_ONE) {
      shown.set(example.change, seen + 1)
      examples.push(example)
    } else if (spare.length < MAX_EXAMPLES) spare.push(example)
  }

  function blame(id: string, change: Change, { before, after }: Judged): void {
    for (const rule of rulesBehind(change, before.rules, after.rules)) {
      const of = ofRule(byRule, rule)
      count(of.changes, change)
      if (of.examples.length < MAX_EXAMPLES_OF_RULE) of.examples.push(id)
    }
  }

  function partOf(): TallyPart {
    return {
      ...{ decisions, from, to, unchanged, directions: { ...directions } },
      ...{ changes: sorted(changes), terms: sorted(terms), rules: sorted(rules) },
      by_rule: sorted(
        new Map(
          [...byRule].map(([rule, of]) => [
            rule,
            { changes: sorted(of.changes), examples: [...of.examples] },
          ]),
        ),
      ),
      examples: [...examples],
      spare: [...spare],
    }
  }

  return {
    add(judged) {
      const { id, at, before, after } = judged
      decisions++
      span(at, at)
      countRules(rules, before.rules, after.rules)
      const change = changeOf(before, after)
      if (change === null) {
        unchanged++
        return null
      }
      count(changes, change)
      directions[directionOf(change, before, after)]++
      if (change === 'terms') for (const term of termsChanged(before, after)) count(terms, term)
      blame(id, change, judged)
      keep({ id, at, change, before: sideOf(before), after: sideOf(after) })
      return change
    },
    merge(part) {
      decisions += part.decisions
      unchanged += part.unchanged
      span(part.from, part.to)
      for (const [change, n] of entriesOf(part.changes)) count(changes, change, n)
      for (const [term, n] of entriesOf(part.terms)) count(terms, term, n)
      for (const [direction, n] of entriesOf(part.directions)) directions[direction] += n
      for (const [rule, n] of Object.entries(part.rules)) addRule(rules, rule, n)
      for (const [rule, { changes: more, examples: ids }] of Object.entries(part.by_rule)) {
        const of = ofRule(byRule, rule)
        for (const [change, n] of entriesOf(more)) count(of.changes, change, n)
        of.examples.push(...ids.slice(0, MAX_EXAMPLES_OF_RULE - of.examples.length))
      }
      for (const example of [...part.examples, ...part.spare]) keep(example)
    },
    part: partOf,
    report() {
      const { spare: more, ...report } = partOf()
      return { ...report, examples: [...report.examples, ...more].slice(0, MAX_EXAMPLES) }
    },
  }
}

function count<K extends string>(counts: Counts<K>, key: K, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

function ofRule(byRule: Map<string, OfRule>, rule: string): OfRule {
  const known = byRule.get(rule)
  if (known !== undefined) return known
  const of = { changes: new Map(), examples: [] }
  byRule.set(rule, of)
  return of
}

/** Of another outcome, the rules in one list and not in the other; else whoever had a say may be behind it. */
export function rulesBehind(
  change: Change,
  before: readonly string[],
  after: readonly string[],
): readonly string[] {
  const gained = after.filter((rule) => !before.includes(rule))
  const lost = before.filter((rule) => !after.includes(rule))
  const isOutcome = change !== 'later' && change !== 'sooner' && change !== 'terms'
  return isOutcome && gained.length + lost.length > 0 ? [...gained, ...lost] : [...after, ...lost]
}

type RuleCounts = Map<string, Mutable<RuleCount>>

function countRules(rules: RuleCounts, before: readonly string[], after: readonly string[]): void {
  for (const id of after) {
    const was = Number(before.includes(id))
    addRule(rules, id, { before: was, after: 1, gained: 1 - was, lost: 0 })
  }
  for (const id of before)
    if (!after.includes(id)) addRule(rules, id, { before: 1, after: 0, gained: 0, lost: 1 })
}

function addRule(rules: RuleCounts, id: string, more: RuleCount): void {
  const known = rules.get(id)
  if (known === undefined) {
    rules.set(id, { ...more })
    return
  }
  known.before += more.before
  known.after += more.after
  known.gained += more.gained
  known.lost += more.lost
}

function sorted<K extends string, V>(counts: ReadonlyMap<K, V>): Record<K, V> {
  const inOrder = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(inOrder) as Record<K, V>
}

function entriesOf<K extends string>(
  counts: Readonly<Partial<Record<K, number>>>,
): [key: K, n: number][] {
  return Object.entries(counts) as [K, number][]
}
