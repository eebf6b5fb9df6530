/**
 * The pure heart of a round: new leaves in, next edge, root and files out.
 *
 * Nothing is read and nothing is written: the caller stores the edge, signs the root and uploads the files. The same
 * input gives the same bytes, so a round repeated after a crash writes identical files. Cost: two hashes a leaf, one
 * more when entries are given (each is checked against its leaf), and one row a level for the root.
 * Spec: docs/spec/log.md, "Rounds"; C2SP tlog-tiles.
 */
import { LivegateError } from '../errors.ts'
import { requireCount } from './arithmetic.ts'
import { encodeBundle } from './bundle.ts'
import { type Edge, requireEdge, rootOfEdge } from './edge.ts'
import { HASH_BYTES, type Hash, leafHash, rowRoot, sameHash } from './hash.ts'
import { hashesAt, TILE_WIDTH, type TileRef, tilePath } from './tile.ts'

export interface GrowthEntries {
  /** Entries of the unfinished bundle: the last `edge.size mod 256` entries of the tree so far. */
  readonly unfinished: readonly Uint8Array[]
  /** One entry per new leaf. */
  readonly added: readonly Uint8Array[]
}

export interface Growth {
  readonly edge: Edge
  /** Leaf hashes to append, in order. */
  readonly leaves: readonly Hash[]
  /** Without entries no bundle is made: a mirror of hashes only. */
  readonly entries?: GrowthEntries
  /** Leaf hash of an entry by a host's faster SHA-256; the portable one unless given. */
  readonly hashEntry?: (entry: Uint8Array) => Hash
  /** `rowRoot` of a full tile, likewise. */
  readonly hashTile?: (tile: Uint8Array) => Hash
}

/** One file of the log, below its prefix; it never changes once written. */
export interface LogFile {
  readonly path: string
  readonly bytes: Uint8Array
}

export interface Grown {
  readonly edge: Edge
  readonly root: Hash
  /** Files filled by this growth and the new partial ones, in the order of `newTiles`. */
  readonly tiles: readonly LogFile[]
}

/**
 * Extends a tree. Throws `internal` when edge, leaves or entries do not fit each other, and `halted` when an entry
 * does not hash to its leaf: then memory or storage has lied, and nothing made from it may be signed.
 */
export function grow(growth: Growth): Grown {
  const grown = growEdge(growth)
  return { ...grown, root: rootOfEdge(grown.edge) }
}

/** As `grow`, without the root: it costs up to 255 hashes a level, and not everybody asks after each step. */
export function growEdge({
  edge,
  leaves,
  entries,
  hashEntry = leafHash,
  hashTile = rowRoot,
}: Growth): Omit<Grown, 'root'> {
  requireEdge(edge)
  const size = edge.size + leaves.length
  requireCount(size, 'a tree size')
  if (leaves.some((leaf) => leaf.length !== HASH_BYTES))
    throw new LivegateError('internal', 'Cannot grow tree: a leaf is not 32 bytes, expected a hash')
  const tiles = entries === undefined ? [] : bundleFiles({ edge, leaves, entries, hashEntry })
  const rows = [...edge.rows]
  let added = joined(leaves)
  for (let level = 0; added.length > 0; level++) {
    const first = Math.floor(hashesAt(level, edge.size) / TILE_WIDTH)
    const row = growRow(rows[level] ?? new Uint8Array(0), added)
    row.full.forEach((bytes, i) => {
      tiles.push(hashFile({ level, index: first + i, bytes }))
    })
    if (row.rest.length > 0)
      tiles.push(hashFile({ level, index: first + row.full.length, bytes: row.rest }))
    rows[level] = row.rest
    added = joined(row.full.map((tile) => hashTile(tile)))
  }
  return { edge: { size, rows }, tiles }
}

const TILE_BYTES = TILE_WIDTH * HASH_BYTES

/** Appends hashes to the unfinished tile of one level and cuts off what became full. */
function growRow(
  unfinished: Uint8Array,
  added: Uint8Array,
): { readonly full: readonly Uint8Array[]; readonly rest: Uint8Array } {
  const row = new Uint8Array(unfinished.length + added.length)
  row.set(unfinished)
  row.set(added, unfinished.length)
  const full: Uint8Array[] = []
  let offset = 0
  for (; offset + TILE_BYTES <= row.length; offset += TILE_BYTES)
    full.push(row.slice(offset, offset + TILE_BYTES))
  return { full, rest: row.slice(offset) }
}

function hashFile(tile: {
  readonly level: number
  readonly index: number
  readonly bytes: Uint8Array
}): LogFile {
  const { level, index, bytes } = tile
  const ref: TileRef = { kind: 'tile', level, index, width: bytes.length / HASH_BYTES }
  return { path: tilePath(ref), bytes }
}

type GrowthWithEntries = Required<Omit<Growth, 'hashTile'>>

function bundleFiles(growth: GrowthWithEntries): LogFile[] {
  const { edge, leaves, entries } = growth
  checkEntries(growth)
  if (leaves.length === 0) return []
  const first = Math.floor(edge.size / TILE_WIDTH)
  const all = [...entries.unfinished, ...entries.added]
  const files: LogFile[] = []
  for (let i = 0; i * TILE_WIDTH < all.length; i++) {
    const bundle = all.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH)
    const ref: TileRef = { kind: 'entries', index: first + i, width: bundle.length }
    files.push({ path: tilePath(ref), bytes: encodeBundle(bundle) })
  }
  return files
}

/** One flipped bit between an entry and its leaf makes a log unverifiable for ever: look before signing. */
function checkEntries({ edge, leaves, entries, hashEntry }: GrowthWithEntries): void {
  const { unfinished, added } = entries
  const row = edge.rows[0] ?? new Uint8Array(0)
  if (unfinished.length * HASH_BYTES !== row.length || added.length !== leaves.length)
    throw new LivegateError(
      'internal',
      `Cannot grow tree: ${unfinished.length} + ${added.length} entries were given, expected ${row.length / HASH_BYTES} + ${leaves.length}`,
    )
  const begin = edge.size - unfinished.length
  for (const [i, entry] of [...unfinished, ...added].entries()) {
    const leaf = leaves[i - unfinished.length] ?? row.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)
    if (!sameHash(hashEntry(entry), leaf))
      throw new LivegateError(
        'halted',
        `Cannot grow tree: entry ${begin + i} does not hash to its leaf, expected unchanged bytes`,
      )
  }
}

function joined(hashes: readonly Hash[]): Uint8Array {
  const bytes = new Uint8Array(hashes.length * HASH_BYTES)
  hashes.forEach((hash, i) => {
    bytes.set(hash, i * HASH_BYTES)
  })
  return bytes
}
