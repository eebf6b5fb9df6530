/**
 * The Writer port of an object many others write to: everything that arrived while the last batch was being synced shares
 * one transaction and one sync.
 *
 * The engine syncs once for each event by itself; here events only queue, so a thousand appends a second become as many
 * syncs as the disk takes. A batch is whole or not at all; after any error the mirrors read again and everybody in it is
 * told `log_unavailable`. A full or failing database stops accepting. Beyond its bound the queue sheds, and nothing
 * queued is ever dropped to keep up. Node's counterpart: adapters/node/group-commit.ts. Next stop: sequencer.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Halt } from '../sqlite/halt.ts'
import type { Mirror, Sql, Writer } from '../sqlite/sql.ts'
import { undone } from './turn-writer.ts'

export interface GroupWriterParts {
  readonly sql: Pick<Sql, 'transaction'>
  /** Resolves when everything written so far is durable; `ctx.storage.sync`. */
  readonly sync: () => Promise<void>
  readonly halt: Halt
  /** Called before a transaction with entries in it, in the same event: what it writes is durable with them. */
  readonly arm?: () => void
  /** Called inside each transaction after its last piece of work: writes what that work has gathered. */
  readonly close?: () => void
  readonly limits?: Partial<GroupWriterLimits>
  /** Begins a flush soon after work arrived at an idle writer; at the end of the microtask unless given. */
  readonly schedule?: (flush: () => void) => void
}

export interface GroupWriterLimits {
  /** Pieces of work in one transaction; 512. */
  readonly batchJobs: number
  /** Estimated bytes in one transaction; 4 MiB. */
  readonly batchBytes: number
  /** Pieces waiting; the next is shed. 4,096: four seconds at 1,000 a second. */
  readonly queueJobs: number
  /** Estimated bytes waiting; 24 MiB of the 128 an object has. */
  readonly queueBytes: number
}

export const GROUP_WRITER_LIMITS: GroupWriterLimits = {
  batchJobs: 512,
  batchBytes: 4 * 1024 * 1024,
  queueJobs: 4_096,
  queueBytes: 24 * 1024 * 1024,
}

export interface GroupWriter extends Writer {
  /** As `write`, for work that appends entries to the log. */
  writeEntries<T>(work: () => T, bytes: number): Promise<T>
  /** Throws `overloaded` when the next piece would be shed. */
  requireRoom(): void
  /** Transactions with entries that became durable, and appends in them. */
  counts(): { readonly inserts: number; readonly inserted: number }
}

interface Job {
  readonly work: () => unknown
  readonly bytes: number
  readonly arms: boolean
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

export function createGroupWriter(parts: GroupWriterParts): GroupWriter {
  const { sql, sync, halt, arm = () => {}, close = () => {}, schedule = queueMicrotask } = parts
  const limits: GroupWriterLimits = { ...GROUP_WRITER_LIMITS, ...parts.limits }
  const mirrors: Mirror[] = []
  const queue: Job[] = []
  let queuedBytes = 0
  let busy = false
  let [inserts, inserted] = [0, 0]

  /** A batch within the limits, always at least one piece. */
  function take(): Job[] {
    let [count, bytes] = [0, 0]
    for (const job of queue) {
      if (count === limits.batchJobs || (count > 0 && bytes + job.bytes > limits.batchBytes)) break
      count++
      bytes += job.bytes
    }
    queuedBytes -= bytes
    return queue.splice(0, count)
  }

  async function flush(): Promise<void> {
    for (let batch = take(); batch.length > 0; batch = take()) await commit(batch)
    busy = false
  }

  async function commit(batch: readonly Job[]): Promise<void> {
    try {
      if (halt.why() !== null) throw halt.error()
      const appending = batch.filter((job) => job.arms).length
      if (appending > 0) arm()
      const results = sql.transaction(() => {
        const all = batch.map((job) => job.work())
        close()
        return all
      })
      await sync()
      inserts += appending > 0 ? 1 : 0
      inserted += appending
      for (const mirror of mirrors) mirror.committed()
      for (const [i, job] of batch.entries()) job.resolve(results[i])
    } catch (error) {
      if (isFatal(error) || !forgotten()) halt.halt(`the database failed: ${String(error)}`)
      const refusal = halt.why() === null ? undone(error) : halt.error()
      for (const job of batch) job.reject(refusal)
    }
  }

  /** False when not even reading again is possible: whoever waits must be told all the same. */
  function forgotten(): boolean {
    try {
      for (const mirror of mirrors) mirror.aborted()
      return true
    } catch {
      return false
    }
  }

  const isFull = (bytes: number): boolean =>
    queue.length >= limits.queueJobs ||
    // One that is too large by itself waits for nobody.
    (queue.length > 0 && queuedBytes + bytes > limits.queueBytes)

  function enqueue<T>(work: () => T, bytes: number, arms: boolean): Promise<T> {
    if (halt.why() !== null) return Promise.reject(halt.error())
    if (isFull(bytes)) return Promise.reject(overloaded())
    return new Promise((resolve, reject) => {
      queue.push({ work, bytes, arms, resolve: resolve as (result: unknown) => void, reject })
      queuedBytes += bytes
      if (busy) return
      busy = true
      schedule(() => void flush())
    })
  }

  return {
    write: (work, bytes = 1024) => enqueue(work, bytes, false),
    writeLater: (work, bytes = 1024) => enqueue(work, bytes, false),
    writeEntries: (work, bytes) => enqueue(work, bytes, true),
    follow: (mirror) => {
      mirrors.push(mirror)
    },
    requireRoom() {
      if (isFull(0)) throw overloaded()
    },
    counts: () => ({ inserts, inserted }),
  }
}

/** Nothing that is written after one of these can be trusted. */
function isFatal(error: unknown): boolean {
  return /SQLITE_(FULL|IOERR|CORRUPT|NOTADB)/.test(String(error))
}

function overloaded(): LivegateError {
  return new LivegateError('overloaded', 'Cannot write: too much is waiting', { retry_after_s: 1 })
}
