/**
 * Hash tiles of a tree that a signed root vouches for, from the right edge down, so that nothing unproven is handed on.
 *
 * The partial tiles of all levels together are exactly the peaks of the tree: the root proves each hash in them. A
 * full tile hashes to one hash of the tile above it. So every tile is proven by its parent before it is used, and a
 * mirror needs memory for one path, not for the log. Spec: C2SP tlog-tiles.
 */
import type { SignedHead } from '../../core/audit/tree.ts'
import { rootOfEdge } from '../../core/tlog/edge.ts'
import { HASH_BYTES, type Hash, rowRoot, sameHash } from '../../core/tlog/hash.ts'
import { hashesAt, TILE_WIDTH, type Tile, tilePath, widthOf } from '../../core/tlog/tile.ts'
import { CliFailure, EXIT } from '../failure.ts'
import { quote } from '../session.ts'
import { type LogSource, needTile, wrongLength } from './source.ts'

export interface VerifiedTiles {
  readonly levels: number
  /** The tile of the tree at this place, proven; as wide as the tree has it. Ends the command with exit 4 otherwise. */
  tile(level: number, index: number): Promise<Uint8Array>
}

/** Proves the right edge against the root at once, everything else when it is asked for. */
export async function openVerifiedTiles(
  source: LogSource,
  head: SignedHead,
): Promise<VerifiedTiles> {
  const edge = await readEdge(source, head)
  const recent = new Map<string, Uint8Array>()

  async function tile(level: number, index: number): Promise<Uint8Array> {
    const width = widthOf({ level, index, size: head.size })
    if (width < TILE_WIDTH) return edge[level] ?? new Uint8Array(0)
    const ref: Tile = { kind: 'tile', level, index, width }
    const path = tilePath(ref)
    const known = recent.get(path)
    if (known !== undefined) return known
    const bytes = await needTile(source, ref)
    const parent = await tile(level + 1, Math.floor(index / TILE_WIDTH))
    const expected = hashIn(parent, index % TILE_WIDTH)
    const cut = wrongLength(source, ref, bytes)
    if (cut !== null) throw cut
    if (!sameHash(rowRoot(bytes), expected)) throw refused(source, path)
    if (recent.size >= RECENT) recent.clear()
    recent.set(path, bytes)
    return bytes
  }
  return { levels: edge.length, tile }
}

/** Tiles kept: a path of at most seven levels, and some neighbours. */
const RECENT = 64

async function readEdge(source: LogSource, head: SignedHead): Promise<Uint8Array[]> {
  const rows: Uint8Array[] = []
  for (let level = 0; hashesAt(level, head.size) > 0; level++) {
    const count = hashesAt(level, head.size)
    const width = count % TILE_WIDTH
    const index = Math.floor(count / TILE_WIDTH)
    const ref: Tile = { kind: 'tile', level, index, width }
    const bytes = width === 0 ? new Uint8Array(0) : await needTile(source, ref)
    const cut = width === 0 ? null : wrongLength(source, ref, bytes)
    if (cut !== null) throw cut
    rows.push(bytes)
  }
  if (!sameHash(rootOfEdge({ size: head.size, rows }), head.root))
    throw new CliFailure(
      EXIT.verification,
      `Cannot trust hash tiles of ${quote(source.name)}: their right edge does not hash to the root of the checkpoint\n${head.note}`,
      UNSIGNED,
    )
  return rows
}

function refused(source: LogSource, path: string): CliFailure {
  return new CliFailure(
    EXIT.verification,
    `Cannot trust \`${path}\` of ${quote(source.name)}: its bytes are not what the checkpoint covers`,
    UNSIGNED,
  )
}

/** Told with every file that is not what was signed. */
export const UNSIGNED =
  'nobody has signed this file: it was changed, or is of another log, where it is kept or on its way; that alone does not show that the log lies'

/** Hash `position` of a tile. */
export function hashIn(tile: Uint8Array, position: number): Hash {
  return tile.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES)
}
