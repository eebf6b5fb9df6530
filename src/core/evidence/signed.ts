/**
 * The keys of a bundle, as its own key records tell them, and the signature of every record under the key in force.
 *
 * A key record that is kept back leaves the check unfinished; one that contradicts another is the log's. What the file
 * does not hold may have ended a key: nobody can show from it that nothing did. Spec: docs/spec/evidence.md, "Checking", step 4.
 */
import { Findings } from '../audit/findings.ts'
import { KeyBook } from '../audit/keys.ts'
import type { ScannedRecord } from '../audit/scan.ts'
import type { KeyRing } from '../record/jwk.ts'
import type { ParsedRecord } from '../record/parse.ts'
import { signatureHolds } from '../record/verify.ts'
import type { VerifyEd25519 } from '../tlog/note.ts'
import { type EvidenceFault, faultOf } from './faults.ts'
import type { EvidenceTrust, ProvenEntry } from './trust.ts'

/** Keys as the key records of the bundle tell them, and every signature under the key in force. */
export async function signedEntries(
  placed: readonly ProvenEntry[],
  { verifyEd25519 }: EvidenceTrust,
  faults: EvidenceFault[],
): Promise<readonly ProvenEntry[]> {
  const book = new KeyBook()
  const said = new Findings()
  const entries: ProvenEntry[] = []
  for (const { index, record, leaf, opened } of placed) {
    if (index === 0) book.first(record as ScannedRecord, said)
    const fault =
      keyFault(record, index, book.ring()) ??
      (await signatureFault(record, index, book.ring(), verifyEd25519))
    if (fault !== null) {
      faults.push(fault)
      continue
    }
    if (record.kind === 'key' && index > 0) book.learn(record.claims, index, said)
    entries.push({ index, record, leaf, opened })
  }
  for (const { code, index, message } of said.list())
    faults.push(
      faultOf(code === 'first_not_key' ? 'first_not_key' : 'key_record', index, `${message}.`),
    )
  for (const { index, record } of entries) {
    const until = book.ring().get(record.kid)?.until ?? null
    if (until !== null && until <= index)
      faults.push(
        faultOf(
          'key_revoked',
          index,
          `Its key was withdrawn from index ${until} on: it proves nothing by itself.`,
        ),
      )
  }
  return entries
}

function keyFault(record: ParsedRecord, index: number, ring: KeyRing): EvidenceFault | null {
  const key = ring.get(record.kid)
  if (key === undefined)
    return faultOf('key_missing', index, 'The record that brings its key into force is not here.')
  // Records come in the order of the log: a key that is known is in force from before.
  return key.until === null || index < key.until
    ? null
    : faultOf('key_not_in_force', index, `Its key had ended at index ${key.until}.`)
}

async function signatureFault(
  record: ParsedRecord,
  index: number,
  ring: KeyRing,
  verifyEd25519: VerifyEd25519,
): Promise<EvidenceFault | null> {
  const key = ring.get(record.kid)
  const holds = key !== undefined && (await signatureHolds(record, key, verifyEd25519))
  return holds
    ? null
    : faultOf('signature', index, 'The log holds an entry its key has not signed.')
}
