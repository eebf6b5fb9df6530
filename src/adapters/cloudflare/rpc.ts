/**
 * What the objects of the edge host ask of each other: plain data in, plain data or a failure out.
 *
 * Errors do not survive a remote call as what they were, so every method answers a Reply and never throws on purpose;
 * `carried` and `opened` are the two ends of that. A call that rejects anyway (object gone, network) tells nothing about
 * what happened: `opened` makes it `log_unavailable`. Who implements what: subject-object.ts, sequencer-object.ts,
 * directory-object.ts. Spec: docs/architecture.md, "The edge host".
 */
import { type Fault, LivegateError, type ProblemCode } from '../../core/errors.ts'
import type { IncidentChange } from '../../core/incident.ts'
import type { IncidentProposed, IncidentWish } from '../../core/incident-wish.ts'
import type { Activation, Outcome, SubjectId } from '../../core/model.ts'
import type { MoveProgress } from '../../core/move/importer.ts'
import type { Proposed, Wish } from '../../core/policy/activation.ts'
import type { Explanation } from '../../core/policy/explain.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Access } from '../../gate/access.ts'
import type { Pending, Settling } from '../../gate/cohosts.ts'
import type { EnforcerNumber } from '../../gate/enforcement.ts'
import type { ErasureAnswer, ErasureRequest } from '../../gate/erasure.ts'
import type { LogKeys } from '../../gate/key-desk.ts'
import type { KeyWish } from '../../gate/key-rotation.ts'
import type { ReviewAnswer, ReviewRequest } from '../../gate/reviews.ts'
import type { SubjectExport } from '../../gate/subject-export.ts'
import type {
  Answer,
  DecideRequest,
  FactsPatch,
  ReversalAnswer,
  ReversalRequest,
  StrikeAnswer,
  StrikeRequest,
  SubjectView,
} from '../../gate-types.ts'
import type {
  DecisionSearch,
  LegalHold,
  Receipt,
  RecordPage,
  ReviewItem,
  ReviewSearch,
  ReviewView,
  SignedRecord,
  StoredFacts,
  StoredRecord,
  StreamKey,
  SubjectState,
} from '../../ports.ts'
import type { Fixed } from './fixed.ts'
import type { KeptMove, LogMove, SubjectMove } from './import-steps.ts'
import type { KeeperStubs, RunningRpc, SessionsRpc } from './rpc-keeper.ts'
import type { ShadowCounts, Shadowed } from './rpc-shadow.ts'
import type { SequencerStatus } from './rpc-status.ts'
import type { PolicyText } from './sequencer-revisions.ts'
import type { LifeAnswer, LifeQuestion } from './subject-lives.ts'
import type { Naming } from './subject-mentions.ts'

/** A failure as it crosses; `retry_after_s` and `hint` are null when absent. */
export interface WireError {
  readonly code: ProblemCode
  readonly message: string
  readonly hint: string | null
  readonly retry_after_s: number | null
  readonly faults: readonly Fault[]
}

export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: WireError }

/** A question as it crosses: its number was taken where media servers are answered. */
export interface NumberedRequest extends Omit<DecideRequest, 'enforcement'> {
  readonly number?: EnforcerNumber
}

/** `number_free`: no record was made with the number of the question, and none will be. */
export type NumberedReply = Reply<Answer> & { readonly number_free?: true }

