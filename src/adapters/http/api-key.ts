/**
 * The text of an API key: `lg_<id>_<secret>`.
 *
 * The id has no underscore, so there is one way to split. Only the SHA-256 of the secret is stored; the secret has 256
 * random bits, so a fast hash is enough. Spec: docs/spec/api.md, "Callers".
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64Url, toHex, utf8 } from '../../core/encoding.ts'
import type { ApiKey, Clock, Random } from '../../ports.ts'
import type { Scope } from './scopes.ts'

const TOKEN = /^lg_([A-Za-z0-9-]{1,32})_([A-Za-z0-9_-]{22,128})$/

/** Id and secret of a token; null unless it has exactly the form of one. */
export function parseApiKey(
  token: string,
): { readonly id: string; readonly secret: string } | null {
  const match = TOKEN.exec(token)
  return match === null ? null : { id: match[1] ?? '', secret: match[2] ?? '' }
}

/** SHA-256 of a secret's ASCII. */
export function hashSecret(secret: string): Uint8Array {
  return sha256(utf8(secret))
}

/** Whom a new key is for and what it may do. */
export interface ApiKeyGrant {
  readonly scopes: readonly Scope[]
  /** Person or service it belongs to. */
  readonly owner: string
  readonly audience?: string | null
}

/** A new key: `token` is shown once and kept nowhere, `key` is what is stored. */
export function newApiKey(
  grant: ApiKeyGrant,
  ports: { readonly random: Random; readonly clock: Clock },
): { readonly token: string; readonly key: ApiKey } {
  const id = toHex(ports.random.bytes(8))
  const secret = toBase64Url(ports.random.bytes(32))
  return { token: `lg_${id}_${secret}`, key: storedKey({ id, secret }, grant, ports.clock) }
}

/** What is stored for a token somebody else chose, for example LIVEGATE_ADMIN_KEY; null when it is malformed. */
export function apiKeyFromToken(token: string, grant: ApiKeyGrant, clock: Clock): ApiKey | null {
  const parsed = parseApiKey(token)
  return parsed === null ? null : storedKey(parsed, grant, clock)
}

function storedKey(
  parsed: { readonly id: string; readonly secret: string },
  grant: ApiKeyGrant,
  clock: Clock,
): ApiKey {
  return {
    id: parsed.id,
    secret_hash: toBase64Url(hashSecret(parsed.secret)),
    scopes: grant.scopes,
    owner: grant.owner,
    audience: grant.audience ?? null,
    created_at: clock.now(),
    revoked_at: null,
  }
}
