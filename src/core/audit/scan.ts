/**
 * Reads one entry for an audit: its leaf, and what of the record the audit goes on with.
 *
 * Pure and without memory, and most of an audit's cost beside signatures; so a host may scan ranges in threads and hand
 * the results in with the entries (`AuditEntry.scanned`). Results survive structured cloning. Next: audit.ts.
 */
import { fromAscii } from '../encoding.ts'
import type { RecordFault } from '../record/faults.ts'
import type { PublicClaims } from '../record/groups.ts'
import { type Hasher, leafOf } from '../record/hashing.ts'
import { type ChainKind, isChainKind, type RecordKind } from '../record/kinds.ts'
import { type ParsedRecord, parseRecord } from '../record/parse.ts'

/** What an audit reads of a record on a subject's chain. */
export interface ChainClaims {
  readonly iss: string
  readonly log: string
  /** Digest it relies on; of decisions and re-checks. */
  readonly policy?: string
}

/** A record without its text: of deployment kinds all claims, of chain kinds those an audit reads. */
export type ScannedRecord = {
  readonly [K in RecordKind]: {
    readonly kind: K
    readonly kid: string
    readonly claims: K extends ChainKind ? ChainClaims : PublicClaims<K>
    /** `_sd`: to open disclosures with. */
    readonly digests: readonly string[]
  }
}[RecordKind]

export type Scanned = { readonly leaf: Uint8Array } & (
  | { readonly record: ScannedRecord }
  | { readonly fault: RecordFault }
)

/** Hashes and reads one entry. */
export function scanEntry(bytes: Uint8Array, hasher: Hasher): Scanned {
  const leaf = leafOf(bytes, hasher)
  const parsed = parseRecord(fromAscii(bytes) ?? '')
  return parsed.ok ? { leaf, record: scannedOf(parsed.value) } : { leaf, fault: parsed.error }
}

function scannedOf(record: ParsedRecord): ScannedRecord {
  const { kind, kid, claims, digests } = record
  if (!isChainKind(kind)) return { kind, kid, claims, digests } as ScannedRecord
  const { iss, log, policy } = claims as ChainClaims
  const own = policy === undefined ? { iss, log } : { iss, log, policy }
  return { kind, kid, claims: own, digests }
}
