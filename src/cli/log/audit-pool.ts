/**
 * Spreads the work of an audit that needs no order over all cores, with a bound on what waits in memory.
 *
 * A bundle is scanned and later verified by the same thread, so its bytes cross once, or not at all. A thread that dies ends the audit
 * with exit code 1; nothing of it counts as verified. Short logs are done in place: a thread costs more to start.
 */
import { Worker } from 'node:worker_threads'
import type { RangeResult } from '../../core/audit/range.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { incomplete } from '../failure.ts'
import type { FromWorker, ToWorker } from './audit-worker.ts'
import { type BundleJob, createDesk } from './bundle-desk.ts'
import type { PackedScan } from './bundle-scan.ts'
import type { DisclosureIndex } from './disclosure-index.ts'

export interface ScannedBundle {
  readonly scan: PackedScan
  /** Has its signatures verified; resolves when another bundle may be given. */
  verify(keys: readonly RecordKey[]): Promise<void>
}

export interface AuditPool {
  /** What is disclosed of the entries, null for nothing; once, before everything else. */
  disclose(disclosures: DisclosureIndex | null): void
  /** Null when the job names a file that could not be read. */
  scan(job: BundleJob): Promise<ScannedBundle | null>
  /** Resolves when every signature asked for has been verified. */
  drain(): Promise<void>
  close(): Promise<void>
}

export interface PoolOptions {
  /** 0: in the calling thread. */
  readonly threads: number
  /** False: `verify` will not be called. */
  readonly signatures: boolean
  readonly onVerified: (result: RangeResult) => void
}

/** Starts the threads. */
export function createAuditPool(options: PoolOptions): AuditPool {
  return options.threads === 0 ? inPlace(options) : new ThreadPool(options)
}

function inPlace({ onVerified, signatures }: PoolOptions): AuditPool {
  let desk = createDesk(null)
  let nextId = 0
  return {
    disclose: (disclosures) => {
      desk = createDesk(disclosures)
    },
    scan: async (job) => {
      const id = nextId++
      const scan = desk.scan(id, job, signatures)
      return scan === null
        ? null
        : { scan, verify: async (keys) => onVerified(desk.verify(id, keys)) }
    },
    drain: async () => undefined,
    close: async () => desk.close(),
  }
}

interface Slot {
  readonly worker: Worker
  /** Messages not yet answered. */
  load: number
}

/** Bundles per thread whose signatures wait: enough to never idle, 0.2 to 1.8 MB each. */
const AHEAD = 4

class ThreadPool implements AuditPool {
  readonly #options: PoolOptions
  readonly #slots: readonly Slot[]
  readonly #scans = new Map<number, (scan: PackedScan | null) => void>()
  readonly #waiting: (() => void)[] = []
  #nextId = 0
  #verifying = 0
  #failure: unknown = null

  constructor(options: PoolOptions) {
    this.#options = options
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const script = new URL(`./audit-worker.${ending}`, import.meta.url)
    this.#slots = Array.from({ length: options.threads }, () => {
      const slot: Slot = { worker: new Worker(script, { execArgv: [] }), load: 0 }
      slot.worker.on('message', (message: FromWorker) => this.#receive(slot, message))
      slot.worker.on('error', (error) => {
        this.#failure ??= incomplete(`Cannot audit: a thread ended, ${error.message}`)
        this.#wake()
      })
      return slot
    })
  }

  disclose(disclosures: DisclosureIndex | null): void {
    const message: ToWorker = { disclosures }
    for (const { worker } of this.#slots) worker.postMessage(message)
  }

  async scan(job: BundleJob): Promise<ScannedBundle | null> {
    const id = this.#nextId++
    const slot = this.#slots.reduce((least, other) => (other.load < least.load ? other : least))
    const scanned: (PackedScan | null)[] = []
    this.#scans.set(id, (scan) => scanned.push(scan))
    this.#send(slot, { id, scan: job, keep: this.#options.signatures })
    await this.#until(() => scanned.length > 0)
    const [scan = null] = scanned
    if (scan === null) return null
    const verify = async (keys: readonly RecordKey[]): Promise<void> => {
      this.#verifying++
      this.#send(slot, { id, keys })
      await this.#until(() => this.#verifying < this.#slots.length * AHEAD)
    }
    return { scan, verify }
  }

  drain(): Promise<void> {
    return this.#until(() => this.#verifying === 0)
  }

  async close(): Promise<void> {
    await Promise.all(this.#slots.map(({ worker }) => worker.terminate()))
  }

  #send(slot: Slot, message: ToWorker): void {
    slot.load++
    slot.worker.postMessage(message)
  }

  #receive(slot: Slot, message: FromWorker): void {
    slot.load--
    if ('scanned' in message) {
      this.#scans.get(message.id)?.(message.scanned)
      this.#scans.delete(message.id)
    } else {
      this.#verifying--
      this.#options.onVerified(message.verified)
    }
    this.#wake()
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
