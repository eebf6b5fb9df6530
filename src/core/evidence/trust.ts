/**
 * Whom the reader of a bundle trusts, and what a piece of it is once it has been checked.
 */
import type { OpenedGroups } from '../record/disclosure.ts'
import type { Hasher } from '../record/hashing.ts'
import type { ParsedRecord } from '../record/parse.ts'
import type { NoteVerifier, VerifyEd25519 } from '../tlog/note.ts'
import type { WitnessPolicy } from '../tlog/witness-policy.ts'

/** Whom the reader trusts. */
export interface EvidenceTrust {
  /** Name of the log. */
  readonly origin: string
  /** The log's checkpoint keys as the reader has them. */
  readonly verifiers: readonly NoteVerifier[]
  readonly witnesses: readonly NoteVerifier[]
  /** How many of `witnesses` must have cosigned. */
  readonly quorum: number
  /** A whole policy instead of a number; null without. */
  readonly witness_policy: WitnessPolicy | null
  /** The newest checkpoint the reader trusted before, verified; null without. */
  readonly trusted: { readonly size: number; readonly root: Uint8Array } | null
  readonly hasher: Hasher
  readonly verifyEd25519: VerifyEd25519
}

/** A record that stands at its index of the signed tree, signed by a key in force there. */
export interface ProvenEntry {
  readonly index: number
  readonly record: ParsedRecord
  /** base64url. */
  readonly leaf: string
  readonly opened: OpenedGroups
}
