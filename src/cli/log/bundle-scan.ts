/**
 * Everything about a bundle that needs no memory of what came before: its form, leaves and claims of its entries, the
 * places in chains that disclosures open, and what replay needs of them; packed.
 *
 * Most records of a log say the same in what an audit reads of them, so distinct ones are listed once and entries point
 * at them; what differs crosses from a thread in columns. Judgement is core's (core/audit/scan.ts).
 */
import type { AuditEntry } from '../../core/audit/audit.ts'
import type { Enforced } from '../../core/audit/enforcers.ts'
import type { Evaluated } from '../../core/audit/replay/rederive.ts'
import {
  type ReplayPart,
  type Scanned,
  type ScannedRecord,
  scanEntry,
} from '../../core/audit/scan.ts'
import type { RecordFault } from '../../core/record/faults.ts'
import { type BundleFault, decodeBundle } from '../../core/tlog/bundle.ts'
import { HASH_BYTES, rowRoot } from '../../core/tlog/hash.ts'
import { TILE_WIDTH } from '../../core/tlog/tile.ts'
import { type ChainColumns, createColumns, packOpened, unpackOpened } from './chain-columns.ts'
import type { DisclosureReader } from './disclosure-index.ts'
import { briefHasher } from './ed25519.ts'
import { readReplays, writeReplays } from './replay-rows.ts'

/** One bundle, or the part of it an audit has not seen yet. */
export interface BundlePart {
  /** Log index of the first entry to look at. */
  readonly first_index: number
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
  /** Root of the tile these leaves fill; null when they do not fill one. */
  readonly tile_root: Uint8Array<ArrayBuffer> | null
  /** Per entry, its place in `table`. */
  readonly which: Uint16Array<ArrayBuffer>
  readonly table: readonly Read[]
  /** Per entry, its `iat`: records that differ in nothing else share a place in `table`. */
  readonly iats: Float64Array<ArrayBuffer>
  /** What the replay of chains needs, one per entry whose place in a chain is opened, in order; a text (replay-rows.ts) where it changed threads. */
  readonly replays: readonly ReplayPart[] | string
  readonly chains: ChainColumns
  /** JSON of the numbers media servers' records have, with their entries; null without any. */
  readonly enforced: string | null
  /** Disclosures given that their records do not commit to. */
  readonly unmatched: number
}

type NumberedEntry = readonly [i: number, enforced: Enforced]

/** A packed scan, and what stays where it was made: decisions to derive again. */
export interface BundleScan {
  readonly scan: PackedScan
  readonly evaluated: readonly Evaluated[]
}

/** Scans the entries, and opens them with what `disclosures` has; `replay` false leaves out what only replay needs. */
export function scanBundle(
  bundle: Uint8Array,
  { first_index, width, skip }: BundlePart,
  {
    disclosures,
    replay,
    derive = () => false,
  }: {
    readonly disclosures: DisclosureReader | null
    readonly replay: boolean
    /** Derives a decision again right away; false when it has to wait. */
    readonly derive?: (one: Evaluated) => boolean
  },
): BundleScan {
  const decoded = decodeBundle(bundle, width)
  const entries = decoded.ok ? decoded.value.slice(skip) : []
  const leaves = new Uint8Array(entries.length * HASH_BYTES)
  const which = new Uint16Array(entries.length)
  const table = createTable()
  const chains = createColumns(entries.length)
  const iats = new Float64Array(entries.length)
  const replays: ReplayPart[] = []
  const enforced: NumberedEntry[] = []
  const evaluated: Evaluated[] = []
  let unmatched = 0
  const passOver = (): void => void unmatched++
  const opening = disclosures === null ? undefined : { disclosed: disclosures.of, replay, passOver }
  for (const [i, entry] of entries.entries()) {
    const scanned = scanEntry(entry, briefHasher, opening)
    leaves.set(scanned.leaf, i * HASH_BYTES)
    which[i] = table.placeOf(scanned)
    packOpened(chains, i, scanned)
    if (!('record' in scanned)) continue
    iats[i] = scanned.record.claims.iat
    if (scanned.enforced !== undefined) enforced.push([i, scanned.enforced])
    if (scanned.replay !== undefined) replays.push(scanned.replay)
    if (scanned.evaluated === undefined) continue
    const one = { ...scanned.evaluated, index: first_index + i }
    if (!derive(one)) evaluated.push(one)
  }
  const scan = {
    fault: decoded.ok ? null : decoded.error,
    tile_root: entries.length === TILE_WIDTH ? tileRoot(leaves) : null,
    ...{ leaves, which, chains, iats, table: table.reads },
    replays,
    enforced: enforced.length === 0 ? null : JSON.stringify(enforced),
    unmatched,
  }
  return { scan, evaluated }
}

