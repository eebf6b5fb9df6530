/**
 * A second thread for what would otherwise stall decisions: computing rounds, and emptying the write-ahead log.
 *
 * Hashing four thousand entries takes a hundred milliseconds, copying a grown write-ahead log scattered writes and an
 * fsync: neither belongs between two answers. Commits stay on the main thread; this one only reads rows and copies
 * pages. It starts when first needed; what is small is done here. Its other half: background-thread.ts.
 */
import { Worker } from 'node:worker_threads'
import { LivegateError, type ProblemCode } from '../../core/errors.ts'
import type { Edge } from '../../core/tlog/edge.ts'
import type { Grown } from '../../core/tlog/grow.ts'
import { type Extend, extendTree } from '../sqlite/extend.ts'
import { YOUNG } from './helper-thread.ts'
import type { NodeSql } from './node-sql.ts'

export type BackgroundTask =
  | { readonly task: 'extend'; readonly edge: Edge; readonly to: number }
  | { readonly task: 'checkpoint' }

/** How the last pass over the write-ahead log went. */
export interface WalReport {
  /** Pages in it when the pass began. */
  readonly pages: number
  /** How long the pass took: about as much as was written meanwhile is left. */
  readonly took_ms: number
}

export type BackgroundResult =
  | { readonly id: number; readonly value: Grown | WalReport }
  | { readonly id: number; readonly code: ProblemCode; readonly message: string }

export interface Background {
  readonly extend: Extend
  /** Commits happened: the write-ahead log has grown. */
  poke(): void
  /** Copies what the write-ahead log holds, so that whoever empties it has little left to copy. */
  shrink(): Promise<void>
  stop(): Promise<void>
}

export interface BackgroundParts {
  readonly path: string
  readonly sql: NodeSql
  /** Copies the last few pages of the write-ahead log between two commits, so that it can start over; here unless given. */
  readonly lastPass?: () => void
  /** Shortest time between two copies of the write-ahead log, ms; 1,000 unless given. */
  readonly checkpointMs?: number
  readonly onError: (error: unknown) => void
}

/** Pages (4 KiB) above which this thread copies the last few itself, so that the log can start over: 64 MiB. */
const MAX_WAL_PAGES = 16_384
/** So few new entries are hashed in a few milliseconds, here: asking another thread would take as long. */
const FEW_ENTRIES = 128
/** A pass that takes no longer leaves so little that copying it here stalls nobody. */
export const SHORT_PASS_MS = 10
const SOURCE = import.meta.url.endsWith('.ts') ? './background-thread.ts' : './background-thread.js'

interface Waiter {
  readonly resolve: (value: Grown | WalReport) => void
  readonly reject: (error: unknown) => void
}

export function createBackground(parts: BackgroundParts): Background {
  const { path, sql, lastPass = sql.checkpoint, checkpointMs = 1_000, onError } = parts
  const waiters = new Map<number, Waiter>()
  let thread: Worker | null = null
  let timer: ReturnType<typeof setTimeout> | null = null
  let lastId = 0
  let stopped = false

  /** Started when first needed, and again should it ever have died. */
  function start(): Worker {
    const started = new Worker(new URL(SOURCE, import.meta.url), {
      workerData: path,
      resourceLimits: YOUNG,
    })
    started.unref()
    started.on('message', (result: BackgroundResult) => {
      const waiter = waiters.get(result.id)
      waiters.delete(result.id)
      if (waiters.size === 0) started.unref()
      if ('value' in result) waiter?.resolve(result.value)
      else waiter?.reject(new LivegateError(result.code, result.message))
    })
    started.on('error', onError)
    started.on('exit', () => {
      thread = null
      for (const waiter of waiters.values())
        waiter.reject(new LivegateError('log_unavailable', 'Cannot compute: the thread has ended'))
      waiters.clear()
    })
    return started
  }

  function ask(task: BackgroundTask): Promise<Grown | WalReport> {
    return new Promise((resolve, reject) => {
      const id = ++lastId
      waiters.set(id, { resolve, reject })
      thread ??= start()
      // Whoever waits keeps the process alive; the thread alone does not.
      thread.ref()
      thread.postMessage({ id, ...task })
    })
  }

  async function checkpoint(): Promise<void> {
    try {
      const report = (await ask({ task: 'checkpoint' })) as WalReport
      if (report.pages > MAX_WAL_PAGES && report.took_ms <= SHORT_PASS_MS) lastPass()
    } catch (error) {
      if (!stopped) onError(error)
    }
    timer = null
  }

  return {
    extend: (edge, to) =>
      stopped || to - edge.size <= FEW_ENTRIES
        ? extendTree(sql, edge, to)
        : ask({ task: 'extend', edge, to }).then((grown) => grown as Grown),
    poke() {
      if (timer !== null || stopped) return
      timer = setTimeout(() => void checkpoint(), checkpointMs)
      timer.unref()
    },
    async shrink() {
      if (!stopped) await ask({ task: 'checkpoint' })
    },
    async stop() {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      await thread?.terminate()
    },
  }
}
