/**
 * Makes the bundle out of records, a checkpoint and the hashes of its tree: proofs for all, one file.
 *
 * Pure but for the hashes somebody hands in; whether what comes out holds is verify.ts's to say, and an exporter asks it.
 * Which records belong into it: collect.ts. Spec: docs/spec/evidence.md, "File".
 */

import { utf8 } from '../encoding.ts'
import { LivegateError } from '../errors.ts'
import type { Presentation } from '../record/presentation.ts'
import { type AsyncHashReader, proveConsistencyAsync, proveInclusionAsync } from '../tlog/tree.ts'
import { EVIDENCE_FORMAT, formatEvidence, hashText, parseEvidence } from './format.ts'

export interface EvidenceInput {
  /** Index of the decision. */
  readonly decision: number
  /** Records with what is opened of them; each index once. */
  readonly records: readonly ({ readonly index: number } & Presentation)[]
  /** The note all proofs are under, and the number of its leaves. */
  readonly checkpoint: { readonly note: string; readonly size: number }
  /** An older checkpoint to prove the extension of; null for none. */
  readonly since: { readonly note: string; readonly size: number } | null
  readonly vkeys: readonly string[]
  readonly witnesses: readonly string[]
  /** Hashes of the tree of `checkpoint`. */
  readonly hashes: AsyncHashReader
}

/** The file. Throws `conflict` when it would exceed a limit of the format. */
export async function buildEvidence(input: EvidenceInput): Promise<string> {
  const { checkpoint, since, hashes } = input
  const { size } = checkpoint
  const entries = []
  for (const { index, jws, disclosures } of input.records) {
    const record = `${[jws, ...disclosures].join('~')}~`
    const proof = await proveInclusionAsync({ index, size }, hashes)
    entries.push({ index, record, proof: proof.map(hashText) })
  }
  const joined =
    since === null ? [] : await proveConsistencyAsync({ from: since.size, to: size }, hashes)
  const file = formatEvidence({
    ...{ format: EVIDENCE_FORMAT, decision: input.decision },
    ...{ vkeys: input.vkeys, witnesses: input.witnesses, checkpoint: checkpoint.note },
    since: since === null ? null : { checkpoint: since.note, proof: joined.map(hashText) },
    entries,
  })
  const read = parseEvidence(utf8(file))
  if (read.ok) return file
  throw new LivegateError(
    'conflict',
    read.error.message.replace('Cannot read the', 'Cannot write an'),
  )
}
