/**
 * Runs something again whenever files change: once at the start, once after each burst of changes, until told to stop.
 *
 * An editor saves in several steps, and by renaming; so directories are watched, not files, and a change is acted upon
 * when it has been quiet for a moment. What changes while a run goes on starts the next one.
 */
import { watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { World } from '../world.ts'

/** Saving a file is over in this time; nobody notices it. */
const QUIET_MS = 60

/** `World.watch` on a real disk. A directory that cannot be watched is left out. */
export function watchDirectories(directories: readonly string[], changed: () => void): () => void {
  const watchers = directories.flatMap((directory) => {
    try {
      const watcher = watch(directory, changed)
      // A directory that was removed; its files are then missing, which the next run says.
      watcher.on('error', changed)
      return [watcher]
    } catch {
      return []
    }
  })
  return () => {
    for (const watcher of watchers) watcher.close()
  }
}

export interface Repeated {
  /** What to watch, absolute; asked before each run, so that nothing changes unseen. */
  directories(): Promise<readonly string[]>
  /** One run; gives what else turned out to matter. */
  run(): Promise<readonly string[]>
}

/** Repeats a run, first at once, then after every change, until the world's signal aborts. */
export async function repeat(world: World, repeated: Repeated): Promise<void> {
  const { signal } = world
  const watched = new Map<string, () => void>()
  let changed = false
  let wake = (): void => undefined
  const notice = (): void => {
    changed = true
    wake()
  }
  const attend = (directories: readonly string[]): void => {
    for (const directory of directories)
      if (!watched.has(directory)) watched.set(directory, world.watch([directory], notice))
  }
  signal.addEventListener('abort', notice)
  try {
    while (!signal.aborted) {
      changed = false
      attend(await repeated.directories())
      attend(await repeated.run())
      await new Promise<void>((resolve) => {
        wake = resolve
        if (changed || signal.aborted) resolve()
      })
      if (!signal.aborted) await world.sleep(QUIET_MS).catch(() => undefined)
    }
  } finally {
    signal.removeEventListener('abort', notice)
    for (const stop of watched.values()) stop()
  }
}

/** Directories that hold what was written on the command line, and all below them. */
export async function directoriesOf(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  for (const path of paths) {
    const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => null)
    found.add(entries === null ? dirname(path) : path)
    for (const entry of entries ?? []) {
      const below = join(entry.parentPath, entry.name)
      if (entry.isDirectory() && !IGNORED.test(below)) found.add(below)
    }
  }
  return [...found]
}

const IGNORED = /(^|[\\/])(node_modules|\.git)([\\/]|$)/
