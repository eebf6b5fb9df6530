/**
 * Worker thread of `log audit`: a desk at which bundles are scanned and later verified (bundle-desk.ts).
 *
 * Spoken to by audit-pool.ts alone.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { RangeResult } from '../../core/audit/range.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { type BundleJob, createDesk } from './bundle-desk.ts'
import { type PackedScan, partsOf } from './bundle-scan.ts'
import type { DisclosureIndex } from './disclosure-index.ts'

export type ToWorker =
  | {
      readonly id: number
      readonly scan: BundleJob
      /** The bundle will be asked for again. */
      readonly keep: boolean
    }
  | { readonly id: number; readonly keys: readonly RecordKey[] }

export type FromWorker =
  /** Null: its file could not be read. */
  | { readonly id: number; readonly scanned: PackedScan | null }
  | { readonly id: number; readonly verified: RangeResult }

/** What a thread is started with. */
export interface WorkerStart {
  readonly disclosures: DisclosureIndex | null
}

const { disclosures } = workerData as WorkerStart
const desk = createDesk(disclosures)

parentPort?.on('message', (message: ToWorker) => {
  const { id } = message
  if ('scan' in message) {
    const scanned = desk.scan(id, message.scan, message.keep)
    const reply: FromWorker = { id, scanned }
    parentPort?.postMessage(reply, scanned === null ? [] : partsOf(scanned))
  } else {
    const reply: FromWorker = { id, verified: desk.verify(id, message.keys) }
    parentPort?.postMessage(reply)
  }
})
