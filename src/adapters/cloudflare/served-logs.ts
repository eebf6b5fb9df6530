/**
 * The published logs as the Worker serves them: files straight from the bucket, proofs from the sequencer.
 *
 * Reading what is published asks no object, so auditors cost the sequencer nothing, and a halted log can still be read.
 * Only what the newest checkpoint covers is a file of the log; what lies in the bucket beyond it is not served.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Log } from '../../ports.ts'
import { readPublished } from '../sqlite/log.ts'
import type { TileStore } from '../sqlite/tile-store.ts'
import { opened, type SequencerRpc } from './rpc.ts'

export interface PublishedLogParts {
  readonly origin: string
  readonly tiles: Pick<TileStore, 'get' | 'getCheckpoint'>
  readonly sequencer: () => Pick<SequencerRpc, 'proof'>
}

export type PublishedLog = Pick<Log, 'origin' | 'checkpoint' | 'tile' | 'proof'>

export function createPublishedLog({ origin, tiles, sequencer }: PublishedLogParts): PublishedLog {
  /** What is known to be published: it only grows. */
  let size = 0

  async function checkpoint(): Promise<string> {
    const note = await tiles.getCheckpoint()
    if (note === null)
      throw new LivegateError('log_unavailable', 'Cannot read checkpoint: none is published yet', {
        retry_after_s: 1,
      })
    size = Math.max(size, sizeOf(note))
    return note
  }

  return {
    origin,
    checkpoint,
    async tile(path) {
      const known = await readPublished(tiles, path, size)
      if (known !== null) return known
      const before = size
      await checkpoint()
      return size === before ? null : readPublished(tiles, path, size)
    },
    proof: (index, wait_ms) => opened(sequencer().proof(index, wait_ms)),
  }
}

/** The second line of a checkpoint: only read, never trusted; auditors verify the note. */
function sizeOf(note: string): number {
  const size = Number(note.split('\n')[1])
  return Number.isSafeInteger(size) && size > 0 ? size : 0
}
