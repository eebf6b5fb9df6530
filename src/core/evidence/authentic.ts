/**
 * The first half of checking a bundle: is every piece what the log's keys have signed and its tree covers?
 *
 * Trusts the reader's keys alone. The tree comes before the signature: a record that is in the tree and has no valid
 * signature is the log's own fault, one that is not is whoever's who made the file. What the pieces say of each other
 * is contradictions.ts's. Spec: docs/spec/evidence.md, "Checking", steps 1 to 4.
 */

import { Findings } from '../audit/findings.ts'
import { KeyBook } from '../audit/keys.ts'
import type { ScannedRecord } from '../audit/scan.ts'
import { fromBase64Url, toBase64Url, utf8 } from '../encoding.ts'
import { type OpenedGroups, openDisclosures } from '../record/disclosure.ts'
import { type Hasher, leafOf } from '../record/hashing.ts'
import type { KeyRing } from '../record/jwk.ts'
import type { RecordKind } from '../record/kinds.ts'
import { type ParsedRecord, parseRecord } from '../record/parse.ts'
import { parsePresentation } from '../record/presentation.ts'
import { signatureHolds } from '../record/verify.ts'
import { type OpenedCheckpoint, type OpenFault, openCheckpoint } from '../tlog/checkpoint.ts'
import { cosignatureVerifier } from '../tlog/cosignature.ts'
import { sameHash } from '../tlog/hash.ts'
import { ed25519Verifier, type NoteVerifier, type VerifyEd25519 } from '../tlog/note.ts'
import { verifyConsistency, verifyInclusion } from '../tlog/verify.ts'
import { type EvidenceFault, type EvidenceFaultCode, faultOf } from './faults.ts'
import type { Evidence, EvidenceEntry } from './format.ts'

/** Whom the reader trusts. */
export interface EvidenceTrust {
  /** Name of the log. */
  readonly origin: string
  /** The log's checkpoint keys as the reader has them. */
  readonly verifiers: readonly NoteVerifier[]
  readonly witnesses: readonly NoteVerifier[]
  /** How many of `witnesses` must have cosigned. */
  readonly quorum: number
  /** The newest checkpoint the reader trusted before, verified; null without. */
  readonly trusted: { readonly size: number; readonly root: Uint8Array } | null
  readonly hasher: Hasher
  readonly verifyEd25519: VerifyEd25519
}

/** A record that stands at its index of the signed tree, signed by a key in force there. */
export interface ProvenEntry {
  readonly index: number
  readonly record: ParsedRecord
  /** base64url. */
  readonly leaf: string
  readonly opened: OpenedGroups
}

export interface Authentic {
  readonly checkpoint: OpenedCheckpoint | null
  /** Head of the older checkpoint in the bundle, proven to be a beginning of this tree; null without. */
  readonly since: { readonly size: number } | null
  readonly entries: readonly ProvenEntry[]
  readonly faults: readonly EvidenceFault[]
}

/** Kinds that can bear out a decision. */
const NEEDED: ReadonlySet<RecordKind> = new Set<RecordKind>([
  'decision',
  'strike',
  'reversal',
  'key',
  'policy',
  'activation',
])

/** Checks notes, proofs, signatures and disclosures. Stops at a checkpoint that is not the log's. */
export async function authenticate(evidence: Evidence, trust: EvidenceTrust): Promise<Authentic> {
  const faults: EvidenceFault[] = []
  const checkpoint = await openNote(evidence.checkpoint, trust, faults)
  if (checkpoint === null) return { checkpoint, since: null, entries: [], faults }
  await checkHints(evidence, checkpoint, trust, faults)
  const since = await checkSince(evidence, checkpoint, trust, faults)
  const placed = evidence.entries.flatMap(
    (entry) => placeOf(entry, checkpoint, trust.hasher, faults) ?? [],
  )
  const entries = faults.some((fault) => fault.class === 'altered')
    ? []
    : await signed(placed, trust, faults)
  return { checkpoint, since, entries, faults }
}

const NOTE_FAULTS: Readonly<Partial<Record<OpenFault, EvidenceFaultCode>>> = {
  signature_missing: 'checkpoint_unsigned',
  signature_invalid: 'checkpoint_signature',
  origin_mismatch: 'origin',
}

const NOTE_WORDS: Readonly<Partial<Record<EvidenceFaultCode, string>>> = {
  checkpoint_unsigned:
    'The checkpoint is not signed by your verifier key: it is of another log or key, or was altered',
  checkpoint_signature: 'A signature of a known key is not over this checkpoint',
  origin: 'The checkpoint is of another log than your verifier key',
  checkpoint_malformed: 'The checkpoint is none',
}

async function openNote(
  note: string,
  trust: EvidenceTrust,
  faults: EvidenceFault[],
): Promise<OpenedCheckpoint | null> {
  const { origin, verifiers, witnesses } = trust
  const opened = await openCheckpoint({ note, origin, verifiers, witnesses })
  if (!opened.ok) {
    const code = NOTE_FAULTS[opened.error] ?? 'checkpoint_malformed'
    faults.push(faultOf(code, null, `${NOTE_WORDS[code]}.`))
    return null
  }
  const names = new Set(opened.value.cosignatures.map(({ name }) => name))
  if (names.size < trust.quorum)
    faults.push(
      faultOf(
        'quorum_missed',
        null,
        `${names.size} of your witnesses have cosigned the checkpoint, you ask for ${trust.quorum}.`,
      ),
    )
  return opened.value
}

