/**
 * How often each caller may ask: one token bucket per caller, in bounded memory.
 *
 * A bucket holds `burst` tokens and gains `per_s` a second. Forgetting a bucket (the least recently used goes first)
 * only ever gives a caller a full one. Headers: draft-ietf-httpapi-ratelimit-headers. The clock is injected; one that
 * steps back adds nothing. Spec: docs/spec/api.md, "Rate limits and capacity".
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../ports.ts'
import { HttpFailure } from './problem.ts'

export interface RateConfig {
  /** Tokens a second, above 0. */
  readonly per_s: number
  /** Tokens of a full bucket, an integer from 1. */
  readonly burst: number
}

/** Callers remembered: 10,000 buckets of about 150 bytes are 1.5 MB. */
const MAX_CALLERS = 10_000

interface Bucket {
  tokens: number
  at: number
}

export interface RateLimiter {
  /** Takes a token and returns the headers to answer with; throws `rate_limited` when there is none. */
  take(caller: string): Readonly<Record<string, string>>
}

/** Headers of an answer to a caller whose bucket is `tokens` full. */
function headersFor(
  policy: string,
  tokens: number,
  wait: number,
): Readonly<Record<string, string>> {
  return { 'ratelimit-policy': policy, ratelimit: `"caller";r=${Math.floor(tokens)};t=${wait}` }
}

/** A limiter with the same bucket size for every caller. */
export function createRateLimiter(config: RateConfig, clock: Clock): RateLimiter {
  const { per_s, burst } = config
  const buckets = new LRUCache<string, Bucket>({ max: MAX_CALLERS })
  const policy = `"caller";q=${burst};w=${Math.max(1, Math.ceil(burst / per_s))}`
  const wait = Math.max(1, Math.ceil(1 / per_s))
  return {
    take(caller) {
      const now = clock.now()
      const bucket = buckets.get(caller) ?? { tokens: burst, at: now }
      bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) * per_s) / 1000)
      bucket.at = now
      buckets.set(caller, bucket)
      if (bucket.tokens < 1) throw rateLimited(wait, headersFor(policy, 0, wait))
      bucket.tokens -= 1
      return headersFor(policy, bucket.tokens, wait)
    },
  }
}

function rateLimited(wait: number, headers: Readonly<Record<string, string>>): HttpFailure {
  return new HttpFailure(
    'rate_limited',
    'Cannot answer: the caller has used up its requests for now',
    { retry_after_s: wait, headers },
  )
}
