/**
 * Worker thread of `log audit`: scans bundles, keeps each until its signatures are asked for, then lets it go.
 *
 * All judgement lies in bundle-scan.ts and bundle-signatures.ts. Spoken to by audit-pool.ts alone.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { RangeResult } from '../../core/audit/range.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { type BundleJob, type PackedScan, scanBundle } from './bundle-scan.ts'
import { verifyBundle } from './bundle-signatures.ts'
import { type DisclosureIndex, openIndex } from './disclosure-index.ts'

export type ToWorker =
  | {
      readonly id: number
      readonly scan: BundleJob
      /** The bundle will be asked for again. */
      readonly keep: boolean
    }
  | { readonly id: number; readonly keys: readonly RecordKey[] }

export type FromWorker =
  | { readonly id: number; readonly scanned: PackedScan }
  | { readonly id: number; readonly verified: RangeResult }

/** What a thread is started with. */
export interface WorkerStart {
  readonly disclosures: DisclosureIndex | null
}

const { disclosures } = workerData as WorkerStart
const reader = disclosures === null ? null : openIndex(disclosures)
const kept = new Map<number, BundleJob>()

function answer(message: ToWorker): FromWorker {
  const { id } = message
  if ('scan' in message) {
    if (message.keep) kept.set(id, message.scan)
    return { id, scanned: scanBundle(message.scan, reader) }
  }
  const job = kept.get(id)
  if (job === undefined) throw new TypeError(`there is no bundle ${id}`)
  kept.delete(id)
  return { id, verified: verifyBundle(job, message.keys) }
}

parentPort?.on('message', (message: ToWorker) => {
  const reply = answer(message)
  parentPort?.postMessage(reply, 'scanned' in reply ? [reply.scanned.leaves.buffer] : [])
})
