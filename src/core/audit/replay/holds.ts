/**
 * Holds and reviews that facts list, against what earlier records of the chain began and said.
 *
 * A hold may also have begun while its subject was somebody's co-host, in another chain and perhaps another log; one that
 * this audit cannot place is counted, not accused. Gates forget their oldest holds of many. Spec: docs/spec/record.md, "Auditing".
 */
import type { ReviewFact } from '../../model.ts'
import type { StrikeFault } from './strikes.ts'
import type { EvaluatedTrace } from './trace.ts'

export interface KnownHold {
  readonly stream: string
  readonly rule: string
  readonly at: number
  readonly index: number
  /** Begun by a decision of this very chain. */
  readonly own: boolean
  /** No hold that took its place is earlier: an instant of the chain long before it; null when none is known. */
  readonly floor: number | null
}

export interface KnownReview extends ReviewFact {
  readonly stream: string
}

/** Remembered of one chain; a gate keeps 256. */
const MAX_KNOWN = 64
/** Within so many entries no gate has forgotten a hold; and so many words of reviews it keeps. */
const REMEMBERED = 256

export interface HoldJudgement {
  readonly faults: readonly StrikeFault[]
  /** Holds that no audited record began. */
  readonly elsewhere: number
}

const RIGHT: HoldJudgement = { faults: [], elsewhere: 0 }

export function judgeHolds(
  known: readonly KnownHold[],
  trace: EvaluatedTrace,
  now: { readonly index: number },
): HoldJudgement {
  if (known.length === 0 && trace.holds.length === 0) return RIGHT
  const mine = known.filter(({ stream }) => stream === trace.stream)
  const faults: StrikeFault[] = []
  let elsewhere = 0
  for (const hold of trace.holds) {
    const same = mine.filter(({ rule }) => rule === hold.rule)
    if (same.some(({ at }) => at === hold.at)) continue
    const own = same.findLast((one) => one.own)
    const why = holdFault(hold, own)
    if (why === null) elsewhere++
    else faults.push({ code: 'hold_false', message: why })
  }
  for (const { rule, index, own } of mine) {
    if (!own || now.index - index > REMEMBERED) continue
    if (trace.holds.some((hold) => hold.rule === rule)) continue
    const message = `The facts lack the hold of rule ${rule} that began at index ${index}`
    faults.push({ code: 'hold_false', message })
  }
  return { faults, elsewhere }
}

function holdFault(
  { rule, at }: EvaluatedTrace['holds'][number],
  own: KnownHold | undefined,
): string | null {
  // A co-host's hold is written within seconds of a decision that is no earlier than its chain was then.
  if (own?.floor == null || at >= own.floor) return null
  return `The facts say that the hold of rule ${rule} began at ${at}; it began at ${own.at}, index ${own.index}`
}

/** With one more; it takes the place of that of the same stream and rule. */
export function withHold(known: readonly KnownHold[], hold: KnownHold): readonly KnownHold[] {
  const { stream, rule, own } = hold
  const kept = known.filter(
    (one) => one.stream !== stream || one.rule !== rule || (one.own && !own),
  )
  return [...kept.slice(1 - MAX_KNOWN), hold]
}

/** Every review listed was said, and the last one said of each rule is listed. */
export function judgeReviews(
  known: readonly KnownReview[],
  { reviews, stream }: Pick<EvaluatedTrace, 'reviews' | 'stream'>,
): readonly StrikeFault[] {
  if (known.length === 0 && reviews.length === 0) return []
  const mine = known.filter((one) => one.stream === stream)
  const latest = new Map(mine.map((one) => [one.rule, one]))
  const faults: StrikeFault[] = []
  for (const review of reviews)
    if (!mine.some((one) => sameReview(one, review)))
      faults.push({
        code: 'review_false',
        message: `The facts say that the review of rule ${review.rule} ${review.result} it; no record does`,
      })
  for (const one of latest.values())
    if (!reviews.some((review) => sameReview(one, review)))
      faults.push({
        code: 'review_false',
        message: `The facts lack that the review of rule ${one.rule} ${one.result} it`,
      })
  return faults
}

function sameReview(a: ReviewFact, b: ReviewFact): boolean {
  return a.rule === b.rule && a.result === b.result && a.at === b.at
}

/** With one more word: the last one of each stream and rule counts, and of many a gate keeps the newest. */
export function withReview(
  known: readonly KnownReview[],
  review: KnownReview,
): readonly KnownReview[] {
  const { stream, rule } = review
  const kept = known.filter((one) => one.stream !== stream || one.rule !== rule)
  return [...kept.slice(1 - REMEMBERED), review]
}
