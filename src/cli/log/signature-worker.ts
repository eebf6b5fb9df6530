/**
 * Worker thread of `log audit`: verifies the signatures of whole bundles. Bytes arrive by transfer, not by copy.
 *
 * All judgement is core's (`verifyRange`); this only unpacks bundles and gives it the host's Ed25519.
 */
import { parentPort } from 'node:worker_threads'
import { type RangeResult, verifyRange } from '../../core/audit/range.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import { verifyEd25519 } from './ed25519.ts'

/** One bundle to verify. */
export interface SignatureJob {
  /** Log index of the first entry to look at. */
  readonly first_index: number
  readonly bundle: Uint8Array
  /** Entries in the bundle, and how many of them to pass over. */
  readonly width: number
  readonly skip: number
  readonly keys: readonly RecordKey[]
}

/** Verifies one bundle; here and, for short logs, in the main thread. */
export async function verifyJob(job: SignatureJob): Promise<RangeResult> {
  const { first_index, bundle, width, skip, keys } = job
  const entries = decodeBundle(bundle, width)
  if (!entries.ok) return { first_index, verified: 0, findings: [] }
  return verifyRange({ first_index, entries: entries.value.slice(skip), keys }, verifyEd25519)
}

parentPort?.on('message', (job: SignatureJob) => {
  void verifyJob(job).then((result) => parentPort?.postMessage(result))
})
