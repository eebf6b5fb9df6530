/**
 * What a thousand decisions a second, all month, cost: no simulation, only the arithmetic docs/hosts/cloudflare.md shows.
 */
import { DAY_S } from './arrivals.ts'
import { type CostPart, costsOfDay } from './costs.ts'
import { GOALS, PATH } from './parameters.ts'
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
    rounds: DAY_S * shards,
    puts: puts * shards,
    shards,
    // On average half an insert until one's own begins, then that one.
    waited_ms: records * PATH.commit_p50_ms.value * 1.5,
  })
  return { a_second, shards, decisions_a_day: records, parts }
}
