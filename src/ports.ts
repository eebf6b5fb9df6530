/**
 * What the gate asks of the world: duties, not mechanisms.
 *
 * Each port states durability, atomicity, idempotency and what a timeout means; the contract suites in tests/contract
 * hold every adapter to it. Adapters: adapters/memory (tests, embedding), adapters/sqlite + adapters/node (one machine).
 * From: gate.ts. Imports core only.
 */
import type {
  HoldFact,
  IncidentFacts,
  Outcome,
  PlatformFacts,
  ReviewFact,
  Strike,
  SubjectFacts,
  SubjectId,
  Suppression,
} from './core/model.ts'
import type { Plan } from './core/policy/plan.ts'
import type { EpochMs } from './core/time.ts'
import type { OpenBroadcast, RecheckCause } from './gate/broadcast-port.ts'
import type { ReviewItem } from './gate/review-items.ts'

export type {
  BroadcastQuery,
  BroadcastView,
  CutConfirmation,
  Cutting,
  OpenBroadcast,
  OpenBroadcasts,
  RecheckCause,
  UngatedCause,
} from './gate/broadcast-port.ts'
export type {
  Erasure,
  ErasureChange,
  ErasureCounts,
  ErasureScope,
  Erasures,
  ForgetChange,
  LegalHold,
} from './gate/erasure-port.ts'
export type { GateEvent, MediaServerChange, Observe } from './gate/events.ts'
export type { ReviewItem, ReviewQueue, ReviewSearch, ReviewView } from './gate/review-items.ts'
export type { StreamKey, StreamKeys } from './gate/stream-key-port.ts'

/** The only clock. May step back; the gate never lets a subject's chain do so. */
export interface Clock {
  now(): EpochMs
}

/** Cryptographically secure randomness. */
export interface Random {
  bytes(length: number): Uint8Array
}

/** A policy revision whose text and activation are already in the log; `active()` never returns one that is not. */
export interface Policies {
  /** What decides at an instant, now unless given. What has decided is not gone back behind, should the clock be. */
  active(at?: EpochMs): ActivePolicy
}

export interface ActivePolicy {
  /** With what it inherits of the revisions before it, and when it grows stale (core/policy/in-force.ts). */
  readonly plan: Plan
  /** The exact bytes of the file. */
  readonly bytes: Uint8Array
  /** No decision under it has an earlier instant; absent where nothing is activated (a policy in a test). */
  readonly active_from?: EpochMs
}

/** Incident mode as a decision made at an instant sees it, now unless given, and state of the platform, as it is now. */
export interface Surroundings {
  incident(at?: EpochMs): IncidentFacts
  platform(): PlatformFacts
}

/** Where a record stands in the log; plain data, proven by an inclusion proof. */
export interface Receipt {
  /** Name of the log. */
  readonly origin: string
  readonly index: number
  /** base64url of the RFC 6962 leaf hash of the record's bytes. */
  readonly leaf: string
}

/** Kinds of records on a subject's chain. */
export type ChainKind = 'decision' | 'strike' | 'reversal' | 'broadcast' | 'review'
/** Kinds that belong to the deployment. */
export type DeploymentKind =
  | 'policy'
  | 'incident'
  | 'key'
  | 'heartbeat'
  | 'erasure'
  | 'closing'
  | 'predecessor'
  | 'activation'
  | 'access'

/** A signed record that has not left the process yet. */
export interface SignedRecord {
  readonly id: string
  readonly kind: ChainKind | DeploymentKind
  /** The compact JWS: exactly the bytes of the log entry. */
  readonly jws: string
  /** 32 bytes, RFC 6962 leaf hash of the ASCII bytes of `jws`. */
  readonly leaf: Uint8Array
  /** Disclosures by group, each the base64url text of RFC 9901; empty for deployment kinds. */
  readonly openings: Readonly<Record<string, string>>
}

/** Facts the platform has stored about a subject, each with the instant it was true. */
export type StoredFacts = {
  readonly [K in keyof SubjectFacts]?: {
    readonly value: NonNullable<SubjectFacts[K]>
    readonly as_of: EpochMs
  }
}

/** The last refusal to one stream: an identical one is answered with the earlier record. */
export interface LastRefusal {
  readonly stream: string
  readonly decision: string
  /** Digest of everything that must be equal: result, policy, hosts, request. */
  readonly fingerprint: string
  readonly at: EpochMs
}

