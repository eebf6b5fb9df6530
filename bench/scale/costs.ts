/**
 * What a simulated day costs, part by part, at the published prices. Beyond what a plan includes; without discounts.
 */
import { BILLED, PATH, PRICES } from './parameters.ts'

/** The counts that are paid for. */
export interface Usage {
  readonly records: number
  readonly inserts: number
  readonly rounds: number
  readonly puts: number
  readonly shards: number
  /** Milliseconds subject objects waited for their log. */
  readonly waited_ms: number
}

export interface CostPart {
  readonly name: string
  readonly quantity: string
  readonly dollars: number
}

const GB = 1e9
const OBJECT_GB = 0.128
const DAYS_OF_MONTH = 30
const DAY_S = 86_400

/** Dollars a day; storage at the end of the first month. */
export function costsOfDay(usage: Usage): readonly CostPart[] {
  const { records, inserts, rounds, puts, shards, waited_ms } = usage
  const requests =
    records * (BILLED.subject_requests.value + BILLED.sequencer_requests.value) + rounds
  const way = PATH.to_log_p50_ms.value + PATH.commit_p50_ms.value + BILLED.subject_active_ms.value
  const seconds = (waited_ms + records * way) / 1_000 + shards * DAY_S
  const firsts = records * BILLED.first_share.value
  const subjectRows = records * BILLED.subject_rows.value + firsts * BILLED.first_rows.value
  const segments = records / BILLED.segment_entries.value
  const logRows =
    records * BILLED.sequencer_rows.value +
    firsts * BILLED.first_rows_log.value +
    inserts * BILLED.rows_per_insert.value +
    Math.min(inserts, records / BILLED.pack_records.value) +
    rounds * BILLED.rows_per_round.value +
    segments
  const read =
    records * (BILLED.subject_rows_read.value + BILLED.sequencer_rows_read.value) +
    inserts * BILLED.rows_read_per_insert.value
  const objects = firsts * (BILLED.subject_bytes.value + BILLED.head_bytes.value)
  const objectsGb = (DAYS_OF_MONTH * objects) / GB
  const bucketBytes = BILLED.log_bytes.value + BILLED.segment_bytes.value
  const bucketGb = (DAYS_OF_MONTH * records * bucketBytes) / GB
  const writes = puts + segments
  return [
    part('Worker requests', millions(records), records, PRICES.worker_requests_m),
    part(
      'Worker CPU',
      `${millions(records * PATH.worker_cpu_ms.value)} ms`,
      records * PATH.worker_cpu_ms.value,
      PRICES.worker_cpu_ms_m,
    ),
    part('Durable Object requests', millions(requests), requests, PRICES.object_requests_m),
    part(
      'Durable Object duration',
      `${millions(seconds * OBJECT_GB)} GB-s`,
      seconds * OBJECT_GB,
      PRICES.object_gb_s_m,
    ),
    part(
      'rows written by subject objects',
      millions(subjectRows),
      subjectRows,
      PRICES.rows_written_m,
    ),
    part('rows written by sequencers', millions(logRows), logRows, PRICES.rows_written_m),
    part('rows read', millions(read), read, PRICES.rows_read_m),
    part('R2 writes', millions(writes), writes, PRICES.class_a_m),
    stored('storage of objects, after a month', objectsGb, PRICES.object_gb_month),
    stored('storage in R2, after a month', bucketGb, PRICES.bucket_gb_month),
  ]
}

export function totalOf(parts: readonly CostPart[]): number {
  return parts.reduce((sum, { dollars }) => sum + dollars, 0)
}

function part(
  name: string,
  quantity: string,
  amount: number,
  price: { readonly value: number },
): CostPart {
  return { name, quantity, dollars: (amount / 1e6) * price.value }
}

function stored(name: string, gb: number, price: { readonly value: number }): CostPart {
  return { name, quantity: `${gb.toFixed(0)} GB`, dollars: (gb * price.value) / DAYS_OF_MONTH }
}

function millions(amount: number): string {
  return `${(amount / 1e6).toFixed(amount < 1e7 ? 2 : 1)} million`
}
