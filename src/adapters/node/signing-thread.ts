/**
 * The thread behind signing.ts: signs what it is handed, in order.
 */
import { type KeyObject, sign } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { READY } from './helper-thread.ts'
import { SIGNATURE_BYTES, type SigningBatch } from './signing.ts'

const key = workerData as KeyObject

parentPort?.on('message', ({ lengths, bytes }: SigningBatch) => {
  const signatures = new Uint8Array(lengths.length * SIGNATURE_BYTES)
  let begin = 0
  for (const [i, length] of lengths.entries()) {
    signatures.set(sign(null, bytes.subarray(begin, begin + length), key), i * SIGNATURE_BYTES)
    begin += length
  }
  parentPort?.postMessage(signatures)
})
parentPort?.postMessage(READY)
