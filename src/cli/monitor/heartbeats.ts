/**
 * The newest heartbeat among a log's newest entries, proven to stand in the tree.
 *
 * A few bundles from the end backwards: a log that is idle ends with one, and one that grows faster is alive without.
 * Where entries may not be read, or were passed over, nothing is known; that is no trouble of the log.
 */
import { fromAscii } from '../../core/encoding.ts'
import type { Heartbeat } from '../../core/monitor/watch.ts'
import { parseRecord } from '../../core/record/parse.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import { leafHash } from '../../core/tlog/hash.ts'
import { TILE_WIDTH, tilePath } from '../../core/tlog/tile.ts'
import { type AsyncHashReader, proveInclusionAsync } from '../../core/tlog/tree.ts'
import { verifyInclusion } from '../../core/tlog/verify.ts'
import { type FetchFile, LookFailed } from './fetch.ts'

const BUNDLES = 4
/** 256 entries of 64 KiB: the most the format holds. */
const BUNDLE_BYTES: number = 17 * 1024 * 1024

export async function newestHeartbeat(parts: {
  readonly fetch: FetchFile
  readonly key: string | null
  /** Over the tiles of `head`. */
  readonly read: AsyncHashReader
  readonly head: { readonly size: number; readonly root: Uint8Array }
  /** Entries before were looked at earlier. */
  readonly from: number
}): Promise<Heartbeat | 'none' | 'unknown'> {
  const { head, from } = parts
  const last = Math.floor((head.size - 1) / TILE_WIDTH)
  for (let bundle = last; bundle > last - BUNDLES && bundle >= 0; bundle--) {
    if ((bundle + 1) * TILE_WIDTH <= from) return 'none'
    const entries = await readBundle(parts, bundle)
    if (entries === null) return 'unknown'
    for (let at = entries.length - 1; at >= 0; at--) {
      const found = await heartbeatAt(parts, entries[at], bundle * TILE_WIDTH + at)
      if (found !== null) return found
    }
  }
  return (last - BUNDLES + 1) * TILE_WIDTH <= from ? 'none' : 'unknown'
}

async function readBundle(
  { fetch, key, head }: Parameters<typeof newestHeartbeat>[0],
  index: number,
): Promise<readonly Uint8Array[] | null> {
  const width = Math.min(TILE_WIDTH, head.size - index * TILE_WIDTH)
  const path = tilePath({ kind: 'entries', index, width })
  try {
    const bytes = await fetch(path, { limit: BUNDLE_BYTES, key })
    const entries = bytes === null ? null : decodeBundle(bytes, width)
    return entries?.ok ? entries.value : null
  } catch (error) {
    if (error instanceof LookFailed && error.trouble === 'refused') return null
    throw error
  }
}

/** Null unless it is one, and the tree holds it there. */
async function heartbeatAt(
  { read, head }: Parameters<typeof newestHeartbeat>[0],
  entry: Uint8Array | undefined,
  index: number,
): Promise<Heartbeat | null> {
  const text = entry === undefined ? null : fromAscii(entry)
  const record = text === null ? null : parseRecord(text)
  if (entry === undefined || !record?.ok || record.value.kind !== 'heartbeat') return null
  const { size, root } = head
  const proof = await proveInclusionAsync({ index, size }, read)
  const held = verifyInclusion({ leaf: leafHash(entry), index, size, proof, root })
  if (!held.ok) throw new LookFailed('tiles_wrong')
  return { index, at_s: record.value.claims.iat }
}
