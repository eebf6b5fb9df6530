/**
 * The bounded vocabulary of one or more plans: everything their rules can tell apart, and nothing else.
 *
 * A policy names finitely many categories, severities, scopes, contexts, thresholds, lengths, instants and values of
 * facts. Two strikes no selector, expiry or `unless` of the plans distinguishes are one class here; an instant at which
 * nothing can change is not an edge; a fact has one value for each way its comparisons can come out, and absent. What a
 * finite list cannot stand for exactly is said in `inexact`, never left out silently.
 * Used by prove/, diff/ and generated boundary cases. Facts and strikes are made of it by vocabulary-facts.ts.
 */
import type { Strike } from '../model.ts'
import { DAY_MS, type EpochMs, epochMs } from '../time.ts'
import { expressionsOf } from './expressions.ts'
import type { Plan } from './plan.ts'
import { collectEdges } from './vocabulary-edges.ts'
import { type Inexact, valuesOf } from './vocabulary-facts.ts'
import { strikeClasses } from './vocabulary-strikes.ts'

export interface Vocabulary {
  /** At least one; one nobody counts comes last, where there is one. Own expiry and age of content are lists beside. */
  readonly classes: readonly StrikeClass[]
  /** Lengths of time at which something can change, ascending, each once; the edges are one millisecond around them. */
  readonly offsets: readonly Offset[]
  /** Instants by themselves at which something can change: `since`, literals in conditions; ascending, each once. */
  readonly instants: readonly EpochMs[]
  /** Numbers of strikes (and, for `weight_at_least`, sums) that matter: `at_least`, ladder steps, `strikes() >= k`. */
  readonly thresholds: readonly number[]
  readonly weights: readonly number[]
  /** Ages of content, in milliseconds before the strike: null is not said; the others lie at and just over a limit. */
  readonly content_ages: readonly (number | null)[]
  /** A strike's own `expires_at`, after it took effect: null is the policy's, the other is sooner than every edge. */
  readonly own_expiries: readonly (number | null)[]
  /** Every fact some condition reads, by path, sorted; facts of strikes (`strike.*`) are in the classes. */
  readonly facts: readonly FactChoice[]
  /** An instant after every one of `instants`, midnight UTC: histories that need no certain date begin here. */
  readonly anchor: EpochMs
  /** What the lists above stand for only in part. */
  readonly inexact: readonly Inexact[]
}

/** Strikes the plans cannot tell apart, by one of them. */
export interface StrikeClass {
  readonly category: string
  readonly severity: Strike['severity']
  readonly scope: string
  readonly weight: number
  readonly context?: string
  readonly source?: NonNullable<Strike['source']>
  /** False for the class of what nobody counts. */
  readonly seen: boolean
}

export interface Offset {
  readonly ms: number
  /** What has this length, for people: `window of rule grave`, `step 2 of rule grave`, `expiry`. */
  readonly of: readonly string[]
  /**
   * `strike`: counted between strikes and from a strike to now (windows, expiry, grouping); `end`: from a strike to now
   * only (ladder lengths); `fact`: from a fact or a strike's issue to now; `hold`: from a first ask to now.
   */
  readonly kinds: readonly OffsetKind[]
}
export type OffsetKind = 'strike' | 'end' | 'fact' | 'hold'

/** Values of one fact that conditions can tell apart. */
export interface FactChoice {
  readonly path: string
  /** One for each way its comparisons can come out; absent comes first where a fact can be absent at all. */
  readonly values: readonly FactAt[]
  /** Also those that come out alike: just below, at and just above each number, instant and length named. */
  readonly boundaries: readonly FactAt[]
}

/** `ago`: the instant that many milliseconds before the decision. */
export type FactAt =
  | { readonly kind: 'absent' }
  | { readonly kind: 'value'; readonly value: number | string | boolean | readonly string[] }
  | { readonly kind: 'ago'; readonly ms: number }

/** The vocabulary of `plans` together: what none of them tells apart. Deterministic; linear in rules but for classes. */
export function vocabularyOf(...plans: readonly Plan[]): Vocabulary {
  const expressions = plans.flatMap(expressionsOf)
  const edges = collectEdges(plans, expressions)
  const facts = valuesOf(expressions, edges)
  const classes = strikeClasses(plans, expressions, edges.weights)
  const limits = plans.flatMap(({ strikes }) => strikes.ignore_content_older_than ?? [])
  return {
    classes: classes.classes,
    offsets: edges.offsets,
    instants: edges.instants,
    thresholds: edges.thresholds,
    weights: edges.weights,
    content_ages: [null, ...new Set(limits.flatMap((limit) => [limit, limit + 1]))],
    own_expiries: [null, ownExpiry(edges.offsets)],
    facts: facts.choices,
    anchor: anchorOf(plans, edges.instants),
    inexact: [...classes.inexact, ...facts.inexact],
  }
}

/** Half the shortest length strikes are counted by, at most a day: it cuts every window short. */
function ownExpiry(offsets: readonly Offset[]): number {
  const shortest = offsets.find(({ ms, kinds }) => ms > 1 && kinds.includes('strike'))
  return Math.max(1, Math.min(DAY_MS, Math.floor((shortest?.ms ?? DAY_MS) / 2)))
}

const EARLIEST = epochMs(Date.UTC(2026, 0, 1))

function anchorOf(plans: readonly Plan[], instants: readonly EpochMs[]): EpochMs {
  const dates = plans.flatMap(({ as_of }) => as_of ?? [])
  const latest = Math.max(EARLIEST, ...dates, ...instants.map((instant) => instant + 1))
  return epochMs(Math.ceil(latest / DAY_MS) * DAY_MS)
}
