/**
 * Every number the simulation rests on, each with where it comes from: measured by `npm run bench:edge`, counted in the
 * code, published by Cloudflare, or assumed because only a real deployment can tell.
 *
 * Change a number here, run `npm run bench:scale -- --write`, and the tables of docs/scale.md follow.
 */

/** One number and why it is that number. */
export interface Parameter {
  readonly value: number
  readonly unit: string
  readonly about: string
  readonly source: Source
}

type Numbers<Names extends string> = Readonly<Record<Names, Parameter>>
type Source = 'chosen' | 'measured' | 'counted' | 'published' | 'assumed'

const chosen = (value: number, unit: string, about: string): Parameter => ({
  value,
  unit,
  about,
  source: 'chosen',
})
const measured = (value: number, unit: string, about: string): Parameter => ({
  ...chosen(value, unit, about),
  source: 'measured',
})
const counted = (value: number, unit: string, about: string): Parameter => ({
  ...chosen(value, unit, about),
  source: 'counted',
})
const published = (value: number, unit: string, about: string): Parameter => ({
  ...chosen(value, unit, about),
  source: 'published',
})
const assumed = (value: number, unit: string, about: string): Parameter => ({
  ...chosen(value, unit, about),
  source: 'assumed',
})

/** How people arrive. */
export const ARRIVALS: Numbers<
  | 'starts_per_day'
  | 'peak'
  | 'swing'
  | 'rush_decay_s'
  | 'incident_starts'
  | 'incident_decay_s'
  | 'incident_hour'
> = {
  starts_per_day: chosen(10_000_000, 'starts', 'starts a day, without the incident'),
  peak: chosen(10, '× mean', 'rate at the fullest hour, on the hour'),
  swing: chosen(0.75, '', 'how far day and night are from the mean, as a share of it'),
  rush_decay_s: chosen(180, 's', 'how long the rush after each full hour takes to fall to a third'),
  incident_starts: chosen(40_000, 'starts', 'encoders that reconnect at once in the incident'),
  incident_decay_s: chosen(20, 's', 'how long that takes to fall to a third'),
  incident_hour: chosen(20.25, 'h', 'when the incident happens: in the fullest hour'),
}

/** What one start costs where it passes. Latencies are a median and a 99th percentile of a log-normal. */
export const PATH: Numbers<
  | 'worker_cpu_ms'
  | 'to_subject_p50_ms'
  | 'to_subject_p99_ms'
  | 'wake_share'
  | 'wake_p50_ms'
  | 'wake_p99_ms'
  | 'commit_p50_ms'
  | 'commit_p99_ms'
  | 'to_log_p50_ms'
  | 'to_log_p99_ms'
> = {
  worker_cpu_ms: measured(0.5, 'ms', 'processor time of the Worker for a decision'),
  to_subject_p50_ms: assumed(10, 'ms', 'Worker to subject object and back, median'),
  to_subject_p99_ms: assumed(60, 'ms', 'the same, 99th percentile'),
  wake_share: assumed(0.95, '', 'decisions that find their object asleep'),
  wake_p50_ms: assumed(15, 'ms', 'waking an object: code, database, schema; median'),
  wake_p99_ms: assumed(80, 'ms', 'the same, 99th percentile'),
  commit_p50_ms: assumed(8, 'ms', 'a durable write of an object, median'),
  commit_p99_ms: assumed(40, 'ms', 'the same, 99th percentile'),
  to_log_p50_ms: assumed(
    40,
    'ms',
    'subject object to sequencer and back, median: they may be continents apart',
  ),
  to_log_p99_ms: assumed(180, 'ms', 'the same, 99th percentile'),
}

/** The sequencer of one shard. */
export const SEQUENCER: Numbers<
  | 'per_record_us'
  | 'per_insert_us'
  | 'round_per_record_us'
  | 'round_fixed_us'
  | 'round_every_ms'
  | 'waiting_max'
  | 'put_p50_ms'
  | 'put_p99_ms'
  | 'full_bytes'
  | 'puts_at_once'
> = {
  per_record_us: measured(200, 'µs', 'processor time of the sequencer for a record of an insert'),
  per_insert_us: measured(500, 'µs', 'the same for an insert, whatever its size'),
  round_per_record_us: measured(
    35,
    'µs',
    'the same for a record of a round: hashes, tiles, bundles',
  ),
  round_fixed_us: measured(3_000, 'µs', 'the same for a round, whatever its size'),
  round_every_ms: counted(1_000, 'ms', 'rounds begin at most this often'),
  waiting_max: counted(
    4_096,
    'records',
    'records that may wait for an insert; more are shed with 503',
  ),
  put_p50_ms: assumed(60, 'ms', 'a write to R2, median'),
  put_p99_ms: assumed(400, 'ms', 'the same, 99th percentile'),
  full_bytes: counted(
    9_000_000_000,
    'bytes',
    'size of a sequencer that takes no more records; the platform’s limit is 10 GB',
  ),
  puts_at_once: published(6, 'connections', 'outgoing connections an object may have open'),
}

