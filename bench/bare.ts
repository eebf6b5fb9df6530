/**
 * Bare Ed25519: what one core verifies, and all of them at once, when they do nothing else. From: audit.ts.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { BareTask } from './bare-worker.ts'

export interface Signed {
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

export interface Bare {
  /** Each of `threads` verifies all there is, all at the same time; how many that were. */
  verify(threads: number): Promise<number>
  close(): Promise<void>
}

/** Its threads have loaded all they need once the first of them answers. */
export function createBare(task: BareTask, threads: number): Bare {
  const script = new URL('./bare-worker.ts', import.meta.url)
  const workers = Array.from({ length: threads }, () => new Worker(script, { workerData: task }))
  return {
    async verify(count) {
      const done = workers.slice(0, count).map(async (worker) => {
        // A thread that fails rejects this.
        const answer = once(worker, 'message')
        worker.postMessage(null)
        const [verified] = (await answer) as [number]
        return verified
      })
      return (await Promise.all(done)).reduce((sum, one) => sum + one, 0)
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}
