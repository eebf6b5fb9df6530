/**
 * Restrictions a ladder opens: every counted strike s opens `[s, s + length of step n(s))`, the latest end wins.
 *
 * n(s) is the number of strikes in the window ending at s that were unexpired at s, so what expires later never
 * shortens a restriction, and a reversal recomputes all of them. Linear in strikes: an interval cover is walked from
 * its right end over precomputed jumps, no further than the last step. Spec: docs/spec/policy.md, "Ladders".
 */
import type { Standing } from '../standing/standing.ts'
import type { EpochMs } from '../time.ts'
import { exitOf, exitsOf, isAscending } from './count.ts'
import type { LadderStep } from './plan.ts'

/** The parts of a rule a ladder needs. */
export interface LadderQuery {
  readonly steps: readonly LadderStep[]
  readonly within: number | null
  readonly group_within: number
}

/** What a strike opened. */
export interface Opening {
  /** Row of the opening strike. */
  readonly row: number
  /** The strike's number, at most that of the last step. */
  readonly n: number
  readonly from: EpochMs
  /** Infinity = forever; for a `warn` step the instant at which its strike stops counting. */
  readonly until: number
  /** True for a `warn` step. */
  readonly warns: boolean
}

export interface LadderState {
  /** The running restriction that ends last; the earliest opened of those. */
  readonly running: Opening | null
  /** The latest `warn` step whose strike still counts; only when nothing runs. */
  readonly warning: Opening | null
}

const IDLE: LadderState = { running: null, warning: null }

/** State at `table.at`. `rows` are the strikes the rule ever selected, ascending. */
export function climb(query: LadderQuery, table: Standing, rows: readonly number[]): LadderState {
  if (!mayApply(query, table, rows)) return IDLE
  const cap = query.steps[query.steps.length - 1]?.at ?? 0
  const numbers = numbering(query, table, rows, cap)
  let running: Opening | null = null
  let warning: Opening | null = null
  for (let p = 0; p < rows.length; p++) {
    const n = numbers[p] as number
    const step = stepFor(query.steps, n)
    if (step === null) continue
    const row = rows[p] as number
    const from = table.effective[row] as EpochMs
    if (step.length === 'warn') {
      const until = exitOf(query, table, row)
      if (until > table.at && (warning === null || from > warning.from))
        warning = { row, n, from, until, warns: true }
      continue
    }
    const until = step.length === 'forever' ? Number.POSITIVE_INFINITY : from + step.length
    if (until > table.at && (running === null || until > running.until))
      running = { row, n, from, until, warns: false }
  }
  return running === null && warning === null
    ? IDLE
    : { running, warning: running === null ? warning : null }
}

/** The same of openings found elsewhere, in the order of their strikes. */
export function strictest<O extends Opening>(
  at: number,
  openings: readonly O[],
): { readonly running: O | null; readonly warning: O | null } {
  let running: O | null = null
  let warning: O | null = null
  for (const opening of openings) {
    const { from, until, warns } = opening
    if (until <= at) continue
    if (!warns) running = running === null || until > running.until ? opening : running
    else warning = warning === null || from > warning.from ? opening : warning
  }
  return { running, warning: running === null ? warning : null }
}

/** False when even the longest step of the latest strike is over, so that nothing needs to be numbered. */
function mayApply(query: LadderQuery, table: Standing, rows: readonly number[]): boolean {
  const last = rows[rows.length - 1]
  const longest = query.steps[query.steps.length - 1]?.length
  if (last === undefined || longest === undefined) return false
  if (query.steps[0]?.length === 'warn' || typeof longest === 'string') return true
  return (table.effective[last] as number) + longest > table.at
}

/** The step of the n-th strike: its own, else the next lower; null below the first. */
export function stepFor(steps: readonly LadderStep[], n: number): LadderStep | null {
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i] as LadderStep
    if (step.at <= n) return step
  }
  return null
}

/** Below every length: no restriction at all, and a step that only warns. */
export const NOTHING = -2
export const WARNS = -1

/** Lengths as numbers in the order of what they cost: `NOTHING` < `WARNS` < milliseconds < Infinity. */
export function lengthRank(length: LadderStep['length'] | null): number {
  if (length === null) return NOTHING
  if (length === 'warn') return WARNS
  return length === 'forever' ? Number.POSITIVE_INFINITY : length
}

