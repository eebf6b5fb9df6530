/**
 * The Log port over entries and rounds: appending deployment records, and reading what is published.
 *
 * A partial tile can always be read, even when its file is gone: it is the beginning of the wider one that replaced it.
 * Spec: docs/spec/log.md, "Tree and files". Next stop of the tour: adapters/node/store.ts.
 */
import { fromUtf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { HASH_BYTES } from '../../core/tlog/hash.ts'
import { formatTlogProof } from '../../core/tlog/proof.ts'
import {
  hashesAt,
  parseTilePath,
  TILE_WIDTH,
  type TileRef,
  tilePath,
} from '../../core/tlog/tile.ts'
import { hashReaderOverTiles } from '../../core/tlog/tile-reader.ts'
import { proveInclusionAsync } from '../../core/tlog/tree.ts'
import type { Log } from '../../ports.ts'
import { type Entries, requireEntry } from './entries.ts'
import type { Published, Rounds } from './rounds.ts'
import type { Writer } from './sql.ts'
import type { TileStore } from './tile-store.ts'

export interface LogParts {
  readonly origin: string
  readonly writer: Writer
  readonly entries: Entries
  readonly rounds: Rounds
  readonly tiles: TileStore
}

/** `entries` must follow `writer`. */
export function createSqlLog(parts: LogParts): Log {
  const { origin, writer, entries, rounds, tiles } = parts
  const waiting = new Set<(published: Published) => void>()
  rounds.onPublished((published) => {
    for (const tell of waiting) tell(published)
  })

  /** The published tree once it covers `index`, null when it does not in time. */
  function covering(index: number, wait_ms: number): Promise<Published | null> {
    const now = rounds.published()
    if (now !== null && now.size > index) return Promise.resolve(now)
    if (wait_ms <= 0) return Promise.resolve(null)
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(null), wait_ms)
      const tell = (published: Published): void => {
        if (published.size > index) settle(published)
      }
      function settle(result: Published | null): void {
        clearTimeout(timer)
        waiting.delete(tell)
        resolve(result)
      }
      waiting.add(tell)
    })
  }

  return {
    origin,
    async append(records, requires) {
      for (const record of records) requireEntry(record)
      entries.requireOpen()
      const bytes = records.reduce((sum, { jws }) => sum + jws.length + 256, 0)
      const receipts = await writer.write(
        () =>
          !entries.isClosed() && requires.every(entries.hasNow)
            ? records.map(entries.append)
            : null,
        bytes,
      )
      if (receipts !== null) return receipts
      entries.requireOpen()
      throw new LivegateError(
        'conflict',
        'Cannot append: a policy or key it needs is not in the log',
      )
    },
    has: entries.has,
    size: entries.size,
    async checkpoint() {
      const published = rounds.published()
      if (published !== null && published.note !== '') return published.note
      throw new LivegateError('log_unavailable', 'Cannot read checkpoint: none is published yet', {
        retry_after_s: 1,
      })
    },
    tile: (path) => readPublished(tiles, path, rounds.published()?.size ?? 0),
    async proof(index, wait_ms) {
      const tree = Number.isSafeInteger(index) && index >= 0 ? await covering(index, wait_ms) : null
      if (tree === null) return null
      const { size, note } = tree
      const reader = hashReaderOverTiles((tile) => readTile(tiles, tile, size), size)
      const proof = await proveInclusionAsync({ index, size }, reader)
      return formatTlogProof({ index, proof, checkpoint: note })
    },
  }
}

/** The file of a path as a tree of `size` has it; null when it has none, or the path is no tile's. */
export async function readPublished(
  tiles: Pick<TileStore, 'get'>,
  path: string,
  size: number,
): Promise<Uint8Array | null> {
  const ref = parseTilePath(path)
  return ref === null || !isPublished(ref, size) ? null : readTile(tiles, ref, size)
}

function rowOf(ref: TileRef): number {
  return ref.kind === 'tile' ? ref.level : 0
}

function isPublished(ref: TileRef, size: number): boolean {
  return ref.index * TILE_WIDTH + ref.width <= hashesAt(rowOf(ref), size)
}

/** The file, or the beginning of the wider file that replaced it. */
async function readTile(
  tiles: Pick<TileStore, 'get'>,
  ref: TileRef,
  size: number,
): Promise<Uint8Array | null> {
  const exact = await tiles.get(tilePath(ref))
  if (exact !== null) return exact
  const newest = Math.min(TILE_WIDTH, hashesAt(rowOf(ref), size) - ref.index * TILE_WIDTH)
  for (const width of new Set([TILE_WIDTH, newest])) {
    const wider = width > ref.width ? await tiles.get(tilePath({ ...ref, width })) : null
    if (wider !== null) return beginningOf(wider, ref)
  }
  return null
}

function beginningOf(wider: Uint8Array, ref: TileRef): Uint8Array {
  if (ref.kind === 'tile') return wider.subarray(0, ref.width * HASH_BYTES)
  const view = new DataView(wider.buffer, wider.byteOffset, wider.byteLength)
  let end = 0
  for (let i = 0; i < ref.width; i++) end += 2 + view.getUint16(end)
  return wider.subarray(0, end)
}

/** The text of a stored checkpoint file. */
export function checkpointText(bytes: Uint8Array): string {
  const note = fromUtf8(bytes)
  if (note === null) throw new LivegateError('halted', 'Cannot read checkpoint: it is not UTF-8')
  return note
}
