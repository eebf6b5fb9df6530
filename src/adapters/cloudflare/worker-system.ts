/**
 * Clock, randomness and timers of an isolate, and what is made once in it.
 */
import { type EpochMs, epochMs } from '../../core/time.ts'
import type { After } from '../../gate/context.ts'
import type { Clock, Random } from '../../ports.ts'

export const systemClock: Clock = { now: (): EpochMs => epochMs(Date.now()) }

export const random: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
}

export const after: After = (delay_ms, fire) => {
  const timer = setTimeout(fire, delay_ms)
  return () => clearTimeout(timer)
}

/** Resolves once whatever else waits in this object or isolate had its turn. */
export const pause = (): Promise<void> => new Promise((go) => setTimeout(go, 0))

/**
 * Makes a thing once for each environment there is (an isolate has one). What is being made is not shared: it ends with
 * the request it is made in when that is cancelled, and whoever else waited would wait for ever.
 */
export function createOnce<E extends object, T>(
  make: (env: E) => Promise<T>,
): (env: E) => Promise<T> {
  const made = new WeakMap<E, { readonly thing: T }>()
  return async (env) => {
    const known = made.get(env)
    if (known !== undefined) return known.thing
    const thing = await make(env)
    const first = made.get(env) ?? { thing }
    made.set(env, first)
    return first.thing
  }
}
