/**
 * What a counterfactual says. See ../counterfactual.ts.
 */

import type { Decision, Strike, StrikeSource } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import type { FactValue } from '../environment.ts'
import type { Settled } from '../join.ts'

/** One thing that would be different; nothing else is. */
export type Change =
  /** Nobody does anything; the person asks now, and again at `at`. */
  | { readonly kind: 'later'; readonly at: EpochMs }
  | {
      readonly kind: 'fact'
      readonly host: number
      readonly fact: string
      /** Whose fact it is where `fact` is one of strikes (`strike.context`); else null. */
      readonly strike: string | null
      readonly from: FactValue | null
      readonly to: FactValue
    }
  | { readonly kind: 'reversed'; readonly host: number; readonly strike: string }
  /** One strike more for the subject that asks, at this very instant. */
  | { readonly kind: 'struck'; readonly host: 0; readonly strike: NewStrike }
export type ChangeKind = Change['kind']

/** A strike of a kind the policy tells from others. */
export interface NewStrike {
  readonly category: string
  readonly severity: Strike['severity']
  readonly weight: number
  readonly scope: string
  readonly context?: string
  readonly source?: StrikeSource
}

/** What a person is told to do; the lease and warnings left out. */
export type Answer = Omit<Settled, 'lease_until'> & Pick<Decision, 'rules'>

export interface Effect {
  readonly change: Change
  readonly answer: Answer
}

/** A rule that does not match, or has not its next step, and would with one change. */
export interface Near {
  readonly rule: string
  readonly host: number
  /** `strike`: one more; `step`: one more, on a ladder that runs; `fact`: one comparison; `time`: the clock alone. */
  readonly away: 'strike' | 'step' | 'fact' | 'time'
  readonly change: Change
  /** Strikes, or their weights, that count now, and what is needed; null where a fact or the clock is what is lacking. */
  readonly have: number | null
  readonly need: number | null
  /** True when the change makes the rule match, false when it ends that. */
  readonly matches: boolean
  /** What the instant is compared with, for `time`: a fact (`subject.created_at`) and a length after it. */
  readonly edge: { readonly fact: string; readonly offset_ms: number } | null
}

/** An unknown fact, and what would be decided if it were known. */
export interface Settle {
  readonly fact: string
  readonly host: number
  /** The strike that lacks it; null where it is no fact of strikes. */
  readonly strike: string | null
  /** Rules and exemptions that lack it, sorted. */
  readonly rules: readonly string[]
  /** Ascending for numbers and instants: each holds from its value up to the next one's. */
  readonly ways: readonly { readonly value: FactValue; readonly answer: Answer }[]
}

/** A search that ended before its end (`work`), or found more than is listed. */
export interface Incomplete {
  readonly kind: ChangeKind | 'unknown' | 'near'
  readonly why: 'work' | 'listed'
}

export interface Counterfactual {
  /** By host, then rule. */
  readonly near: readonly Near[]
  readonly settles: readonly Settle[]
  /** Changes that give another answer, from the smallest (`CHANGE_ORDER`, then as each search says). */
  readonly changes: readonly Effect[]
  readonly incomplete: readonly Incomplete[]
}

/** What one search gives, smallest first. */
export interface Found {
  readonly effects: readonly Effect[]
  readonly near: readonly Near[]
  readonly complete: boolean
}
