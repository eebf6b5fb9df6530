/**
 * The evidence bundle as a file: one JSON text that holds everything about one decision an outsider needs.
 *
 *     {"format":…,"decision":…,"vkeys":[…],"witnesses":[…],"checkpoint":…,"since":…,"entries":[…]} LF
 *
 * One value has one spelling: members in this order, no blanks, entries by rising index, keys sorted. Nothing is verified
 * here (verify.ts). Spec: docs/spec/evidence.md, "File". Next: build.ts.
 */
import { fromUtf8, toBase64Url } from '../encoding.ts'
import { MAX_ENTRY_BYTES } from '../limits.ts'
import { integer, list, nullable, object, required, text } from '../record/shape.ts'
import { err, ok, type Result } from '../result.ts'
import type { Hash } from '../tlog/hash.ts'
import { MAX_NOTE_CHARS } from '../tlog/note.ts'
import { type EvidenceFault, type EvidenceFaultCode, faultOf } from './faults.ts'

export const EVIDENCE_FORMAT = 'livegate-evidence/v1'
export const EVIDENCE_MEDIA_TYPE = 'application/vnd.livegate.evidence+json'

/** Records of a bundle. The texts of 17 revisions of 256 KiB are 17 x 86 = 1,462 parts; the rest is for activations and strikes. */
export const MAX_EVIDENCE_ENTRIES = 4096
/** Hashes of a proof in a tree of at most 2^53 leaves; a consistency proof has one more. */
export const MAX_EVIDENCE_HASHES = 54
/**
 * Disclosures of one record, characters. The largest facts are 17 hosts of 4,096 strikes; 4,096 of 1,212 bytes are 5 MB, in
 * base64url 6.7 million: twice that, for every group.
 */
export const MAX_EVIDENCE_RECORD_CHARS: number = 16 * 1024 * 1024
/** Bytes of a bundle: 4,096 records of 7,168 bytes with proofs of 54 x 46 are 40 MB, and one of the largest facts 16. */
export const MAX_EVIDENCE_BYTES: number = 64 * 1024 * 1024
/** The file, `entries`, an entry, its proof. */
export const MAX_EVIDENCE_DEPTH = 4
const MAX_KEYS = 16

/** A record as it stands in the log, what is opened of it, and where it stands. */
export interface EvidenceEntry {
  readonly index: number
  /** `jws~disclosure~…~`. */
  readonly record: string
  /** Inclusion proof under the bundle's checkpoint, the leaf's sibling first; base64url. */
  readonly proof: readonly string[]
}

export interface Evidence {
  readonly format: typeof EVIDENCE_FORMAT
  /** Index of the decision this is about. */
  readonly decision: number
  /** Verifier keys that have signed the checkpoint: a hint, never what a reader trusts. */
  readonly vkeys: readonly string[]
  /** Verifier keys of witnesses that have cosigned it: a hint. */
  readonly witnesses: readonly string[]
  /** The signed note. */
  readonly checkpoint: string
  /** An older checkpoint and the proof that this one extends it; null without. */
  readonly since: { readonly checkpoint: string; readonly proof: readonly string[] } | null
  readonly entries: readonly EvidenceEntry[]
}

const INDEX = integer(0)
const HASH = text(43, { min: 43, pattern: /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/ })
const PROOF = list(HASH, MAX_EVIDENCE_HASHES)
const NOTE = text(MAX_NOTE_CHARS)
const KEYS = list(text(512), MAX_KEYS)
const SHAPE = object({
  format: required(text(64)),
  decision: required(INDEX),
  vkeys: required(KEYS),
  witnesses: required(KEYS),
  checkpoint: required(NOTE),
  since: required(nullable(object({ checkpoint: required(NOTE), proof: required(PROOF) }))),
  entries: required(
    list(
      object({
        index: required(INDEX),
        record: required(text(MAX_ENTRY_BYTES + MAX_EVIDENCE_RECORD_CHARS)),
        proof: required(PROOF),
      }),
      MAX_EVIDENCE_ENTRIES,
      1,
    ),
  ),
})

