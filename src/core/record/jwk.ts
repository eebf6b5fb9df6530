/**
 * Public Ed25519 keys as JWK (RFC 8037), their RFC 7638 thumbprints, JWKS documents, and the key ring of a verifier.
 *
 * Which key was in force when is a question to the log's key records, not to today's JWKS (docs/spec/record.md,
 * "Keys"); audit/keys.ts answers it.
 */
import { fromBase64Url, toBase64Url } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { err, ok, type Result } from '../result.ts'
import type { Ed25519Jwk } from './groups.ts'
import { portableHasher } from './hashing.ts'

/** The JWK of a raw public key. Throws LivegateError unless it has 32 bytes. */
export function ed25519Jwk(publicKey: Uint8Array): Ed25519Jwk {
  if (publicKey.length !== 32)
    throw new LivegateError(
      'internal',
      `Cannot use a public key of ${publicKey.length} bytes, expected 32`,
    )
  return { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(publicKey) }
}

/** RFC 7638 thumbprint, base64url: the required members in lexical order, no blanks. */
export function thumbprint(jwk: Ed25519Jwk): string {
  return portableHasher.digestText(`{"crv":"${jwk.crv}","kty":"${jwk.kty}","x":"${jwk.x}"}`)
}

/** A member of a JWKS document. */
export interface PublishedJwk extends Ed25519Jwk {
  readonly kid: string
  readonly alg: 'Ed25519'
  readonly use: 'sig'
}

/** A JWKS document (RFC 7517 section 5); keep retired keys in it for as long as their records are kept. */
export function jwksOf(keys: readonly Ed25519Jwk[]): { readonly keys: readonly PublishedJwk[] } {
  return {
    keys: keys.map(({ kty, crv, x }) => ({
      kty,
      crv,
      x,
      kid: thumbprint({ kty, crv, x }),
      alg: 'Ed25519',
      use: 'sig',
    })),
  }
}

/** A public key a verifier trusts, and the log indexes it is in force at. */
export interface RecordKey {
  readonly kid: string
  readonly jwk: Ed25519Jwk
  readonly public_key: Uint8Array
  /** First index at which its signatures count. */
  readonly from: number
  /** First index at which they no longer count; null while in force. */
  readonly until: number | null
  /** True when it ended because it could not be trusted any more. */
  readonly revoked?: true
}

/** Keys by `kid`. */
export type KeyRing = ReadonlyMap<string, RecordKey>

/** A ring of keys in force at every index: for verifying a single record against a JWKS one already trusts. */
export function keyRing(keys: readonly Ed25519Jwk[]): KeyRing {
  return new Map(keys.map((jwk) => recordKey(jwk, 0)).map((key) => [key.kid, key]))
}

/** A key in force from an index on. Throws LivegateError when `x` is not 32 bytes of canonical base64url. */
export function recordKey(jwk: Ed25519Jwk, from: number): RecordKey {
  const publicKey = fromBase64Url(jwk.x)
  if (publicKey?.length !== 32)
    throw new LivegateError('internal', 'Cannot use a key: `x` is not 32 bytes in base64url')
  return { kid: thumbprint(jwk), jwk, public_key: publicKey, from, until: null }
}

/** Picks the Ed25519 keys out of a JWKS document; other keys are passed over, a malformed Ed25519 key refuses it. */
export function parseJwks(value: unknown): Result<readonly Ed25519Jwk[], string> {
  const keys = (value as { readonly keys?: unknown } | null)?.keys
  if (!Array.isArray(keys)) return err('Cannot read a JWKS: expected an object with `keys`')
  const found: Ed25519Jwk[] = []
  for (const key of keys as readonly (Readonly<Record<string, unknown>> | null)[]) {
    if (key?.kty !== 'OKP' || key.crv !== 'Ed25519') continue
    const x = key.x
    if (typeof x !== 'string' || fromBase64Url(x)?.length !== 32)
      return err('Cannot read a JWKS: an Ed25519 key has no `x` of 32 bytes')
    found.push({ kty: 'OKP', crv: 'Ed25519', x })
  }
  return ok(found)
}
