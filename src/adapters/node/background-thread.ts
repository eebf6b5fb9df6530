/**
 * The thread behind background.ts: one connection that reads entries and copies the write-ahead log, never writes.
 */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { LivegateError } from '../../core/errors.ts'
import { leafOf } from '../../core/record/hashing.ts'
import type { Grown } from '../../core/tlog/grow.ts'
import { extendTree } from '../sqlite/extend.ts'
import {
  type BackgroundResult,
  type BackgroundTask,
  SHORT_PASS_MS,
  type WalReport,
} from './background.ts'
import { nodeHasher } from './hasher.ts'
import { nodeSqlOver } from './node-sql.ts'

const database = new DatabaseSync(String(workerData), { timeout: 1_000 })
database.exec('PRAGMA synchronous = FULL')
database.exec('PRAGMA cache_size = -8192')
const sql = nodeSqlOver(database)
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')

/** Under constant load each pass is about a quarter of the one before. */
const MAX_PASSES = 8

const hashEntry = (entry: Uint8Array): Uint8Array => leafOf(entry, nodeHasher)

function perform(task: BackgroundTask): Grown | WalReport {
  if (task.task === 'extend') return extendTree(sql, task.edge, task.to, hashEntry)
  return emptyWal()
}

/** Commits go on during a pass, so what one leaves is copied by the next, shorter one. */
function emptyWal(): WalReport {
  for (let pass = 1; ; pass++) {
    const began = performance.now()
    const pages = Number(checkpoint.get()?.log)
    const took_ms = performance.now() - began
    if (took_ms <= SHORT_PASS_MS || pass === MAX_PASSES) return { pages, took_ms }
  }
}

function resultOf(id: number, task: BackgroundTask): BackgroundResult {
  try {
    return { id, value: perform(task) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { id, code: error instanceof LivegateError ? error.code : 'log_unavailable', message }
  }
}

/** Files are handed over, not copied; a partial tile shares its bytes with the edge. */
function buffersOf(result: BackgroundResult): ArrayBuffer[] {
  if (!('value' in result) || !('tiles' in result.value)) return []
  const buffers = result.value.tiles.map(({ bytes }) => bytes.buffer)
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer)
}

parentPort?.on('message', (task: BackgroundTask & { readonly id: number }) => {
  const result = resultOf(task.id, task)
  parentPort?.postMessage(result, buffersOf(result))
})
