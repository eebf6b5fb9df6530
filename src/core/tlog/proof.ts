/**
 * Proofs as text that needs nothing else: an entry stands at this index under this signed checkpoint.
 *
 *     c2sp.org/tlog-proof@v1 LF ["extra " base64 LF] "index " decimal LF {base64(hash) LF} LF checkpoint
 *
 * Hashes go from the leaf's sibling upwards; the checkpoint is verbatim. `extra` is signed by nobody. What a proof does
 * not show: that everybody sees this tree (that takes witnesses), or that nothing else should be in it.
 * Spec: C2SP tlog-proof.
 */
import { fromBase64, toBase64 } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import { err, ok, type Result } from '../result.ts'
import { isCount, parseDecimal } from './arithmetic.ts'
import { type OpenedCheckpoint, type OpenFault, openCheckpoint } from './checkpoint.ts'
import { HASH_BYTES, type Hash } from './hash.ts'
import { MAX_NOTE_CHARS, type NoteVerifier, parseNote } from './note.ts'
import { type ProofFault, verifyInclusion } from './verify.ts'

/** A proof, read; not verified. */
export interface TlogProof {
  readonly index: number
  readonly proof: readonly Hash[]
  /** The signed note, verbatim. */
  readonly checkpoint: string
  /** Opaque and unauthenticated. */
  readonly extra?: Uint8Array
}

export type TlogProofFault =
  | 'tlog_proof_malformed'
  | 'tlog_proof_too_large'
  /** Fewer than `quorum` of the witnesses have cosigned the checkpoint. */
  | 'quorum_missed'
  | OpenFault
  | ProofFault

const HEADER = 'c2sp.org/tlog-proof@v1'
/** A path in a tree of 2^63 leaves; more lines cannot be a proof. */
const MAX_HASHES = 63
/** The checkpoint, and as much again for `extra`. */
const MAX_PROOF_CHARS: number = 2 * MAX_NOTE_CHARS

/** The proof as text. Throws `internal` when its parts cannot be written so that they read back. */
export function formatTlogProof(proof: TlogProof): string {
  const extra = proof.extra === undefined ? [] : [`extra ${toBase64(proof.extra)}`]
  const lines = [HEADER, ...extra, `index ${proof.index}`, ...proof.proof.map(toBase64)]
  const text = `${lines.join('\n')}\n\n${proof.checkpoint}`
  if (!isCount(proof.index) || !parseTlogProof(text).ok)
    throw new LivegateError(
      'internal',
      `Cannot write proof of leaf ${proof.index}: expected an index, at most ${MAX_HASHES} hashes and a signed note`,
    )
  return text
}

/** Takes a proof apart. Every accepted text is what `formatTlogProof` gives for its parts. */
export function parseTlogProof(text: string): Result<TlogProof, TlogProofFault> {
  if (text.length > MAX_PROOF_CHARS) return err('tlog_proof_too_large')
  const blank = text.indexOf('\n\n')
  if (blank < 0) return err('tlog_proof_malformed')
  const lines = text.slice(0, blank).split('\n')
  if (lines.shift() !== HEADER) return err('tlog_proof_malformed')
  const extraText = lines[0]?.startsWith('extra ') ? lines.shift()?.slice(6) : undefined
  const extra = extraText === undefined ? undefined : fromBase64(extraText)
  const indexText = lines.shift()
  const index = indexText?.startsWith('index ') ? parseDecimal(indexText.slice(6)) : null
  const hashes = lines.map(fromBase64)
  if (index === null || extra === null || hashes.length > MAX_HASHES)
    return err('tlog_proof_malformed')
  const proof = hashes.filter((hash) => hash?.length === HASH_BYTES).filter((hash) => hash !== null)
  if (proof.length !== hashes.length) return err('tlog_proof_malformed')
  const checkpoint = text.slice(blank + 2)
  const note = parseNote(checkpoint)
  if (!note.ok) return note
  return ok({ index, proof, checkpoint, ...(extra === undefined ? {} : { extra }) })
}

/** Whose log, which leaf and whose word is needed. */
export interface TlogProofClaim {
  readonly text: string
  /** Leaf hash of the entry in question: `leafHash(entry)`. */
  readonly leaf: Hash
  readonly origin: string
  /** The log's keys. */
  readonly verifiers: readonly NoteVerifier[]
  readonly witnesses?: readonly NoteVerifier[]
  /** Witnesses that must have cosigned; 0 when absent, which leaves room for a split view. */
  readonly quorum?: number
}

/** Index and checkpoint under which the leaf is proven to stand. */
export interface ProvenLeaf {
  readonly index: number
  readonly checkpoint: OpenedCheckpoint
}

/** Checks signature, origin, quorum and inclusion, in this order. */
export async function verifyTlogProof(
  claim: TlogProofClaim,
): Promise<Result<ProvenLeaf, TlogProofFault>> {
  const { text, leaf, origin, verifiers, witnesses = [], quorum = 0 } = claim
  const parsed = parseTlogProof(text)
  if (!parsed.ok) return parsed
  const { index, proof, checkpoint: note } = parsed.value
  const opened = await openCheckpoint({ note, origin, verifiers, witnesses })
  if (!opened.ok) return opened
  const checkpoint = opened.value
  const names = new Set(checkpoint.cosignatures.map((line) => line.name))
  if (names.size < quorum) return err('quorum_missed')
  const { size, root } = checkpoint
  const included = verifyInclusion({ leaf, index, size, proof, root })
  return included.ok ? ok({ index, checkpoint }) : included
}
