/**
 * The TypeScript view of what claims.ts checks: public claims by kind, and the value of each disclosure group.
 *
 * Types only; a value gets one of these types after its check has passed. Spec: docs/spec/record.md, "Claims".
 */
import type { IncidentChange } from '../incident.ts'
import type {
  Activation,
  DelayMode,
  Facts,
  Obligation,
  Outcome,
  Restriction,
  Strike,
  UnknownRule,
  Until,
  Would,
} from '../model.ts'
import type { EpochMs } from '../time.ts'
import type { AccessWay, BroadcastEvent, CutConfirmation, GroupName, RecordKind } from './kinds.ts'

/** Public claims of every kind. */
export interface CommonClaims {
  readonly iss: string
  /** 128 random bits, base64url; the id of a decision. */
  readonly jti: string
  /** Whole seconds since 1970. */
  readonly iat: number
  readonly engine: string
  /** Origin of the log this record must be in. */
  readonly log: string
  /** Longest time between `iat` and a checkpoint that includes the record, seconds. */
  readonly mmd: number
}

export interface Ed25519Jwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  /** 32 bytes, base64url. */
  readonly x: string
}

/** Public claims a kind has beside the common ones and `_sd`. */
export interface OwnClaims {
  /** `revision`: the activation it was decided under; absent where none is recorded. */
  readonly decision: {
    readonly outcome: Outcome
    readonly policy: string
    readonly revision?: number
    /** False where something that applied was not enforced; never true. */
    readonly enforced?: false
  }
  readonly strike: object
  readonly reversal: object
  readonly broadcast: {
    readonly policy?: string
    readonly revision?: number
    readonly enforced?: false
  }
  readonly review: object
  readonly policy: {
    readonly digest: string
    /** 1 to `of`. */
    readonly part: number
    readonly of: number
    /** base64url of this part's bytes. */
    readonly text: string
  }
  /** Incident mode began, was confirmed, or ended (core/incident.ts). */
  readonly incident: IncidentChange
  readonly key: {
    readonly jwk: Ed25519Jwk
    readonly use: 'record' | 'checkpoint'
    readonly status: 'active' | 'retired' | 'revoked'
    /** With `revoked`: first index at which signatures of this key are not to be trusted. */
    readonly from?: number
  }
  readonly heartbeat: {
    readonly from_index: number
    /** Exclusive. */
    readonly to_index: number
    readonly totals: Readonly<Partial<Record<RecordKind, number>>>
    /** Requests refused for overload since the previous heartbeat. */
    readonly shed: number
  }
  readonly erasure: {
    readonly sub: string
    readonly last_seq?: number
    /** `retention`: the chain goes on. With any other, no record of the chain follows. */
    readonly scope: 'subject' | 'full' | 'retention'
    readonly basis: string
    readonly counts: Readonly<Record<string, number>>
    /** With `retention`: leaf hashes of the strike records whose contents were removed. */
    readonly strikes?: readonly string[]
  }
  /** The last entry of a log. */
  readonly closing: {
    /** Origins of the logs that may go on with its chains. */
    readonly successors: readonly string[]
  }
  /** The log whose chains this one goes on with. */
  readonly predecessor: {
    readonly predecessor: string
    /** Verifier key of its checkpoints. */
    readonly vkey: string
    /** Its final checkpoint, the signed note. */
    readonly checkpoint: string
    /** `x` of every record key it ever brought into force, oldest first. */
    readonly keys: readonly string[]
  }
  /** A policy revision that decides from an instant on. */
  readonly activation: Omit<Activation, 'note'> & { readonly note?: string }
  /** Somebody who did not ask for these records was given what they disclose. */
  readonly access: {
    /** API key id, or `jwt:` and the client of an access token. */
    readonly by: string
    readonly via: AccessWay
    /** Groups opened of at least one of them. */
    readonly groups: readonly GroupName[]
    /** Records opened. */
    readonly count: number
    /** SHA-256 of their ids, in the order given, joined by line feeds. */
    readonly digest: string
  }
}

