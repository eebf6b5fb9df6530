/**
 * What the key records of a log, in order, say about its keys: which are in force now, and which have ended.
 *
 * For hosts, which wrote those records themselves and believe them; an auditor believes nothing (audit/keys.ts).
 * Spec: docs/spec/record.md, "Keys". Next: ../../gate/key-rotation.ts.
 */
import { fromBase64Url } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { formatVkey, NOTE_ED25519 } from '../tlog/note-key.ts'
import type { OwnClaims } from './groups.ts'
import { thumbprint } from './jwk.ts'

export type KeyClaims = OwnClaims['key']
export type KeyUse = KeyClaims['use']

/** A key as its log tells of it. */
export interface LoggedKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  /** Public half, base64url. */
  readonly x: string
  readonly use: KeyUse
  readonly status: KeyClaims['status']
  /** First index it is in force at. */
  readonly from: number
  /** First index it is no longer in force at; null while it is. */
  readonly until: number | null
  /** When its first record was made, in seconds. */
  readonly since_s: number
}

/** A key record and its place. */
export interface KeyRecord {
  readonly index: number
  readonly iat_s: number
  readonly claims: KeyClaims
}

/** Keys by use and kid, in the order in which they were first named. */
export function keyHistory(records: readonly KeyRecord[]): readonly LoggedKey[] {
  const keys = new Map<string, LoggedKey>()
  for (const { index, iat_s, claims } of records) {
    const { jwk, use, status } = claims
    const kid = thumbprint(jwk)
    const name = `${use} ${kid}`
    const known = keys.get(name)
    if (status !== 'active') {
      if (known !== undefined) keys.set(name, ended(known, index, claims))
    } else if (known === undefined) {
      const from = index === 0 ? 0 : index + 1
      const place = { from, until: null, since_s: iat_s }
      keys.set(name, { ...{ kid, x: jwk.x, use, status }, ...place })
    }
  }
  return [...keys.values()]
}

function ended(known: LoggedKey, index: number, { status, from }: KeyClaims): LoggedKey {
  const end = Math.min(index + 1, from ?? index + 1)
  const revoked = status === 'revoked' || known.status === 'revoked'
  return {
    ...known,
    status: revoked ? 'revoked' : 'retired',
    until: Math.min(end, known.until ?? end),
  }
}

/** Those of one use that are in force, oldest first. */
export function keysInForce(history: readonly LoggedKey[], use: KeyUse): readonly LoggedKey[] {
  return history.filter((key) => key.use === use && key.status === 'active')
}

/** Verifier keys of the checkpoint keys in force, oldest first. */
export function vkeysInForce(history: readonly LoggedKey[], origin: string): readonly string[] {
  return keysInForce(history, 'checkpoint').map((key) => vkeyOf(key.x, origin))
}

/** The verifier key of a checkpoint key under the name of its log. Throws `internal` for what is no key. */
export function vkeyOf(x: string, origin: string): string {
  const publicKey = fromBase64Url(x)
  if (publicKey === null)
    throw new LivegateError('internal', 'Cannot write verifier key: `x` is not base64url')
  return formatVkey({ name: origin, type: NOTE_ED25519, publicKey })
}
