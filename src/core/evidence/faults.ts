/**
 * What can be wrong with an evidence bundle: one closed list of codes, each of one class, so that nobody takes a damaged
 * file for a lying log, or a missing piece for either.
 *
 * `unreadable` and `unfinished` say nothing about the log; `altered` is about whoever made or carried the file; only a `lie`
 * is about the log, and then the file proves it. Spec: docs/spec/evidence.md, "Verdict".
 */
export const FAULT_CLASSES = {
  // The file is no bundle of a version this program reads; nothing was checked.
  too_large: 'unreadable',
  not_utf8: 'unreadable',
  too_deep: 'unreadable',
  not_json: 'unreadable',
  not_evidence: 'unreadable',
  version_unknown: 'unreadable',
  malformed: 'unreadable', // a member is missing, not known, or of the wrong form
  spelling: 'unreadable', // not the one spelling of what it says
  // A piece is not what the keys have signed or the tree covers.
  vkey_false: 'altered', // a key it names has not signed its checkpoint
  witness_false: 'altered', // a witness key it names has not cosigned it
  checkpoint_malformed: 'altered',
  checkpoint_unsigned: 'altered', // not signed by the reader's key: another log, another key, or altered
  checkpoint_signature: 'altered', // a signature of a known key is not over this checkpoint
  origin: 'altered', // a checkpoint of another log
  since_false: 'altered', // the older checkpoint is not this log's, or is newer
  consistency: 'altered', // the proof does not join the two checkpoints
  inclusion: 'altered', // the record is not at that index of the tree
  presentation: 'altered', // not a record with disclosures
  disclosure_unmatched: 'altered', // the record does not commit to it
  disclosure_repeated: 'altered',
  entry_unneeded: 'altered', // of a kind that bears out nothing here
  decision_missing: 'altered', // no decision where it says, or a second one
  // Everything is as it was signed, and contradicts itself.
  fork: 'lie', // two trees of one size, or of one history, both signed
  record: 'lie', // the log holds an entry that is no record of it
  signature: 'lie',
  first_not_key: 'lie',
  key_record: 'lie',
  key_not_in_force: 'lie', // signed by a key that had ended
  disclosure_false: 'lie', // committed to, and not what the claims table allows
  chain_fork: 'lie',
  chain_prev: 'lie',
  chain_time: 'lie',
  erased_chain: 'lie', // a record beyond what the erasure of its chain names as the last
  policy_parts: 'lie',
  policy_not_active: 'lie',
  policy_outdated: 'lie',
  activation_order: 'lie',
  strike_altered: 'lie', // the facts tell a strike otherwise than its record
  strike_invented: 'lie', // relied on before it was recorded
  reversal_ignored: 'lie',
  reversal_invented: 'lie', // counted as reversed before it was
  bucket_false: 'lie', // another bucket than the pseudonym's
  replay_policy: 'lie', // decided under a text that makes no policy
  replay_outcome: 'lie',
  replay_field: 'lie',
  future: 'lie', // says it was made after a witness saw it in the log
  // Something one would need is not in the file or not known to this program.
  quorum_missed: 'unfinished',
  since_other: 'unfinished', // no proof from the checkpoint the reader trusts
  key_missing: 'unfinished',
  key_revoked: 'unfinished', // withdrawn afterwards, for a time that includes the record
  policy_missing: 'unfinished',
  policy_after: 'unfinished',
  activation_missing: 'unfinished',
  activation_after: 'unfinished',
  engine_unknown: 'unfinished',
  from_future: 'unfinished', // later than the reader's clock
} as const

export type EvidenceFaultCode = keyof typeof FAULT_CLASSES
export type EvidenceFaultClass = (typeof FAULT_CLASSES)[EvidenceFaultCode]

export interface EvidenceFault {
  readonly class: EvidenceFaultClass
  readonly code: EvidenceFaultCode
  /** Log index it is about; null for the file or the tree as a whole. */
  readonly index: number | null
  /** A sentence; holds no disclosed value. */
  readonly message: string
}

/** A fault with the class its code has. */
export function faultOf(
  code: EvidenceFaultCode,
  index: number | null,
  message: string,
): EvidenceFault {
  return { class: FAULT_CLASSES[code], code, index, message }
}
