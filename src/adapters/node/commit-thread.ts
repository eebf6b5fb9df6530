/**
 * The thread behind committer.ts: one connection that runs whole batches and syncs them. Decides nothing.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { SqlValue } from '../sqlite/sql.ts'
import type { Batch, BatchReport, CommitTask } from './committer.ts'
import { READY } from './helper-thread.ts'
import { openNodeSql } from './node-sql.ts'
import { errcodeOf } from './sqlite-faults.ts'

const sql = openNodeSql(String(workerData))
const texts: string[] = []
let failed = -1

function run({ epoch, defines, calls, blobs }: Batch): void {
  texts.push(...defines)
  if (epoch === failed) throw new Error('the batch before it was undone')
  let [at, blob] = [0, 0]
  const next = (): SqlValue => {
    const value = calls[at++]
    if (value !== undefined) return value
    const length = Number(calls[at++])
    blob += length
    return blobs.subarray(blob - length, blob)
  }
  sql.transaction(() => {
    while (at < calls.length) {
      const text = texts[Number(next())] ?? ''
      const swaps = next() === 1
      const values = Array.from({ length: Number(next()) }, next)
      if (swaps) sql.swap(text, ...values)
      else sql.run(text, ...values)
    }
  })
}

function reportOf(batch: Batch): BatchReport {
  try {
    run(batch)
    return { ok: true }
  } catch (error) {
    failed = batch.epoch
    const message = error instanceof Error ? error.message : String(error)
    return { ok: false, message, errcode: errcodeOf(error) }
  }
}

/** It is asked again; a failure of the disk shows with the next batch. */
function truncated(): boolean {
  try {
    return sql.truncate()
  } catch {
    return false
  }
}

parentPort?.on('message', (task: CommitTask) => {
  if (task === 'checkpoint') sql.checkpoint()
  else if (task === 'truncate')
    parentPort?.postMessage({ truncated: truncated() } satisfies BatchReport)
  else parentPort?.postMessage(reportOf(task))
})
parentPort?.postMessage(READY)
