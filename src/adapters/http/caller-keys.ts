/**
 * API keys by id, remembered briefly, forgotten at once on revocation.
 *
 * Whoever revokes or changes a key in this process calls `invalidate`; a revocation made by another process counts
 * after at most `CALLER_KEY_TTL_MS`. Unknown ids are not remembered, so a new key works at once.
 */
import { LRUCache } from 'lru-cache'
import { fromBase64Url } from '../../core/encoding.ts'
import type { ApiKey, ApiKeys, Clock } from '../../ports.ts'
import { type Scope, scopesOf } from './scopes.ts'

/** How long another process's revocation may go unseen. */
export const CALLER_KEY_TTL_MS = 1_000
/** Keys remembered: 1,000 of about 500 bytes are 0.5 MB. */
const MAX_KEYS = 1_000

/** A key with its hash decoded and its scopes spelled out. */
export interface CallerKey {
  readonly key: ApiKey
  readonly secret_hash: Uint8Array
  readonly scopes: ReadonlySet<Scope>
}

export interface CallerKeys {
  /** The key of an id; null when there is none. */
  find(id: string): CallerKey | null | Promise<CallerKey | null>
  /** Call after a key was revoked or changed. */
  invalidate(id: string): void
}

/** A cache in front of the port. */
export function createCallerKeys(apiKeys: ApiKeys, clock: Clock): CallerKeys {
  const known = new LRUCache<string, { readonly found: CallerKey; readonly at: number }>({
    max: MAX_KEYS,
  })
  let generation = 0
  return {
    find(id) {
      const entry = known.get(id)
      const age = entry === undefined ? -1 : clock.now() - entry.at
      // A clock that stepped back gives a negative age: look the key up again.
      if (entry !== undefined && age >= 0 && age < CALLER_KEY_TTL_MS) return entry.found
      return lookUp(id)
    },
    invalidate(id) {
      generation++
      known.delete(id)
    },
  }

  async function lookUp(id: string): Promise<CallerKey | null> {
    const before = generation
    const key = await apiKeys.byId(id)
    if (key === null) {
      known.delete(id)
      return null
    }
    const found = {
      key,
      secret_hash: fromBase64Url(key.secret_hash) ?? new Uint8Array(0),
      scopes: scopesOf(key.scopes),
    }
    // A lookup that a revocation overtook is used once and not kept.
    if (before === generation) known.set(id, { found, at: clock.now() })
    return found
  }
}
