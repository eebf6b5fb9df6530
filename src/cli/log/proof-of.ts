/**
 * A standard proof of inclusion, made from a log's own public files: no API of the gate is needed.
 *
 * Made over proven tiles only, so the proof it returns holds. Spec: C2SP tlog-proof.
 */
import { formatTlogProof } from '../../core/tlog/proof.ts'
import { hashReaderOverTiles } from '../../core/tlog/tile-reader.ts'
import { proveInclusionAsync } from '../../core/tlog/tree.ts'
import { incomplete } from '../failure.ts'
import { type LogKey, readHead } from './head.ts'
import type { LogSource } from './source.ts'
import { openVerifiedTiles } from './verified-tiles.ts'

/** tlog-proof text of `index` under the log's present checkpoint. */
export async function proofOf(source: LogSource, key: LogKey, index: number): Promise<string> {
  const head = await readHead(source, key)
  if (index >= head.size)
    throw incomplete(
      `Cannot prove index ${index}: the checkpoint covers ${head.size} entries`,
      'wait for the next checkpoint, about a second',
    )
  const tiles = await openVerifiedTiles(source, head)
  const reader = hashReaderOverTiles((tile) => tiles.tile(tile.level, tile.index), head.size)
  const proof = await proveInclusionAsync({ index, size: head.size }, reader)
  return formatTlogProof({ index, proof, checkpoint: head.note })
}

/** A log index as people write it; null when it is none. */
export function indexOf(text: string): number | null {
  return /^(0|[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(Number(text))
    ? Number(text)
    : null
}
