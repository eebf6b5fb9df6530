/**
 * Makes what was deleted unreadable on this machine: after it, no byte of it is in the database or its journal.
 *
 * Rows and free pages were overwritten as they were deleted (`secure_delete`, node-sql.ts), but older versions of pages
 * lie in the write-ahead log until that is copied into the database and emptied. A large one is copied by another thread
 * first, so that emptying it holds up commits for some milliseconds only. Copies elsewhere (backups, exports, snapshots
 * of the file system) are the operator's: docs/erasure.md, "Backups".
 */
import { statSync } from 'node:fs'
import type { Observe } from '../../ports.ts'
import type { Committer } from './committer.ts'

/** Copied here in a few milliseconds. */
const SMALL_WAL_BYTES: number = 2 * 1024 * 1024

export function createVacate(parts: {
  /** Of the database. */
  readonly path: string
  readonly shrink: () => Promise<void>
  readonly committer: Pick<Committer, 'truncate'>
}): () => Promise<boolean> {
  const { path, shrink, committer } = parts
  return async () => {
    if (bytesOf(`${path}-wal`) > SMALL_WAL_BYTES) await shrink()
    return committer.truncate()
  }
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Tells how long each took, from the instant it began. */
export function observeDone(observe: Observe, began: readonly number[]): void {
  const now = Date.now()
  for (const at of began) observe({ type: 'erasure_done', took_ms: Math.max(0, now - at) })
}
