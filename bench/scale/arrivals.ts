/**
 * When starts arrive: a day that swings around its mean, a rush after each full hour, and one incident.
 *
 * Arrivals are a Poisson process with this rate. Splitting it by a hash of the subject gives each shard a Poisson
 * process of its own, and delays on the way to the log only shift it; so the sequencers can be simulated one by one,
 * each from its own arrivals at the log.
 */
import { ARRIVALS } from './parameters.ts'
import { exponential, type Random } from './random.ts'

export const DAY_S = 86_400

/** Expected starts in each second of the day. */
export type Rates = Float64Array

/** The day of docs/scale.md. `starts` overrides how many there are, for a short run. */
export function ratesOfDay(starts: number = ARRIVALS.starts_per_day.value): Rates {
  const shape = new Float64Array(DAY_S).map((_, second) => shapeAt(second))
  const mean = starts / DAY_S
  const factor = starts / shape.reduce((sum, value) => sum + value, 0)
  const incident = (ARRIVALS.incident_starts.value * starts) / ARRIVALS.starts_per_day.value
  return shape.map((value, second) => {
    const after = second - ARRIVALS.incident_hour.value * 3_600
    const decay = ARRIVALS.incident_decay_s.value
    const reconnects = after < 0 ? 0 : (incident / decay) * Math.exp(-after / decay)
    return Math.min(value * factor, mean * ARRIVALS.peak.value) + reconnects
  })
}

/** Day and night, fullest at 20:00, and the rush that makes 20:00 the peak. */
function shapeAt(second: number): number {
  const { peak, swing, rush_decay_s } = ARRIVALS
  const day = 1 + swing.value * Math.cos((2 * Math.PI * (second - 20 * 3_600)) / DAY_S)
  const share = rush_decay_s.value / 3_600
  const fullest = 1 + swing.value
  const height = (peak.value - fullest) / (fullest - peak.value * share)
  return day * (1 + height * Math.exp(-(second % 3_600) / rush_decay_s.value))
}

/** Instants in ms of a Poisson process with 1/`shards` of the rates, in order. */
export function* arrivals(rates: Rates, shards: number, random: Random): Generator<number> {
  let at = 0
  let owed = exponential(random)
  for (let second = 0; second < rates.length; second++) {
    const rate = (rates[second] ?? 0) / shards
    at = second
    while (owed <= rate * (second + 1 - at)) {
      at += owed / rate
      yield at * 1_000
      owed = exponential(random)
    }
    owed -= rate * (second + 1 - at)
  }
}