/** Root of a row of leaves by the host's SHA-256; a copy, which can change threads. */
export function tileRoot(leaves: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(rowRoot(leaves, briefHasher.digest))
}

/** A scan as it changes threads. */
export function toCross(scan: PackedScan): PackedScan {
  const { replays } = scan
  return { ...scan, replays: typeof replays === 'string' ? replays : writeReplays(replays) }
}

/** What of a scan moves to another thread instead of being copied. */
export function partsOf({ leaves, which, iats, chains }: PackedScan): ArrayBuffer[] {
  const { state, numbers, texts } = chains
  return [leaves, which, iats, state, numbers, texts].map(({ buffer }) => buffer)
}

/** The entries of a packed scan, for core's audit. */
export function unpackScan({
  leaves,
  which,
  table,
  iats,
  replays,
  chains,
  enforced: numbers,
}: PackedScan): AuditEntry[] {
  const openedOf = unpackOpened(chains)
  const parts = typeof replays === 'string' ? readReplays(replays) : replays
  let opened_so_far = 0
  const enforcedOf = new Map(numbers === null ? [] : (JSON.parse(numbers) as NumberedEntry[]))
  const texts = Buffer.from(leaves.buffer)
  return Array.from(which, (place, i) => {
    const [from, to] = [i * HASH_BYTES, (i + 1) * HASH_BYTES]
    const leaf = leaves.subarray(from, to)
    const read = table[place] as Read
    if ('fault' in read) return { scanned: { leaf, fault: read.fault } }
    const record = recordOf(read.record, iats[i] ?? 0)
    const opened = openedOf(i)
    if (opened === undefined) return { scanned: { leaf, record } }
    const leaf_text = texts.toString('base64url', from, to)
    const isLink = opened.ok && opened.value !== null
    const replay = isLink ? parts[opened_so_far++] : undefined
    return { scanned: { leaf, leaf_text, record, opened, enforced: enforcedOf.get(i), replay } }
  })
}

/** Records of one place in the table differ in their second. */
function recordOf(record: ScannedRecord, iat: number): ScannedRecord {
  const { claims } = record
  if (claims.iat === iat) return record
  // A record of the deployment has a place of its own, with its own second.
  return { ...record, claims: { ...claims, iat } } as ScannedRecord
}

interface Table {
  readonly reads: readonly Read[]
  placeOf(scanned: Scanned): number
}

/** Records that say the same are listed once; one that says more than a chain's is never the same as another. */
function createTable(): Table {
  const reads: Read[] = []
  const common: { readonly record: ScannedRecord; readonly place: number }[] = []
  return {
    reads,
    placeOf(scanned) {
      if (!('record' in scanned)) return reads.push({ fault: scanned.fault }) - 1
      const { record } = scanned
      for (const known of common) if (saysTheSame(known.record, record)) return known.place
      const place = reads.push({ record }) - 1
      // Few differ in an honest log; a hostile one must not make this slow.
      if (!('jti' in record.claims) && common.length < MAX_COMMON) common.push({ record, place })
      return place
    },
  }
}

const MAX_COMMON = 16

function saysTheSame(a: ScannedRecord, b: ScannedRecord): boolean {
  if ('jti' in a.claims || 'jti' in b.claims) return false
  return (
    a.kind === b.kind &&
    a.kid === b.kid &&
    a.claims.policy === b.claims.policy &&
    a.claims.revision === b.claims.revision &&
    a.claims.iss === b.claims.iss &&
    a.claims.log === b.claims.log
  )
}
