/**
 * All histories of strikes up to a bound, over the vocabulary of a plan, in order of size and without repeats.
 *
 * A history is a row of strikes in time: each of one class, each a gap after the one before. Gaps are the edges a count
 * can tell apart: none, one millisecond, and one millisecond before, at and after each length. Strikes of one instant are
 * written in one order only, strikes nobody counts are left out (both change no answer). Where a threshold lies higher
 * than all combinations reach, a block of alike strikes stands before the free ones. What is enumerated, and why that
 * is enough, is docs/adr/0020-*.md.
 */
import type { Strike } from '../../model.ts'
import { type EpochMs, epochMs, isEpochMs } from '../../time.ts'
import type { Plan } from '../plan.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { strikeOf } from '../vocabulary-facts.ts'
import { type Kind, kindsOf } from './kinds.ts'

/** What strikes of a history may be. */
export interface Space {
  readonly kinds: readonly Kind[]
  /** Ascending. */
  readonly gaps: readonly number[]
  /** Instants of the first strike. */
  readonly starts: readonly EpochMs[]
  /** Free strikes, at most. */
  readonly free: number
  /** Numbers of alike strikes before the free ones, without 0. */
  readonly blocks: readonly number[]
  /** Free strikes after a block, at most. */
  readonly behind: number
  /** From one strike of a block to the next: such that each counts by itself. */
  readonly blockGaps: readonly number[]
  /** Numbers of strikes that cross a date together: those of thresholds beyond two, and one more of each. */
  readonly reach: readonly number[]
  /** Histories there are. */
  readonly size: number
}

export type History = readonly Strike[]

/** The largest space of the plans' vocabulary with at most `limit` histories, up to one strike more than any threshold. */
export function spaceOf(plans: readonly Plan[], vocabulary: Vocabulary, limit: number): Space {
  const kinds = kindsOf(plans, vocabulary)
  const gaps = gapsOf(plans, vocabulary)
  const starts = startsOf(vocabulary)
  const most = Math.max(
    1,
    ...vocabulary.thresholds.map((it) => it + 1),
    strikesForWeights(vocabulary),
  )
  const groups = new Set(plans.map(({ strikes }) => strikes.group_within))
  // Counted each by itself, and at once: weights and `strikes()` do not group.
  const blockGaps = [...new Set([0, ...[...groups].map((group) => (group === 0 ? 0 : group + 1))])]
  const base = { kinds, gaps, starts, blockGaps, reach: reachOf(vocabulary) }
  if (kinds.length === 0) return { ...base, free: 0, blocks: [], behind: 0, size: 1 }
  const sized = (free: number, behind: number): Space => {
    const blocks = behind === 0 ? [] : blocksOf(vocabulary, free, behind)
    const space = { ...base, free, blocks, behind }
    return { ...space, size: sizeOf(space) }
  }
  let free = 1
  while (free < Math.min(most, MAX_FREE) && sized(free + 1, 0).size <= limit / 2) free++
  if (free >= most) return sized(free, 0)
  const two = sized(free, 2)
  return two.size <= limit ? two : sized(free, 1)
}

function reachOf({ thresholds, weights }: Vocabulary): number[] {
  const sums = weights.map((sum) => Math.ceil(sum / 1000))
  const beyond = [...thresholds, ...sums].filter((one) => one > AROUND_DATES)
  const sizes = new Set(beyond.flatMap((one) => [Math.min(one, MAX_BLOCK), one + 1]))
  return [...sizes].sort((a, b) => a - b)
}

/** Free strikes tried together, at most: eight are more than any window of a few lengths can tell apart. */
const MAX_FREE = 8
const MAX_BLOCK = 1000

function gapsOf(plans: readonly Plan[], { offsets }: Vocabulary): number[] {
  const gaps = new Set([0])
  const ladders = plans.some(({ rules }) => rules.some(({ ladder }) => ladder !== null))
  const lengths = offsets.filter(({ kinds }) => kinds.includes('strike'))
  if (lengths.length > 0 || ladders) gaps.add(1)
  for (const { ms } of lengths) for (const by of [-1, 0, 1]) if (ms + by > 0) gaps.add(ms + by)
  return [...gaps].sort((a, b) => a - b)
}

/** Where dates matter, histories begin around them as well. */
function startsOf({ anchor, instants }: Vocabulary): EpochMs[] {
  const around = instants.flatMap((instant) => [instant - 1, instant])
  return [anchor, ...new Set(around)].filter(isEpochMs)
}

