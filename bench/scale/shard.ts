/**
 * One sequencer through one day, event by event: everything that waits shares the next insert, an insert begins when
 * the one before is durable, and once a second a round takes the thread and then writes to the bucket.
 *
 * What computes blocks everything else of the object (one thread); waiting for a commit or for R2 does not. A decision's
 * time is what it waits here plus the way here, drawn independently.
 */
import type { Rates } from './arrivals.ts'
import { arrivals } from './arrivals.ts'
import { createHistogram, type Histogram } from './histogram.ts'
import { PATH, SEQUENCER } from './parameters.ts'
import { logNormal, type Random, randomFrom } from './random.ts'

const MINUTE_MS = 60_000
const WIDTH = 256

/** What a day did to one shard. */
export interface ShardDay {
  readonly records: number
  readonly shed: number
  readonly inserts: number
  readonly rounds: number
  readonly puts: number
  /** Milliseconds the sequencer computed. */
  readonly busy_ms: number
  /** Milliseconds subject objects waited for this log. */
  readonly waited_ms: number
  /** Share of the worst minute in which it computed. */
  readonly busiest: number
  readonly latency: Histogram
  /** Decisions of the worst minute by its 99th percentile. */
  readonly worst_minute_p99_ms: number
  readonly checkpoint: Histogram
  readonly insert_sizes: Histogram
}

interface Draws {
  readonly way: () => number
  readonly commit: () => number
  readonly put: () => number
}

/** The way of a decision to the log and back, without what it waits there; and what the sequencer waits for. */
function drawsFrom(random: Random): Draws {
  const between = (low: { value: number }, high: { value: number }): (() => number) =>
    logNormal(random, low.value, high.value)
  const toSubject = between(PATH.to_subject_p50_ms, PATH.to_subject_p99_ms)
  const wake = between(PATH.wake_p50_ms, PATH.wake_p99_ms)
  const commit = between(PATH.commit_p50_ms, PATH.commit_p99_ms)
  const toLog = between(PATH.to_log_p50_ms, PATH.to_log_p99_ms)
  return {
    commit,
    put: between(SEQUENCER.put_p50_ms, SEQUENCER.put_p99_ms),
    way: () =>
      PATH.worker_cpu_ms.value +
      toSubject() +
      (random() < PATH.wake_share.value ? wake() : 0) +
      commit() +
      toLog(),
  }
}

/** Deterministic for a seed. */
export function simulateShard(rates: Rates, shards: number, seed: number): ShardDay {
  const random = randomFrom(seed)
  const draws = drawsFrom(randomFrom(seed + 1))
  const coming = arrivals(rates, shards, random)
  const day = { records: 0, shed: 0, inserts: 0, rounds: 0, puts: 0, busy_ms: 0, waited_ms: 0 }
  const latency = createHistogram()
  const checkpoint = createHistogram()
  const insert_sizes = createHistogram()
  const minutes = createMinutes()
  // Answered, not yet in a checkpoint: when and how many.
  let unpublished: { readonly at: number; readonly records: number }[] = []
  let waiting: number[] = []
  let free = 0
  let nextRound = 0
  let next = take(coming)

  const compute = (from: number, us: number): number => {
    day.busy_ms += us / 1_000
    minutes.busy(from, us / 1_000)
    return from + us / 1_000
  }
  const round = (from: number): number => {
    const size = unpublished.reduce((sum, { records }) => sum + records, 0)
    const { round_fixed_us, round_per_record_us, round_every_ms } = SEQUENCER
    const computed = compute(from, round_fixed_us.value + size * round_per_record_us.value)
    const puts = putsOfRound(day.records - size, day.records)
    let published = computed
    for (let left = puts - 1; left > 0; left -= SEQUENCER.puts_at_once.value)
      published += slowest(draws.put, Math.min(left, SEQUENCER.puts_at_once.value))
    published += draws.put()
    for (const { at, records } of unpublished) checkpoint.add(published - at, records)
    unpublished = []
    day.rounds++
    day.puts += puts
    nextRound = Math.max(from + round_every_ms.value, published)
    return computed
  }

  while (next !== null || waiting.length > 0) {
    if (waiting.length === 0 && next !== null) free = Math.max(free, next)
    if (free >= nextRound && unpublished.length > 0) free = round(free)
    for (; next !== null && next <= free; next = take(coming))
      if (waiting.length < SEQUENCER.waiting_max.value) waiting.push(next)
      else day.shed++
    const { per_insert_us, per_record_us } = SEQUENCER
    const done = compute(free, per_insert_us.value + waiting.length * per_record_us.value)
    const durable = done + draws.commit()
    for (const at of waiting) {
      const total = draws.way() + durable - at
      latency.add(total)
      minutes.latency(at, total)
      day.waited_ms += durable - at
    }
    day.records += waiting.length
    day.inserts++
    insert_sizes.add(waiting.length, waiting.length)
    unpublished.push({ at: durable, records: waiting.length })
    waiting = []
    free = durable
  }
  if (unpublished.length > 0) round(Math.max(free, nextRound))
  return { ...day, latency, checkpoint, insert_sizes, ...minutes.worst() }
}

/** The worst minute, by 99th percentile and by share of time computed, in one pass. */
function createMinutes(): {
  busy(at: number, ms: number): void
  latency(at: number, ms: number): void
  worst(): { readonly busiest: number; readonly worst_minute_p99_ms: number }
} {
  let minute = 0
  let current = createHistogram()
  let worst_minute_p99_ms = 0
  const busy = new Float64Array(1_442)
  const close = (): void => {
    // Below a thousand decisions a 99th percentile is chance.
    if (current.count() >= 1_000)
      worst_minute_p99_ms = Math.max(worst_minute_p99_ms, current.percentile(0.99))
    current = createHistogram()
  }
  return {
    busy(at, ms) {
      const index = Math.min(Math.floor(at / MINUTE_MS), busy.length - 1)
      busy[index] = (busy[index] ?? 0) + ms
    },
    latency(at, ms) {
      const of = Math.floor(at / MINUTE_MS)
      if (of !== minute) close()
      minute = of
      current.add(ms)
    },
    worst() {
      close()
      return { busiest: busy.reduce((a, b) => Math.max(a, b), 0) / MINUTE_MS, worst_minute_p99_ms }
    },
  }
}

/** Objects a round writes that takes the tree from one size to another: tiles, bundles and the checkpoint. */
export function putsOfRound(from: number, to: number): number {
  if (to === from) return 0
  let puts = 1
  for (let level = 0, a = from, b = to; b > a; level++) {
    const tiles = Math.floor(b / WIDTH) - Math.floor(a / WIDTH) + (b % WIDTH > 0 ? 1 : 0)
    // Level 0 is written twice: hashes and entries.
    puts += level === 0 ? 2 * tiles : tiles
    a = Math.floor(a / WIDTH)
    b = Math.floor(b / WIDTH)
  }
  return puts
}

function slowest(draw: () => number, times: number): number {
  let worst = 0
  for (let i = 0; i < times; i++) worst = Math.max(worst, draw())
  return worst
}

function take(coming: Generator<number>): number | null {
  const { value, done } = coming.next()
  return done === true ? null : (value as number)
}
