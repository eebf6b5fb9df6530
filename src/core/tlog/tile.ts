/**
 * Which files a tree consists of, and what they are called.
 *
 * A tile holds 256 hashes of one row of the tree: row `8 * level`, hashes `256 * index` and on. A bundle holds the 256
 * entries below a tile of level 0. The last file of each row may be partial (`.p/width`); empty ones do not exist.
 * Contents are bundle.ts's and grow.ts's, reading hashes out of tiles tile-reader.ts's.
 * Spec: C2SP tlog-tiles, "Merkle Tree" and "Log entries"; docs/spec/log.md.
 */
import { LivegateError } from '../errors.ts'
import { isCount, parseDecimal, requireCount } from './arithmetic.ts'

/** Hashes in a full tile, and entries in a full bundle. */
export const TILE_WIDTH = 256
/** Rows of the tree between two levels of tiles: 2^8 = 256. */
export const TILE_HEIGHT = 8
const MAX_LEVEL = 63

/** A tile of hashes; `width` is 1 to 256, 256 means full. */
export interface Tile {
  readonly kind: 'tile'
  readonly level: number
  readonly index: number
  readonly width: number
}

/** A bundle of entries; `width` is 1 to 256, 256 means full. */
export interface Bundle {
  readonly kind: 'entries'
  readonly index: number
  readonly width: number
}

export type TileRef = Tile | Bundle

/** The file's path below the log's prefix: `tile/0/x001/x234/067.p/5`, `tile/entries/000`. */
export function tilePath(ref: TileRef): string {
  if (!isTileRef(ref))
    throw new LivegateError(
      'internal',
      `Cannot name tile: ${JSON.stringify(ref)}, expected level 0 to 63, index from 0, width 1 to 256`,
    )
  const row = ref.kind === 'tile' ? String(ref.level) : 'entries'
  const partial = ref.width === TILE_WIDTH ? '' : `.p/${ref.width}`
  return `tile/${row}/${indexPath(ref.index)}${partial}`
}

const PATH =
  /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/

/** The file a path names; null unless it is exactly what `tilePath` writes. */
export function parseTilePath(path: string): TileRef | null {
  const match = PATH.exec(path)
  if (match === null) return null
  const row = match[1] ?? ''
  const index = Number((match[2] ?? '').replaceAll(/[x/]/g, ''))
  const width = match[3] === undefined ? TILE_WIDTH : Number(match[3])
  const level = parseDecimal(row)
  const ref: TileRef | null =
    row === 'entries'
      ? { kind: 'entries', index, width }
      : level === null
        ? null
        : { kind: 'tile', level, index, width }
  // Re-encoding refuses every second spelling: leading zero groups, `.p/256`.
  return ref !== null && isTileRef(ref) && tilePath(ref) === path ? ref : null
}

/** Every file of a tree of `size` leaves, bundles first, then tiles row by row, each from left to right. */
export function tilesOf(size: number): Generator<TileRef, void, void> {
  return newTiles({ from: 0, to: size })
}

/**
 * The files to write when a tree grows from `from` to `to` leaves, in the order of `tilesOf`: those filled on the way and
 * the new partial ones, not a row's last file when that row did not grow.
 */
export function* newTiles(growth: {
  readonly from: number
  readonly to: number
}): Generator<TileRef, void, void> {
  const { from, to } = growth
  requireCount(from, 'a tree size')
  requireCount(to, 'a tree size')
  if (from > to)
    throw new LivegateError(
      'internal',
      `Cannot list new tiles: size ${from} is beyond ${to}, expected a tree that grows`,
    )
  for (const { index, width } of newInRow(from, to)) yield { kind: 'entries', index, width }
  for (let level = 0; hashesAt(level, to) > 0; level++)
    for (const { index, width } of newInRow(hashesAt(level, from), hashesAt(level, to)))
      yield { kind: 'tile', level, index, width }
}

/** Number of hashes in the row of tiles at `level` of a tree of `size` leaves. */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

/** Width of tile `index` at `level` in a tree of `size` leaves: 256, the partial width, or 0 when it does not exist. */
export function widthOf(position: {
  readonly level: number
  readonly index: number
  readonly size: number
}): number {
  const rest = hashesAt(position.level, position.size) - position.index * TILE_WIDTH
  return Math.max(0, Math.min(TILE_WIDTH, rest))
}

function* newInRow(from: number, to: number): Generator<{ index: number; width: number }> {
  if (from === to) return
  const full = Math.floor(to / TILE_WIDTH)
  for (let index = Math.floor(from / TILE_WIDTH); index < full; index++)
    yield { index, width: TILE_WIDTH }
  if (to % TILE_WIDTH > 0) yield { index: full, width: to % TILE_WIDTH }
}

function indexPath(index: number): string {
  const digits = String(index)
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  const groups = padded.match(/[0-9]{3}/g) ?? []
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
}

function isTileRef(ref: TileRef): boolean {
  const level = ref.kind === 'tile' ? ref.level : 0
  return (
    isCount(level) &&
    level <= MAX_LEVEL &&
    isCount(ref.index) &&
    isCount(ref.width) &&
    ref.width >= 1 &&
    ref.width <= TILE_WIDTH
  )
}
