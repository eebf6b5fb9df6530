/**
 * Spreads the work of an audit that needs no order over all cores, with a bound on what waits in memory.
 *
 * A bundle is scanned and later verified by the same thread, so its bytes cross once, or not at all. A thread that dies ends the audit
 * with exit code 1; nothing of it counts as verified. Short logs are done in place: a thread costs more to start.
 */
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { LogBook } from '../../core/audit/replay/log-plans.ts'
import type { RecordKey } from '../../core/record/jwk.ts'
import { incomplete } from '../failure.ts'
import type { FromWorker, ToWorker } from './audit-worker.ts'
import { type BundleDesk, type BundleJob, type BundleResult, createDesk } from './bundle-desk.ts'
import type { PackedScan } from './bundle-scan.ts'
import type { DisclosureIndex } from './disclosure-index.ts'

export interface ScannedBundle {
  readonly scan: PackedScan
  /** Asks for its signatures to be verified and its decisions derived. */
  verify(known: Known): void
}

/** What the audit knows after the bundle. */
export interface Known {
  readonly keys: readonly RecordKey[]
  /** Null without replay. */
  readonly book: LogBook | null
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
  /** How many work at once, the calling one among them. 0: it alone. */
  readonly threads: number
  readonly signatures: boolean
  /** With neither of them `verify` will not be called. */
  readonly replay: boolean
  readonly onVerified: (result: BundleResult) => void
}

/** Starts the threads. */
export function createAuditPool(options: PoolOptions): AuditPool {
  return options.threads === 0 ? inPlace(options) : new ThreadPool(options)
}

function inPlace({ onVerified, signatures, replay }: PoolOptions): AuditPool {
  let desk = createDesk({ disclosures: null, signatures, replay })
  let nextId = 0
  return {
    disclose: (disclosures) => {
      desk = createDesk({ disclosures, signatures, replay })
    },
    scan: async (job) => {
      const id = nextId++
      const scan = desk.scan(id, job)
      if (scan === null) return null
      const verify = ({ keys, book }: Known): void =>
        onVerified(desk.verify(id, { keys: signatures ? keys : null, ...newer(book) }))
      return { scan, verify }
    },
    drain: async () => undefined,
    close: async () => desk.close(),
  }
}

function newer(book: LogBook | null): { readonly book?: LogBook } {
  return book === null ? {} : { book }
}

interface Slot {
  readonly worker: Worker
  /** What it was told last. */
  book: LogBook | null
  /** Messages not yet answered. */
  load: number
}

/**
 * What a thread has before it when it is given nothing new, and the calling one helps: longer than that takes to verify one
 * bundle. Bundles it holds, 0.2 to 1.8 MB each, are no more than these and those scanned ahead.
 */
const DEPTH = 6

interface WaitingScan {
  readonly id: number
  readonly job: BundleJob
  readonly taken: (scan: PackedScan | null, verify: (known: Known) => void) => void
}

class ThreadPool implements AuditPool {
  readonly #options: PoolOptions
  readonly #slots: readonly Slot[]
  readonly #scans = new Map<number, (scan: PackedScan | null) => void>()
  /** Scans no thread has room for. */
  readonly #queue: WaitingScan[] = []
  /** Bundles scanned here that are to be verified. */
  readonly #own: (() => void)[] = []
  #desk: BundleDesk
  #helping = false
  readonly #waiting: (() => void)[] = []
  #nextId = 0
  #verifying = 0
  #failure: unknown = null

  constructor(options: PoolOptions) {
    this.#options = options
    this.#desk = createDesk({ ...options, disclosures: null })
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const script = new URL(`./audit-worker.${ending}`, import.meta.url)
    const started = Math.max(1, options.threads - 1)
    this.#slots = Array.from({ length: started }, () => {
      const slot: Slot = {
        worker: new Worker(script, {
          execArgv: [],
          resourceLimits: { maxYoungGenerationSizeMb: 24 },
        }),
        book: null,
        load: 0,
      }
      slot.worker.on('message', (message: FromWorker) => this.#receive(slot, message))
      slot.worker.on('error', (error) => {
        this.#failure ??= incomplete(`Cannot audit: a thread ended, ${error.message}`)
        this.#wake()
      })
      return slot
    })
  }

  disclose(disclosures: DisclosureIndex | null): void {
    const { signatures, replay } = this.#options
    const task = { disclosures, signatures, replay }
    this.#desk = createDesk(task)
    const message: ToWorker = { task }
    for (const { worker } of this.#slots) worker.postMessage(message)
  }

  async scan(job: BundleJob): Promise<ScannedBundle | null> {
    const id = this.#nextId++
    const done: Parameters<WaitingScan['taken']>[] = []
    this.#queue.push({ id, job, taken: (...result) => void done.push(result) })
    this.#feed()
    void this.#help()
    await this.#until(() => done.length > 0)
    const [[scan, start] = [null]] = done
    if (scan === null || start === undefined) return null
    const verify = (known: Known): void => {
      this.#verifying++
      start(known)
    }
    return { scan, verify }
  }

  /** Gives what waits to threads with room. */
  #feed(): void {
    while (this.#queue.length > 0) {
      const slot = this.#slots.reduce((least, other) => (other.load < least.load ? other : least))
      const next = slot.load < DEPTH ? this.#queue.shift() : undefined
      if (next === undefined) return
      const { id, job, taken } = next
      this.#scans.set(id, (scan) => taken(scan, (known) => this.#ask(slot, id, known)))
      this.#send(slot, { id, scan: job })
    }
  }

  /** Works here on what no thread has room for; answers and judgement come first, whenever they are there. */
  async #help(): Promise<void> {
    if (this.#helping) return
    this.#helping = true
    while (this.#own.length + this.#queue.length > 0) {
      await setImmediate()
      try {
        const verify = this.#own.shift()
        if (verify === undefined) this.#scanHere()
        else verify()
      } catch (error) {
        this.#failure ??= error
        this.#own.length = 0
        this.#queue.length = 0
      }
      this.#wake()
    }
    this.#helping = false
  }

  #scanHere(): void {
    const next = this.#queue.shift()
    if (next === undefined) return
    const { id, job, taken } = next
    taken(this.#desk.scan(id, job), ({ keys, book }) => {
      const question = { keys: this.#options.signatures ? keys : null, ...newer(book) }
      this.#own.push(() => this.#verified(this.#desk.verify(id, question)))
      void this.#help()
    })
  }

  #verified(result: BundleResult): void {
    this.#verifying--
    this.#options.onVerified(result)
  }

  drain(): Promise<void> {
    return this.#until(() => this.#verifying === 0)
  }

  async close(): Promise<void> {
    this.#own.length = 0
    this.#queue.length = 0
    this.#desk.close()
    await Promise.all(this.#slots.map(({ worker }) => worker.terminate()))
  }

  /** A book goes to a thread once. */
  #ask(slot: Slot, id: number, { keys, book }: Known): void {
    const told = book === slot.book ? {} : newer(book)
    slot.book = book
    const question = { keys: this.#options.signatures ? keys : null, ...told }
    this.#send(slot, { id, question })
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
    } else this.#verified(message.verified)
    this.#feed()
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
