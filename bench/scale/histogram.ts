/**
 * Counts of durations in buckets two percent wide: percentiles of ten million values in constant memory.
 */
const GROWTH = Math.log(1.02)
const BUCKETS = 900

export interface Histogram {
  add(ms: number, times?: number): void
  /** Upper bound of the bucket that holds the share; 0 when nothing was added. */
  percentile(share: number): number
  count(): number
}

/** 0.01 ms to some nine minutes; what lies outside is counted in the first or last bucket. */
export function createHistogram(): Histogram {
  const counts = new Float64Array(BUCKETS)
  let total = 0
  return {
    add(ms, times = 1) {
      const bucket = ms <= 0.01 ? 0 : Math.floor(Math.log(ms / 0.01) / GROWTH)
      const index = Math.min(bucket, BUCKETS - 1)
      counts[index] = (counts[index] ?? 0) + times
      total += times
    },
    percentile(share) {
      let below = 0
      for (let i = 0; i < BUCKETS; i++) {
        below += counts[i] ?? 0
        if (total > 0 && below >= share * total) return 0.01 * Math.exp((i + 1) * GROWTH)
      }
      return 0
    },
    count: () => total,
  }
}
