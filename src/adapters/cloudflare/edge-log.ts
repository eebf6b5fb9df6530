/**
 * The Log port as a Worker has it: files straight from the bucket, everything else by asking the log's object.
 *
 * A file is served only when the published checkpoint covers it; the size that is known only ever grows, so the bucket
 * is asked for it again only when somebody wants more. `has` and `size` are as last known: an isolate's memory, good
 * enough to show, never to decide by. Next stop: sequencer-object.ts.
 */
import { parseCheckpoint } from '../../core/tlog/checkpoint.ts'
import { parseNote } from '../../core/tlog/note.ts'
import { hashesAt, parseTilePath, TILE_WIDTH } from '../../core/tlog/tile.ts'
import type { Log } from '../../ports.ts'
import { requirementOf } from '../sqlite/entries.ts'
import { readPublished } from '../sqlite/log.ts'
import { type Bucket, createR2Tiles } from './r2-tiles.ts'
import { createR2Witnessed } from './r2-witnessed.ts'
import { opened, type SequencerRpc } from './rpc.ts'
import type { SequencerStatus } from './rpc-status.ts'
import { after } from './worker-system.ts'

export interface EdgeLog extends Log {
  /** Asks the log's object how it is; what `size` answers from then on. */
  status(): Promise<SequencerStatus>
}

export interface EdgeLogParts {
  readonly origin: string
  readonly sequencer: Pick<SequencerRpc, 'appendDeployment' | 'checkpoint' | 'proof' | 'status'>
  readonly bucket: Bucket
  /** Where in the bucket the log lies: ends with a slash, or is empty. */
  readonly prefix: string
}

export function createEdgeLog({ origin, sequencer, bucket, prefix }: EdgeLogParts): EdgeLog {
  const tiles = createR2Tiles(bucket, prefix)
  const witnessed = createR2Witnessed(bucket, prefix, after)
  const known = new Set<string>()
  let size = 0
  let published = 0

  function learn(note: string): void {
    const parsed = parseNote(note)
    const head = parsed.ok ? parseCheckpoint(parsed.value.body) : parsed
    if (head.ok && head.value.origin === origin) published = Math.max(published, head.value.size)
  }

  /** Size of the published tree, read again when it does not cover the path. */
  async function sizeFor(path: string): Promise<number> {
    if (!covers(path, published)) learn((await tiles.getCheckpoint()) ?? '')
    return published
  }

  return {
    origin,
    async append(records, requires) {
      const receipts = await opened(sequencer.appendDeployment(records, requires))
      for (const record of records) {
        const { name, ends } = requirementOf(record) ?? {}
        if (name !== undefined) known.add(name)
        if (ends !== undefined) known.delete(ends)
      }
      size = Math.max(size, ...receipts.map((receipt) => receipt.index + 1))
      return receipts
    },
    has: (requirement) => known.has(requirement),
    size: () => size,
    async checkpoint() {
      // A log that is halted or out of reach can still be read; one that has nothing to read says why.
      const note = (await tiles.getCheckpoint()) ?? (await opened(sequencer.checkpoint()))
      learn(note)
      return note
    },
    witnessed: witnessed.get,
    tile: async (path) =>
      parseTilePath(path) === null ? null : readPublished(tiles, path, await sizeFor(path)),
    proof: (index, wait_ms) => opened(sequencer.proof(index, wait_ms)),
    async status() {
      const status = await opened(sequencer.status())
      size = Math.max(size, status.entries)
      published = Math.max(published, status.published)
      return status
    },
  }
}

function covers(path: string, size: number): boolean {
  const ref = parseTilePath(path)
  if (ref === null) return true
  const level = ref.kind === 'tile' ? ref.level : 0
  return ref.index * TILE_WIDTH + ref.width <= hashesAt(level, size)
}
