/**
 * What a thousand decisions a second, all month, cost: no simulation, only the arithmetic docs/hosts/cloudflare.md shows.
 */
import { DAY_S } from './arrivals.ts'
import { type CostPart, costsOfDay } from './costs.ts'
import { GOALS, PATH, SEQUENCER } from './parameters.ts'
import { putsOfRound } from './shard.ts'

export interface Steady {
  readonly a_second: number
  readonly shards: number
  readonly decisions_a_day: number
  readonly parts: readonly CostPart[]
}

/** On as many shards as keep each at or below half its soft limit of requests. */
export function steadyCosts(a_second: number): Steady {
  const shards = Math.max(1, Math.ceil(a_second / (GOALS.requests_a_second.value / 2)))
  const records = a_second * DAY_S
  const each = a_second / shards
  let puts = 0
  for (let second = 0; second < DAY_S; second++)
    puts += putsOfRound(Math.round(second * each), Math.round((second + 1) * each))
  const parts = costsOfDay({
    records,
    inserts: records / recordsAnInsert(each),
    rounds: DAY_S * shards,
    puts: puts * shards,
    shards,
    // On average half an insert until one's own begins, then that one.
    waited_ms: records * PATH.commit_p50_ms.value * 1.5,
  })
  return { a_second, shards, decisions_a_day: records, parts }
}

/** What comes while an insert is computed and made durable shares the next: in a steady stream that many. */
export function recordsAnInsert(a_second: number): number {
  const { per_insert_us, per_record_us } = SEQUENCER
  const fixed_s = PATH.commit_p50_ms.value / 1e3 + per_insert_us.value / 1e6
  const computing = (a_second * per_record_us.value) / 1e6
  return Math.max(1, (a_second * fixed_s) / (1 - computing))
}
