/**
 * What can be asked of the gate and what it answers: the vocabulary shared by HTTP, media hooks, CLI and library.
 *
 * Instants are UTC ms; adapters turn them into text. Next stop: gate.ts.
 */
import type {
  Decision,
  Outcome,
  RequestFacts,
  Restriction,
  Severity,
  StreamFacts,
  Strike,
  StrikeSource,
  SubjectFacts,
  SubjectId,
} from './core/model.ts'
import type { Explanation } from './core/policy/explain.ts'
import type { EpochMs } from './core/time.ts'
import type { Enforcement } from './gate/enforcement.ts'
import type { ReviewAnswer, ReviewRequest } from './gate/reviews.ts'
import type {
  BroadcastView,
  CutConfirmation,
  OpenBroadcast,
  Receipt,
  RecheckCause,
  StoredFacts,
  UngatedCause,
} from './ports.ts'

/** May this broadcast start? */
export interface DecideRequest {
  readonly subject: SubjectId
  readonly stream: StreamFacts & { readonly hosts?: readonly CohostRequest[] }
  readonly request: RequestFacts
  /** Override stored facts field by field; null was sent but could not be read: absent, whatever is stored. */
  readonly facts: GivenFacts
  readonly supports: readonly string[]
  /** API key id, or `hook:<server>`: part of the idempotency scope, disclosed in the record's `request` group. */
  readonly caller: string
  readonly idempotency?: {
    readonly key: string /** SHA-256 over the body bytes, base64url. */
    readonly fingerprint: string
  }
  /** For media servers: opens the broadcast under this session. */
  readonly session?: {
    readonly server: string
    readonly session: string
    /** What the server's control interface calls it, at most MAX_HANDLE_CHARS; in no record. */
    readonly handle?: string
  }
  /**
   * It runs already and no decision covers it: the answer is recorded as late, with this cause, and a refusal is a broadcast
   * being cut. Only with `session`.
   */
  readonly ungated?: UngatedCause
  /**
   * For whom the policy is enforced where this was asked: `on` (as without it), `off`, or `canary N%`. Whoever is not one of
   * them gets an allow, and the record says what the policy would have given.
   */
  readonly enforce?: string
  /** For media servers: numbers the record, if one is made. */
  readonly enforcement?: Enforcement
  /** The caller shows nobody the proof: an earlier refusal may be the answer without `jws` and `openings`. */
  readonly terse?: true
  /** Set by the gate: it is to take the place of what runs, and this was given when that was let start. */
  readonly in_place?: { readonly of: string; readonly remembered: StoredFacts }
}

/** Facts of a request. */
export type GivenFacts = {
  readonly [K in keyof SubjectFacts]?: NonNullable<SubjectFacts[K]> | null
}

export interface CohostRequest {
  readonly subject: SubjectId
  readonly facts?: GivenFacts
  /** Set by the gate: what was given about it before. */
  readonly remembered?: StoredFacts
}

/** A decision with the record that proves it. Never exists without a durable record (G1). */
export interface Answer {
  readonly id: string
  readonly decided_at: EpochMs
  readonly outcome: Outcome
  readonly decision: Decision
  readonly policy: { readonly name: string; readonly digest: string; readonly revision?: number }
  readonly jws: string
  /** Disclosures by group; adapters choose which the caller may see. */
  readonly openings: Readonly<Record<string, string>>
  readonly receipt: Receipt
  /** Id of the earlier decision this one replaces under the same Idempotency-Key. */
  readonly supersedes: string | null
  /** True when an earlier record is the answer. */
  readonly repeated: boolean
}

/** A violation to record; defaults are filled in by the gate. */
export interface StrikeRequest {
  readonly id: string
  readonly subject: SubjectId
  readonly category: string
  readonly severity: Severity
  readonly weight?: number
  readonly issued_at: EpochMs
  readonly notified_at?: EpochMs
  readonly content_created_at?: EpochMs
  readonly expires_at?: EpochMs
  readonly scope?: string
  readonly context?: string
  readonly source?: StrikeSource
  readonly evidence_hash?: string
  /** API key id of the sender, disclosed in the record's `request` group; not part of the strike. */
  readonly caller?: string
}

export interface StrikeAnswer {
  readonly strike: Strike
  /** False when the same strike was there already. */
  readonly created: boolean
  readonly known_category: boolean
  /** Restrictions of the subject now, under the active policy. */
  readonly restrictions: readonly Restriction[]
  /** Null when the strike existed already. */
  readonly receipt: Receipt | null
  /** Broadcasts, the subject's own and those it had joined, that have to stop because of it, as far as known; the rest follows. */
  readonly revoked: readonly string[]
}

export interface ReversalRequest {
  readonly strike: string
  readonly reason: string
  readonly decided_by?: string
  /** API key id of the sender. */
  readonly caller?: string
}

export interface ReversalAnswer {
  readonly strike: Strike
  readonly created: boolean
  readonly receipt: Receipt | null
  /** Decisions about any host that relied on the strike, newest first, at most 200. */
  readonly decisions: readonly {
    readonly id: string
    readonly outcome: Outcome
    readonly at: EpochMs
  }[]
  readonly restrictions: readonly Restriction[]
}

