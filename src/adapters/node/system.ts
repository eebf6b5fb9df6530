/**
 * Clock, randomness and timers of a Node process.
 */
import { randomBytes } from 'node:crypto'
import { epochMs } from '../../core/time.ts'
import type { After } from '../../gate/context.ts'
import type { Clock, Random } from '../../ports.ts'

export const systemClock: Clock = { now: () => epochMs(Date.now()) }

/** Milliseconds since some moment of this process; unlike the clock it never steps. */
export const elapsed = (): number => performance.now()

export const after: After = (delay_ms, fire) => {
  const timer = setTimeout(fire, delay_ms)
  return () => clearTimeout(timer)
}

/** Resolves once the signal has fired. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }))
}

/** What went wrong, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const POOL_BYTES = 4096

/** Randomness of the kernel, drawn in larger pieces; no byte is handed out twice. */
export function createSystemRandom(): Random {
  let pool = new Uint8Array(0)
  return {
    bytes(length) {
      if (length > POOL_BYTES) return new Uint8Array(randomBytes(length))
      if (pool.length < length) pool = new Uint8Array(randomBytes(POOL_BYTES))
      const taken = pool.slice(0, length)
      pool = pool.subarray(length)
      return taken
    },
  }
}
