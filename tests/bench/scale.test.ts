/** The parts of the simulation in bench/scale, each against what it must be. */
import { describe, expect, it } from 'vitest'
import { arrivals, DAY_S, ratesOfDay } from '../../bench/scale/arrivals.ts'
import { costsOfDay, totalOf } from '../../bench/scale/costs.ts'
import { createHistogram } from '../../bench/scale/histogram.ts'
import { ARRIVALS, BILLED, PATH, PRICES, SEQUENCER } from '../../bench/scale/parameters.ts'
import { logNormal, randomFrom } from '../../bench/scale/random.ts'
import { putsOfRound, simulateShard } from '../../bench/scale/shard.ts'
import { recordsAnInsert } from '../../bench/scale/steady.ts'
import { simulateDays } from '../../bench/scale/tables.ts'
import { pageWith } from '../../bench/scale.ts'

const STARTS = 100_000

describe('the day', () => {
  const rates = ratesOfDay()
  const incident = Math.floor(ARRIVALS.incident_hour.value * 3_600)
  const total = rates.reduce((sum, rate) => sum + rate, 0)

  it('has as many starts as chosen, and the incident’s', () => {
    const expected = ARRIVALS.starts_per_day.value + ARRIVALS.incident_starts.value
    expect(Math.abs(total / expected - 1)).toBeLessThan(0.01)
  })

  it('peaks at 20:00 with ten times its mean, the incident aside', () => {
    const usual = rates.slice(0, incident)
    const peak = usual.reduce((a, b) => Math.max(a, b), 0)
    expect(usual.indexOf(peak)).toBe(20 * 3_600)
    expect(peak / (ARRIVALS.starts_per_day.value / DAY_S)).toBeCloseTo(ARRIVALS.peak.value, 1)
  })

  it('arrivals are in order, within the day, and as many as the rates say', () => {
    const times = [...arrivals(ratesOfDay(STARTS), 1, randomFrom(1))]
    expect(times.every((at, i) => at >= (times[i - 1] ?? 0) && at < DAY_S * 1_000)).toBe(true)
    // Four standard deviations of a Poisson number.
    expect(Math.abs(times.length - STARTS * 1.004)).toBeLessThan(4 * Math.sqrt(STARTS))
  })

  it('shards split them evenly', () => {
    const one = [...arrivals(ratesOfDay(STARTS), 4, randomFrom(1))].length
    expect(Math.abs(one - (STARTS * 1.004) / 4)).toBeLessThan(4 * Math.sqrt(STARTS / 4))
  })
})

describe('the draws', () => {
  it('a log-normal has the median and the 99th percentile it was given', () => {
    const draw = logNormal(randomFrom(7), 10, 60)
    const drawn = Array.from({ length: 100_000 }, draw).sort((a, b) => a - b)
    expect((drawn[50_000] ?? 0) / 10).toBeCloseTo(1, 1)
    expect((drawn[99_000] ?? 0) / 60).toBeCloseTo(1, 1)
  })

  it('a histogram’s percentiles are within its bucket’s two percent', () => {
    const histogram = createHistogram()
    for (let value = 1; value <= 1_000; value++) histogram.add(value)
    for (const share of [0.5, 0.9, 0.99])
      expect(Math.abs(histogram.percentile(share) / (share * 1_000) - 1)).toBeLessThan(0.021)
  })
})

describe('a shard', () => {
  it('is the same day for the same seed, and another for another', () => {
    const rates = ratesOfDay(STARTS)
    const [first, again, other] = [1, 1, 2].map((seed) => simulateShard(rates, 1, seed))
    expect(again?.latency.percentile(0.99)).toBe(first?.latency.percentile(0.99))
    expect(again?.records).toBe(first?.records)
    expect(other?.records).not.toBe(first?.records)
  })

  it('answers everything it does not shed, and every answer comes into a checkpoint', () => {
    const day = simulateShard(ratesOfDay(STARTS), 1, 3)
    expect(day.latency.count()).toBe(day.records)
    expect(day.checkpoint.count()).toBe(day.records)
    expect(day.inserts).toBeLessThanOrEqual(day.records)
  })

  it('sheds when more wait than may', () => {
    // Everybody in one second: hundreds of thousands at once.
    const rates = new Float64Array(DAY_S)
    rates[0] = 100_000
    expect(simulateShard(rates, 1, 4).shed).toBeGreaterThan(0)
  })

  it('a small service needs one shard', () => {
    expect(simulateDays(ratesOfDay(STARTS))).toMatchObject([{ shards: 1, enough: true }])
  })
})

describe('what a round writes', () => {
  const CASES = [
    { name: 'nothing when nothing is new', from: 7, to: 7, puts: 0 },
    { name: 'a partial bundle, a partial tile and the checkpoint', from: 0, to: 1, puts: 3 },
    { name: 'a full tile has a first hash above it', from: 255, to: 256, puts: 4 },
    { name: 'a full tile, a partial one, and a level above', from: 200, to: 300, puts: 6 },
  ]
  for (const { name, from, to, puts } of CASES)
    it(name, () => expect(putsOfRound(from, to)).toBe(puts))
})

describe('a steady stream', () => {
  it('fills an insert with what comes while the one before is computed and written', () => {
    expect(recordsAnInsert(1)).toBe(1)
    const [few, many] = [recordsAnInsert(500), recordsAnInsert(1_000)]
    const { per_insert_us, per_record_us } = SEQUENCER
    for (const [rate, size] of [
      [500, few],
      [1_000, many],
    ] as const) {
      const took_us = per_insert_us.value + size * per_record_us.value
      const took_s = PATH.commit_p50_ms.value / 1e3 + took_us / 1e6
      expect(size / took_s).toBeCloseTo(rate)
    }
  })
})

describe('the money', () => {
  const usage = { records: 1e6, inserts: 1e5, rounds: 0, puts: 0, shards: 0, waited_ms: 0 }
  it('rows are what the code writes times what a row costs', () => {
    const rows = costsOfDay(usage).filter(({ name }) => name.startsWith('rows written'))
    const { subject_rows, sequencer_rows, first_rows, first_share, pack_records } = BILLED
    const first = first_share.value * (first_rows.value + BILLED.first_rows_log.value)
    // Ten records share an insert: written, and dropped with others.
    const insert = BILLED.rows_per_insert.value / 10 + 1 / pack_records.value
    const log = sequencer_rows.value + insert + 1 / BILLED.segment_entries.value
    const each = subject_rows.value + first + log
    expect(totalOf(rows)).toBeCloseTo(each * PRICES.rows_written_m.value, 6)
  })

  it('a total is the sum of its parts, and nothing is free', () => {
    const parts = costsOfDay({ ...usage, rounds: 1e5, puts: 1e5, shards: 2, waited_ms: 1e7 })
    expect(parts.every(({ dollars }) => dollars > 0)).toBe(true)
    expect(totalOf(parts)).toBeCloseTo(parts.reduce((sum, { dollars }) => sum + dollars, 0))
  })
})

describe('a page', () => {
  const BEGIN = '<!-- tables: npm run bench:scale -- --write -->'
  const END = '<!-- end of tables -->'
  it('keeps everything outside its markers', () => {
    const page = `a\n${BEGIN}\nold\n${END}\nb\n`
    expect(pageWith(page, 'new')).toBe(`a\n${BEGIN}\n\nnew\n\n${END}\nb\n`)
  })

  it('without markers is refused', () => {
    for (const page of ['', BEGIN, END]) expect(() => pageWith(page, 'new')).toThrow(/no <!--/)
  })
})