/** What a start makes an account pay for. Rows were counted by the engine; they include index rows, deletes and alarms. */
export const BILLED: Numbers<
  | 'subject_requests'
  | 'sequencer_requests'
  | 'subject_rows'
  | 'first_share'
  | 'first_rows'
  | 'first_rows_log'
  | 'sequencer_rows'
  | 'rows_per_insert'
  | 'pack_records'
  | 'subject_rows_read'
  | 'sequencer_rows_read'
  | 'rows_read_per_insert'
  | 'rows_per_round'
  | 'subject_active_ms'
  | 'subject_bytes'
  | 'head_bytes'
  | 'log_bytes'
  | 'segment_entries'
  | 'segment_bytes'
> = {
  subject_requests: counted(
    1,
    'requests',
    'requests to the subject object: the decision; a plain one arms no alarm',
  ),
  sequencer_requests: counted(1, 'requests', 'requests to the sequencer: one append'),
  subject_rows: counted(
    2,
    'rows',
    'rows the subject object writes: the record, and later the subject with its place',
  ),
  first_share: assumed(0.1, '', 'starts that are the first of their subject ever'),
  first_rows_log: counted(1, 'rows', 'rows more in the sequencer: what a person is found by'),
  first_rows: counted(
    7,
    'rows',
    'rows more for a first start: two tables and a view are made, the subject is written at once',
  ),
  sequencer_rows: counted(
    1,
    'rows',
    'rows the sequencer writes for a record: how far its chain has come',
  ),
  rows_per_insert: counted(1, 'rows', 'rows an insert writes, however many records share it'),
  pack_records: counted(
    12,
    'records',
    'records at least in a row of inserts, which is one more row when it is dropped; inserts of more have one each',
  ),
  subject_rows_read: counted(
    13,
    'rows',
    'rows the subject object reads, most of them when it wakes',
  ),
  sequencer_rows_read: counted(1, 'rows', 'rows the sequencer reads for a record'),
  rows_read_per_insert: counted(
    5,
    'rows',
    'rows it reads for an insert, until it is in the bucket',
  ),
  rows_per_round: counted(2, 'rows', 'rows a round writes: state and alarm'),
  subject_active_ms: measured(2, 'ms', 'time a subject object is active besides waiting'),
  subject_bytes: measured(12_288, 'bytes', 'database of a subject object after its first decision'),
  head_bytes: measured(
    67,
    'bytes',
    'what a person leaves in the sequencer until it is erased; a record leaves nothing',
  ),
  log_bytes: measured(950, 'bytes', 'what a record takes in the bucket: bundle and tiles'),
  segment_entries: counted(
    4_096,
    'records',
    'records in a segment: one write to R2 and one row for all of them',
  ),
  segment_bytes: measured(220, 'bytes', 'what a record takes in the bucket besides: in a segment'),
}

/** Dollars, Workers Paid plan, beyond what the plan includes (at this size that is less than a day's use). */
export const PRICES: Numbers<
  | 'worker_requests_m'
  | 'worker_cpu_ms_m'
  | 'object_requests_m'
  | 'object_gb_s_m'
  | 'rows_written_m'
  | 'rows_read_m'
  | 'object_gb_month'
  | 'class_a_m'
  | 'class_b_m'
  | 'bucket_gb_month'
> = {
  worker_requests_m: published(0.3, '$/million', 'Worker requests'),
  worker_cpu_ms_m: published(0.02, '$/million ms', 'Worker CPU time'),
  object_requests_m: published(
    0.15,
    '$/million',
    'Durable Object requests, remote calls and alarms',
  ),
  object_gb_s_m: published(
    12.5,
    '$/million GB-s',
    'Durable Object duration, 0.128 GB while active',
  ),
  rows_written_m: published(
    1,
    '$/million',
    'rows written, each index row, delete and setAlarm one more',
  ),
  rows_read_m: published(0.001, '$/million', 'rows read'),
  object_gb_month: published(0.2, '$/GB-month', 'storage of objects'),
  class_a_m: published(4.5, '$/million', 'R2 class A operations: writes, lists'),
  class_b_m: published(0.36, '$/million', 'R2 class B operations: reads'),
  bucket_gb_month: published(0.015, '$/GB-month', 'R2 storage'),
}
/** When the prices and limits were read, and where. */
export const PRICES_READ =
  '2026-11-22, developers.cloudflare.com: /workers/platform/pricing, /durable-objects/platform/pricing, /r2/pricing'

/** Number of shards is enough when all of this holds over the whole day. */
export const GOALS: Numbers<'requests_a_second' | 'p99_ms' | 'busiest' | 'checkpoint_p99_ms'> = {
  requests_a_second: published(
    1_000,
    'requests/s',
    'of one object, the soft limit: appends in the worst second',
  ),
  p99_ms: chosen(750, 'ms', 'a decision, 99th percentile, in the worst minute'),
  busiest: chosen(0.7, '', 'share of its time the busiest sequencer computes, in the worst minute'),
  checkpoint_p99_ms: chosen(3_000, 'ms', 'from answer to published checkpoint, 99th percentile'),
}
