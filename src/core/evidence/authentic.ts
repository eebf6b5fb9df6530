/**
 * The first half of checking a bundle: is every piece what the log's keys have signed and its tree covers?
 *
 * Trusts the reader's keys alone. The tree comes before the signature: a record that is in the tree and has no valid
 * signature is the log's own fault, one that is not is whoever's who made the file. What the pieces say of each other
 * is contradictions.ts's. Spec: docs/spec/evidence.md, "Checking", steps 1 to 4.
 */

import { fromBase64Url, toBase64Url, utf8 } from '../encoding.ts'
import { type OpenedGroups, openDisclosures } from '../record/disclosure.ts'
import { type Hasher, leafOf } from '../record/hashing.ts'
import type { RecordKind } from '../record/kinds.ts'
import { type ParsedRecord, parseRecord } from '../record/parse.ts'
import { parsePresentation } from '../record/presentation.ts'
import type { OpenedCheckpoint } from '../tlog/checkpoint.ts'
import { verifyInclusion } from '../tlog/verify.ts'
import { type EvidenceFault, faultOf } from './faults.ts'
import type { Evidence, EvidenceEntry } from './format.ts'
import { checkHints, checkSince, openNote, type ProvenSince } from './notes.ts'
import { signedEntries } from './signed.ts'
import type { EvidenceTrust, ProvenEntry } from './trust.ts'

export interface Authentic {
  readonly checkpoint: OpenedCheckpoint | null
  /** Null without. */
  readonly since: ProvenSince | null
  readonly entries: readonly ProvenEntry[]
  readonly faults: readonly EvidenceFault[]
  /** The checkpoint is signed by none of the reader's keys, but by one the log had named under them. */
  readonly learned: boolean
}

/** Kinds that can bear out a decision. */
const NEEDED: ReadonlySet<RecordKind> = new Set<RecordKind>([
  'decision',
  'strike',
  'reversal',
  'key',
  'policy',
  'activation',
  'erasure',
  // Some of them: replayed.ts.
  'heartbeat',
])

/** Checks notes, proofs, signatures and disclosures. Stops at a checkpoint that is not the log's. */
export async function authenticate(evidence: Evidence, trust: EvidenceTrust): Promise<Authentic> {
  const faults: EvidenceFault[] = []
  const { checkpoint, learned } = await openNote(evidence, trust, faults)
  if (checkpoint === null) return { checkpoint, since: null, entries: [], faults, learned }
  await checkHints(evidence, checkpoint, trust, faults)
  const since = await checkSince(evidence, checkpoint, trust, faults)
  const placed = evidence.entries.flatMap(
    (entry) => placeOf(entry, checkpoint, trust.hasher, faults) ?? [],
  )
  const entries = faults.some((fault) => fault.class === 'altered')
    ? []
    : await signedEntries(placed, trust, faults)
  return { checkpoint, since, entries, faults, learned }
}

/** The record at its place in the tree; null when it is not what the log holds there, or no record. */
function placeOf(
  { index, record: text, proof }: EvidenceEntry,
  { size, root, origin }: OpenedCheckpoint,
  hasher: Hasher,
  faults: EvidenceFault[],
): ProvenEntry | null {
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
  return opened === null ? null : { index, record, leaf: toBase64Url(leaf), opened }
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
