/**
 * Verifies one record: that this key, in force, signed exactly these bytes for this issuer and this log.
 *
 * Every check is shared by two ways of verifying the signature: `jose` (default, every runtime) and an injected
 * Ed25519 for bulk work. Not checked here: that the record is in the log (inclusion), that it follows from policy and
 * facts (replay), and anything inside groups (disclosure.ts). Spec: docs/spec/record.md, "Verification".
 */
import { compactVerify } from 'jose/jws/compact/verify'
import { utf8 } from '../encoding.ts'
import { ok, type Result } from '../result.ts'
import { type RecordFault, refuse } from './faults.ts'
import type { KeyRing, RecordKey } from './jwk.ts'
import { type ParsedRecord, parseRecord } from './parse.ts'

declare const verified: unique symbol
/** A record whose signature holds under a key in force. */
export type VerifiedRecord = ParsedRecord & { readonly [verified]: true }

/** True exactly when `signature` is Ed25519 of `message` under the 32-byte `publicKey`. Never throws. */
export type VerifyEd25519 = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>

export interface Expectations {
  /** `iss` that is expected; any when absent. */
  readonly issuer?: string
  /** Origin of the log that is expected; any when absent. */
  readonly log?: string
  /** Index of the record in the log; without it the interval of the key is not checked. */
  readonly index?: number
  /** A faster Ed25519 of the host; `jose` unless given. */
  readonly verifyEd25519?: VerifyEd25519
}

/** Verifies a compact JWS against keys one already trusts. */
export async function verifyRecord(
  jws: string,
  keys: KeyRing,
  expectations: Expectations = {},
): Promise<Result<VerifiedRecord, RecordFault>> {
  const parsed = parseRecord(jws)
  if (!parsed.ok) return parsed
  const key = expectedKey(parsed.value, keys, expectations)
  if (!key.ok) return key
  const holds = await signatureHolds(parsed.value, key.value, expectations.verifyEd25519)
  return holds
    ? ok(parsed.value as VerifiedRecord)
    : refuse('signature', 'Cannot verify a record: the signature is not by its key over its bytes')
}

/** The key that must have signed a parsed record, or why it cannot be the right one. Everything but the signature. */
export function expectedKey(
  record: { readonly kid: string; readonly claims: { readonly iss: string; readonly log: string } },
  keys: KeyRing,
  expectations: Pick<Expectations, 'issuer' | 'log' | 'index'>,
): Result<RecordKey, RecordFault> {
  const { issuer, log, index } = expectations
  if (issuer !== undefined && record.claims.iss !== issuer)
    return refuse('issuer', 'Cannot verify a record: its issuer is not the expected one')
  if (log !== undefined && record.claims.log !== log)
    return refuse('log', 'Cannot verify a record: it belongs to another log')
  const key = keys.get(record.kid)
  if (key === undefined)
    return refuse('key_unknown', `Cannot verify a record: key ${record.kid} is not known`)
  if (index !== undefined && (index < key.from || (key.until !== null && index >= key.until)))
    return refuse(
      'key_not_in_force',
      `Cannot verify a record: key ${record.kid} is not in force at index ${index}`,
    )
  return ok(key)
}

/** Checks only the signature of a parsed record. */
export async function signatureHolds(
  record: Pick<ParsedRecord, 'jws' | 'signed' | 'signature'>,
  key: Pick<RecordKey, 'jwk' | 'public_key'>,
  verifyEd25519?: VerifyEd25519,
): Promise<boolean> {
  if (verifyEd25519 !== undefined)
    return verifyEd25519(key.public_key, utf8(record.signed), record.signature)
  try {
    // jose imports a JWK once per object, so a ring that is kept keeps this fast.
    await compactVerify(record.jws, key.jwk, { algorithms: ['Ed25519'] })
    return true
  } catch {
    return false
  }
}
