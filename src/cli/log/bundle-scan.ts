/**
 * Everything about a bundle that needs no memory of what came before: its form, leaves and claims of its entries, and
 * the places in chains that disclosures open; packed.
 *
 * Most records of a log say the same in what an audit reads of them, so distinct ones are listed once and entries point
 * at them; what differs crosses from a thread in columns. Judgement is core's (core/audit/scan.ts).
 */
import type { AuditEntry } from '../../core/audit/audit.ts'
import {
  type Disclosed,
  type Scanned,
  type ScannedRecord,
  scanEntry,
} from '../../core/audit/scan.ts'
import type { RecordFault } from '../../core/record/faults.ts'
import type { Hasher } from '../../core/record/hashing.ts'
import { type BundleFault, decodeBundle } from '../../core/tlog/bundle.ts'
import { HASH_BYTES } from '../../core/tlog/hash.ts'
import { type ChainColumns, createColumns, packOpened, unpackOpened } from './chain-columns.ts'
import type { DisclosureReader } from './disclosure-index.ts'
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

type Read = { readonly record: ScannedRecord } | { readonly fault: RecordFault }

export interface PackedScan {
  /** Why the bytes are no bundle; then nothing else is told. */
  readonly fault: BundleFault | null
  /** Leaf hashes end to end. */
  readonly leaves: Uint8Array<ArrayBuffer>
  /** Per entry, its place in `table`. */
  readonly which: Uint16Array
  readonly table: readonly Read[]
  readonly chains: ChainColumns
  /** Disclosures given that their records do not commit to. */
  readonly unmatched: number
}

/** Scans the entries, and opens them with what `disclosures` has. */
export function scanBundle(
  { bundle, width, skip }: BundleJob,
  disclosures: DisclosureReader | null,
): PackedScan {
  const decoded = decodeBundle(bundle, width)
  const entries = decoded.ok ? decoded.value.slice(skip) : []
  const leaves = new Uint8Array(entries.length * HASH_BYTES)
  const which = new Uint16Array(entries.length)
  const table: Read[] = []
  const places = new Map<string, number>()
  const chains = createColumns(entries.length)
  const opener = disclosures === null ? null : createOpener(disclosures)
  for (const [i, entry] of entries.entries()) {
    const scanned = opener === null ? scanEntry(entry, nodeHasher) : opener.scan(entry)
    leaves.set(scanned.leaf, i * HASH_BYTES)
    which[i] = placeOf(scanned, table, places)
    packOpened(chains, i, scanned)
  }
  const fault = decoded.ok ? null : decoded.error
  return { fault, leaves, which, table, chains, unmatched: opener?.unmatched() ?? 0 }
}

/** The entries of a packed scan, for core's audit. */
export function unpackScan({ leaves, which, table, chains }: PackedScan): AuditEntry[] {
  const openedOf = unpackOpened(chains)
  return Array.from(which, (place, i) => {
    const leaf = leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)
    return { scanned: { leaf, ...(table[place] as Read), ...openedOf(i) } }
  })
}

interface Opener {
  scan(entry: Uint8Array): Scanned
  unmatched(): number
}

/** Opens each record with the disclosures it commits to; others prove nothing, and are counted. */
function createOpener(disclosures: DisclosureReader): Opener {
  let unmatched = 0
  const digests = new Map<string, string>()
  const hasher: Hasher = {
    digest: nodeHasher.digest,
    digestText: (text) => digests.get(text) ?? nodeHasher.digestText(text),
  }
  const disclosedOf =
    (entry: Uint8Array): Disclosed =>
    (record) => {
      const given = disclosures.of(entry)
      if (given === undefined) return undefined
      digests.clear()
      for (const text of given) digests.set(text, nodeHasher.digestText(text))
      const own = given.filter((text) => record.digests.includes(digests.get(text) ?? ''))
      unmatched += given.length - own.length
      return own
    }
  return {
    scan: (entry) => scanEntry(entry, hasher, disclosedOf(entry)),
    unmatched: () => unmatched,
  }
}

function placeOf(scanned: Scanned, table: Read[], places: Map<string, number>): number {
  const name = 'record' in scanned ? nameOf(scanned.record) : null
  const known = name === null ? undefined : places.get(name)
  if (known !== undefined) return known
  if (name !== null) places.set(name, table.length)
  return table.push('record' in scanned ? { record: scanned.record } : { fault: scanned.fault }) - 1
}

/** Equal for records that say the same; a record that says more than a chain's gets none. */
function nameOf({ kind, kid, claims }: ScannedRecord): string | null {
  if ('jti' in claims) return null
  return `${kind} ${kid} ${claims.iss} ${claims.log} ${claims.policy}`
}