/** Rows counted when the strike of `row` took effect: in the window ending at it and unexpired then. */
export function countedAt(
  query: Pick<LadderQuery, 'within'>,
  table: Standing,
  rows: readonly number[],
  row: number,
): number[] {
  const instant = table.effective[row] as number
  return rows.filter(
    (other) =>
      (table.effective[other] as number) <= instant && exitOf(query, table, other) > instant,
  )
}

/** n(s) per position of `rows`, capped: beyond the last step's number all are alike. */
export function numbering(
  query: Omit<LadderQuery, 'steps'>,
  table: Standing,
  rows: readonly number[],
  cap: number,
): Uint16Array {
  const exits = exitsOf(query, table, rows)
  const input: Numbering = { table, rows, exits, cap }
  return query.group_within === 0 ? countLive(input) : countGroups(input, query.group_within)
}

interface Numbering {
  readonly table: Standing
  readonly rows: readonly number[]
  readonly exits: Float64Array
  readonly cap: number
}

/** Without grouping n(s) is how many took effect up to s less how many left up to s. */
function countLive({ table, rows, exits, cap }: Numbering): Uint16Array {
  const leaving = isAscending(exits) ? exits : exits.slice().sort()
  const numbers = new Uint16Array(rows.length)
  let left = 0
  for (let p = 0; p < rows.length; ) {
    const instant = table.effective[rows[p] as number] as number
    const next = endOfInstant(table, rows, p)
    while (left < leaving.length && (leaving[left] as number) <= instant) left++
    numbers.fill(Math.min(cap, next - left), p, next)
    p = next
  }
  return numbers
}

/**
 * With grouping n(s) is the number of jumps from s to the nearest live strike more than `group_within` before,
 * repeated. Strikes that left are skipped by links that only ever shorten (they never come back).
 */
function countGroups({ table, rows, exits, cap }: Numbering, group_within: number): Uint16Array {
  const before = jumps(table, rows, group_within)
  const leaving = isAscending(exits) ? null : leavingOrder(exits)
  const alive = new Int32Array(rows.length)
  for (let p = 0; p < rows.length; p++) alive[p] = p
  const numbers = new Uint16Array(rows.length)
  let left = 0
  for (let p = 0; p < rows.length; ) {
    const instant = table.effective[rows[p] as number] as number
    const next = endOfInstant(table, rows, p)
    for (; left < rows.length; left++) {
      const gone = leaving === null ? left : (leaving[left] as number)
      if ((exits[gone] as number) > instant) break
      alive[gone] = gone - 1
    }
    let n = 0
    for (let q = find(alive, next - 1); q >= 0 && n < cap; n++) q = find(alive, before[q] as number)
    numbers.fill(n, p, next)
    p = next
  }
  return numbers
}

/** Per position the last position more than `group_within` earlier, or -1. */
function jumps(table: Standing, rows: readonly number[], group_within: number): Int32Array {
  const before = new Int32Array(rows.length)
  let p = -1
  for (let i = 0; i < rows.length; i++) {
    const limit = (table.effective[rows[i] as number] as number) - group_within
    while ((table.effective[rows[p + 1] as number] as number) < limit) p++
    before[i] = p
  }
  return before
}

/** Last live position at or before `p`, or -1; halves the path it walks. */
function find(alive: Int32Array, p: number): number {
  let at = p
  while (at >= 0 && alive[at] !== at) {
    const parent = alive[at] as number
    if (parent >= 0) alive[at] = alive[parent] as number
    at = alive[at] as number
  }
  return at
}

/** Positions in the order in which their strikes leave. */
function leavingOrder(exits: Float64Array): Uint32Array {
  const order = new Uint32Array(exits.length)
  for (let p = 0; p < exits.length; p++) order[p] = p
  return order.sort((a, b) => {
    const x = exits[a] as number
    const y = exits[b] as number
    return x === y ? a - b : x < y ? -1 : 1
  })
}

/** Position after the last strike of the same millisecond: all of them are in each other's windows. */
function endOfInstant(table: Standing, rows: readonly number[], p: number): number {
  const instant = table.effective[rows[p] as number] as number
  let next = p + 1
  while (next < rows.length && table.effective[rows[next] as number] === instant) next++
  return next
}
