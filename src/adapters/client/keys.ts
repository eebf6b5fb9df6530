/**
 * The gate's record keys: fetched when first needed, again when a record names an unknown one or the set is old.
 *
 * One fetch at a time, shared by all that wait. A set that cannot be fetched again stays in use: an answer is then
 * still verified, by keys that were right minutes ago.
 */
import { type KeyRing, keyRing, parseJwks } from '../../core/record/jwk.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { exchange, type Fetch, inTime, under } from './transport.ts'

/** A key that is withdrawn is trusted this long at most; the gate's own cache header says the same. */
const MAX_AGE_MS = 300_000
/** A stranger's kid must not make every answer fetch. */
const MIN_AGE_MS = 1_000

export interface Keys {
  /** The keys now; `naming` asks for a set that has this kid, if there is a newer one. */
  ring(signal: AbortSignal, naming?: string): Promise<Result<KeyRing, string>>
}

export interface KeysOptions {
  readonly url: string
  readonly call: Fetch
  readonly timeout_ms: number
  readonly now: () => number
}

export function createKeys({ url, call, timeout_ms, now }: KeysOptions): Keys {
  let known: { readonly ring: KeyRing; readonly at: number } | null = null
  let fetching: Promise<Result<KeyRing, string>> | null = null

  async function fetchKeys(): Promise<Result<KeyRing, string>> {
    // Its own deadline: whoever asked first may give up before those who wait with it.
    const signal = AbortSignal.timeout(timeout_ms)
    const answer = await exchange(call, under(url, '.well-known/jwks.json'), { signal })
    if (!answer.ok) return err(`the keys of the gate are not there: ${answer.error.cause}`)
    const parsed = parseJwks(answer.value)
    if (!parsed.ok) return err(parsed.error)
    const ring = keyRing(parsed.value)
    known = { ring, at: now() }
    return ok(ring)
  }

  return {
    async ring(signal, naming) {
      const age = known === null ? Number.POSITIVE_INFINITY : now() - known.at
      const missing = known !== null && naming !== undefined && !known.ring.has(naming)
      const stale = age > MAX_AGE_MS || (missing && age >= MIN_AGE_MS)
      if (known !== null && !stale) return ok(known.ring)
      fetching ??= fetchKeys()
        .catch((error: unknown) => err(error instanceof Error ? error.message : 'no keys'))
        .finally(() => {
          fetching = null
        })
      try {
        const fetched = await inTime(fetching, signal)
        return fetched.ok || known === null ? fetched : ok(known.ring)
      } catch {
        return err('the keys of the gate did not come in time')
      }
    },
  }
}
