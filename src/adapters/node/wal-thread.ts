/**
 * The thread behind wal-checkpoint.ts: one connection that only ever checkpoints.
 */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { WalReport } from './wal-checkpoint.ts'

const database = new DatabaseSync(String(workerData), { timeout: 0 })
database.exec('PRAGMA synchronous = FULL')
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')

parentPort?.on('message', () => {
  const row = checkpoint.get()
  const report: WalReport = { log: Number(row?.log), checkpointed: Number(row?.checkpointed) }
  parentPort?.postMessage(report)
})
