/**
 * Spreads a backtest over all cores, with a bound on what waits in memory; parts are put together in the order of the log,
 * so the result does not depend on how many cores there are.
 *
 * Every thread is told of policies before the jobs that come after them. The calling thread is one of them: what the
 * others have no room for, it does itself, also while they start. A thread that dies ends the command with exit code 1.
 * Short logs are replayed in place: a thread costs more to start.
 */
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { BacktestPart, BacktestTotal } from '../../core/policy/compare/backtest.ts'
import { incomplete } from '../failure.ts'
import type { DisclosureIndex } from '../log/disclosure-index.ts'
import {
  createReplayDesk,
  type DeskParts,
  type Lesson,
  type ReplayDesk,
  type ReplayJob,
} from './backtest-desk.ts'
import type { FromReplayWorker, ToReplayWorker } from './backtest-worker.ts'

export interface ReplayPool {
  /** What is disclosed of logs; before the first bundle. */
  disclose(disclosures: DisclosureIndex | null): void
  learn(lesson: Lesson): void
  /** Resolves when another job may be given. The bytes of its bundle are given away. */
  replay(job: ReplayJob): Promise<void>
  /** Resolves when every job is done and counted. */
  drain(): Promise<void>
  close(): Promise<void>
}

export interface PoolParts extends DeskParts {
  /** How many work at once, the calling one among them; 0 and 1: it alone. */
  readonly threads: number
  readonly total: BacktestTotal
  /** Decisions met so far. */
  readonly onProgress: (decisions: number) => void
}

export function createReplayPool({ threads, total, onProgress, ...desk }: PoolParts): ReplayPool {
  let met = 0
  const count = (part: BacktestPart): void => {
    total.merge(part)
    met += part.decisions
    onProgress(met)
  }
  return threads < 2 ? inPlace(desk, count) : new ThreadPool(desk, threads - 1, count)
}

function inPlace(parts: DeskParts, count: (part: BacktestPart) => void): ReplayPool {
  const desk = createReplayDesk(parts)
  return {
    disclose: (disclosures) => desk.disclose(disclosures),
    learn: (lesson) => desk.learn(lesson),
    async replay(job) {
      count(desk.replay(job))
    },
    drain: async () => undefined,
    close: async () => desk.close(),
  }
}

/** Jobs a thread has before it: longer than the calling thread takes for one. */
const AHEAD = 3
/** Parts that may wait for an earlier one, some kilobytes each: enough while threads start. */
const MAX_EARLY = 512

interface Slot {
  readonly worker: Worker
  load: number
}

class ThreadPool implements ReplayPool {
  readonly #desk: ReplayDesk
  readonly #slots: readonly Slot[]
  readonly #count: (part: BacktestPart) => void
  /** Parts that are done before an earlier one. */
  readonly #early = new Map<number, BacktestPart>()
  #given = 0
  #counted = 0
  #failure: unknown = null
  #wake: () => void = () => undefined

  constructor(parts: DeskParts, threads: number, count: (part: BacktestPart) => void) {
    this.#count = count
    this.#desk = createReplayDesk(parts)
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const script = new URL(`./backtest-worker.${ending}`, import.meta.url)
    this.#slots = Array.from({ length: threads }, () => {
      const slot: Slot = {
        worker: new Worker(script, { execArgv: [], workerData: parts }),
        load: 0,
      }
      slot.worker.on('message', (message: FromReplayWorker) => this.#receive(slot, message))
      slot.worker.on('error', ({ message }) =>
        this.#fail(incomplete(`Cannot backtest: a thread ended, ${message}`)),
      )
      return slot
    })
  }

  disclose(disclosures: DisclosureIndex | null): void {
    this.#desk.disclose(disclosures)
    this.#tellAll({ disclosures })
  }

  learn(lesson: Lesson): void {
    this.#desk.learn(lesson)
    this.#tellAll({ lesson })
  }

  #tellAll(message: ToReplayWorker): void {
    for (const { worker } of this.#slots) worker.postMessage(message)
  }

  async replay(job: ReplayJob): Promise<void> {
    const slot = this.#slots.reduce((least, other) => (other.load < least.load ? other : least))
    const id = this.#given++
    if (slot.load < AHEAD) {
      const message: ToReplayWorker = { id, job }
      slot.load++
      slot.worker.postMessage(message, 'bundle' in job ? transferable(job.bundle) : [])
    } else {
      this.#settle(id, this.#desk.replay(job))
      // Threads are heard between two jobs.
      await setImmediate()
    }
    await this.#until(() => this.#given - this.#counted < MAX_EARLY)
  }

  drain(): Promise<void> {
    return this.#until(() => this.#counted === this.#given)
  }

  async close(): Promise<void> {
    this.#desk.close()
    await Promise.all(this.#slots.map(({ worker }) => worker.terminate()))
  }

  #receive(slot: Slot, message: FromReplayWorker): void {
    if ('failed' in message) {
      this.#fail(incomplete(message.failed, message.hint))
      return
    }
    slot.load--
    this.#settle(message.id, message.part)
  }

  #settle(id: number, part: BacktestPart): void {
    this.#early.set(id, part)
    for (;;) {
      const next = this.#early.get(this.#counted)
      if (next === undefined) break
      this.#early.delete(this.#counted++)
      this.#count(next)
    }
    this.#wake()
  }

  #fail(failure: unknown): void {
    this.#failure ??= failure
    this.#wake()
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#failure !== null) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#failure !== null) throw this.#failure
  }
}

/** Only what has its memory for itself may be given away. */
function transferable({ buffer, byteLength }: Uint8Array): ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : []
}
