/**
 * Everything about a bundle that needs no memory of what came before: leaves and claims of its entries, packed.
 *
 * Most records of a log say the same in what an audit reads of them, so distinct ones are listed once and entries point
 * at them: crossing from a thread costs 34 bytes an entry. Judgement is core's (core/audit/scan.ts).
 */
import { type Scanned, type ScannedRecord, scanEntry } from '../../core/audit/scan.ts'
import type { RecordFault } from '../../core/record/faults.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import { HASH_BYTES } from '../../core/tlog/hash.ts'
import { nodeHasher } from './ed25519.ts'

/** One bundle, or the part of it an audit has not seen yet. */
export interface BundleJob {
  /** Log index of the first entry to look at. */
  readonly first_index: number
  readonly bundle: Uint8Array
  /** Entries in the bundle, and how many of them to pass over. */
  readonly width: number
  readonly skip: number
}

export interface PackedScan {
  /** Leaf hashes end to end. */
  readonly leaves: Uint8Array<ArrayBuffer>
  /** Per entry, its place in `table`. */
  readonly which: Uint16Array
  readonly table: readonly ({ readonly record: ScannedRecord } | { readonly fault: RecordFault })[]
}

/** Scans the entries; none for a bundle that cannot be taken apart. */
export function scanBundle({ bundle, width, skip }: BundleJob): PackedScan {
  const decoded = decodeBundle(bundle, width)
  const entries = decoded.ok ? decoded.value.slice(skip) : []
  const leaves = new Uint8Array(entries.length * HASH_BYTES)
  const which = new Uint16Array(entries.length)
  const table: ({ record: ScannedRecord } | { fault: RecordFault })[] = []
  const places = new Map<string, number>()
  for (const [i, entry] of entries.entries()) {
    const { leaf, ...read } = scanEntry(entry, nodeHasher)
    leaves.set(leaf, i * HASH_BYTES)
    const name = 'record' in read ? nameOf(read.record) : null
    const place = (name === null ? undefined : places.get(name)) ?? table.length
    which[i] = place
    if (place < table.length) continue
    table.push('record' in read ? { record: { ...read.record, digests: [] } } : read)
    if (name !== null) places.set(name, place)
  }
  return { leaves, which, table }
}

/** Entry `i` of a packed scan, without digests. */
export function scannedAt({ leaves, which, table }: PackedScan, i: number): Scanned | undefined {
  const read = table[which[i] ?? table.length]
  if (read === undefined) return undefined
  return { leaf: leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), ...read }
}

/** Equal for records that say the same; a record that says more than a chain's gets none. */
function nameOf({ kind, kid, claims }: ScannedRecord): string | null {
  if ('jti' in claims) return null
  return JSON.stringify([kind, kid, claims.iss, claims.log, claims.policy])
}
