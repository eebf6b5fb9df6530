/**
 * A reader of evidence: somebody with a verifier key, a witness, and nothing else.
 */
import { utf8 } from '../../../src/core/encoding.ts'
import {
  type EvidenceReport,
  type EvidenceRequest,
  verifyEvidence,
} from '../../../src/core/evidence/verify.ts'
import type { Result } from '../../../src/core/result.ts'
import { cosignatureVerifier } from '../../../src/core/tlog/cosignature.ts'
import { ed25519Verifier, type NoteVerifier } from '../../../src/core/tlog/note.ts'
import { nodeVerify } from '../record/samples.ts'
import { ORIGIN, VKEY, WITNESS_VKEY } from './evidence-world.ts'

function unwrap<T>(result: Result<T, unknown>): T {
  if (result.ok) return result.value
  throw new Error(String(result.error))
}

export const verifier = (vkey: string): NoteVerifier => unwrap(ed25519Verifier(vkey, nodeVerify))
export const witness = (vkey: string): NoteVerifier => unwrap(cosignatureVerifier(vkey, nodeVerify))

/** What that reader is told of a file. */
export function read(
  file: string | Uint8Array,
  changes: Partial<EvidenceRequest> = {},
): Promise<EvidenceReport> {
  return verifyEvidence({
    bytes: typeof file === 'string' ? utf8(file) : file,
    origin: ORIGIN,
    verifiers: [verifier(VKEY)],
    witnesses: [witness(WITNESS_VKEY)],
    quorum: 1,
    verifyEd25519: nodeVerify,
    ...changes,
  })
}

/** Codes in the order of the report. */
export function codesOf({ faults }: EvidenceReport): readonly string[] {
  return faults.map(({ code, index }) => (index === null ? code : `${code}@${index}`))
}