/** One subject as its ledger holds it. */
export interface SubjectState {
  /** Random per subject, 22 characters; null before the first record. */
  readonly pseudonym: string | null
  /** Records on the chain. */
  readonly seq: number
  /** base64url leaf hash of the newest record; null when `seq` is 0. */
  readonly head: string | null
  /** Instant of the newest record; the next is never earlier. */
  readonly last_at: EpochMs | null
  /** Grows with every change of standing: strike, reversal, facts, review. Not with decisions. */
  readonly version: number
  readonly strikes: readonly Strike[]
  readonly facts: StoredFacts
  readonly holds: readonly (HoldFact & { readonly stream: string })[]
  readonly reviews: readonly (ReviewFact & { readonly stream: string })[]
  /** What people are, or were, asked about; absent when nothing. */
  readonly review_items?: readonly ReviewItem[]
  /** What runs, and what is being cut. May hold ended ones; callers compare with the instant. */
  readonly broadcasts: readonly OpenBroadcast[]
  readonly refusals: readonly LastRefusal[]
  /** What ran when an earlier chain of the subject was erased; absent when nothing. May hold what has ended since. */
  readonly suppressions?: readonly Suppression[]
}

/** A decision answered under an Idempotency-Key. */
export interface IdempotentAnswer {
  readonly caller: string
  readonly key: string
  /** SHA-256 over the body bytes, base64url. */
  readonly fingerprint: string
  readonly decision: string
  readonly version: number
  readonly policy: string
  readonly incident: string
  /** Latest instant at which the stored answer may be given again. */
  readonly valid_until: EpochMs | null
  /** When the row may be forgotten. */
  readonly expires_at: EpochMs
}

/** Everything one step of a subject changes: applied as a whole or not at all. */
export interface Change {
  readonly subject: SubjectId
  readonly at: EpochMs
  /** Compare-and-swap: the commit fails with `conflict` unless the stored state still has these. */
  readonly expect: { readonly seq: number; readonly head: string | null; readonly version: number }
  /** Written with the first record of a subject. */
  readonly pseudonym: string | null
  /** Null for a change that is not logged (facts). */
  readonly record: SignedRecord | null
  /** The commit fails with `requires` unless each is already in the log: policy digests, key ids. */
  readonly requires: readonly string[]
  /** For search: only with a decision record. */
  readonly decision?: {
    readonly outcome: Outcome
    readonly mode: string | null
    readonly rules: readonly string[]
    /** Ids of strikes its reasons name, of all hosts, for `decisionsRelyingOn`; each id once, at most MAX_RELIED_ON. */
    readonly strikes?: readonly string[]
    /** Where something that applied was not enforced: the outcome with everything enforced, and the rules behind that. */
    readonly would?: { readonly outcome: Outcome; readonly rules: readonly string[] }
  }
  /** Others whose ids are in the record's openings: their erasure has to find it. */
  readonly cohosts?: readonly SubjectId[]
  /** True when standing changed: version + 1. */
  readonly bumps_version: boolean
  /** Inserted; an id that another subject owns fails the commit with `strike_taken`. */
  readonly strike?: Strike
  /** Strike id set to `reversed`. */
  readonly reverses?: string
  readonly facts?: StoredFacts
  /** Replace the hold of the same (stream, rule). */
  readonly holds?: readonly (HoldFact & { readonly stream: string })[]
  /** Replace those of the same (stream, rule); only with their record. */
  readonly reviews?: readonly (ReviewFact & { readonly stream: string })[]
  /** Replace those of the same id. */
  readonly review_items?: readonly ReviewItem[]
  /** Replaces the broadcast of the same id. */
  readonly opens?: OpenBroadcast
  /** Broadcast id that ended; one that is not open changes nothing. */
  readonly ends?: string
  /** Marks all that runs at `at` and is not being cut, before `opens` and `ends`: each has to be looked at again. */
  readonly rechecks?: RecheckCause
  /** Replaces the refusal of the same stream. */
  readonly refusal?: LastRefusal
  readonly idempotency?: IdempotentAnswer
}

/** Why a commit did not happen. Nothing of the change is stored then. */
export type CommitFailure = 'conflict' | 'strike_taken' | 'requires'

export type CommitResult =
  | { readonly ok: true; readonly receipt: Receipt | null }
  | { readonly ok: false; readonly error: CommitFailure }

/**
 * A subject's history. Callers hold the subject's turn from `load` to the end of `commit`.
 *
 * An open broadcast whose answer may never have gone out, because the process died, is shortened when the store opens
 * again: to UNCONFIRMED_BROADCAST_MS after it opened, or `heard_until` if that is later.
 *
 * Durability: `commit` resolves with ok only when the whole change *and* the record's place in the log are durable;
 * a record without its log entry (or the reverse) is never visible after a crash. Rejection with LivegateError
 * `log_unavailable`, `overloaded` or `halted` means the caller must treat the outcome as unknown: nothing may be
 * answered, and the next `load` tells the truth (caches dropped). Not idempotent: the compare-and-swap in
 * `expect` is what makes a repeated change fail.
 */