/** May what runs go on? */
export interface RenewRequest {
  /** Id of the decision that let it start. */
  readonly broadcast: string
  /** API key id, `hook:<server>`, or `livegate`. */
  readonly caller: string
  /** `caller` unless given. With `lease` and `caller` the lease is extended. */
  readonly cause?: RecheckCause
  /** Newer than what was given before, field by field; what is not named stays as it was given. */
  readonly facts?: GivenFacts
}

/** What became of a broadcast that was looked at again. `revoked`: it has to stop. */
export interface RenewalAnswer {
  readonly broadcast: string
  readonly event: 'renewed' | 'revoked' | 'unchanged'
  /** Id of the record; null where nothing was recorded. */
  readonly id: string | null
  readonly at: EpochMs
  /** Until when it may run; where it was revoked, the instant of that. */
  readonly lease_until: EpochMs
  readonly decision: Decision
  readonly policy: Answer['policy']
  readonly jws?: string
  readonly openings?: Readonly<Record<string, string>>
  readonly receipt?: Receipt
}

/** May one more join what runs? */
export interface JoinRequest {
  readonly broadcast: string
  readonly cohost: CohostRequest
  readonly caller: string
}

export interface EndRequest {
  readonly broadcast: string
  readonly caller: string
  /** `caller` unless given. */
  readonly reason?: EndReason
  /** Leaves alone what is being cut: what is known here confirms no cut. */
  readonly unless_cutting?: true
}

/** Why a broadcast ended. */
export const END_REASONS = [
  'publish_done', // its server said so
  'caller',
  'unanswered', // nobody heard that it might start
  'lost', // its server no longer lists it
  'replaced',
  'lease',
] as const
export type EndReason = (typeof END_REASONS)[number]

export interface CutDone {
  readonly confirmed: CutConfirmation
  /** Calls to the server. */
  readonly attempts: number
}

export interface SubjectView {
  readonly subject: SubjectId
  readonly facts: StoredFacts
  readonly strikes: readonly Strike[]
  readonly restrictions: readonly Restriction[]
  readonly broadcasts: readonly OpenBroadcast[]
  readonly eligible_at: EpochMs | null
  readonly eligible_reason: string | null
}

/** One fact to store, or null to forget it. */
export type FactsPatch = {
  readonly [K in keyof SubjectFacts]?: NonNullable<SubjectFacts[K]> | null
}

/**
 * The gate. All methods reject with `LivegateError` (codes in core/errors.ts); a rejection says nothing was promised,
 * not that nothing happened: ask again with the same ids.
 */
export interface Gate {
  decide(request: DecideRequest): Promise<Answer>
  /** Same question without effect and without record. */
  explain(request: Omit<DecideRequest, 'idempotency' | 'session'>): Promise<Explanation>
  /** Counts for every decision that starts after this resolved (G2). `conflict` when the id has other content. */
  strike(request: StrikeRequest): Promise<StrikeAnswer>
  /** An upheld appeal; `not_found` for an unknown strike. Again: the same answer, `created` false. */
  reverse(request: ReversalRequest): Promise<ReversalAnswer>
  /** Replace (`put`) or change (`patch`) stored facts; each is stored with `as_of`. */
  putFacts(subject: SubjectId, facts: FactsPatch, as_of: EpochMs): Promise<StoredFacts>
  patchFacts(subject: SubjectId, facts: FactsPatch, as_of: EpochMs): Promise<StoredFacts>
  subject(subject: SubjectId): Promise<SubjectView>
  /** Ends the broadcast a media server's session runs; false when none is open (a refused twin, a late end). */
  endSession(server: string, session: string): Promise<boolean>
  /**
   * Looks again at what runs, on what was given at its start, and extends its lease or revokes it. `not_found` for none of
   * this id, `conflict` for one that has ended or is being cut.
   */
  renew(request: RenewRequest): Promise<RenewalAnswer>
  /**
   * Decides about what runs with one co-host more. An allow takes its place, under its own id; anything else leaves it as it was.
   * `not_found` for none of this id, `conflict` for one that has ended, or has room for nobody.
   */
  join(request: JoinRequest): Promise<Answer>
  /** Ends what runs, or confirms the end of what is being cut; false when it has ended. */
  end(request: EndRequest): Promise<boolean>
  /** What runs or is being cut; null for anything else. */
  broadcast(id: string): Promise<BroadcastView | null>
  /**
   * Looks again at everything the subject broadcasts or has joined, or at what is marked only; ids of what has to stop. Never
   * rejects: what could not be done stays marked (`recheck` of the broadcast).
   */
  recheck(
    subject: SubjectId,
    cause: RecheckCause,
    only_marked?: boolean,
  ): Promise<readonly string[]>
  /** Remembers what a server's control interface knows a session by (OpenBroadcast.handle); false when it runs nothing. */
  setHandle(server: string, session: string, handle: string): Promise<boolean>
  /** A cut was confirmed or given up; false when none of this id is under way. */
  cutDone(broadcast: string, done: CutDone): Promise<boolean>
  /** A person's word on what they were asked about, or that they look at it. A word counts for every decision that starts later (G2). */
  review(request: ReviewRequest): Promise<ReviewAnswer>
}