/** One subject: its history, its turn, its chain, and what of it the log does not have yet. */
export interface SubjectRpc {
  decide(request: NumberedRequest): Promise<NumberedReply>
  /**
   * The answer `decide` gave came when nobody waited for it any more: what it opened is taken back, unless somebody else was
   * given the same decision.
   */
  unheard(subject: SubjectId, decision: string): Promise<Reply<null>>
  explain(request: Omit<DecideRequest, 'idempotency' | 'session'>): Promise<Reply<Explanation>>
  strike(request: StrikeRequest): Promise<Reply<StrikeAnswer>>
  /** `subject` is who the directory says owns the strike. */
  reverse(subject: SubjectId, request: ReversalRequest): Promise<Reply<ReversalAnswer>>
  putFacts(subject: SubjectId, facts: FactsPatch, as_of: EpochMs): Promise<Reply<StoredFacts>>
  patchFacts(subject: SubjectId, facts: FactsPatch, as_of: EpochMs): Promise<Reply<StoredFacts>>
  view(subject: SubjectId): Promise<Reply<SubjectView>>
  endSession(subject: SubjectId, server: string, session: string): Promise<Reply<boolean>>
  /** About broadcasts that run here; `subject` is null for whoever knows only the object. */
  life<Q extends LifeQuestion>(
    subject: SubjectId | null,
    question: Q,
  ): Promise<Reply<LifeAnswer<Q>>>
  /** `subject` is whose the item is. */
  review(subject: SubjectId, request: ReviewRequest): Promise<Reply<ReviewAnswer>>
  /** What gate/cohosts.ts asks of a co-host, in the co-host's own turn. */
  cohostStanding(subject: SubjectId): Promise<Reply<SubjectState>>
  cohostJoin(subject: SubjectId, pending: Pending): Promise<Reply<SubjectState>>
  cohostSettle(subject: SubjectId, settling: Settling): Promise<Reply<boolean>>
  cohostEnd(subject: SubjectId, broadcast: string): Promise<Reply<null>>
  /**
   * Records of this object's chain by their `seq`, in that order, with their place in the log; those it does not have are
   * left out. Fewer are given when they are large, but always one when there is one: ask on behind the last.
   * `places`: what a log said of them; a record it names need not be looked for there again, which may be impossible.
   */
  records(
    seqs: readonly number[],
    places?: readonly ChainPlace[],
  ): Promise<Reply<readonly StoredRecord[]>>
  /** What gate/erasure-desk.ts does, in the subject's own turn. */
  erase(request: ErasureRequest): Promise<Reply<ErasureAnswer>>
  holdLegally(request: Omit<LegalHold, 'set_at'>): Promise<Reply<LegalHold>>
  liftHold(subject: SubjectId): Promise<Reply<boolean>>
  exported(subject: SubjectId, before: number | null): Promise<Reply<SubjectExport>>
  /**
   * The record of `host` at `seq` is going to name this subject: whoever erases it has to find that. False when it was
   * called what it is not any more: it has been erased since. Repeatable.
   */
  named(subject: SubjectId, naming: Naming): Promise<Reply<boolean>>
  /** Records of this subject no longer name `cohost`, who is being erased. Repeatable. */
  unname(subject: SubjectId, cohost: SubjectId, seqs: readonly number[]): Promise<Reply<null>>
  /** Records of `host` that named this subject no longer do, by `seq` or all of them. Repeatable. */
  unhost(subject: SubjectId, host: SubjectId, seqs: readonly number[] | null): Promise<Reply<null>>
  /** Takes in what outlives an erasure that an earlier host did, or stands before one here. Repeatable. */
  keep(kept: KeptMove): Promise<Reply<null>>
  /** Takes in what an earlier host knew of this subject; again with the same changes nothing. */
  moveIn(move: SubjectMove): Promise<Reply<null>>
}

/** A record of a chain on its way into the log. Personal values stay behind, in the subject's object. */
export interface ChainEntry {
  /** Name of the subject's object (names.ts): says nothing about the subject to whoever lacks the pepper. */
  readonly object: string
  /** Place on its chain, from 1; the log takes each chain's records in order, without a gap. */
  readonly seq: number
  /** Log index of the chain's record before, where the object knows it: a log that was set back is found by it. */
  readonly after?: number | null
  readonly at: EpochMs
  readonly record: Omit<SignedRecord, 'openings'>
  /** As in `Change.decision`. */
  readonly decision: {
    readonly outcome: Outcome
    readonly mode: string | null
    readonly rules: readonly string[]
    readonly strikes: readonly string[]
    readonly would?: { readonly outcome: Outcome; readonly rules: readonly string[] }
  } | null
  /** What a candidate in the shadow says to this decision; absent where it was not asked. */
  readonly shadow?: Shadowed
}

/** The end of a chain, with all that a log may hold of it. */
export interface ChainErasure extends ChainForgetting {
  /** Decisions of the chain that name strikes of others. */
  readonly named: readonly { readonly strike: string; readonly id: string }[]
}

/** Strikes of a chain that are forgotten. */
export interface ChainForgetting {
  /** Name of the subject's object. */
  readonly object: string
  /** Records on the chain: it must have no other. */
  readonly seq: number
  /** The erasure record. */
  readonly record: Omit<SignedRecord, 'openings'>
  readonly requires: readonly string[]
  readonly strikes: readonly string[]
}

/** Where the record stands; or why nothing was done. */
export type ChainGone = { readonly index: number } | { readonly refused: 'conflict' | 'requires' }

/** Who asks a log: the key its records are signed with, and what of the deployment it takes for granted. */
export interface Caller extends Fixed {
  readonly kid: string
  /** All it could sign with, while keys are exchanged. */
  readonly kids?: readonly string[]
}

/** Where a record of a chain is. */
export interface ChainPlace {
  readonly object: string
  readonly seq: number
  readonly index: number
  /** Of the record that is there, base64url; absent from an older version. */
  readonly leaf?: string
}