/** The file of a bundle. Sorts what has an order, so that the same pieces give the same bytes. */
export function formatEvidence(evidence: Evidence): string {
  const { format, decision, vkeys, witnesses, checkpoint, since } = evidence
  const entries = evidence.entries
    .map(({ index, record, proof }) => ({ index, record, proof }))
    .toSorted((a, b) => a.index - b.index)
  const value = {
    ...{ format, decision, vkeys: vkeys.toSorted(), witnesses: witnesses.toSorted(), checkpoint },
    since: since === null ? null : { checkpoint: since.checkpoint, proof: since.proof },
    entries,
  }
  return `${JSON.stringify(value)}\n`
}

/** True for text that says it is an evidence bundle, of whatever version. */
export function isEvidence(file: string): boolean {
  return /^\s*\{\s*"format"\s*:\s*"livegate-evidence\//.test(file)
}

/** Reads a file. What comes back is in its one spelling and within every limit; nothing in it is verified. */
export function parseEvidence(bytes: Uint8Array): Result<Evidence, EvidenceFault> {
  if (bytes.length > MAX_EVIDENCE_BYTES)
    return refuse('too_large', `it has more than ${MAX_EVIDENCE_BYTES} bytes`)
  const file = fromUtf8(bytes)
  if (file === null) return refuse('not_utf8', 'it is not UTF-8')
  if (deeper(file, MAX_EVIDENCE_DEPTH))
    return refuse('too_deep', `it is nested deeper than ${MAX_EVIDENCE_DEPTH}`)
  const value = jsonOf(file)
  if (value === undefined) return refuse('not_json', 'it is not JSON, or it was cut short')
  const format = (value as { readonly format?: unknown } | null)?.format
  if (typeof format !== 'string' || !format.startsWith('livegate-evidence/'))
    return refuse('not_evidence', 'it does not say that it is one')
  if (format !== EVIDENCE_FORMAT)
    return refuse('version_unknown', `expected format \`${EVIDENCE_FORMAT}\``)
  const fault = SHAPE(value)
  if (fault !== null)
    return refuse(
      'malformed',
      `\`${fault.path.slice(0, 64)}\` is ${fault.problem}, expected ${fault.expected}`,
    )
  const evidence = value as Evidence
  if (!isStrictlyRising(evidence.entries) || formatEvidence(evidence) !== file)
    return refuse('spelling', 'it is not in its one spelling')
  return ok(evidence)
}

/** A hash as a bundle spells it. */
export function hashText(hash: Hash): string {
  return toBase64Url(hash)
}

function refuse(
  code: EvidenceFaultCode,
  why: string,
): { readonly ok: false; readonly error: EvidenceFault } {
  return err(faultOf(code, null, `Cannot read the evidence bundle: ${why}`))
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(file)
  } catch {
    return undefined
  }
}

/** Whether brackets outside texts ever stand deeper than `most`. Looked at first, so that no parser is led into the deep. */
function deeper(file: string, most: number): boolean {
  let depth = 0
  for (let i = 0; i < file.length; i++) {
    const c = file.charCodeAt(i)
    if (c === 0x22) i = textEnd(file, i)
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > most) return true
    } else if (c === 0x7d || c === 0x5d) depth--
  }
  return false
}

/** Where the text that begins at `from` ends: at a quote with an even number of backslashes before it. */
function textEnd(file: string, from: number): number {
  for (let end = file.indexOf('"', from + 1); end >= 0; end = file.indexOf('"', end + 1)) {
    let slashes = 0
    while (file.charCodeAt(end - 1 - slashes) === 0x5c) slashes++
    if (slashes % 2 === 0) return end
  }
  return file.length
}

function isStrictlyRising(entries: readonly EvidenceEntry[]): boolean {
  return entries.every(({ index }, i) => i === 0 || index > (entries[i - 1]?.index ?? -1))
}
