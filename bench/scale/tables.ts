/**
 * The simulation's results as Markdown: how many shards, how fast, how much; and the numbers it rests on.
 */
import { DAY_S, type Rates, ratesOfDay } from './arrivals.ts'
import { type CostPart, costsOfDay, totalOf } from './costs.ts'
import {
  ARRIVALS,
  BILLED,
  GOALS,
  PATH,
  type Parameter,
  PRICES,
  PRICES_READ,
  SEQUENCER,
} from './parameters.ts'
import { type ShardDay, simulateShard } from './shard.ts'
import { steadyCosts } from './steady.ts'

const SEED = 20_261_122
const MOST_SHARDS = 8

/** A day on a number of shards, all of them together. */
export interface Day {
  readonly shards: number
  /** Appends in the worst second, each shard. */
  readonly most_a_second: number
  /** Every shard sees the same process, so one is simulated and stands for all. */
  readonly shard: ShardDay
  readonly enough: boolean
}

/** Days on one, two, … shards, up to the first that meets all goals. */
export function simulateDays(rates: Rates): readonly Day[] {
  const days: Day[] = []
  for (let shards = 1; shards <= MOST_SHARDS; shards++) {
    const shard = simulateShard(rates, shards, SEED + shards)
    const most_a_second = most(rates) / shards
    const enough = meetsGoals(shard) && most_a_second <= GOALS.requests_a_second.value
    days.push({ shards, most_a_second, shard, enough })
    if (enough) break
  }
  return days
}

function meetsGoals(shard: ShardDay): boolean {
  return (
    shard.shed === 0 &&
    shard.worst_minute_p99_ms <= GOALS.p99_ms.value &&
    shard.busiest <= GOALS.busiest.value &&
    shard.checkpoint.percentile(0.99) <= GOALS.checkpoint_p99_ms.value
  )
}

/** All tables of docs/scale.md, in order. */
export function scaleTables(starts: number = ARRIVALS.starts_per_day.value): string {
  const rates = ratesOfDay(starts)
  const days = simulateDays(rates)
  const chosen = days.at(-1)
  if (chosen === undefined) throw new TypeError('a simulation has at least one day')
  return [loadTable(rates), speedTable(days), costTable(chosen, starts), parameterTable()].join(
    '\n\n',
  )
}

function loadTable(rates: Rates): string {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / DAY_S
  const incident = Math.floor(ARRIVALS.incident_hour.value * 3_600)
  return table(
    ['starts a second', ''],
    [
      ['mean of the day', mean.toFixed(0)],
      ['at 20:00, the peak', most(rates.slice(0, incident)).toFixed(0)],
      ['in the incident', most(rates).toFixed(0)],
    ],
  )
}

function speedTable(days: readonly Day[]): string {
  const head = [
    'shards',
    'enough',
    'appends in the worst second',
    'busiest minute of a sequencer',
    'p50, p99, p99.9 of a decision',
    'p99 in the worst minute',
    'answer to checkpoint p99',
    'shed',
    'records an insert (mean, p99)',
    'commits a record',
    'people its logs have room for',
  ]
  return table(
    head,
    days.map(({ shards, most_a_second, shard, enough }) => [
      String(shards),
      enough ? 'yes' : 'no',
      most_a_second.toFixed(0),
      `${(shard.busiest * 100).toFixed(0)} %`,
      [0.5, 0.99, 0.999].map((share) => ms(shard.latency.percentile(share))).join(', '),
      ms(shard.worst_minute_p99_ms),
      ms(shard.checkpoint.percentile(0.99)),
      String(shard.shed),
      `${(shard.records / shard.inserts).toFixed(1)}, ${shard.insert_sizes.percentile(0.99).toFixed(0)}`,
      // The subject object's own, and its share of an insert.
      (1 + shard.inserts / shard.records).toFixed(2),
      `${((shards * SEQUENCER.full_bytes.value) / BILLED.head_bytes.value / 1e6).toFixed(0)} million`,
    ]),
  )
}

function costTable({ shards, shard }: Day, starts: number): string {
  const parts = costsOfDay({
    records: shard.records * shards,
    inserts: shard.inserts * shards,
    rounds: shard.rounds * shards,
    puts: shard.puts * shards,
    waited_ms: shard.waited_ms * shards,
    shards,
  })
  const name = `a day of ${starts.toLocaleString('en-US')} starts on ${shards} shards`
  return partsTable(name, parts, shard.records * shards)
}

/** Table of docs/hosts/cloudflare.md: a thousand a second, all day. */
export function steadyTable(a_second: number): string {
  const { shards, parts, decisions_a_day } = steadyCosts(a_second)
  const name = `${a_second.toLocaleString('en-US')} a second on ${shards} shards`
  return partsTable(name, parts, decisions_a_day)
}

function partsTable(name: string, parts: readonly CostPart[], records: number): string {
  const total = totalOf(parts)
  const a_million = (dollars: number): number => (dollars / records) * 1e6
  const rows = parts.map(({ name, quantity, dollars }) => [
    name,
    quantity,
    dollars.toFixed(2),
    a_million(dollars).toFixed(3),
    `${((dollars / total) * 100).toFixed(1)} %`,
  ])
  return table(
    [name, 'a day', '$ a day', '$ a million decisions', 'share'],
    [...rows, ['**total**', '', total.toFixed(2), a_million(total).toFixed(2), '']],
  )
}

function parameterTable(): string {
  const groups = [ARRIVALS, PATH, SEQUENCER, BILLED, PRICES, GOALS]
  const rows = groups.flatMap((group) =>
    Object.entries(group as Readonly<Record<string, Parameter>>).map(
      ([name, { value, unit, about, source }]) => [
        `\`${name}\``,
        `${value.toLocaleString('en-US')} ${unit}`.trim(),
        about,
        source,
      ],
    ),
  )
  return `${table(['number', 'value', 'what it is', 'source'], rows)}\n\nPublished: ${PRICES_READ}.`
}

function most(rates: Rates): number {
  return rates.reduce((a, b) => Math.max(a, b), 0)
}

function ms(value: number): string {
  return value < 1_000 ? `${value.toFixed(0)} ms` : `${(value / 1_000).toFixed(1)} s`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