/** What whoever decides has to know of their log. */
export interface LogReady {
  readonly origin: string
  readonly activations: readonly Activation[]
  /** Changes of incident mode, by number; absent from an older version. */
  readonly incidents?: readonly IncidentChange[]
  /** The key records are signed with from now on; the caller's where the log does not say. */
  readonly kid?: string
  /** Record keys in force. */
  readonly kids?: readonly string[]
}

/** A place with what searches are ordered by: the second the log took it in; of an earlier log's, that of its id. */
export interface FoundPlace extends ChainPlace {
  readonly second: number
}

/** One log: order, tree, publication. Every method answers `halted` once storage contradicted itself. */
export interface SequencerRpc extends RunningRpc {
  /**
   * Log indexes of the entries, in their order; durable when answered. Idempotent by full leaf hash: an entry that is in
   * the log already gets the index it has. Fails with `conflict`, nothing appended, when an entry does not continue its
   * object's chain, or another record stands at its place; with `halted` when the log lacks what an entry comes after.
   */
  append(entries: readonly ChainEntry[]): Promise<Reply<readonly number[]>>
  /** The Log port's append, for records of the deployment. */
  appendDeployment(
    records: readonly SignedRecord[],
    requires: readonly string[],
  ): Promise<Reply<readonly Receipt[]>>
  /**
   * Makes sure that key and policy are in the log, writing them when they are not (key first), and answers with the
   * name of the log and what is activated in it. Without a policy it only asks. Any number of callers at once write them once. Fails when an append would: with `halted`,
   * `overloaded`, or `log_unavailable`, as for a caller who is configured otherwise than the log.
   */
  ready(policy: PolicyText | null, caller?: Caller): Promise<Reply<LogReady>>
  /** Activations by number; also of a log that takes nothing. */
  activations(): Promise<Reply<readonly Activation[]>>
  /** In the first log only: revision 1, unless there is one. All activations. */
  begin(bundled: PolicyText & { readonly name: string }): Promise<Reply<readonly Activation[]>>
  /** In the first log only: the activation that follows, durable when answered. Text: of an activation, null else. */
  activate(wish: Wish, bytes: Uint8Array | null): Promise<Reply<Proposed>>
  /** Takes in activations of the first log, in order, with the texts not here yet; those that are here are passed over. */
  learn(activations: readonly Activation[], texts: readonly PolicyText[]): Promise<Reply<null>>
  /** Changes of incident mode by number; also of a log that takes nothing. */
  incidents(): Promise<Reply<readonly IncidentChange[]>>
  /** In the first log only: what follows from a wish, durable when answered. */
  changeIncident(wish: IncidentWish): Promise<Reply<IncidentProposed>>
  /** Takes in changes of the first log, in order; those that are here are passed over. */
  learnIncidents(changes: readonly IncidentChange[]): Promise<Reply<null>>
  /**
   * Ends an object's chain: its record, and nothing leads from records to the object any more; durable when answered, the same
   * again is answered alike until `forgetChain`. Until then no chain of this object begins.
   */
  eraseChain(erasure: ChainErasure): Promise<Reply<ChainGone>>
  /** The object's storage is gone. Repeatable. */
  forgetChain(object: string): Promise<Reply<null>>
  /** Logs that strikes were forgotten, and forgets what relied on them. Not idempotent: a second record says the same. */
  forgetStrikes(forgetting: ChainForgetting): Promise<Reply<ChainGone>>
  /** How many records of an object's chain the log has. */
  head(object: string): Promise<Reply<number>>
  /** Null when no record of a chain has this id. */
  find(id: string): Promise<Reply<ChainPlace | null>>
  /**
   * Newest first by (second, index), downwards from the cursor. A cursor is `<second>.<index>`: everything smaller is
   * still to come. So whoever merges several logs can go on between any two places.
   */
  searchDecisions(
    search: DecisionSearch,
  ): Promise<Reply<{ readonly places: readonly FoundPlace[]; readonly next: string | null }>>
  records(
    page: RecordPage,
  ): Promise<Reply<{ readonly places: readonly ChainPlace[]; readonly next: number | null }>>
  decisionsRelyingOn(
    strike: string,
  ): Promise<
    Reply<readonly { readonly id: string; readonly outcome: Outcome; readonly at: EpochMs }[]>
  >
  /** Text of the newest published checkpoint. */
  checkpoint(): Promise<Reply<string>>
  proof(index: number, wait_ms: number): Promise<Reply<string | null>>
  policies(): Promise<Reply<readonly LoggedPolicy[]>>
  policyText(digest: string): Promise<Reply<Uint8Array | null>>
  /** `x` of every record key to verify with: retired ones too, revoked ones not; oldest first. */
  recordKeys(): Promise<Reply<readonly string[]>>
  /** Every key of the log, and which of them sign. */
  keys(): Promise<Reply<LogKeys>>
  /** A step of an exchange of keys, durable when answered; true when the log has changed. Repeatable. */
  changeKey(wish: KeyWish): Promise<Reply<boolean>>
  /** Writes that records of this log are opened, durable when answered. Not idempotent: each answer is one. */
  access(access: Access): Promise<Reply<null>>
  /** Writes a heartbeat record when one is due; called by the cron trigger. */
  heartbeat(): Promise<Reply<null>>
  /** One step of a deployment that moves in, durable when answered; how far it has got. Repeatable. */
  move(step: LogMove): Promise<Reply<MoveProgress>>
  status(): Promise<Reply<SequencerStatus>>
  /** Of the candidate in the shadow; null without one. */
  shadow(): Promise<Reply<ShadowCounts | null>>
}

