/**
 * Where a rule's hold or review stands, from the disclosed facts alone.
 *
 * A hold runs from the first ask, is usable for one hour after its end, then starts anew; asking again never
 * shortens it. A review ends by a person's word. Neither is stored here: the gate keeps what `opened` tells it.
 * Spec: docs/spec/policy.md, "Delay".
 */
import { HOLD_USABLE_MS } from '../limits.ts'
import type { HoldFact, ReviewFact } from '../model.ts'
import { addMs, type DurationMs, type EpochMs } from '../time.ts'

export interface HoldState {
  readonly not_before: EpochMs
  /** True from `not_before` for the usable hour. */
  readonly satisfied: boolean
  /** True if the hold begins with this very decision. */
  readonly opened: boolean
}

export interface HoldQuery {
  readonly rule: string
  readonly hold: DurationMs
  readonly at: EpochMs
  /** Since when it runs, where it does: a hold that was over at the start does not run out under it. */
  readonly running_since?: EpochMs
}

/** Where the hold stands at `at`, or stood at `running_since` if it was usable then. */
export function holdState(query: HoldQuery, holds: readonly HoldFact[]): HoldState {
  const now = holdAt(query, holds)
  const { running_since } = query
  if (now.satisfied || running_since === undefined || running_since > query.at) return now
  const then = holdAt({ ...query, at: running_since }, holds)
  return then.satisfied ? then : now
}

/** The latest hold of the rule that began by `at` and is not used up, else one that begins now. */
function holdAt(query: HoldQuery, holds: readonly HoldFact[]): HoldState {
  const { rule, hold, at } = query
  let first: EpochMs | null = null
  for (const fact of holds)
    if (fact.rule === rule && fact.first_asked_at <= at)
      if (first === null || fact.first_asked_at > first) first = fact.first_asked_at
  if (first !== null) {
    const not_before = addMs(first, hold)
    if (at < not_before) return { not_before, satisfied: false, opened: false }
    if (at < addMs(not_before, HOLD_USABLE_MS))
      return { not_before, satisfied: true, opened: false }
  }
  return { not_before: addMs(at, hold), satisfied: hold === 0, opened: hold !== 0 }
}

/** The latest word on the rule by `at`; of two in one millisecond the refusal. */
export function reviewState(
  rule: string,
  reviews: readonly ReviewFact[],
  at: EpochMs,
): 'released' | 'refused' | 'pending' {
  let latest: ReviewFact | null = null
  for (const fact of reviews) {
    if (fact.rule !== rule || fact.at > at) continue
    if (latest === null || fact.at > latest.at) latest = fact
    else if (fact.at === latest.at && fact.result === 'refused') latest = fact
  }
  return latest === null ? 'pending' : latest.result
}
