/**
 * Verifies the signatures of a range of entries: the expensive part of an audit, made to be farmed out.
 *
 * Pure and stateless: input and output survive structured cloning, so a command line runs it in worker threads and a
 * browser in workers. Everything but the signature itself is audit.ts's; entries it reports anyway (unreadable, or by a
 * key not in force) are passed over here.
 */
import { fromAscii } from '../encoding.ts'
import type { RecordKey } from '../record/jwk.ts'
import { parseRecord } from '../record/parse.ts'
import { expectedKey, signatureHolds, type VerifyEd25519 } from '../record/verify.ts'
import type { Finding } from './findings.ts'

export interface SignatureRange {
  readonly first_index: number
  readonly entries: readonly Uint8Array[]
  /** `audit.keys()` after the audit has seen these entries. */
  readonly keys: readonly RecordKey[]
}

export interface RangeResult {
  readonly first_index: number
  /** Signatures that hold. */
  readonly verified: number
  readonly findings: readonly Finding[]
}

/** Checks every signature of the range; `jose` does it unless the host's own Ed25519 is given. */
export async function verifyRange(
  range: SignatureRange,
  verifyEd25519?: VerifyEd25519,
): Promise<RangeResult> {
  const ring = new Map(range.keys.map((key) => [key.kid, key]))
  const findings: Finding[] = []
  let verified = 0
  for (const [i, bytes] of range.entries.entries()) {
    const index = range.first_index + i
    const parsed = parseRecord(fromAscii(bytes) ?? '')
    if (!parsed.ok) continue
    const key = expectedKey(parsed.value, ring, { index })
    if (!key.ok) continue
    if (await signatureHolds(parsed.value, key.value, verifyEd25519)) verified++
    else
      findings.push({
        code: 'signature',
        index,
        message: `The signature of this ${parsed.value.kind} record is not by key ${key.value.kid} over its bytes`,
      })
  }
  return { first_index: range.first_index, verified, findings }
}
