/**
 * Worker thread of `log audit`: a desk at which bundles are scanned and later verified (bundle-desk.ts).
 *
 * Spoken to by audit-pool.ts alone.
 */
import { parentPort } from 'node:worker_threads'
import type { RangeResult } from '../../core/audit/range.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { type BundleDesk, type BundleJob, createDesk } from './bundle-desk.ts'
import { type PackedScan, partsOf } from './bundle-scan.ts'
import type { DisclosureIndex } from './disclosure-index.ts'

export type ToWorker =
  /** Once, before everything else: what is disclosed of the entries. Not answered. */
  | { readonly disclosures: DisclosureIndex | null }
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

let desk: BundleDesk | null = null

parentPort?.on('message', (message: ToWorker) => {
  if ('disclosures' in message) {
    desk = createDesk(message.disclosures)
    return
  }
  if (desk === null) throw new TypeError('nothing was said of disclosures')
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
