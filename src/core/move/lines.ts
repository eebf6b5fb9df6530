/**
 * The lines of a deployment on its way to another host: one JSON object each, what it is being its only member.
 *
 *     header, then policies, their activations, then each subject (its state, its strikes, its records), stream keys, API keys,
 *     restrictions that outlived an erasure, legal holds, then the end
 *
 * Places count from the end of the old log: its last entry is -1. Spec: docs/spec/storage.md, "Moving". Next stop:
 * read-lines.ts, which checks that a value is one of them.
 */
import type { Activation, Outcome, Strike, SubjectId } from '../model.ts'
import type { ChainKind } from '../record/kinds.ts'
import type { EpochMs } from '../time.ts'
import type { MovedLegalHold, MovedSuppression } from './erasure-lines.ts'

/** An earlier log and how many entries it has. */
export interface LogOf {
  readonly origin: string
  readonly size: number
}

/** The first line: which log this is the end of, and how much follows. */
export interface MoveHeader extends LogOf {
  readonly format: 'livegate-move/v1'
  readonly vkey: string
  /** Its final checkpoint, the signed note. */
  readonly checkpoint: string
  /** `x` of every record key it or its own predecessors brought into force. */
  readonly keys: readonly string[]
  readonly successors: readonly string[]
  /** Logs it went on from itself, newest first. */
  readonly predecessors: readonly LogOf[]
  /** `pepperProbe` under the pepper of the deployment: another pepper admits nobody. */
  readonly pepper_probe: string
  readonly counts: MoveCounts
}

export const COUNTED = [
  'policies',
  'subjects',
  'strikes',
  'records',
  'stream_keys',
  'api_keys',
] as const
export type MoveCounts = Readonly<Record<(typeof COUNTED)[number], number>> & {
  /** Absent in files from before activations moved; they have none. */
  readonly activations?: number
  /** Absent in files from before there was erasure. */
  readonly suppressions?: number
  readonly legal_holds?: number
}

/** What a pepper is known by; say it through `Pepper.hash`. */
export function pepperProbe(origin: string): string {
  return `livegate-move/v1 ${origin}`
}

/** A revision of the policy. */
export interface MovedPolicy {
  readonly digest: string
  /** base64url of its exact bytes. */
  readonly text: string
}

/** A subject as its ledger holds it (ports.ts, `SubjectState`); strikes and records follow in lines of their own. */
export interface MovedSubject {
  readonly subject: SubjectId
  readonly pseudonym: string | null
  readonly seq: number
  readonly head: string | null
  /** Place of its newest record. */
  readonly head_place: number | null
  readonly last_at: EpochMs | null
  readonly version: number
  /** How many follow. */
  readonly strikes: number
  readonly facts: object
  readonly holds: readonly object[]
  readonly reviews: readonly object[]
  readonly broadcasts: readonly MovedBroadcast[]
  readonly refusals: readonly object[]
}

export interface MovedBroadcast {
  readonly id: string
  readonly server?: string
  readonly session?: string
}

/** A strike, with the place of its record. */
export interface MovedStrike {
  readonly place: number | null
  readonly strike: Strike
}

/** A record of a chain with everything the old host knew of it. */
export interface MovedRecord {
  readonly subject: SubjectId
  readonly id: string
  readonly kind: ChainKind
  readonly seq: number
  readonly at: EpochMs
  readonly place: number
  /** Place of the record before it on the chain. */
  readonly prev_place: number | null
  readonly jws: string
  /** Disclosures by group; none when the subject was erased. */
  readonly openings: Readonly<Record<string, string>>
  /** Of decisions: what they are found by. */
  readonly decision: {
    readonly outcome: Outcome
    readonly mode: string | null
    readonly rules: readonly string[]
    readonly strikes: readonly string[]
  } | null
}

export interface MovedStreamKey {
  readonly id: string
  readonly subject: SubjectId
  readonly key_hash: string
  readonly created_at: EpochMs
  readonly revoked_at: EpochMs | null
}

export interface MovedApiKey {
  readonly id: string
  readonly secret_hash: string
  readonly scopes: readonly string[]
  readonly owner: string
  readonly audience: string | null
  readonly created_at: EpochMs
  readonly revoked_at: EpochMs | null
}

/** The last line. */
export interface MoveEnd {
  /** Lines before this one. */
  readonly lines: number
  /** SHA-256 over all bytes before this line, hexadecimal. */
  readonly sha256: string
}

export type MoveLine =
  | { readonly policy: MovedPolicy }
  | { readonly activation: Activation }
  | { readonly subject: MovedSubject }
  | { readonly strike: MovedStrike }
  | { readonly record: MovedRecord }
  | { readonly stream_key: MovedStreamKey }
  | { readonly api_key: MovedApiKey }
  | { readonly suppression: MovedSuppression }
  | { readonly legal_hold: MovedLegalHold }
  | { readonly end: MoveEnd }
