/**
 * The checkpoints of a bundle: whose they are, who has cosigned, and whether one goes on from the other.
 *
 * A verdict stands on the reader's keys; those the file names are only held to have signed. Two trees of one size, both
 * signed, are a fork, and then the file is the evidence. Spec: docs/spec/evidence.md, "Checking", step 2.
 */
import { fromBase64Url } from '../encoding.ts'
import { type OpenedCheckpoint, type OpenFault, openCheckpoint } from '../tlog/checkpoint.ts'
import { cosignatureVerifier } from '../tlog/cosignature.ts'
import { sameHash } from '../tlog/hash.ts'
import { ed25519Verifier } from '../tlog/note.ts'
import { verifyConsistency } from '../tlog/verify.ts'
import { quorumOf } from '../tlog/witness-policy.ts'
import { type EvidenceFault, type EvidenceFaultCode, faultOf } from './faults.ts'
import type { Evidence } from './format.ts'
import { learnedKeys } from './learned-keys.ts'
import type { EvidenceTrust } from './trust.ts'

/** Head of an older checkpoint, proven to be a beginning of the bundle's tree. */
export interface ProvenSince {
  readonly size: number
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

/** The checkpoint as the reader's keys open it, or one the log had named under them; null after saying why not. */
export async function openNote(
  evidence: Evidence,
  trust: EvidenceTrust,
  faults: EvidenceFault[],
): Promise<{ readonly checkpoint: OpenedCheckpoint | null; readonly learned: boolean }> {
  const { checkpoint: note } = evidence
  const { origin, verifiers, witnesses } = trust
  let opened = await openCheckpoint({ note, origin, verifiers, witnesses })
  const learned = !opened.ok && opened.error === 'signature_missing'
  if (learned) {
    const named = await learnedKeys(evidence, trust)
    opened = await openCheckpoint({ note, origin, verifiers: [...verifiers, ...named], witnesses })
  }
  if (!opened.ok) {
    const code = NOTE_FAULTS[opened.error] ?? 'checkpoint_malformed'
    faults.push(faultOf(code, null, `${NOTE_WORDS[code]}.`))
    return { checkpoint: null, learned: false }
  }
  const missed = await quorumFault(opened.value, note, trust)
  if (missed !== null) faults.push(missed)
  return { checkpoint: opened.value, learned }
}

/** Fewer witnesses than the reader asks for, by number or by a policy. */
async function quorumFault(
  { cosignatures }: OpenedCheckpoint,
  note: string,
  { quorum, witness_policy, verifyEd25519 }: EvidenceTrust,
): Promise<EvidenceFault | null> {
  const names = new Set(cosignatures.map(({ name }) => name))
  if (names.size < quorum) return missed(`${names.size}`, `${quorum}`)
  if (witness_policy === null) return null
  const told = await quorumOf(note, witness_policy, verifyEd25519)
  if (!told.ok) return faultOf('checkpoint_signature', null, `${NOTE_WORDS.checkpoint_signature}.`)
  return told.value.met ? null : missed(`${told.value.cosigned.length}`, told.value.rule)
}

function missed(cosigned: string, rule: string): EvidenceFault {
  const message = `${cosigned} of your witnesses have cosigned the checkpoint, you ask for ${rule}.`
  return faultOf('quorum_missed', null, message)
}

/** Keys the file names must have signed what it holds: so nobody can put other ones there unnoticed. */
export async function checkHints(
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

/** The older checkpoint: of this log, and the beginning of its tree. */
export async function checkSince(
  { since }: Evidence,
  head: OpenedCheckpoint,
  trust: EvidenceTrust,
  faults: EvidenceFault[],
): Promise<ProvenSince | null> {
  const { origin, verifiers, trusted } = trust
  const older =
    since === null ? null : await openCheckpoint({ note: since.checkpoint, origin, verifiers })
  const known = older?.ok === true ? older.value : null
  if (older !== null && (known === null || known.size > head.size))
    faults.push(faultOf('since_false', null, 'The older checkpoint is not one of this log.'))
  for (const one of [known, head])
    if (trusted !== null && one?.size === trusted.size && !sameHash(one.root, trusted.root))
      faults.push(faultOf('fork', null, `${FORK} at size ${trusted.size}; keep both notes.`))
  if (known === null || since === null || known.size > head.size)
    return trusted === null || reaches(head, trusted) ? null : notJoined(faults)
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
  if (trusted !== null && !reaches(head, trusted) && !reaches(known, trusted)) notJoined(faults)
  return { size: known.size }
}

const FORK = 'The log has signed two different trees'

function reaches(head: { readonly size: number }, trusted: { readonly size: number }): boolean {
  return head.size === trusted.size
}

function notJoined(faults: EvidenceFault[]): null {
  faults.push(
    faultOf('since_other', null, 'The file has no proof from the checkpoint you trust to its own.'),
  )
  return null
}
