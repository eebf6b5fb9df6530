/**
 * What an audit has to say: findings (the log lies) and notices (worth knowing, no lie).
 *
 * Codes are closed, so that a script can tell a changed byte from a missing one. A fault of a single record keeps its
 * code from record/faults.ts. Spec: docs/spec/record.md, "Auditing".
 */
import type { RecordFaultCode } from '../record/faults.ts'

export type FindingCode =
  | RecordFaultCode
  | 'first_not_key' // entry 0 is not the record key that signs it
  | 'key_record' // a key record that contradicts what the log said about keys before
  | 'checkpoint_key' // the checkpoint is signed by no checkpoint key in force, or badly by one
  | 'policy_not_logged' // used before its text was completely in the log
  | 'policy_parts' // parts that do not make the text of their digest
  | 'activation_order' // numbers that do not rise one by one, or in place of one that is not there
  | 'incident_order' // a change of incident mode that cannot follow those before it
  | 'incident_false' // a decision saw an incident the log has not, or missed one it had long before
  | 'policy_not_active' // used under no revision, or one not activated by then, or with another text
  | 'policy_outdated' // used long after another revision had taken its place
  | 'chain_gap' // a seq is missing and no unopened entry can be it
  | 'chain_fork' // the same subject and seq with other bytes
  | 'chain_prev' // prev is not the leaf of the subject's previous record
  | 'chain_time' // at falls along a chain
  | 'replay_outcome' // policy and facts give another outcome
  | 'replay_field' // policy and facts give another value of a member of the result
  | 'bucket_false' // facts give a host another bucket than its pseudonym's
  | 'replay_policy' // decided under a logged text that makes no policy
  | 'replay_recheck' // what runs was renewed or revoked against its own result, as of another beginning, at another door, or asked otherwise
  | 'replay_cut' // a cut that nothing ordered, or that says another time
  | 'strike_ignored' // facts lack a strike of the chain
  | 'strike_invented' // facts list a strike no record of the chain holds
  | 'strike_altered' // facts, or a second record, say something else of a strike
  | 'reversal_ignored' // facts count a strike that was reversed
  | 'reversal_invented' // facts or a record call a strike reversed that is not there, or was not
  | 'hold_false' // facts lack a hold the chain began, or say another beginning
  | 'review_false' // facts list a review nobody recorded, or lack the last one
  | 'broadcasts_false' // facts count fewer open broadcasts than the chain says
  | 'suppression_ignored' // facts lack a restriction kept since the chain began that still runs
  | 'suppression_invented' // facts list a kept restriction the chain did not begin with, or one that has ended
  | 'renewal_incomplete' // a re-check that commits to no policy or no facts
  | 'instant_false' // `iat`, `received_at` or `effective_at` do not go with `at`
  | 'erased_chain' // a record on the chain of an erased subject
  | 'enforcer_repeat' // one number of a media server's adapter on two records
  | 'heartbeat_gap' // does not begin where the previous one ended, or covers entries not there yet
  | 'heartbeat_totals' // other totals than the entries it covers
  | 'tile' // a stored hash tile differs from the entries
  | 'size' // other number of entries than the checkpoint says
  | 'root' // entries do not hash to the checkpoint's root
  | 'fork' // the log once signed another tree at the trusted checkpoint's size
  | 'rollback' // the checkpoint is older than the trusted one
  | 'after_closing' // an entry after the one that closed the log
  | 'predecessor_false' // what the log says of its predecessor is not what the predecessor says
  | 'predecessor_open' // the predecessor is not closed, or not in favour of this log
  | 'predecessor_late' // a predecessor named after chains have begun
  | 'predecessor_missing' // closed in favour of this log, which does not name it

/** A proof, or a piece of one, that the log lies. */
export interface Finding {
  /** Log index it is about; null for the tree as a whole. */
  readonly index: number | null
  readonly code: FindingCode
  readonly message: string
}

export type NoticeCode =
  | 'chain_unopened' // links missing that may be among the unopened entries
  | 'key_revoked' // entries signed by a key that was withdrawn for them afterwards
  | 'checkpoint_key_new' // checkpoints are signed by another key from here on
  | 'erasure'
  | 'enforcer_gap' // numbers of a media server's adapter no record has
  | 'heartbeat_late' // the newest heartbeat is much older than the newest entry
  | 'predecessor_unchecked' // chains go on from a log that was not audited with this one
  | 'chain_elsewhere' // the beginning of a chain is in that log

export interface Notice {
  readonly index: number
  readonly code: NoticeCode
  readonly message: string
}

/** Findings kept with their text; beyond this they are only counted. */
const MAX_KEPT = 1000

/** Collects findings and notices, bounded in memory. */
export class Findings {
  readonly #findings: Finding[] = []
  readonly #notices: Notice[] = []
  #found = 0
  #noticed = 0

  add(code: FindingCode, index: number | null, message: string): void {
    this.#found++
    if (this.#findings.length < MAX_KEPT) this.#findings.push({ index, code, message })
  }

  note(code: NoticeCode, index: number, message: string): void {
    this.#noticed++
    if (this.#notices.length < MAX_KEPT) this.#notices.push({ index, code, message })
  }

  /** In the order of their index; those about the whole tree last. */
  list(): readonly Finding[] {
    const place = (finding: Finding): number => finding.index ?? Number.MAX_SAFE_INTEGER
    return this.#findings.toSorted((a, b) => place(a) - place(b))
  }

  notices(): readonly Notice[] {
    return this.#notices
  }

  /** All of them, also those whose text was not kept. */
  totals(): { readonly findings: number; readonly notices: number } {
    return { findings: this.#found, notices: this.#noticed }
  }
}