function strikesForWeights({ weights }: Vocabulary): number {
  return weights.length === 0 ? 1 : Math.min(MAX_FREE, 2 + Math.ceil(Math.max(...weights) / 1000))
}

/** For every threshold that free strikes do not pass: so many that those behind lead up to it, reach and pass it. */
function blocksOf({ thresholds, weights }: Vocabulary, free: number, behind: number): number[] {
  const blocks = new Set<number>()
  const sums = weights.map((sum) => Math.ceil(sum / 1000))
  for (const threshold of [...thresholds, ...sums])
    if (threshold + 1 > free)
      for (let some = behind - 1; some <= behind; some++)
        if (threshold - some > 0) blocks.add(Math.min(MAX_BLOCK, threshold - some))
  return [...blocks].sort((a, b) => a - b)
}

/** Free strikes where a date matters: one before it and one after. */
const AROUND_DATES = 2

function sizeOf(space: Omit<Space, 'size'>): number {
  const { kinds, gaps, starts, free, blocks, behind, reach, blockGaps } = space
  const perStrike = kinds.length * gaps.length
  const sum = (upTo: number, first: number): number => {
    let rows = 0
    for (let k = 1; k <= upTo; k++) rows += first * perStrike ** (k - 1)
    return rows
  }
  const crossing = reach.length * kinds.length * 3
  const dated = (starts.length - 1) * (crossing + sum(Math.min(free, AROUND_DATES), kinds.length))
  const beside = blocks.length * blockGaps.length * kinds.length * (1 + sum(behind, perStrike))
  return 1 + sum(free, kinds.length) + dated + beside
}

/** Every history of the space; shorter ones first, blocks last. */
export function* historiesOf(space: Space): Generator<History> {
  yield []
  const [anchor, ...dates] = space.starts
  for (let k = 1; k <= space.free; k++) {
    if (anchor !== undefined) yield* rows(space, { strikes: [], start: anchor, left: k })
    if (k <= AROUND_DATES)
      for (const start of dates) yield* rows(space, { strikes: [], start, left: k })
  }
  for (const start of dates) yield* crossing(space, start)
  if (anchor === undefined) return
  for (const block of space.blocks)
    for (const gap of space.blockGaps)
      for (const kind of space.kinds) {
        const strikes = blockOf(kind, block, gap, anchor)
        yield strikes
        for (let k = 1; k <= space.behind; k++)
          yield* rows(space, { strikes, start: anchor, left: k })
      }
}

/** As many alike strikes as a threshold says, and one more: all at the date, or the first before and the others after. */
function* crossing({ kinds, reach, blockGaps }: Space, start: EpochMs): Generator<History> {
  for (const size of reach)
    for (const gap of new Set([0, 1, ...blockGaps]))
      for (const kind of kinds) yield blockOf(kind, size, gap, start)
}

interface Row {
  readonly strikes: readonly Strike[]
  readonly start: EpochMs
  readonly left: number
  /** Place of the last kind, so that strikes of one instant stand in one order. */
  readonly last?: number
}

function* rows(space: Space, { strikes, start, left, last = 0 }: Row): Generator<History> {
  if (left === 0) {
    yield strikes
    return
  }
  const previous = strikes.at(-1)
  const gaps = previous === undefined ? [0] : space.gaps
  for (const gap of gaps) {
    const at = previous === undefined ? start : previous.effective_at + gap
    if (!isEpochMs(at)) continue
    for (let i = gap === 0 && previous !== undefined ? last : 0; i < space.kinds.length; i++) {
      const strike = placed(space.kinds[i] as Kind, strikes.length, at)
      yield* rows(space, { strikes: [...strikes, strike], start, left: left - 1, last: i })
    }
  }
}

function blockOf(kind: Kind, size: number, gap: number, start: EpochMs): Strike[] {
  return Array.from({ length: size }, (_, i) => placed(kind, i, epochMs(start + i * gap)))
}

function placed(kind: Kind, index: number, effective_at: EpochMs): Strike {
  const id = `s${String(index + 1).padStart(index < 9 ? 1 : 4, '0')}`
  return strikeOf(kind.kind, { ...kind, id, effective_at })
}

/** The bound in words. */
export function boundOf({ free, blocks, behind, kinds, gaps }: Space): string {
  if (kinds.length === 0) return 'no strikes'
  const beside = blocks.length === 0 ? '' : ` or ${behind} beside ${blocks.at(-1)} alike`
  return `up to ${plural(free, 'strike')}${beside}, of ${plural(kinds.length, 'kind')}, at ${plural(gaps.length, 'gap')}`
}

function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}
