/**
 * Group commit: everything that arrived while the last commit ran shares one transaction and one fsync.
 *
 * No timer: a flush is due at the end of the turn of the event loop in which work arrived, and a commit that takes
 * longer gathers more. A batch is one synchronous BEGIN … COMMIT; any error aborts all of it, the mirrors forget, and
 * everybody in it is told `log_unavailable`. A full disk, an I/O error or corruption stop accepting; a failed fsync
 * ends the process (sqlite-faults.ts). A batch that only needs writing is committed by another thread when there is one
 * (committer.ts), while the next gathers; any other runs here, between two of those. Beyond its bound the queue sheds:
 * nothing queued is ever dropped to keep up.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Observe } from '../../ports.ts'
import type { Halt } from '../sqlite/halt.ts'
import type { Mirror, Sql, Writer } from '../sqlite/sql.ts'
import type { Committer } from './committer.ts'
import { gravityOf } from './sqlite-faults.ts'

export interface GroupCommitParts {
  readonly sql: Pick<Sql, 'transaction'>
  readonly halt: Halt
  /** Commits elsewhere; absent: everything is committed here. */
  readonly committer?: Committer
  /** Ends the process: a sync failed and memory can no longer be trusted. */
  readonly die: (error: unknown) => void
  readonly observe?: Observe
  /** Calls back at the end of this turn of the event loop; `setImmediate` unless given. */
  readonly schedule?: (flush: () => void) => void
  readonly limits?: Partial<GroupCommitLimits>
}

export interface GroupCommitLimits {
  /** Pieces of work in one transaction; 512. */
  readonly batchJobs: number
  /** Estimated bytes in one transaction; 8 MiB. */
  readonly batchBytes: number
  /** Pieces waiting; the next is shed. 8,192: two seconds at 4,000 a second. */
  readonly queueJobs: number
  /** Estimated bytes waiting; 64 MiB. */
  readonly queueBytes: number
}

export const GROUP_COMMIT_LIMITS: GroupCommitLimits = {
  batchJobs: 512,
  batchBytes: 8 * 1024 * 1024,
  queueJobs: 8_192,
  queueBytes: 64 * 1024 * 1024,
}

export interface GroupCommit extends Writer {
  /** Pieces of work waiting. */
  queued(): number
  /** Resolves when all that waited is settled. */
  settled(): Promise<void>
  /** As `settled`, and accepts nothing more. */
  drain(): Promise<void>
  /** Called after each commit, with the number of pieces in it. */
  onCommitted(listener: (jobs: number) => void): void
}

/** Pieces that are sent off before the turn ends, so that the other thread works while this one goes on. */
const EAGER_JOBS = 8
/** Batches on their way: while one is synced the next waits beside it, so that the other thread never idles. */
const MAX_AWAY = 2

