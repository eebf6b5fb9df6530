/**
 * Moves the write-ahead log into the database on a thread of its own, so that no commit has to wait for it.
 *
 * SQLite would otherwise do it inside every thousandth page's commit: thousands of scattered writes and an fsync, 10 ms
 * and more in the answers of that batch. The thread copies while commits go on; when it has caught up the log starts
 * over by itself. Under constant load it never quite does: then, above a bound, the last few pages are copied here.
 */
import { Worker } from 'node:worker_threads'
import type { NodeSql } from './node-sql.ts'

export interface WalCheckpoints {
  /** Commits happened. */
  poke(): void
  stop(): Promise<void>
}

/** What the thread reports: pages in the log, and how many of them are in the database now. */
export interface WalReport {
  readonly log: number
  readonly checkpointed: number
}

export interface WalCheckpointParts {
  readonly path: string
  readonly sql: Pick<NodeSql, 'checkpoint'>
  /** Shortest time between two passes, ms; 1,000 unless given. */
  readonly intervalMs?: number
  readonly onError: (error: unknown) => void
}

/** Pages of the log (4 KiB each) above which this thread lends a hand: 64 MiB. */
const MAX_LOG_PAGES = 16_384
const SOURCE = import.meta.url.endsWith('.ts') ? './wal-thread.ts' : './wal-thread.js'

export function createWalCheckpoints(parts: WalCheckpointParts): WalCheckpoints {
  const { path, sql, intervalMs = 1_000, onError } = parts
  const thread = new Worker(new URL(SOURCE, import.meta.url), { workerData: path })
  let timer: ReturnType<typeof setTimeout> | null = null
  let stopped = false

  thread.on('message', ({ log, checkpointed }: WalReport) => {
    timer = null
    if (stopped || log <= MAX_LOG_PAGES || log - checkpointed > MAX_LOG_PAGES / 4) return
    try {
      sql.checkpoint()
    } catch (error) {
      onError(error)
    }
  })
  thread.on('error', onError)
  thread.unref()

  return {
    poke() {
      if (timer !== null || stopped) return
      timer = setTimeout(() => thread.postMessage('checkpoint'), intervalMs)
      timer.unref()
    },
    async stop() {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      await thread.terminate()
    },
  }
}
