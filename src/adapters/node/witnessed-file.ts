/**
 * `checkpoint.witnessed` in Node: a file beside `checkpoint`, replaced as a whole.
 */
import { join } from 'node:path'
import { utf8 } from '../../core/encoding.ts'
import { checkpointText } from '../sqlite/log.ts'
import { WITNESSED, type WitnessedFile } from '../sqlite/witnesses.ts'
import { readIfThere, writeDurably } from './durable-files.ts'

/** `root` must be there. `die` is called when a sync fails. */
export function createWitnessedFile(root: string, die: (error: unknown) => void): WitnessedFile {
  const path = join(root, WITNESSED)
  return {
    async get() {
      const bytes = await readIfThere(path)
      return bytes === null ? null : checkpointText(bytes)
    },
    put: (note) => writeDurably({ path, bytes: utf8(note), mode: 0o644, die }),
  }
}