interface Job {
  readonly work: () => unknown
  readonly bytes: number
  /** It may be committed elsewhere. */
  readonly later: boolean
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

export function createGroupCommit(parts: GroupCommitParts): GroupCommit {
  const { sql, halt, schedule = setImmediate } = parts
  const limits: GroupCommitLimits = { ...GROUP_COMMIT_LIMITS, ...parts.limits }
  const mirrors: Mirror[] = []
  const listeners: ((jobs: number) => void)[] = []
  const drained: (() => void)[] = []
  let queue: Job[] = []
  let queuedBytes = 0
  let due = false
  let closing = false
  /** Batches being committed elsewhere, and whether anything failed since they left: nothing may follow them then. */
  let away = 0
  let broken = false

  function flushSoon(): void {
    if (due || away === MAX_AWAY) return
    due = true
    schedule(flush)
  }

  function flush(): void {
    due = false
    const send = parts.committer?.ready(queue.length) === true
    if (away > 0 && !(send && mayFollow())) return
    const batch = take(send)
    if (batch.length > 0) commit(batch, send)
    if (queue.length > 0) flushSoon()
    else if (away === 0) for (const done of drained.splice(0)) done()
  }

  /** Whether the next batch may be sent after one that is on its way: only one worth it, that reads no rows. */
  function mayFollow(): boolean {
    return !broken && away < MAX_AWAY && queue.length >= EAGER_JOBS && queue[0]?.later === true
  }

  /** A batch within the limits; one to be sent is either all for elsewhere or all for here. */
  function take(send: boolean): Job[] {
    let [count, bytes] = [0, 0]
    for (const job of queue) {
      if (count === limits.batchJobs || (count > 0 && bytes + job.bytes > limits.batchBytes)) break
      if (send && job.later !== queue[0]?.later) break
      count++
      bytes += job.bytes
    }
    const batch = queue.slice(0, count)
    queue = queue.slice(count)
    queuedBytes -= bytes
    return batch
  }

  function commit(batch: readonly Job[], send: boolean): void {
    const began = performance.now()
    const work = (): unknown[] => batch.map((job) => job.work())
    const { committer } = parts
    try {
      if (halt.why() !== null) throw halt.error()
      if (send && committer !== undefined && batch[0]?.later === true)
        sendOff(committer, { batch, work, began })
      else committed(batch, sql.transaction(work), began)
    } catch (error) {
      undone(batch, error)
    }
  }

  function sendOff(
    committer: Committer,
    step: {
      readonly batch: readonly Job[]
      readonly work: () => unknown[]
      readonly began: number
    },
  ): void {
    const { batch, work, began } = step
    const { result, statements } = committer.collect(work)
    for (const mirror of mirrors) mirror.sealed?.()
    away++
    committer.commit(statements, (error) => {
      away--
      if (error === null) committed(batch, result, began)
      else undone(batch, error)
      broken &&= away > 0
      flush()
    })
  }

  function committed(batch: readonly Job[], results: readonly unknown[], began: number): void {
    // After a failure the mirrors know nothing of batches that were on their way: they read again.
    for (const mirror of mirrors) {
      if (broken) mirror.aborted()
      else mirror.committed()
    }
    for (const [i, job] of batch.entries()) job.resolve(results[i])
    parts.observe?.({ type: 'committed', batch: batch.length, took_ms: performance.now() - began })
    for (const listener of listeners) listener(batch.length)
  }

  function undone(batch: readonly Job[], error: unknown): void {
    for (const mirror of mirrors) mirror.aborted()
    broken = away > 0
    refuse(batch, error)
  }

  /** The batch is undone. What that means for everybody else depends on why. */
  function refuse(batch: readonly Job[], error: unknown): void {
    const gravity = gravityOf(error)
    const state = error instanceof Error ? error.message : String(error)
    if (gravity !== 'batch') halt.halt(`the database failed: ${state}`)
    const refusal = halt.why() === null ? unavailable(error) : halt.error()
    for (const job of batch) job.reject(refusal)
    if (gravity === 'die') parts.die(error)
    if (halt.why() === null) return
    for (const job of queue.splice(0)) job.reject(refusal)
    queuedBytes = 0
  }

  function settled(): Promise<void> {
    if (queue.length === 0 && away === 0) return Promise.resolve()
    return new Promise((done) => {
      drained.push(done)
    })
  }

  function enqueue<T>(work: () => T, bytes: number, later: boolean): Promise<T> {
    if (halt.why() !== null) return Promise.reject(halt.error())
    if (closing) return Promise.reject(unavailable(null))
    if (queue.length >= limits.queueJobs || queuedBytes + bytes > limits.queueBytes)
      return Promise.reject(overloaded())
    return new Promise((resolve, reject) => {
      queue.push({ work, bytes, later, resolve: resolve as (result: unknown) => void, reject })
      queuedBytes += bytes
      if (
        queue.length >= EAGER_JOBS &&
        later &&
        away < MAX_AWAY &&
        parts.committer?.ready(EAGER_JOBS) === true
      )
        flush()
      else flushSoon()
    })
  }

  return {
    write: (work, bytes = 1024) => enqueue(work, bytes, false),
    writeLater: (work, bytes = 1024) => enqueue(work, bytes, true),
    follow: (mirror) => {
      mirrors.push(mirror)
    },
    queued: () => queue.length,
    settled,
    drain() {
      closing = true
      return settled()
    },
    onCommitted: (listener) => {
      listeners.push(listener)
    },
  }
}

function unavailable(cause: unknown): LivegateError {
  return new LivegateError('log_unavailable', 'Cannot write: the transaction was undone', {
    cause,
    retry_after_s: 1,
  })
}

function overloaded(): LivegateError {
  return new LivegateError('overloaded', 'Cannot write: too much is waiting', { retry_after_s: 1 })
}
