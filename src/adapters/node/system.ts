/**
 * The Clock and Random ports of a Node process.
 */
import { randomBytes } from 'node:crypto'
import { epochMs } from '../../core/time.ts'
import type { Clock, Random } from '../../ports.ts'

export const systemClock: Clock = { now: () => epochMs(Date.now()) }

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
