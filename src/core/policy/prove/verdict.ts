/**
 * What a proof says of one property, and how far it looked.
 */
import type { Facts } from '../../model.ts'
import type { Expectation } from '../test-file.ts'

export interface Verdict {
  /** `unknown-never-allows`, `one-more-never-milder`, …, or `invariant <id>`. */
  readonly property: string
  /** The property as a sentence. */
  readonly says: string
  /**
   * `proved`: it holds in every history within the bound; `false`: there is a history for which it does not hold;
   * `not_covered`: nothing was found, and not everything within the bound was looked at.
   */
  readonly status: 'proved' | 'false' | 'not_covered'
  /** Histories with facts and instants that were judged. */
  readonly histories: number
  /** Largest bound of any rule, in words. */
  readonly bound: string
  /** Where the policy itself says otherwise: conditions that turn with the clock. */
  readonly exceptions: readonly string[]
  /** What was not looked at, and why. */
  readonly not_covered: readonly string[]
  readonly counterexamples: readonly Counterexample[]
}

/** A test case that fails, and why it should not. */
export interface Counterexample {
  readonly name: string
  /** What is wrong, one sentence. */
  readonly says: string
  readonly facts: Facts
  /** What the property asks for; the policy gives something else. */
  readonly expect: Expectation
}

/** Work left, counted in evaluations, so that what is looked at is the same on every machine. */
export interface Budget {
  left: number
  /** Evaluations made so far. */
  spent: number
  /** Told now and then. */
  readonly progress: ((spent: number) => void) | null
}

const EVERY = 1024

/** Takes one evaluation from the budget; false when nothing is left. */
export function spend(budget: Budget): boolean {
  if (budget.left <= 0) return false
  budget.left--
  budget.spent++
  if (budget.progress !== null && budget.spent % EVERY === 0) budget.progress(budget.spent)
  return true
}

/** What one property gathers over all rules. */
export interface Tally {
  histories: number
  /** Of the rule with the most histories, and how many those are. */
  bound: string
  widest: number
  readonly exceptions: Set<string>
  readonly not_covered: Set<string>
  readonly counterexamples: Counterexample[]
}

/** Keeps the widest bound. */
export function noteBound(tally: Tally, size: number, bound: string): void {
  if (size <= tally.widest) return
  tally.widest = size
  tally.bound = bound
}

export function emptyTally(): Tally {
  return {
    histories: 0,
    bound: '',
    widest: -1,
    exceptions: new Set(),
    not_covered: new Set(),
    counterexamples: [],
  }
}

export function settleTally(property: string, says: string, tally: Tally): Verdict {
  const { histories, bound, counterexamples } = tally
  return {
    property,
    says,
    status:
      counterexamples.length > 0 ? 'false' : tally.not_covered.size > 0 ? 'not_covered' : 'proved',
    histories,
    bound,
    exceptions: [...tally.exceptions],
    not_covered: [...tally.not_covered],
    counterexamples,
  }
}
