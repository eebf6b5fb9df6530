/**
 * Stream keys that were shown lately, for a host whose store nobody else writes to: an encoder that comes back shows its own again.
 *
 * Only for what is bound, never for what is not, so a key works from the moment it is bound. What changes keys goes through
 * here and is forgotten before it is acknowledged; whoever takes them away by another way (an erasure) calls `forget`.
 */
import { LRUCache } from 'lru-cache'
import type { StreamKey, StreamKeys } from '../../ports.ts'

/** At about 400 bytes each, 7 MB. */
const REMEMBERED = 16_384

export interface KnownKeys extends StreamKeys {
  forget(): void
}

export function rememberKeys(keys: StreamKeys, remembered: number = REMEMBERED): KnownKeys {
  const known = new LRUCache<string, StreamKey>({ max: remembered })
  const forget = (): void => known.clear()
  /** What was read while it was written says nothing. */
  async function changing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      forget()
    }
  }
  return {
    ...keys,
    forget,
    byHash(hash) {
      const before = known.get(hash)
      if (before !== undefined) return before
      const found = keys.byHash(hash)
      // What has to be waited for may have changed by then.
      if (found === null || found instanceof Promise) return found
      known.set(hash, found)
      return found
    },
    revoke: (id, at) => changing(() => keys.revoke(id, at)),
  }
}
