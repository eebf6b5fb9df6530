/**
 * Reads one entry for an audit: its leaf, what of the record the audit goes on with, and its place in a chain.
 *
 * Pure and without memory, and most of an audit's cost beside signatures; so a host may scan ranges in threads and hand
 * the results in instead of the entries (`AuditEntry.scanned`). Results survive structured cloning. Next: audit.ts.
 */
import { fromAscii } from '../encoding.ts'
import { MAX_ENTRY_BYTES } from '../limits.ts'
import { type Commitment, openDisclosures } from '../record/disclosure.ts'
import type { RecordFault } from '../record/faults.ts'
import type { ChainGroup, PublicClaims } from '../record/groups.ts'
import { type Hasher, leafOf as leafOfAny } from '../record/hashing.ts'
import { type ChainKind, isChainKind, type RecordKind } from '../record/kinds.ts'
import { type ParsedRecord, parseRecord } from '../record/parse.ts'
import { ok, type Result } from '../result.ts'

/** What an audit reads of a record on a subject's chain. */
export interface ChainClaims {
  readonly iss: string
  readonly log: string
  readonly iat: number
  /** Digest it relies on; of decisions and re-checks. */
  readonly policy?: string
  /** Number of the activation it relies on. */
  readonly revision?: number
}

/** A record without its text: of deployment kinds all claims, of chain kinds those an audit reads. */
export type ScannedRecord = {
  readonly [K in RecordKind]: {
    readonly kind: K
    readonly kid: string
    readonly claims: K extends ChainKind ? ChainClaims : PublicClaims<K>
  }
}[RecordKind]

/** What opening a record's disclosures gave: its place in a chain, null when `chain` was not among them. */
export type Opened = Result<ChainGroup | null, RecordFault>

export type Scanned = {
  readonly leaf: Uint8Array
  /** The leaf in base64url, when a host has it at hand. */
  readonly leaf_text?: string
} & (
  | {
      readonly record: ScannedRecord
      /** Only of records on a chain, and only when somebody has disclosures of this one. */
      readonly opened?: Opened
    }
  | { readonly fault: RecordFault }
)

/** The disclosures somebody has of a record; undefined for none. */
export type Disclosed = (record: Commitment) => readonly string[] | undefined

/** Hashes and reads one entry, and opens what is disclosed of it. */
export function scanEntry(bytes: Uint8Array, hasher: Hasher, disclosed?: Disclosed): Scanned {
  const leaf = leafOf(bytes, hasher)
  const parsed = parseRecord(fromAscii(bytes) ?? '')
  if (!parsed.ok) return { leaf, fault: parsed.error }
  const record = scannedOf(parsed.value)
  const disclosures = disclosed?.(parsed.value)
  if (disclosures === undefined || !isChainKind(record.kind)) return { leaf, record }
  return { leaf, record, opened: openChain(parsed.value, disclosures, hasher) }
}

// One buffer for every leaf, 00 before the entry: hashing is synchronous, and a new one each costs as much as the hash.
const input = new Uint8Array(1 + MAX_ENTRY_BYTES)

function leafOf(entry: Uint8Array, hasher: Hasher): Uint8Array {
  if (entry.length > MAX_ENTRY_BYTES) return leafOfAny(entry, hasher)
  input.set(entry, 1)
  return hasher.digest(input.subarray(0, 1 + entry.length))
}

/** Opens everything that is given, although only `chain` is followed: what does not fit its record is a finding. */
function openChain(record: Commitment, disclosures: readonly string[], hasher: Hasher): Opened {
  const opened = openDisclosures(record, disclosures, hasher)
  return opened.ok ? ok(opened.value.chain ?? null) : opened
}

function scannedOf({ kind, kid, claims }: ParsedRecord): ScannedRecord {
  if (!isChainKind(kind)) return { kind, kid, claims } as ScannedRecord
  const { iss, log, iat, policy, revision } = claims as ChainClaims
  const own = { iss, log, iat }
  if (policy === undefined) return { kind, kid, claims: own }
  const under = revision === undefined ? { policy } : { policy, revision }
  return { kind, kid, claims: { ...own, ...under } }
}
