/**
 * Checkpoint keys the auditor did not bring: learned from the log, or by an earlier audit from its state.
 *
 * A key out of a state is believed as the state is. What a log says of its keys is compared with the signatures on its
 * checkpoint here, because core has no Ed25519 of its own. From: audit-run.ts, audit-state.ts.
 */
import type { AuditState } from '../../core/audit/state.ts'
import type { SignedHead } from '../../core/audit/tree.ts'
import { utf8 } from '../../core/encoding.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { vkeyOf } from '../../core/record/key-history.ts'
import { ed25519Verifier, type NoteVerifier, parseNote } from '../../core/tlog/note.ts'
import { verifyEd25519 } from './ed25519.ts'
import type { LogKey } from './head.ts'

/** The head with whose signatures are on it, of the keys the log itself names. */
export async function withSigners(
  head: SignedHead,
  origin: string,
  keys: readonly RecordKey[],
): Promise<SignedHead> {
  const note = parseNote(head.note)
  if (!note.ok) return head
  const message = utf8(note.value.body)
  const signed_by: string[] = []
  const spoiled_by: string[] = []
  for (const { jwk } of keys) {
    const verifier = verifierOf(jwk.x, origin)
    const lines = note.value.signatures.filter(
      ({ name, keyId }) => name === verifier.name && keyId === verifier.keyId,
    )
    for (const { signature } of lines)
      ((await verifier.verify(message, signature)) ? signed_by : spoiled_by).push(jwk.x)
  }
  return { ...head, signed_by, spoiled_by }
}

/** The auditor's keys, and those an earlier audit has learned; `ended` ones too for what was signed in their time. */
export function withLearned(
  key: LogKey,
  state: Pick<AuditState, 'checkpoint_keys'> | null,
  { ended = false }: { readonly ended?: boolean } = {},
): LogKey {
  const learned = (state?.checkpoint_keys ?? [])
    .filter(({ until }) => ended || until === null)
    .map(({ jwk }) => verifierOf(jwk.x, key.origin))
    .filter(({ keyId }) => key.verifiers.every((known) => known.keyId !== keyId))
  return learned.length === 0 ? key : { ...key, verifiers: [...key.verifiers, ...learned] }
}

function verifierOf(x: string, origin: string): NoteVerifier {
  const verifier = ed25519Verifier(vkeyOf(x, origin), verifyEd25519)
  if (verifier.ok) return verifier.value
  throw new TypeError('a key of a log makes no verifier key')
}
