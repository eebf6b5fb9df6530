/**
 * Tokens a media server checks by itself: JWTs signed with a key that follows from the secret of that one server.
 *
 * No key is stored or exchanged: whoever has the servers file can make it again, another secret is another key, and no
 * server takes a token made for another. Short-lived, because nothing takes one back: it opens a door, and does not keep
 * it open. Why this key and no other: docs/adr/0023-a-token-key-per-media-server.md. From: mediamtx-jwt.ts.
 */
import { SignJWT } from 'jose'
import { concatBytes, fromBase64Url } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { ed25519Jwk, thumbprint } from '../../core/record/jwk.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ServerSecret } from './server-secret.ts'

/** As JWS in use calls Ed25519; the newer name is not understood by what checks these. */
const ALG = 'EdDSA'
const PURPOSE = 'livegate media token v1'
/** The 16 bytes that precede the seed of an Ed25519 key in PKCS #8 (RFC 8410 section 7). */
const PKCS8_PREFIX = new Uint8Array([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32])
/** From the answer to the publisher's connection: a page, an encoder and a handshake. */
export const TOKEN_LIFE_MS = 60_000

interface TokenKey {
  readonly key: CryptoKey
  readonly jwk: Readonly<Record<string, string>>
}

/** By secret, so that a key is made once and goes with its server. */
const keys = new WeakMap<ServerSecret, Promise<TokenKey>>()

function keyOf(secret: ServerSecret): Promise<TokenKey> {
  const made = keys.get(secret) ?? makeKey(secret)
  keys.set(secret, made)
  return made
}

async function makeKey(secret: ServerSecret): Promise<TokenKey> {
  const pkcs8 = new Uint8Array(concatBytes(PKCS8_PREFIX, secret.derived(PURPOSE)))
  const shown = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign'])
  const { x } = (await crypto.subtle.exportKey('jwk', shown)) as { readonly x?: string }
  const publicKey = fromBase64Url(x ?? '')
  if (publicKey === null) throw new LivegateError('internal', 'Cannot derive a public key')
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign'])
  const jwk = ed25519Jwk(publicKey)
  return { key, jwk: { ...jwk, kid: thumbprint(jwk), alg: ALG, use: 'sig' } }
}

/** The JWKS document of one server. */
export async function tokenKeys(
  secret: ServerSecret,
): Promise<{ readonly keys: readonly object[] }> {
  return { keys: [(await keyOf(secret)).jwk] }
}

export interface TokenClaims {
  /** Who may use it; the server tells it of its connections. */
  readonly sub: string
  /** The server's id. */
  readonly aud: string
  /** The decision. */
  readonly jti: string
  readonly mediamtx_permissions: readonly { readonly action: 'publish'; readonly path: string }[]
}

/** Valid at once: there is no `nbf`, which a server whose clock is behind would refuse. */
export async function mintToken(
  secret: ServerSecret,
  claims: TokenClaims,
  now: EpochMs,
): Promise<{ readonly token: string; readonly expires_at: number }> {
  const { key, jwk } = await keyOf(secret)
  const iat = Math.floor(now / 1000)
  const exp = iat + TOKEN_LIFE_MS / 1000
  const token = await new SignJWT({ iss: 'livegate', ...claims, iat, exp })
    .setProtectedHeader({
      alg: ALG,
      typ: 'JWT',
      ...(jwk.kid === undefined ? {} : { kid: jwk.kid }),
    })
    .sign(key)
  return { token, expires_at: exp * 1000 }
}
