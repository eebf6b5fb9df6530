/**
 * `checkpoint.witnessed` of a mirror: copied when it is the log's and of the tree that was just proven.
 *
 * One that is ahead of the mirror, because the log grew meanwhile, is left for the next run. From: mirror.ts.
 */
import { join } from 'node:path'
import type { SignedHead } from '../../core/audit/tree.ts'
import { fromUtf8 } from '../../core/encoding.ts'
import { compareHeads } from '../../core/monitor/compare.ts'
import { hashReaderOverTiles } from '../../core/tlog/tile-reader.ts'
import { CliFailure, EXIT } from '../failure.ts'
import { writeAtomic } from '../files.ts'
import { type LogKey, openHead } from './head.ts'
import type { LogSource } from './source.ts'
import type { VerifiedTiles } from './verified-tiles.ts'

const WITNESSED = 'checkpoint.witnessed'

export async function mirrorWitnessed(
  mirror: { readonly source: LogSource; readonly dir: string; readonly key: LogKey },
  head: SignedHead,
  tiles: VerifiedTiles,
): Promise<void> {
  const { source, dir, key } = mirror
  const note = fromUtf8((await source.read(WITNESSED)) ?? new Uint8Array(0))
  if (note === null || note === '') return
  const witnessed = await openHead(note, key, `${source.name}/${WITNESSED}`)
  if (witnessed.size > head.size) return
  const read = hashReaderOverTiles((tile) => tiles.tile(tile.level, tile.index), head.size)
  // Proven tiles do not lead elsewhere: what is not of this tree is of another.
  if ((await compareHeads({ older: witnessed, newer: head, read })) === 'fork')
    throw new CliFailure(
      EXIT.verification,
      `Cannot mirror: witnesses have cosigned another history than the log serves; the log serves:\n${head.note}\nwitnesses have cosigned:\n${note}`,
      'keep both notes: together they prove it to anybody',
    )
  await writeAtomic(join(dir, WITNESSED), note)
}