/** All public claims of a record, by kind. */
export type PublicClaims<K extends RecordKind> = CommonClaims &
  OwnClaims[K] & { readonly _sd?: readonly string[]; readonly _sd_alg?: 'sha-256' }

/** A subject's chain: who (by pseudonym), the how-many-eth record, what came before, and when. */
export interface ChainGroup {
  /** Random per subject, 22 characters or more. */
  readonly sub: string
  /** Gap-free from 1. */
  readonly seq: number
  /** Leaf hash (base64url) of the subject's previous record; null at `seq` 1. */
  readonly prev: string | null
  /** Never falls along a chain. */
  readonly at: EpochMs
}

/** A decision without reasons and texts: those follow again from policy and facts. */
export interface ResultGroup {
  readonly mode: DelayMode | null
  readonly until: Until | null
  readonly not_before: EpochMs | null
  readonly review: {
    readonly queue: string
    readonly by: EpochMs
    readonly at_deadline: 'deny' | 'allow'
  } | null
  readonly retry_after_s: number | null
  readonly broadcast_delay_s: number | null
  readonly lease_until: EpochMs | null
  readonly rules: readonly string[]
  readonly restrictions: readonly Restriction[]
  readonly unknown: readonly UnknownRule[]
  readonly obligations: readonly Obligation[]
  readonly exemptions: readonly string[]
  readonly holds_opened: readonly { readonly host: number; readonly rule: string }[]
  /** Only where something that applied was not enforced. */
  readonly would?: Would
}

export interface SubjectGroup {
  readonly subject: string
  readonly cohosts: readonly string[]
}

/** What was asked, and by whom. */
export interface RequestGroup {
  /** Id of the API key, token subject or media server that asked; `livegate` for what the gate did by itself. */
  readonly caller: string
  readonly stream?: string
  readonly territory?: string
  readonly ingest?: string
  /** base64url hash of the Idempotency-Key, 22 to 64 characters; never the key itself. */
  readonly idempotency?: string
  /** `jti` of the decision a changed retry replaces. */
  readonly supersedes?: string
  readonly server?: string
  readonly session?: string
  /** Instance of the media-server adapter that asked: random, for one life of its process. */
  readonly enforcer?: string
  /** Counts that instance's records for this server, from 1 without a gap. */
  readonly enf_seq?: number
}

export interface StrikeContent {
  readonly strike: Strike
  readonly received_at: EpochMs
}

export interface ReversalContent {
  /** Id of the strike. */
  readonly strike: string
  readonly reason: string
  readonly decided_by?: string
  readonly at: EpochMs
}

export interface BroadcastContent {
  readonly event: BroadcastEvent
  /** `jti` of the decision that let the broadcast start, or that was made about it while it ran. */
  readonly broadcast: string
  readonly reason?: string
  /** What the re-check saw; always with `renewed` and `revoked`. */
  readonly facts?: Facts
  /** With `cut`: `jti` of the record that ordered it, a `revoked` one or the decision about what ran ungated. */
  readonly ordered?: string
  readonly confirmed?: CutConfirmation
  /** From the order to this record. */
  readonly took_ms?: number
  /** Calls to the media server. */
  readonly attempts?: number
}

export interface ReviewContent {
  readonly rule: string
  readonly result: 'released' | 'refused'
  readonly stream?: string
  readonly decision?: string
  readonly decided_by?: string
  readonly reason?: string
  readonly at: EpochMs
}

/** The five values a chain record commits to. */
export interface GroupValues {
  readonly chain: ChainGroup
  /** Empty for strikes, reversals and reviews. */
  readonly result: Partial<ResultGroup> & { readonly outcome?: Outcome }
  readonly subject: SubjectGroup
  readonly request: RequestGroup
  readonly facts: Facts | StrikeContent | ReversalContent | BroadcastContent | ReviewContent
}

/** Disclosures of one record by group: exactly the text whose hash is in `_sd`. */
export type Openings = Readonly<Partial<Record<GroupName, string>>>
