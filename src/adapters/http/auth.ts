/**
 * Turns the Authorization header into a caller: an API key, or an access token of the configured issuer.
 *
 * An unknown id, a wrong secret, a revoked key take the same steps: hash the secret, compare in constant time, then
 * decide. What a caller may do is scopes.ts's. Spec: docs/spec/api.md, "Callers".
 */
import { equalBytes } from '../../core/encoding.ts'
import { hashSecret, parseApiKey } from './api-key.ts'
import { type Caller, noCredentials, unauthenticated } from './caller.ts'
import type { CallerKeys } from './caller-keys.ts'
import type { AccessTokens } from './jwt.ts'

export interface Authentication {
  readonly keys: CallerKeys
  /** What a key with an audience must name; null when this deployment has no name. */
  readonly audience: string | null
  /** Null when no issuer is configured. */
  readonly accessTokens: AccessTokens | null
}

const BEARER = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i

/** The caller of a header. Throws or rejects with `unauthenticated` and a challenge. */
export function authenticate(
  header: string | null,
  authentication: Authentication,
): Caller | Promise<Caller> {
  if (header === null) throw noCredentials()
  const token = BEARER.exec(header)?.[1]
  if (token === undefined)
    throw unauthenticated('Cannot authenticate: the Authorization header is not a bearer token')
  if (!token.startsWith('lg_')) return accessToken(token, authentication)
  return apiKey(token, authentication)
}

function accessToken(token: string, { accessTokens }: Authentication): Caller | Promise<Caller> {
  if (accessTokens === null)
    throw unauthenticated('Cannot authenticate: the bearer token is not an API key of this server')
  return accessTokens(token)
}

/** Never equal to a hash: what secrets of unknown ids are compared with. */
const NO_HASH = new Uint8Array(32)

async function apiKey(token: string, authentication: Authentication): Promise<Caller> {
  const parsed = parseApiKey(token)
  if (parsed === null) throw unauthenticated('Cannot authenticate: the API key is malformed')
  const found = await authentication.keys.find(parsed.id)
  const secretHolds = equalBytes(hashSecret(parsed.secret), found?.secret_hash ?? NO_HASH)
  if (found === null || !secretHolds)
    throw unauthenticated('Cannot authenticate: the API key is not known')
  const { key, scopes } = found
  if (key.revoked_at !== null) throw unauthenticated('Cannot authenticate: the API key is revoked')
  if (key.audience !== null && key.audience !== authentication.audience)
    throw unauthenticated('Cannot authenticate: the API key is for another audience')
  return { id: key.id, scopes }
}
