/**
 * Hands batches of statements to a thread that commits them, so that no answer waits behind somebody else's fsync.
 *
 * While batches are under way this thread reads, decides and signs for the next one. Nothing is acknowledged before the
 * thread has seen COMMIT return; when one batch fails, those sent after it fail as well, because they build on it. When
 * the thread dies, what it was doing is unknown and is refused as such; later batches are committed where they are made.
 * Its other half: commit-thread.ts.
 */
import { concatBytes } from '../../core/encoding.ts'
import type { SqlValue } from '../sqlite/sql.ts'
import { createHelperThread } from './helper-thread.ts'
import type { NodeSql, Statement } from './node-sql.ts'

/** Statements in order, flat because that is cheapest to hand over. */
export interface Batch {
  /** Changes after each failure that is known here: a batch of an epoch in which another failed builds on it. */
  readonly epoch: number
  /** Texts used for the first time; a text is named by its place among all that were ever sent. */
  readonly defines: readonly string[]
  /** For each statement: text, 1 when it must change one row, number of values, values; bytes as undefined, length. */
  readonly calls: readonly (SqlValue | undefined)[]
  /** The bytes themselves, end to end. */
  readonly blobs: Uint8Array
}

/** What the thread is told: a batch, or to copy the write-ahead log into the database, and to empty it as well. */
export type CommitTask = Batch | 'checkpoint' | 'truncate'

export type BatchReport =
  | { readonly ok: true }
  /** The answer to `truncate`. */
  | { readonly truncated: boolean }
  | { readonly ok: false; readonly message: string; readonly errcode: number | null }

export interface Committer {
  /** False while there is no thread; asked with a batch of `jobs` in hand it may start one. */
  ready(jobs: number): boolean
  /** Starts the thread and resolves when it is ready (or has failed to be). */
  rush(): Promise<void>
  /** Collects what `work` writes; throws what it throws, with nothing handed over. */
  collect<T>(work: () => T): { readonly result: T; readonly statements: readonly Statement[] }
  /** Calls back once, in the order of the batches, with null when all statements are durable. */
  commit(statements: readonly Statement[], done: (error: unknown) => void): void
  /** Moves the write-ahead log into the database between two batches. */
  checkpoint(): void
  /** As `checkpoint`, and empties it on disk; false when somebody was in the way. */
  truncate(): Promise<boolean>
  stop(): Promise<void>
}

/** A batch this large shows that commits are what requests wait for. */
const RUSH_JOBS = 4
const SOURCE = import.meta.url.endsWith('.ts') ? './commit-thread.ts' : './commit-thread.js'

/** `sql` is the connection reads go through. */
export function createCommitter(parts: {
  readonly path: string
  readonly sql: NodeSql
  readonly onError: (error: unknown) => void
}): Committer {
  const { path, sql, onError } = parts
  const pack = createPacker()
  let rushed = false
  let epoch = 0
  const waiting: ((error: unknown) => void)[] = []
  const emptying: ((truncated: boolean) => void)[] = []
  const settle = (error: unknown): void => {
    if (error !== null) epoch++
    waiting.shift()?.(error)
  }
  const thread = createHelperThread<CommitTask, BatchReport>({
    url: new URL(SOURCE, import.meta.url),
    data: path,
    onReply(report) {
      if ('truncated' in report) emptying.shift()?.(report.truncated)
      else settle(report.ok ? null : errorOf(report))
    },
    onGone() {
      while (waiting.length > 0) settle(new Error('the thread that commits has ended'))
      for (const tell of emptying.splice(0)) tell(false)
    },
    onError,
  })
  return {
    ready(jobs) {
      rushed ||= jobs >= RUSH_JOBS
      return rushed && thread.ready()
    },
    rush() {
      rushed = true
      return thread.started()
    },
    collect: sql.collect,
    commit(statements, done) {
      waiting.push(done)
      thread.ask({ epoch, ...pack(statements) })
    },
    checkpoint() {
      if (rushed && thread.ready()) thread.tell('checkpoint')
      else sql.checkpoint()
    },
    async truncate() {
      if (!rushed || !thread.ready()) return sql.truncate()
      return new Promise((resolve) => {
        emptying.push(resolve)
        thread.ask('truncate')
      })
    },
    stop: thread.stop,
  }
}

function errorOf(report: { readonly message: string; readonly errcode: number | null }): Error {
  const { message, errcode } = report
  return Object.assign(new Error(message), errcode === null ? {} : { errcode })
}

function createPacker(): (statements: readonly Statement[]) => Omit<Batch, 'epoch'> {
  const known = new Map<string, number>()
  return (statements) => {
    const defines: string[] = []
    const calls: (SqlValue | undefined)[] = []
    const blobs: Uint8Array[] = []
    for (const { text, values, swaps } of statements) {
      let name = known.get(text)
      if (name === undefined) {
        name = known.size
        known.set(text, name)
        defines.push(text)
      }
      calls.push(name, swaps ? 1 : 0, values.length)
      for (const value of values)
        if (value instanceof Uint8Array) {
          blobs.push(value)
          calls.push(undefined, value.length)
        } else calls.push(value)
    }
    return { defines, calls, blobs: concatBytes(...blobs) }
  }
}
