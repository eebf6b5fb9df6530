/**
 * What a candidate would have answered otherwise: how one answer differs from another, and which way.
 *
 * Two words for one difference: what changed (`allow_to_deny`, `later`, `terms`), which people read, and whether that is
 * stricter, which decides. Counting them is tally.ts. Used before an activation, by `livegate policy backtest` and by shadows.
 */
import type { DelayMode, Outcome, Until } from '../../model.ts'
import type { EpochMs } from '../../time.ts'
import { directionOf as directionOfAnswers } from '../diff/difference.ts'
import type { Answer } from '../prove/strictness.ts'

/** The part of a decision that is compared; a `Decision` is one, and so is what a record discloses. */
export interface Said extends Answer {
  readonly rules: readonly string[]
}

/** How a decision would end otherwise. */
export interface Side {
  readonly outcome: Outcome
  readonly mode: DelayMode | null
  readonly until: Until | null
  readonly rules: readonly string[]
}

export interface ChangeExample {
  readonly id: string
  readonly at: EpochMs
  readonly change: Change
  readonly before: Side
  readonly after: Side
}

/** `allow_to_deny` and so on; `later` and `sooner` are denies that end otherwise, `terms` what else the caller must do. */
export type Change = `${Outcome}_to_${Outcome}` | 'later' | 'sooner' | 'terms'

/** Of the candidate's answer. `other`: stricter in one thing and milder in another. */
export type Direction = 'stricter' | 'milder' | 'other'

/** How `after` differs from `before`; null when it does not. */
export function changeOf(before: Said, after: Said): Change | null {
  if (before.outcome !== after.outcome) return `${before.outcome}_to_${after.outcome}`
  if (before.outcome === 'deny' && before.until !== after.until)
    return endOf(after.until) > endOf(before.until) ? 'later' : 'sooner'
  return TERMS.some((term) => differs(term, before, after)) ? 'terms' : null
}

/** Which way a change goes. */
export function directionOf(change: Change, before: Said, after: Said): Direction {
  if (change === 'later') return 'stricter'
  if (change === 'sooner') return 'milder'
  return directionOfAnswers(before, after)
}

/** No end that is known counts as the longest: waiting does not help. */
function endOf(until: Until | null): number {
  return until === null || until === 'forever' ? Number.POSITIVE_INFINITY : until
}

const TERMS = [
  'mode',
  'not_before',
  'lease_until',
  'retry_after_s',
  'broadcast_delay_s',
  'review',
  'obligations',
] as const
/** What a caller must do beside the outcome. */
export type Term = (typeof TERMS)[number]

/** In which terms two answers of one outcome differ. */
export function termsChanged(before: Said, after: Said): readonly Term[] {
  return TERMS.filter((term) => differs(term, before, after))
}

function differs(term: Term, before: Said, after: Said): boolean {
  if (term === 'obligations') {
    if (before.obligations.length === 0 && after.obligations.length === 0) return false
    return dutiesOf(before) !== dutiesOf(after)
  }
  if (term !== 'review') return before[term] !== after[term]
  const [a, b] = [before.review, after.review]
  if (a === null || b === null) return a !== b
  return a.queue !== b.queue || a.by !== b.by || a.at_deadline !== b.at_deadline
}

/** Neither the order of duties nor that of their parameters says anything. */
function dutiesOf({ obligations }: Said): string {
  return JSON.stringify(
    obligations.map((duty) => JSON.stringify(Object.entries(duty).sort())).sort(),
  )
}

/** What examples show of an answer. */
export function sideOf({ outcome, mode, until, rules }: Said): Side {
  return { outcome, mode, until, rules }
}
