/**
 * The right edge of a tree: all that is needed to let it grow.
 *
 * For each level of tiles the edge keeps the bytes of the last, unfinished tile, exactly as they would stand in its
 * partial file: at most 255 hashes a level, 57 KiB at the largest size. The root follows from it, so a stored edge is
 * checked by comparing `rootOfEdge` with the stored root before every round. Next stop: grow.ts.
 */
import { LivegateError } from '../errors.ts'
import { err, ok, type Result } from '../result.ts'
import { isCount, powersOf } from './arithmetic.ts'
import { HASH_BYTES, type Hash, joinPeaks, rowRoot } from './hash.ts'
import { hashesAt, TILE_WIDTH } from './tile.ts'

/** Unfinished tiles of a tree of `size` leaves; a row may be empty below one that is not. */
export interface Edge {
  readonly size: number
  /** Row L holds `floor(size / 256^L) mod 256` hashes end to end; there are as many rows as levels with a hash. */
  readonly rows: readonly Uint8Array[]
}

/** Why bytes are not an edge. */
export type EdgeFault = 'size_out_of_range' | 'wrong_length'

const SIZE_BYTES = 8

/** Edge of the tree without leaves. */
export function emptyEdge(): Edge {
  return { size: 0, rows: [] }
}

/** Root of the whole tree; at most 255 hashes a level, some 2 ms at worst. */
export function rootOfEdge(edge: Edge): Hash {
  const peaks: Hash[] = []
  for (const row of edge.rows.toReversed()) {
    let begin = 0
    for (const width of powersOf(row.length / HASH_BYTES)) {
      const end = begin + width * HASH_BYTES
      peaks.push(rowRoot(row.subarray(begin, end)))
      begin = end
    }
  }
  return joinPeaks(peaks)
}

/** Size in eight bytes, big-endian, then the rows from level 0 up; their lengths follow from the size. */
export function encodeEdge(edge: Edge): Uint8Array {
  requireEdge(edge)
  const bytes = new Uint8Array(edge.rows.reduce((sum, row) => sum + row.length, SIZE_BYTES))
  new DataView(bytes.buffer).setBigUint64(0, BigInt(edge.size))
  let offset = SIZE_BYTES
  for (const row of edge.rows) {
    bytes.set(row, offset)
    offset += row.length
  }
  return bytes
}

/** The edge `encodeEdge` wrote, rows copied. Flipped bits in hashes show only in `rootOfEdge`. */
export function decodeEdge(bytes: Uint8Array): Result<Edge, EdgeFault> {
  if (bytes.length < SIZE_BYTES) return err('wrong_length')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = Number(view.getBigUint64(0))
  if (!isCount(size)) return err('size_out_of_range')
  const rows: Uint8Array[] = []
  let offset = SIZE_BYTES
  for (const length of rowLengths(size)) {
    rows.push(bytes.slice(offset, offset + length))
    offset += length
  }
  return offset === bytes.length ? ok({ size, rows }) : err('wrong_length')
}

/** Throws `internal` unless the rows are as long as the size demands. */
export function requireEdge(edge: Edge): void {
  const lengths = isCount(edge.size) ? rowLengths(edge.size) : []
  const whole =
    isCount(edge.size) &&
    edge.rows.length === lengths.length &&
    edge.rows.every((row, level) => row.length === lengths[level])
  if (!whole)
    throw new LivegateError(
      'internal',
      `Cannot use edge: its rows do not fit size ${edge.size}, expected one unfinished tile a level`,
    )
}

function rowLengths(size: number): number[] {
  const lengths: number[] = []
  for (let level = 0; hashesAt(level, size) > 0; level++)
    lengths.push((hashesAt(level, size) % TILE_WIDTH) * HASH_BYTES)
  return lengths
}
