/**
 * API keys of the edge host: a secret of the deployment, not rows of a table.
 *
 * The admin key (LIVEGATE_ADMIN_KEY) and whatever LIVEGATE_API_KEYS lists, each as stored: the hash of its secret,
 * scopes, owner. A change is a new version of the secret, which the platform rolls out to every isolate; nothing is
 * looked up on the way of a request. Read by config.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { type EpochMs, isEpochMs } from '../../core/time.ts'
import type { ApiKey, ApiKeys } from '../../ports.ts'

/** Keys a deployment lists at most: a secret has 5 KB, a key some 200 bytes. */
const MAX_KEYS = 1_000
const ID = /^[A-Za-z0-9-]{1,32}$/
const HASH = /^[A-Za-z0-9_-]{43}$/

/** Reads LIVEGATE_API_KEYS; the reason names the place, never a value. */
export function readApiKeys(json: string): Result<readonly ApiKey[], string> {
  let list: unknown
  try {
    list = JSON.parse(json)
  } catch {
    return err('expected a JSON list of API keys as stored')
  }
  if (!Array.isArray(list) || list.length > MAX_KEYS)
    return err(`expected a JSON list of at most ${MAX_KEYS} API keys as stored`)
  const keys: ApiKey[] = []
  for (const [i, one] of list.entries()) {
    const key = keyOf(one)
    if (!key.ok) return err(`${key.error} in element ${i}`)
    if (keys.some(({ id }) => id === key.value.id))
      return err(`expected another id in element ${i}`)
    keys.push(key.value)
  }
  return ok(keys)
}

/** The port over a list that only a new deployment changes: what would change it is refused. */
export function createEdgeApiKeys(keys: readonly ApiKey[]): ApiKeys {
  const byId = new Map(keys.map((key) => [key.id, key]))
  const refuse = async (): Promise<never> => {
    throw new LivegateError('conflict', 'Cannot change API keys: they are part of the deployment', {
      hint: 'Change the secret LIVEGATE_API_KEYS with `wrangler secret put LIVEGATE_API_KEYS`.',
    })
  }
  return {
    create: refuse,
    byId: (id) => byId.get(id) ?? null,
    list: async () => [...byId.values()],
    revoke: refuse,
  }
}

function keyOf(value: unknown): Result<ApiKey, string> {
  if (typeof value !== 'object' || value === null) return err('expected an API key')
  const { id, secret_hash, scopes, owner, ...rest } = value as Readonly<Record<string, unknown>>
  const { audience = null, created_at = 0, revoked_at = null } = rest
  if (typeof id !== 'string' || !ID.test(id)) return err('expected `id` of letters, digits and -')
  if (typeof secret_hash !== 'string' || !HASH.test(secret_hash))
    return err('expected `secret_hash`, SHA-256 in base64url')
  if (!isTexts(scopes)) return err('expected `scopes`, a list of texts')
  if (typeof owner !== 'string' || owner === '') return err('expected `owner`, a text')
  if (audience !== null && typeof audience !== 'string') return err('expected `audience`, a text')
  if (!isInstant(created_at)) return err('expected `created_at` in milliseconds')
  if (revoked_at !== null && !isInstant(revoked_at))
    return err('expected `revoked_at` in milliseconds, or null')
  return ok({ id, secret_hash, scopes, owner, audience, created_at, revoked_at })
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function isInstant(value: unknown): value is EpochMs {
  return typeof value === 'number' && isEpochMs(value)
}
