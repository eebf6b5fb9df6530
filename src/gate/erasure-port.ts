/**
 * The Erasures port: what forgetting a subject asks of a host. Part of ports.ts, which hands it on.
 *
 * States duties, not mechanisms; tests/contract/erasures-contract.ts holds every host to them. The story: erasure.ts.
 */
import type { SubjectId, Suppression } from '../core/model.ts'
import type { EpochMs } from '../core/time.ts'
import type { Change, CommitResult, Receipt, SignedRecord, StoredRecord } from '../ports.ts'

/** `full` keeps nothing but the log; `subject` lets restrictions that run go on until their end. */
export type ErasureScope = 'subject' | 'full'

/** How much of what, by name; in the erasure record and so public. */
export type ErasureCounts = Readonly<Record<string, number>>

/** An erasure that has begun: whatever becomes of the process, it is finished. */
export interface Erasure {
  readonly scope: ErasureScope
  readonly at: EpochMs
  /** `done` once nothing that was erased is in any file of the host, free space and journals included. */
  readonly state: 'pending' | 'done'
  /** Id of the erasure record and its place in the log; null when the subject had no chain. */
  readonly record: string | null
  readonly receipt: Receipt | null
  readonly counts: ErasureCounts
  /** Restrictions that go on without their subject's history. */
  readonly suppressed: number
}

/** The beginning of an erasure: applied as a whole or not at all. */
export interface ErasureChange {
  readonly subject: SubjectId
  readonly at: EpochMs
  readonly expect: Change['expect']
  readonly scope: ErasureScope
  /** The erasure record; null for a subject without a chain. */
  readonly record: SignedRecord | null
  readonly requires: readonly string[]
  readonly counts: ErasureCounts
  /** In place of those kept so far. */
  readonly suppressions: readonly Suppression[]
}

/** Strikes that can no longer count, to be forgotten although their subject stays. */
export interface ForgetChange {
  readonly subject: SubjectId
  readonly at: EpochMs
  readonly expect: Change['expect']
  /** An erasure record of scope `retention`: not on the chain, so `seq` and `head` stay. */
  readonly record: SignedRecord
  readonly requires: readonly string[]
  /** Their rows go, and the openings of their records and of the reversals of them. */
  readonly strikes: readonly string[]
}

/** Nothing of the subject is erased or forgotten before `until`. */
export interface LegalHold {
  readonly subject: SubjectId
  readonly until: EpochMs
  readonly basis: string
  /** API key id or token subject. */
  readonly by: string
  readonly set_at: EpochMs
}

/**
 * Forgetting a subject. Callers hold the subject's turn from `Ledger.load` to the end of `begin` or `forget`.
 *
 * `begin` resolves with ok when all of this is durable, in one transaction: the erasure record with its place in the log;
 * the subject is one never seen but for `suppressions` (state, records, search, strikes, sessions, stream keys,
 * idempotent answers: none is found any more); the suppressions. A chain that begins later has another pseudonym.
 * What remains as bytes (openings, rows, freed pages, journals) the host removes by itself, in bounded steps beside
 * decisions, and goes on after a crash; then the erasure is `done`. Openings of other subjects' records that name it
 * (`Change.cohosts`) lose the groups core/record/cohost-openings.ts names. Log entries stay as they are.
 * Rejections as of `Ledger.commit`: the outcome is unknown, `find` and the next `load` tell.
 */
export interface Erasures {
  /** What is stored about a subject, counted; null when nothing is. A legal hold and suppressions do not count. */
  inventory(subject: SubjectId): Promise<ErasureCounts | null> | ErasureCounts | null
  /** The newest erasure of a subject; null when there was none, or it has been done for ERASURE_KNOWN_MS. */
  find(subject: SubjectId): Promise<Erasure | null> | Erasure | null
  begin(change: ErasureChange): Promise<CommitResult>
  /** As `find`, however long ago, once it is done or `wait_ms` are over. */
  finish(subject: SubjectId, wait_ms: number): Promise<Erasure | null>
  /** base64url leaf hash of each of these strikes' records, those that have one, in the order given. */
  leaves(
    subject: SubjectId,
    strikes: readonly string[],
  ): Promise<readonly string[]> | readonly string[]
  /** Bytes are gone as after an erasure, but nothing says when. */
  forget(change: ForgetChange): Promise<CommitResult>
  /** Null when none was set or it has been lifted; an ended one may be given: callers compare `until`. */
  legalHold(subject: SubjectId): Promise<LegalHold | null> | LegalHold | null
  /** Durable when resolved; takes the place of an earlier one. Holding a subject never seen is fine. */
  hold(hold: LegalHold): Promise<void>
  /** False when there was none. */
  lift(subject: SubjectId): Promise<boolean>
  /** Records of the subject's chain from the newest, or before `before_seq`. */
  chain(
    subject: SubjectId,
    page: { readonly before_seq: number | null; readonly limit: number },
  ): Promise<readonly StoredRecord[]> | readonly StoredRecord[]
}
