/**
 * A thread that verifies signatures and does nothing else, as often as it is asked. From: bare.ts.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { Signed } from './bare.ts'

export interface BareTask {
  /** Module that has `verifyEd25519`, as it was built. */
  readonly module: string
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly signed: readonly Signed[]
}

const { module, key, signed } = workerData as BareTask
const { verifyEd25519 } = (await import(module)) as typeof import('../src/cli/log/ed25519.ts')

parentPort?.on('message', async () => {
  for (const { message, signature } of signed)
    if (!(await verifyEd25519(key, message, signature)))
      throw new Error('a signature of the bench does not hold')
  parentPort?.postMessage(signed.length)
})
