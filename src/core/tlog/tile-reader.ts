/**
 * Serves single hashes of a tree out of its tiles, wherever the tiles lie.
 *
 * A tile stores one row in eight; the rows between are hashed again from it. Tiles are taken as they are: nothing is
 * authenticated here, a root or proof made from them must be checked against a signed checkpoint (verify.ts).
 * Spec: C2SP tlog-tiles, "Merkle Tree". Next stop: tree.ts, whose provers take these readers.
 */
import { LivegateError } from '../errors.ts'
import { HASH_BYTES, type Hash, rowRoot } from './hash.ts'
import { TILE_HEIGHT, TILE_WIDTH, type Tile, tilePath, widthOf } from './tile.ts'
import type { AsyncHashReader, HashReader, NodeAddress } from './tree.ts'

/** Bytes of a tile, or null when it is not there; anything else that goes wrong throws. */
export type TileFetcher = (tile: Tile) => Promise<Uint8Array | null>
export type SyncTileFetcher = (tile: Tile) => Uint8Array | null

/**
 * Reader over the tiles of a tree of `size` leaves. Each call fetches each tile it needs once, all at the same time.
 * Where a partial tile is gone, the full one that replaced it is used. Rejects with `log_unavailable` when a tile is
 * missing or has the wrong length.
 */
export function hashReaderOverTiles(fetchTile: TileFetcher, size: number): AsyncHashReader {
  return async (nodes) => {
    const needed = tilesFor(nodes, size)
    const fetched = await Promise.all(
      [...needed].map(async ([path, tile]) => {
        const bytes = (await fetchTile(tile)) ?? (await fullOf(tile, fetchTile))
        return [path, checkedTile(tile, bytes)] as const
      }),
    )
    return readNodes(nodes, size, new Map(fetched))
  }
}

/** As `hashReaderOverTiles`, for tiles at hand in memory or in a synchronous database; throws instead of rejecting. */
export function hashReaderOverTilesSync(fetchTile: SyncTileFetcher, size: number): HashReader {
  return (nodes) => {
    const fetched = new Map<string, Uint8Array>()
    for (const [path, tile] of tilesFor(nodes, size)) {
      const full = { ...tile, width: TILE_WIDTH }
      fetched.set(path, checkedTile(tile, fetchTile(tile) ?? fetchTile(full)))
    }
    return readNodes(nodes, size, fetched)
  }
}

/** The tile from which `node` can be computed, as wide as the tree of `size` leaves has it. */
export function tileOfNode(node: NodeAddress, size: number): Tile {
  const level = Math.floor(node.level / TILE_HEIGHT)
  const index = Math.floor((node.index * spanOf(node)) / TILE_WIDTH)
  const tile: Tile = { kind: 'tile', level, index, width: widthOf({ level, index, size }) }
  if ((node.index + 1) * 2 ** node.level > size)
    throw new LivegateError(
      'internal',
      `Cannot read node ${node.level}/${node.index}: it is not complete in a tree of ${size} leaves`,
    )
  return tile
}

/** Hash of `node` out of the bytes of its tile (`tileOfNode`), which may be wider than needed. */
export function nodeFromTile(node: NodeAddress, bytes: Uint8Array): Hash {
  const span = spanOf(node)
  const begin = ((node.index * span) % TILE_WIDTH) * HASH_BYTES
  return rowRoot(bytes.subarray(begin, begin + span * HASH_BYTES))
}

/** Hashes of the tile's row below `node`: 1 to 128. */
function spanOf(node: NodeAddress): number {
  return 2 ** (node.level % TILE_HEIGHT)
}

function tilesFor(nodes: readonly NodeAddress[], size: number): Map<string, Tile> {
  const tiles = nodes.map((node) => tileOfNode(node, size))
  return new Map(tiles.map((tile) => [tilePath(tile), tile]))
}

function readNodes(
  nodes: readonly NodeAddress[],
  size: number,
  tiles: ReadonlyMap<string, Uint8Array>,
): Hash[] {
  return nodes.map((node) =>
    nodeFromTile(node, tiles.get(tilePath(tileOfNode(node, size))) ?? new Uint8Array(0)),
  )
}

async function fullOf(tile: Tile, fetchTile: TileFetcher): Promise<Uint8Array | null> {
  return tile.width === TILE_WIDTH ? null : fetchTile({ ...tile, width: TILE_WIDTH })
}

/** A full tile may stand in for a partial one; any other length is no tile of this tree. */
function checkedTile(tile: Tile, bytes: Uint8Array | null): Uint8Array {
  const expected = tile.width * HASH_BYTES
  if (bytes?.length === expected || bytes?.length === TILE_WIDTH * HASH_BYTES) return bytes
  const state = bytes === null ? 'it is missing' : `it has ${bytes.length} bytes`
  throw new LivegateError(
    'log_unavailable',
    `Cannot read \`${tilePath(tile)}\`: ${state}, expected ${expected} bytes`,
  )
}
