/**
 * The TileStore port over a directory: the published log as static files any web server could serve.
 *
 * A tile is written once, read-only, and never replaced: the same bytes again are fine, others halt the log. Partial
 * files go as soon as their full file is published; readers that still want one get the beginning of the full file
 * (sqlite/log.ts). Spec: C2SP tlog-tiles; docs/spec/log.md.
 */
import { readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { equalBytes, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { LogFile } from '../../core/tlog/grow.ts'
import { parseTilePath } from '../../core/tlog/tile.ts'
import { checkpointText } from '../sqlite/log.ts'
import type { TileStore } from '../sqlite/tile-store.ts'
import {
  makeDirectory,
  placeDurably,
  readIfThere,
  syncDirectory,
  writeDurably,
} from './durable-files.ts'

/** `root` must be there. `die` is called when a sync fails. */
export function createTileFiles(root: string, die: (error: unknown) => void): TileStore {
  async function putOne({ path: name, bytes }: LogFile): Promise<void> {
    const path = join(root, checkedName(name))
    const there = await readIfThere(path)
    if (there === null) await placeDurably({ path, bytes, mode: 0o444, die })
    else if (!equalBytes(there, bytes))
      throw new LivegateError(
        'halted',
        `Cannot publish \`${name}\`: the file is there with other bytes`,
      )
  }

  return {
    async put(files) {
      const directories = new Set(files.map(({ path }) => dirname(join(root, checkedName(path)))))
      for (const directory of directories) await makeDirectory(directory, { mode: 0o755, die })
      // Every file is a handful of system calls on other threads: side by side they wait for the disk, not in turn.
      const results = await Promise.allSettled(files.map(putOne))
      for (const directory of directories) await syncDirectory(directory, die)
      for (const result of results) if (result.status === 'rejected') throw result.reason
    },
    get: (name) => readIfThere(join(root, checkedName(name))),
    async putCheckpoint(note) {
      await writeDurably({ path: join(root, 'checkpoint'), bytes: utf8(note), mode: 0o644, die })
    },
    async getCheckpoint() {
      const bytes = await readIfThere(join(root, 'checkpoint'))
      return bytes === null ? null : checkpointText(bytes)
    },
    async dropPartials(name) {
      const directory = `${join(root, checkedName(name))}.p`
      const files = await readdir(directory).catch(() => [])
      await Promise.all(files.map((file) => rm(join(directory, file), { force: true })))
      await rmdir(directory).catch(() => {})
    },
  }
}

/** Only names of tiles become paths: nothing can leave the directory. */
function checkedName(name: string): string {
  if (parseTilePath(name) !== null) return name
  throw new LivegateError('internal', 'Cannot name file: expected the path of a tile')
}
