/**
 * Strikes that can no longer count: without them every decision from now on is the same.
 *
 * An expired strike is not harmless by itself: it may be why a later one, whose restriction still runs, was the third. So
 * a strike is expendable only when it has expired under every way of counting the plan knows, and everything that took
 * effect while it counted has expired and is past its longest restriction too. It errs on the side of keeping. What it
 * cannot know is a strike that will arrive dated back into the time in which this one counted.
 * Spec: docs/erasure.md, "Retention". Used by gate/retention.ts.
 */
import type { Strike } from '../model.ts'
import { expireLength } from '../standing/standing.ts'
import type { EpochMs } from '../time.ts'
import { stepFor } from './ladder.ts'
import type { LadderStep, Plan, StrikesPlan } from './plan.ts'

interface Life {
  readonly strike: Strike
  readonly from: number
  /** First instant at which it counts nowhere. */
  readonly end: number
}

/** Of the strikes of one subject those that may go, in their order. */
export function expendableStrikes(
  plan: Plan,
  strikes: readonly Strike[],
  at: EpochMs,
): readonly Strike[] {
  const countings = countingsOf(plan)
  const ladders = laddersOf(plan)
  const lives = strikes
    .map((strike): Life => ({ strike, from: strike.effective_at, end: endOf(countings, strike) }))
    .sort((a, b) => a.from - b.from)
  const froms = lives.map(({ from }) => from)
  const over = overFrom(ladders, lives, at)
  const gone = new Set<Strike>()
  for (const [i, { strike, end }] of lives.entries()) {
    if (end > at) continue
    const next = upTo(froms, end - 1)
    if (strike.status === 'reversed' || (over[i] ?? 0) >= next) gone.add(strike)
  }
  return strikes.filter((strike) => gone.has(strike))
}

/** For each strike the first one at or after it that is not over yet. */
function overFrom(
  ladders: readonly (readonly LadderStep[])[],
  lives: readonly Life[],
  at: number,
): readonly number[] {
  const froms = lives.map(({ from }) => from)
  const ends = lives.map(({ end }) => end).sort((a, b) => a - b)
  const countAt = (instant: number): number => upTo(froms, instant) - upTo(ends, instant)
  const firsts = new Array<number>(lives.length)
  let first = lives.length
  for (let i = lives.length - 1; i >= 0; i--) {
    const life = lives[i]
    if (life !== undefined && !isOver(ladders, countAt, life, at)) first = i
    firsts[i] = first
  }
  return firsts
}

/** It counts nowhere any more, and nothing it may have opened runs, whatever number it had. */
function isOver(
  ladders: readonly (readonly LadderStep[])[],
  countAt: (instant: number) => number,
  life: Life,
  at: number,
): boolean {
  if (life.strike.status === 'reversed') return true
  if (life.end > at) return false
  const n = countAt(life.from)
  return ladders.every((steps) => {
    const length = longestUpTo(steps, n)
    return length !== 'forever' && life.from + length <= at
  })
}

/** The longest of the steps it may have been given. */
function longestUpTo(steps: readonly LadderStep[], n: number): number | 'forever' {
  let longest = 0
  for (const { at } of steps) {
    if (at > n) break
    const length = stepFor(steps, at)?.length ?? 0
    if (length === 'forever') return length
    if (length !== 'warn' && length > longest) longest = length
  }
  return longest
}

/** How many of ascending instants are at or before one. */
function upTo(instants: readonly number[], instant: number): number {
  let low = 0
  let high = instants.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((instants[middle] ?? 0) <= instant) low = middle + 1
    else high = middle
  }
  return low
}

function endOf(countings: readonly StrikesPlan[], strike: Strike): number {
  if (strike.expires_at !== undefined) return strike.expires_at
  const lengths = countings.map((counting) => expireLength(counting, strike.category))
  return strike.effective_at + Math.max(...lengths)
}

/** Every ladder, those of earlier revisions that still have a say included. */
function laddersOf({ rules }: Plan): readonly (readonly LadderStep[])[] {
  return rules.flatMap(({ ladder, inherited }) => [
    ...(ladder === null ? [] : [ladder]),
    ...(inherited?.forms ?? []).map(({ steps }) => steps),
    ...(inherited?.milder ?? []).flatMap(({ rule }) => (rule.ladder === null ? [] : [rule.ladder])),
  ])
}

/** How strikes count now, and how they did under earlier revisions that still have a say. */
function countingsOf({ strikes, rules }: Plan): readonly StrikesPlan[] {
  const earlier = rules.flatMap(({ inherited }) =>
    (inherited?.forms ?? []).flatMap(({ counting }) =>
      counting === null ? [] : [counting.strikes],
    ),
  )
  return [strikes, ...earlier]
}