export interface LoggedPolicy {
  readonly digest: string
  /** When its record was made; null when that cannot be read. */
  readonly activated_at: EpochMs | null
}

/** Facts by id whose subject the caller does not know; one object for each of a fixed number of slices of ids. */
export interface DirectoryRpc extends SessionsRpc {
  /** Takes a strike id for a subject; `taken` when another has it. Again for the same subject: `ok`. */
  claimStrike(id: string, subject: SubjectId): Promise<Reply<'ok' | 'taken'>>
  subjectOfStrike(id: string): Promise<Reply<SubjectId | null>>
  /** Stream keys lie twice: under their hash, which admits, and under their id, which is shown. */
  bindStreamKey(by: 'hash' | 'id', key: StreamKey): Promise<Reply<'ok' | 'taken'>>
  unbindStreamKey(by: 'hash' | 'id', name: string): Promise<Reply<null>>
  streamKey(by: 'hash' | 'id', name: string): Promise<Reply<StreamKey | null>>
  revokeStreamKey(by: 'hash' | 'id', name: string, at: EpochMs): Promise<Reply<boolean>>
  /** Those that lie here under their hash. */
  streamKeysOf(subject: SubjectId): Promise<Reply<readonly StreamKey[]>>
  /** Items of a subject, or what has become of them; in a slice of the queue (names.ts). Repeatable. */
  putReviews(subject: SubjectId, items: readonly ReviewItem[], at: EpochMs): Promise<Reply<null>>
  listReviews(
    search: ReviewSearch,
  ): Promise<Reply<{ readonly items: readonly ReviewView[]; readonly next: string | null }>>
  /** How many reviews wait for a word, their deadline ahead. */
  openReviews(at: EpochMs): Promise<Reply<number>>
  /** How many keys admit a subject here. */
  keysOf(subject: SubjectId): Promise<Reply<number>>
  /** Strike ids, stream keys and sessions of a subject are nobody's from now on. Repeatable. */
  dropSubject(subject: SubjectId): Promise<Reply<null>>
  /** These ids are free again, as far as they are the subject's. Repeatable. */
  releaseStrikes(ids: readonly string[], subject: SubjectId): Promise<Reply<null>>
}

/** Objects by their names (names.ts); how they are reached is stubs.ts's. */
export interface Stubs extends KeeperStubs {
  /** By `subjectObjectName`. */
  subject(objectName: string): SubjectRpc
  /** By shard, from 0. */
  sequencer(shard: number): SequencerRpc
  /** By `directoryName` or `serverName`. */
  directory(name: string): DirectoryRpc
}

/** Runs a method's work and carries what it throws; anything but a LivegateError is `internal` and said to `report`. */
export async function carried<T>(
  work: () => Promise<T> | T,
  report: (error: unknown) => void,
): Promise<Reply<T>> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    if (!(error instanceof LivegateError)) report(error)
    return { ok: false, error: wireOf(error) }
  }
}

/** What the other end answered, or its failure thrown here. */
export async function opened<T>(call: PromiseLike<Reply<T>>): Promise<T> {
  const reply = await answered(call)
  if (reply.ok) return reply.value
  const { code, message, hint, retry_after_s, faults } = reply.error
  throw new LivegateError(code, message, {
    faults,
    ...(hint === null ? {} : { hint }),
    ...(retry_after_s === null ? {} : { retry_after_s }),
  })
}

async function answered<T>(call: PromiseLike<Reply<T>>): Promise<Reply<T>> {
  try {
    return await call
  } catch (cause) {
    throw new LivegateError('log_unavailable', 'Cannot reach an object: the call was lost', {
      cause,
      retry_after_s: 1,
    })
  }
}

function wireOf(error: unknown): WireError {
  if (error instanceof LivegateError) {
    const { code, message, hint = null, retry_after_s = null, faults } = error
    return { code, message, hint, retry_after_s, faults }
  }
  const message = 'Cannot answer: something unexpected happened'
  return { code: 'internal', message, hint: null, retry_after_s: null, faults: [] }
}