export interface Ledger {
  /** State for one subject; a subject never seen has `seq` 0 and no members. Reads its own writes. */
  load(subject: SubjectId): Promise<SubjectState> | SubjectState
  /** What `load` would give, where that is at hand in memory; null where it is not. Absent: never. */
  peek?(subject: SubjectId): SubjectState | null
  commit(change: Change): Promise<CommitResult>
  /** The stored answer of an Idempotency-Key, expired ones included until they are swept. */
  idempotent(
    caller: string,
    subject: SubjectId,
    key: string,
  ): Promise<IdempotentAnswer | null> | IdempotentAnswer | null
}

/** A record as stored beside its openings. */
export interface StoredRecord {
  readonly id: string
  readonly kind: ChainKind
  readonly subject: SubjectId
  readonly seq: number
  readonly at: EpochMs
  readonly jws: string
  readonly openings: Readonly<Record<string, string>>
  readonly receipt: Receipt
}

export interface DecisionSearch {
  readonly outcome?: Outcome
  readonly rule?: string
  readonly from?: EpochMs
  readonly to?: EpochMs
  /** Opaque; from `next`. */
  readonly cursor?: string
  /** 1 to 200. */
  readonly limit: number
}

/** A stretch of the log. */
export interface RecordPage {
  /** Which log, where there are several; the first unless given. */
  readonly shard?: number
  /** Lowest log index. */
  readonly from: number
  /** 1 to 500; fewer are given when they are large, but always one when there is one. */
  readonly limit: number
}

/** Finds things whose subject is not known to the caller. */
export interface Directory {
  subjectOfStrike(strike: string): Promise<SubjectId | null> | SubjectId | null
  record(id: string): Promise<StoredRecord | null> | StoredRecord | null
  /** Newest first, up to a few seconds: as made, or as logged. */
  searchDecisions(
    search: DecisionSearch,
  ): Promise<{ readonly records: readonly StoredRecord[]; readonly next: string | null }>
  /** Records of chains, of every kind, in the order of the log. */
  records(page: RecordPage): Promise<{
    readonly records: readonly StoredRecord[]
    /** Index of the next record of a chain; null when there was none yet. */
    readonly next: number | null
  }>
  /** Decisions whose reasons name `strike`, whoever asked for them, newest first, at most 200. */
  decisionsRelyingOn(
    strike: string,
  ): Promise<readonly { readonly id: string; readonly outcome: Outcome; readonly at: EpochMs }[]>
  /** False only where no broadcast of the session is open; left out by hosts that would have to wait for it. */
  mayBeOpen?(server: string, session: string): boolean
  /** The broadcast a media server's session runs, if it is open. */
  broadcastOfSession(
    server: string,
    session: string,
  ): Promise<{ readonly subject: SubjectId; readonly broadcast: OpenBroadcast } | null>
}

/** An API key as stored; the secret itself never is. */
export interface ApiKey {
  readonly id: string
  /** SHA-256 of the secret's ASCII, base64url. */
  readonly secret_hash: string
  readonly scopes: readonly string[]
  /** Person or service it belongs to. */
  readonly owner: string
  readonly audience: string | null
  readonly created_at: EpochMs
  readonly revoked_at: EpochMs | null
}

/** Durable when resolved. */
export interface ApiKeys {
  create(key: ApiKey): Promise<void>
  byId(id: string): Promise<ApiKey | null> | ApiKey | null
  list(): Promise<readonly ApiKey[]>
  revoke(id: string, at: EpochMs): Promise<boolean>
}

/** The log as the gate and its readers see it. */
export interface Log {
  readonly origin: string
  /** Appends deployment records in order, durably, or rejects with nothing appended. */
  append(records: readonly SignedRecord[], requires: readonly string[]): Promise<readonly Receipt[]>
  /** True once a policy digest's whole text, or a key id's record, is in the log. */
  has(requirement: string): boolean
  /** Next index to be given out: entries durable so far. */
  size(): number
  /** Newest published signed checkpoint. */
  checkpoint(): Promise<string>
  /** Newest checkpoint a quorum of witnesses has cosigned, with their lines; null when there is none. Absent: never. */
  witnessed?(): Promise<string | null>
  /** `tile/…` path as published, or null. */
  tile(path: string): Promise<Uint8Array | null>
  /** tlog-proof text of an index once a checkpoint covers it; null when none does within `wait_ms`. */
  proof(index: number, wait_ms: number): Promise<string | null>
}

/** Signs records; the key's public half is in the log before its first use. */
export interface RecordSigner {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  /** Ed25519 over the bytes: 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** What is hashed under the pepper: texts of two kinds never have the same hash, whoever chooses them. */
export type Peppered =
  | 'account'
  | 'deployment'
  | 'idempotency_key'
  | 'key'
  | 'move'
  | 'rotated_key'
  | 'rotated_key_id'
  | 'strike'
  | 'stream_key'
  | 'stream_name'
  | 'tape_name'
  | 'subject'

/** `HMAC-SHA256(pepper, "<what> <text>")` as base64url: stream keys and idempotency keys are stored only like this. */
export interface Pepper {
  hash(what: Peppered, text: string): string
}
