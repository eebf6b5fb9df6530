/**
 * Spreads signature verification over all cores, with a bound on what waits in memory.
 *
 * Short logs are verified in place: a thread costs more to start than they take. A thread that dies ends the audit with
 * exit code 1; it never counts as verified.
 */
import { Worker } from 'node:worker_threads'
import type { RangeResult } from '../../core/audit/range.ts'
import { incomplete } from '../failure.ts'
import { type SignatureJob, verifyJob } from './signature-worker.ts'

export interface SignaturePool {
  /** Takes a job; resolves when another may be given. `job.bundle` must not be used afterwards. */
  submit(job: SignatureJob): Promise<void>
  /** Resolves when everything submitted has been answered. */
  drain(): Promise<void>
  close(): Promise<void>
}

/** Bundles waiting or running per thread: enough to never idle, 0.2 to 1.8 MB each. */
const AHEAD = 4

export interface PoolOptions {
  /** 0: in the calling thread. */
  readonly threads: number
  readonly onResult: (result: RangeResult) => void
}

/** Starts the threads. */
export function createSignaturePool({ threads, onResult }: PoolOptions): SignaturePool {
  if (threads === 0)
    return {
      submit: async (job) => onResult(await verifyJob(job)),
      drain: async () => undefined,
      close: async () => undefined,
    }
  return new ThreadPool(threads, onResult)
}

class ThreadPool implements SignaturePool {
  readonly #workers: readonly { readonly worker: Worker; load: number }[]
  readonly #waiting: (() => void)[] = []
  #running = 0
  #failure: unknown = null

  constructor(threads: number, onResult: (result: RangeResult) => void) {
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const script = new URL(`./signature-worker.${ending}`, import.meta.url)
    this.#workers = Array.from({ length: threads }, () => {
      const slot = { worker: new Worker(script, { execArgv: [] }), load: 0 }
      slot.worker.on('message', (result: RangeResult) => {
        slot.load--
        this.#running--
        onResult(result)
        this.#wake()
      })
      slot.worker.on('error', (error) => {
        this.#failure ??= incomplete(`Cannot verify signatures: ${error.message}`)
        this.#wake()
      })
      return slot
    })
  }

  async submit(job: SignatureJob): Promise<void> {
    const slot = this.#workers.reduce((least, other) => (other.load < least.load ? other : least))
    slot.load++
    this.#running++
    // A view into somebody else's buffer is copied first; transferring would take the whole buffer away.
    const whole = job.bundle.byteLength === job.bundle.buffer.byteLength
    const bundle = whole ? job.bundle : job.bundle.slice()
    slot.worker.postMessage({ ...job, bundle }, [bundle.buffer as ArrayBuffer])
    await this.#until(() => this.#running < this.#workers.length * AHEAD)
  }

  drain(): Promise<void> {
    return this.#until(() => this.#running === 0)
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()))
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#failure !== null) throw this.#failure
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    if (this.#failure !== null) throw this.#failure
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume()
  }
}
