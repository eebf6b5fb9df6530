/**
 * JWT access tokens (RFC 9068) of one configured issuer, through its JWKS.
 *
 * Strict after RFC 8725: own `typ`, asymmetric algorithms only, issuer, audience, expiry. A rejected token is told
 * which rule it broke, never quoted. Verified tokens are remembered by their hash for at most a minute, because an
 * RSA or ECDSA check costs more than everything else around a decision. Not verified: DPoP, mTLS binding, revocation.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { toBase64Url, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { SECOND_MS } from '../../core/time.ts'
import type { Clock } from '../../ports.ts'
import { type Caller, unauthenticated } from './caller.ts'
import { scopesOf } from './scopes.ts'

export interface AccessTokenConfig {
  /** Exactly the `iss` accepted. */
  readonly issuer: string
  /** One of the token's `aud`. */
  readonly audience: string
  /** The issuer's keys, for example jose's `createRemoteJWKSet(url)`. */
  readonly keys: JWTVerifyGetKey
}

const ALGORITHMS: string[] = [
  'Ed25519',
  'EdDSA',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
]
/** Longest access token, characters: far above real ones, far below what hurts. */
const MAX_TOKEN_CHARS = 8_192
const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 1_000
const MAX_CALLER_CHARS = 200

export type AccessTokens = (token: string) => Caller | Promise<Caller>

/** Checks access tokens; rejects with `unauthenticated`, or `overloaded` when the issuer's keys are out of reach. */
export function createAccessTokens(config: AccessTokenConfig, clock: Clock): AccessTokens {
  const verified = new LRUCache<string, { readonly caller: Caller; readonly until: number }>({
    max: MAX_REMEMBERED,
  })
  return (token) => {
    if (token.length > MAX_TOKEN_CHARS) throw rejected('it is too long')
    const hash = toBase64Url(sha256(utf8(token)))
    const entry = verified.get(hash)
    if (entry !== undefined && clock.now() < entry.until) return entry.caller
    return verify(token, hash)
  }

  async function verify(token: string, hash: string): Promise<Caller> {
    const now = clock.now()
    const payload = await payloadOf(token, config, now)
    const caller = callerOf(payload)
    const expiry = (payload.exp ?? 0) * SECOND_MS
    verified.set(hash, { caller, until: Math.min(expiry, now + REMEMBERED_MS) })
    return caller
  }
}

async function payloadOf(
  token: string,
  config: AccessTokenConfig,
  now: number,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, config.keys, {
      typ: 'at+jwt',
      algorithms: ALGORITHMS,
      issuer: config.issuer,
      audience: config.audience,
      requiredClaims: ['exp', 'iat', 'sub'],
      currentDate: new Date(now),
    })
    return payload
  } catch (error) {
    throw rejection(error)
  }
}

/** Why jose refused, in words that hold nothing of the token. */
function rejection(error: unknown): LivegateError {
  if (error instanceof errors.JWTExpired) return rejected('it has expired')
  if (error instanceof errors.JWTClaimValidationFailed) return rejected(claimState(error.claim))
  if (error instanceof errors.JOSEAlgNotAllowed) return rejected('its algorithm is not allowed')
  if (error instanceof errors.JOSENotSupported) return rejected('its algorithm is not supported')
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return rejected('no key of the issuer matches it')
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return rejected('its signature does not verify')
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid)
    return rejected('it is not a JWT')
  return new LivegateError(
    'overloaded',
    'Cannot check access token: the keys of its issuer are out of reach',
    { cause: error, retry_after_s: 5 },
  )
}

function claimState(claim: string): string {
  switch (claim) {
    case 'typ':
      return 'its typ is something else, expected at+jwt'
    case 'iss':
      return 'it is of another issuer'
    case 'aud':
      return 'it is for another audience'
    case 'nbf':
      return 'it is not valid yet'
    default:
      return 'a claim is missing or malformed'
  }
}

function rejected(state: string): LivegateError {
  return unauthenticated(`Cannot accept access token: ${state}`)
}

function callerOf(payload: JWTPayload): Caller {
  const name = typeof payload.client_id === 'string' ? payload.client_id : payload.sub
  if (name === undefined || name === '' || name.length > MAX_CALLER_CHARS)
    throw rejected('it names no client')
  const scope = payload.scope
  const names = typeof scope === 'string' ? scope.split(' ') : []
  // The colon keeps token callers apart from API keys, whose ids have none.
  return { id: `jwt:${name}`, scopes: scopesOf(names) }
}
