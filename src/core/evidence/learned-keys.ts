/**
 * Checkpoint keys a reader was not given, learned from the bundle: the log named them under a checkpoint his own key has signed.
 *
 * The older checkpoint (`since`) is signed under a key of the reader's, and is proven to be the beginning of the newer tree,
 * whose root needs no signature for that. So a key record before its size was vouched for by the reader's key; signed by a
 * record key in force, it names the key the newer checkpoint may be signed with. Spec: docs/spec/evidence.md, "Checking", step 2.
 */
import { Findings } from '../audit/findings.ts'
import { KeyBook } from '../audit/keys.ts'
import type { ScannedRecord } from '../audit/scan.ts'
import { fromBase64Url, utf8 } from '../encoding.ts'
import { type Hasher, leafOf } from '../record/hashing.ts'
import { vkeyOf } from '../record/key-history.ts'
import { type ParsedRecord, parseRecord } from '../record/parse.ts'
import { parsePresentation } from '../record/presentation.ts'
import { expectedKey, signatureHolds } from '../record/verify.ts'
import { openCheckpoint, parseCheckpoint, type TreeHead } from '../tlog/checkpoint.ts'
import { ed25519Verifier, type NoteVerifier, parseNote } from '../tlog/note.ts'
import { verifyConsistency, verifyInclusion } from '../tlog/verify.ts'
import type { Evidence, EvidenceEntry } from './format.ts'
import type { EvidenceTrust } from './trust.ts'

/** Keys in force at the checkpoint's size, as the log named them before; none where anything does not fit. */
export async function learnedKeys(
  evidence: Evidence,
  trust: EvidenceTrust,
): Promise<readonly NoteVerifier[]> {
  const note = parseNote(evidence.checkpoint)
  const head = note.ok ? parseCheckpoint(note.value.body) : note
  if (!head.ok || head.value.origin !== trust.origin) return []
  const vouched = await vouchedSize(evidence, head.value, trust)
  const book = await checkpointKeys(evidence.entries, { head: head.value, vouched, trust })
  return [...book.ring().values()].flatMap(({ jwk, from, until }) => {
    const in_force = head.value.size >= from && (until === null || head.value.size <= until)
    const verifier = ed25519Verifier(vkeyOf(jwk.x, trust.origin), trust.verifyEd25519)
    if (!in_force || !verifier.ok) return []
    const given = trust.verifiers.some(({ keyId }) => keyId === verifier.value.keyId)
    return given ? [] : [verifier.value]
  })
}

/** How many entries of the tree a checkpoint under the reader's keys covers; 0 when none is proven to. */
async function vouchedSize(
  { since }: Evidence,
  head: TreeHead,
  { origin, verifiers }: EvidenceTrust,
): Promise<number> {
  if (since === null) return 0
  const older = await openCheckpoint({ note: since.checkpoint, origin, verifiers })
  if (!older.ok || older.value.size > head.size) return 0
  const proof = since.proof.flatMap((hash) => fromBase64Url(hash) ?? [])
  const joined = verifyConsistency({
    ...{ from: older.value.size, from_root: older.value.root },
    ...{ to: head.size, to_root: head.root, proof },
  })
  return joined.ok ? older.value.size : 0
}

async function checkpointKeys(
  entries: readonly EvidenceEntry[],
  given: { readonly head: TreeHead; readonly vouched: number; readonly trust: EvidenceTrust },
): Promise<KeyBook> {
  const { head, vouched, trust } = given
  const record = new KeyBook()
  const checkpoint = new KeyBook([], { use: 'checkpoint' })
  const said = new Findings()
  for (const entry of entries) {
    const { index } = entry
    const found = index < vouched ? keyRecordIn(entry, head, trust.hasher) : null
    if (found?.kind !== 'key') continue
    if (index === 0) record.first(found as ScannedRecord, said)
    const signer = expectedKey(found, record.ring(), { log: trust.origin, index })
    if (!signer.ok || !(await signatureHolds(found, signer.value, trust.verifyEd25519))) continue
    if (index === 0) continue
    record.learn(found.claims, index, said)
    checkpoint.learn(found.claims, index, said)
  }
  return checkpoint
}

function keyRecordIn(
  { index, record, proof }: EvidenceEntry,
  { size, root }: TreeHead,
  hasher: Hasher,
): ParsedRecord | null {
  const given = parsePresentation(record)
  const parsed = given.ok ? parseRecord(given.value.jws) : null
  if (!given.ok || !parsed?.ok) return null
  const leaf = leafOf(utf8(given.value.jws), hasher)
  const hashes = proof.flatMap((hash) => fromBase64Url(hash) ?? [])
  return verifyInclusion({ leaf, index, size, proof: hashes, root }).ok ? parsed.value : null
}
