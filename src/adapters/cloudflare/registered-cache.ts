/**
 * What an isolate remembers of registrations, so that a hook need not ask for each.
 *
 * A server is believed for some seconds, an id nobody has for one: who has just registered is not refused for long. While the
 * registry does not answer, what was known a minute ago still is.
 */
import { LRUCache } from 'lru-cache'
import type { RegisteredAs } from './rpc-registry.ts'

const FRESH_MS = 5_000
const UNKNOWN_MS = 1_000
const STALE_MS = 60_000
const REMEMBERED = 2_000

export interface RegisteredCache {
  /** Rejects where nothing is known and nobody answers. */
  find(id: string): Promise<RegisteredAs | null>
  /** Something about it has changed. */
  forget(id: string): void
}

interface Seen {
  readonly at: number
  readonly found: RegisteredAs | null
}

export function createRegisteredCache(
  ask: (id: string) => Promise<RegisteredAs | null>,
  now: () => number,
): RegisteredCache {
  const seen = new LRUCache<string, Seen>({ max: REMEMBERED })
  const asking = new Map<string, Promise<RegisteredAs | null>>()

  function askOnce(id: string): Promise<RegisteredAs | null> {
    const under_way = asking.get(id)
    if (under_way !== undefined) return under_way
    const asked = ask(id)
      .then((found) => {
        if (asking.get(id) === asked) seen.set(id, { at: now(), found })
        return found
      })
      .finally(() => {
        if (asking.get(id) === asked) asking.delete(id)
      })
    asking.set(id, asked)
    return asked
  }

  return {
    async find(id) {
      const known = seen.get(id)
      const age_ms = known === undefined ? Number.POSITIVE_INFINITY : Math.abs(now() - known.at)
      if (known !== undefined && age_ms < (known.found === null ? UNKNOWN_MS : FRESH_MS))
        return known.found
      try {
        return await askOnce(id)
      } catch (error) {
        if (known?.found != null && age_ms < STALE_MS) return known.found
        throw error
      }
    },
    forget(id) {
      seen.delete(id)
      asking.delete(id)
    },
  }
}