/** Keys the file names must have signed what it holds: so nobody can put other ones there unnoticed. */
async function checkHints(
  { checkpoint: note, vkeys, witnesses }: Evidence,
  { origin }: OpenedCheckpoint,
  { verifyEd25519 }: EvidenceTrust,
  faults: EvidenceFault[],
): Promise<void> {
  for (const vkey of vkeys) {
    const verifier = ed25519Verifier(vkey, verifyEd25519)
    const opened = verifier.ok
      ? await openCheckpoint({ note, origin, verifiers: [verifier.value] })
      : verifier
    if (!opened.ok)
      faults.push(faultOf('vkey_false', null, 'A verifier key the file names has not signed.'))
  }
  for (const vkey of witnesses) {
    const verifier = cosignatureVerifier(vkey, verifyEd25519)
    const opened = verifier.ok
      ? await openCheckpoint({ note, origin, verifiers: [verifier.value] })
      : verifier
    if (!opened.ok)
      faults.push(faultOf('witness_false', null, 'A witness the file names has not cosigned.'))
  }
}

async function checkSince(
  { since }: Evidence,
  head: OpenedCheckpoint,
  trust: EvidenceTrust,
  faults: EvidenceFault[],
): Promise<Authentic['since']> {
  const { origin, verifiers, trusted } = trust
  const older =
    since === null ? null : await openCheckpoint({ note: since.checkpoint, origin, verifiers })
  const known = older?.ok === true ? older.value : null
  if (older !== null && (known === null || known.size > head.size))
    faults.push(faultOf('since_false', null, 'The older checkpoint is not one of this log.'))
  for (const other of [known, head])
    if (trusted !== null && other?.size === trusted.size && !sameHash(other.root, trusted.root))
      faults.push(faultOf('fork', null, `${FORK} at size ${trusted.size}; keep both notes.`))
  if (known === null || since === null || known.size > head.size)
    return trusted === null || reaches(head, trusted) ? null : other(faults)
  const proof = since.proof.flatMap((hash) => fromBase64Url(hash) ?? [])
  const joined = verifyConsistency({
    ...{ from: known.size, from_root: known.root, to: head.size, to_root: head.root, proof },
  })
  if (!joined.ok) {
    if (known.size === head.size && !sameHash(known.root, head.root))
      faults.push(faultOf('fork', null, `${FORK} at size ${head.size}; the file holds both notes.`))
    else
      faults.push(
        faultOf('consistency', null, 'The proof does not join the older checkpoint to this one.'),
      )
    return null
  }
  if (trusted !== null && !reaches(head, trusted) && !reaches(known, trusted)) other(faults)
  return { size: known.size }
}

const FORK = 'The log has signed two different trees'

function reaches(head: { readonly size: number }, trusted: { readonly size: number }): boolean {
  return head.size === trusted.size
}

function other(faults: EvidenceFault[]): null {
  faults.push(
    faultOf('since_other', null, 'The file has no proof from the checkpoint you trust to its own.'),
  )
  return null
}

interface Placed extends ProvenEntry {
  readonly disclosures: readonly string[]
}

/** The record at its place in the tree; null when it is not what the log holds there, or no record. */
function placeOf(
  { index, record: text, proof }: EvidenceEntry,
  { size, root, origin }: OpenedCheckpoint,
  hasher: Hasher,
  faults: EvidenceFault[],
): Placed | null {
  const given = parsePresentation(text)
  if (!given.ok || !text.includes('~')) {
    faults.push(faultOf('presentation', index, 'It is no record with disclosures.'))
    return null
  }
  const { jws, disclosures } = given.value
  const leaf = leafOf(utf8(jws), hasher)
  const hashes = proof.flatMap((hash) => fromBase64Url(hash) ?? [])
  const included = verifyInclusion({ leaf, index, size, proof: hashes, root })
  if (!included.ok) {
    const why = included.error.replaceAll('_', ' ')
    faults.push(faultOf('inclusion', index, `It is not proven to stand at this index (${why}).`))
    return null
  }
  const parsed = parseRecord(jws)
  if (!parsed.ok || parsed.value.claims.log !== origin) {
    const why = parsed.ok ? 'a record of another log' : parsed.error.code.replaceAll('_', ' ')
    faults.push(faultOf('record', index, `The log holds an entry that is no record of it: ${why}.`))
    return null
  }
  const record = parsed.value
  if (!NEEDED.has(record.kind))
    faults.push(faultOf('entry_unneeded', index, `A ${record.kind} record bears out nothing here.`))
  const opened = opening(record, { index, disclosures }, hasher, faults)
  return opened === null ? null : { index, record, leaf: toBase64Url(leaf), opened, disclosures }
}

function opening(
  record: ParsedRecord,
  { index, disclosures }: { readonly index: number; readonly disclosures: readonly string[] },
  hasher: Hasher,
  faults: EvidenceFault[],
): OpenedGroups | null {
  if (disclosures.some((text) => !record.digests.includes(hasher.digestText(text)))) {
    faults.push(
      faultOf('disclosure_unmatched', index, 'The record does not commit to what is disclosed.'),
    )
    return null
  }
  const opened = openDisclosures(record, disclosures, hasher)
  if (opened.ok) return opened.value
  const repeated = opened.error.code === 'disclosure_repeated'
  faults.push(
    faultOf(
      repeated ? 'disclosure_repeated' : 'disclosure_false',
      index,
      `${opened.error.message}.`,
    ),
  )
  return null
}

/** Keys as the key records of the bundle tell them, and every signature under the key in force. */
async function signed(
  placed: readonly Placed[],
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
  if (index < key.from)
    return faultOf('key_after', index, 'Its key comes into force here only after it.')
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
