/**
 * What a witness can show against this log: the checkpoint it has seen last, which only counts when this log signed it.
 *
 * A larger size, or another root, under our own signature cannot be explained away: the storage here was set back, or
 * something signs elsewhere. A witness's bare word is no proof, but enough to stop where it says that it has seen more
 * than was signed here, or something else of the same size (G6); a refused proof alone is not. The halt says which it
 * was. Spec: docs/spec/log.md, "Witnesses".
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { fromUtf8, toHex, utf8 } from '../../core/encoding.ts'
import { type OpenedCheckpoint, openCheckpoint } from '../../core/tlog/checkpoint.ts'
import { sameHash } from '../../core/tlog/hash.ts'
import type { NoteVerifier } from '../../core/tlog/note.ts'
import { rootFromAsync } from '../../core/tlog/tree.ts'
import { type WitnessFault, witnessUrl } from '../../core/tlog/witness.ts'
import type { AskWitness } from './witness-ask.ts'
import type { Asked, Errand } from './witness-visit.ts'

export interface DoubtParts {
  readonly origin: string
  /** The log's own keys. */
  readonly verifiers: readonly NoteVerifier[]
  readonly ask: AskWitness
  /** Size of the newest tree that was signed here. */
  readonly signedSize: () => number
}

/** Why the log has to stop after what a witness answered; null when it goes on. */
export async function doubtOf(
  parts: DoubtParts,
  witness: Asked,
  errand: Errand,
  visit: { readonly fault: WitnessFault; readonly claims?: number },
): Promise<string | null> {
  const { fault, claims = 0 } = visit
  if (fault !== 'ahead' && fault !== 'other_root' && fault !== 'proof_refused') return null
  const shown = await shownBy(parts, witness, errand.budget_ms)
  const proven = shown === null ? null : await contradiction(parts, errand, shown)
  if (proven !== null)
    return `the witness ${witness.name} holds a checkpoint this log has signed ${proven}:\n${shown?.note}`
  if (fault === 'proof_refused') return null
  return fault === 'ahead'
    ? `the witness ${witness.name} says that it has seen ${claims} entries, but ${parts.signedSize()} are signed here`
    : `the witness ${witness.name} says that it has seen another tree of ${claims} entries`
}

interface Shown {
  readonly note: string
  readonly checkpoint: OpenedCheckpoint
}

/** The checkpoint it publishes for this log; null unless this log has signed it. */
async function shownBy(
  { origin, verifiers, ask }: DoubtParts,
  { url }: Asked,
  within_ms: number,
): Promise<Shown | null> {
  const path = `${toHex(sha256(utf8(origin)))}/checkpoint`
  const reply = await ask({ method: 'GET', url: witnessUrl(url, path), within_ms })
  const note = reply.ok && reply.value.status === 200 ? fromUtf8(reply.value.body) : null
  if (note === null) return null
  const opened = await openCheckpoint({ note, origin, verifiers })
  return opened.ok ? { note, checkpoint: opened.value } : null
}

async function contradiction(
  { signedSize }: DoubtParts,
  { tree, reader }: Errand,
  { checkpoint }: Shown,
): Promise<string | null> {
  const { size, root } = checkpoint
  if (size > signedSize()) return `at ${size} entries, but ${signedSize()} are signed here`
  if (size > tree.size) return null
  const here = await rootFromAsync(size, reader)
  return sameHash(here, root) ? null : `over another tree of ${size} entries`
}
