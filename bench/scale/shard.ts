/**
 * One sequencer through one day, event by event: everything that waits shares the next insert, an insert begins when
 * the one before is durable, and once a second a round takes the thread and then writes to the bucket.
 *
 * What computes blocks everything else of the object (one thread); waiting for a commit or for R2 does not. A decision's
 * time is what it waits here plus the way here and back (ways.ts), drawn independently. Next: tables.ts.
 */
import { arrivals, type Rates } from './arrivals.ts'
import { createHistogram, type Histogram } from './histogram.ts'
import { createMinutes, type Minutes, type WorstMinutes } from './minutes.ts'
import { SEQUENCER } from './parameters.ts'
import { randomFrom } from './random.ts'
import { type Draws, drawsFrom } from './ways.ts'

const WIDTH = 256

/** What a day did to one shard. */
export interface ShardDay extends WorstMinutes {
  readonly records: number
  readonly shed: number
  readonly inserts: number
  readonly rounds: number
  readonly puts: number
  /** Milliseconds subject objects waited in this log. */
  readonly waited_ms: number
  readonly latency: Histogram
  /** From answer to published checkpoint. */
  readonly checkpoint: Histogram
  /** Each record with the number of records in its insert. */
  readonly insert_sizes: Histogram
}

interface Shard {
  readonly counts: Record<'records' | 'shed' | 'inserts' | 'rounds' | 'puts' | 'waited_ms', number>
  readonly latency: Histogram
  readonly checkpoint: Histogram
  readonly insert_sizes: Histogram
  readonly minutes: Minutes
  readonly draws: Draws
  /** Answered, in no checkpoint yet: when and how many. */
  unpublished: { readonly at: number; readonly records: number }[]
  next_round: number
}

/** Deterministic for a seed. */
export function simulateShard(rates: Rates, shards: number, seed: number): ShardDay {
  const shard = newShard(seed)
  const coming = arrivals(rates, shards, randomFrom(seed + 1))
  let free = 0
  for (let next = take(coming); next !== null; ) {
    // Nobody waits here: a round when one is due, else sleep until somebody comes.
    const due = Math.max(free, shard.next_round)
    if (due <= Math.max(free, next)) free = round(shard, due)
    free = Math.max(free, next)
    const waiting: number[] = []
    for (; next !== null && next <= free; next = take(coming))
      if (waiting.length < SEQUENCER.waiting_max.value) waiting.push(next)
      else shard.counts.shed++
    free = insert(shard, free, waiting)
  }
  round(shard, Math.max(free, shard.next_round))
  const { counts, latency, checkpoint, insert_sizes, minutes } = shard
  return { ...counts, latency, checkpoint, insert_sizes, ...minutes.worst() }
}

function newShard(seed: number): Shard {
  return {
    counts: { records: 0, shed: 0, inserts: 0, rounds: 0, puts: 0, waited_ms: 0 },
    latency: createHistogram(),
    checkpoint: createHistogram(),
    insert_sizes: createHistogram(),
    minutes: createMinutes(),
    draws: drawsFrom(randomFrom(seed)),
    unpublished: [],
    next_round: 0,
  }
}

/** One insert of everything that waits; answers when it is durable, and with it all of them. */
function insert(shard: Shard, from: number, waiting: readonly number[]): number {
  const { counts, draws, minutes } = shard
  const { per_insert_us, per_record_us } = SEQUENCER
  const us = per_insert_us.value + waiting.length * per_record_us.value
  const durable = compute(minutes, from, us) + draws.commit()
  for (const arrived of waiting) {
    const took = draws.way() + durable - arrived
    shard.latency.add(took)
    minutes.took(arrived, took)
    counts.waited_ms += durable - arrived
  }
  counts.records += waiting.length
  counts.inserts++
  shard.insert_sizes.add(waiting.length, waiting.length)
  shard.unpublished.push({ at: durable, records: waiting.length })
  return durable
}

/** Hash and sign, then tiles, the checkpoint last; answers when the thread is free again. */
function round(shard: Shard, from: number): number {
  const { counts, draws, unpublished } = shard
  const size = unpublished.reduce((sum, { records }) => sum + records, 0)
  if (size === 0) return from
  const { round_fixed_us, round_per_record_us, round_every_ms, puts_at_once } = SEQUENCER
  const us = round_fixed_us.value + size * round_per_record_us.value
  const computed = compute(shard.minutes, from, us)
  const puts = putsOfRound(counts.records - size, counts.records)
  let published = computed
  for (let left = puts - 1; left > 0; left -= puts_at_once.value)
    published += slowest(draws.put, Math.min(left, puts_at_once.value))
  published += draws.put()
  for (const { at, records } of unpublished) shard.checkpoint.add(published - at, records)
  counts.rounds++
  counts.puts += puts
  shard.unpublished = []
  shard.next_round = Math.max(from + round_every_ms.value, published)
  return computed
}

function compute(minutes: Minutes, from: number, us: number): number {
  minutes.computed(from, us / 1_000)
  return from + us / 1_000
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
