/**
 * Worker thread of `log audit`: a desk at which bundles are scanned and later verified (bundle-desk.ts).
 *
 * Spoken to by audit-pool.ts alone.
 */
import { parentPort } from 'node:worker_threads'
import {
  type BundleDesk,
  type BundleJob,
  type BundleResult,
  createDesk,
  type DeskTask,
  type Question,
} from './bundle-desk.ts'
import { type PackedScan, partsOf, toCross } from './bundle-scan.ts'

export type ToWorker =
  /** Once, before everything else. Not answered. */
  | { readonly task: DeskTask }
  | { readonly id: number; readonly scan: BundleJob }
  | { readonly id: number; readonly question: Question }

export type FromWorker =
  /** Null: its file could not be read. */
  | { readonly id: number; readonly scanned: PackedScan | null }
  | { readonly id: number; readonly verified: BundleResult }

let desk: BundleDesk | null = null

parentPort?.on('message', (message: ToWorker) => {
  if ('task' in message) {
    desk = createDesk(message.task)
    return
  }
  if (desk === null) throw new TypeError('nothing was said of the task')
  const { id } = message
  if ('scan' in message) {
    const scanned = desk.scan(id, message.scan)
    const reply: FromWorker = { id, scanned: scanned === null ? null : toCross(scanned) }
    parentPort?.postMessage(reply, scanned === null ? [] : partsOf(scanned))
  } else {
    const reply: FromWorker = { id, verified: desk.verify(id, message.question) }
    parentPort?.postMessage(reply)
  }
})
