/**
 * Everything that runs is looked at again: under another policy, in an incident, after a start; and what was left to do.
 *
 * A sweep is not on disk: the one after a start looks at everything, so a crash loses none. A few at a time and never two
 * without letting others in between, so that decisions do not wait for it. What fails is tried again until it is done or the
 * next sweep takes it over; a mark (`OpenBroadcast.recheck`) is on disk and is looked for from time to time. Next stop: recheck.ts.
 */
import { LivegateError } from '../core/errors.ts'
import { DECISION_BUDGET_MS } from '../core/limits.ts'
import type { SubjectId } from '../core/model.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { Gate } from '../gate-types.ts'
import type {
  BroadcastQuery,
  BroadcastView,
  Clock,
  OpenBroadcasts,
  RecheckCause,
} from '../ports.ts'
import type { After } from './context.ts'

export interface SweepParts {
  readonly gate: Pick<Gate, 'renew' | 'recheck'>
  readonly broadcasts: OpenBroadcasts
  readonly clock: Clock
  readonly after: After
  /** Of what no one waits for. */
  readonly onError: (error: unknown) => void
}

/** What a sweep found. */
export interface Swept {
  readonly looked: number
  readonly revoked: number
}

export interface Sweeps {
  /**
   * Looks at everything that runs, and a little later at what was about to begin. One at a time: who asks while one runs gets one
   * that begins after it. Never rejects.
   */
  sweep(cause: RecheckCause): Promise<Swept>
  /** Does what was left to do, again and again. */
  start(): void
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>
}

const PAGE = 200
const AT_ONCE = 16
/** Between two looks for what was left to do, and between two tries of what failed. */
export const AGAIN_MS = 30_000
const FIRST_AGAIN_MS = 1_000
/** Whoever was deciding when a sweep began, by what was in force before, has done so: they had this long, and a margin. */
export const LATE_MS: number = DECISION_BUDGET_MS + 1_000
/** Of clocks that are set, between an instant of a decision and that of a sweep. */
const LATE_MARGIN_MS = MINUTE_MS
/** Whatever one batch took: a clock may jump, and 1,000 broadcasts are 63 batches. */
const MAX_REST_MS = 40

export function createSweeps(parts: SweepParts): Sweeps {
  const { after, onError } = parts
  const run = createRun(after)
  let cancel = (): void => {}
  let last: Promise<unknown> = Promise.resolve()
  const late = new Set<() => void>()
  const looking = new Set<Promise<unknown>>()
  let next: { readonly cause: RecheckCause; readonly done: Promise<Swept> } | null = null

  function enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work)
    last = done.catch(onError)
    return done
  }

  function sweep(cause: RecheckCause): Promise<Swept> {
    if (next?.cause === cause) return next.done
    const done = enqueue(async () => {
      if (next?.done === done) next = null
      if (cause !== 'restart') lookLate(cause)
      return sweepAll(parts, run, { cause, isOvertaken: () => next !== null })
    })
    next = { cause, done }
    run.hurry()
    return done
  }

  /** What a decision under way opens was not there to be looked at; beside the others, who may take long. */
  function lookLate(cause: RecheckCause): void {
    const opened_since = parts.clock.now() - LATE_MARGIN_MS
    const cancelLate = after(LATE_MS, () => {
      late.delete(cancelLate)
      const work = sweepAll(parts, run, { cause, opened_since }).catch(onError)
      looking.add(work)
      void work.finally(() => looking.delete(work))
    })
    late.add(cancelLate)
  }

  function tend(): void {
    void enqueue(() => doLeft(parts, run))
      .catch(() => {})
      .finally(() => {
        if (!run.stopped()) cancel = after(AGAIN_MS, tend)
      })
  }

  return {
    sweep,
    start: tend,
    async stop() {
      run.stop()
      cancel()
      for (const cancelLate of late) cancelLate()
      await Promise.all([last, ...looking])
    },
  }
}

/** Work that can be stopped between two pieces, also while it waits. */
interface Run {
  stopped(): boolean
  stop(): void
  /** Nobody waits any longer. */
  hurry(): void
  /** Lets everybody else in; at once when stopped. */
  pause(ms: number): Promise<void>
}

function createRun(after: After): Run {
  const waiting = new Set<() => void>()
  let stopped = false
  const hurry = (): void => {
    for (const wake of [...waiting]) wake()
  }
  return {
    stopped: () => stopped,
    hurry,
    stop() {
      stopped = true
      hurry()
    },
    pause: (ms) =>
      new Promise((resolve) => {
        if (stopped) return resolve()
        const wake = (): void => {
          waiting.delete(wake)
          cancel()
          resolve()
        }
        const cancel = after(ms, wake)
        waiting.add(wake)
      }),
  }
}

interface Sweep {
  readonly cause: RecheckCause
  /** Only what was opened at this instant or later; everything unless given. */
  readonly opened_since?: number
  /** Another one is about to look at everything: what fails here is left to it. */
  readonly isOvertaken?: () => boolean
}

async function sweepAll(parts: SweepParts, run: Run, asked: Sweep): Promise<Swept> {
  const { cause, isOvertaken = () => false } = asked
  let [looked, revoked] = [0, 0]
  const look = async (broadcast: string): Promise<boolean> => {
    const found = await lookAt(parts, broadcast, cause)
    if (found !== 'gone' && found !== 'failed') looked++
    if (found === 'revoked') revoked++
    return found !== 'failed'
  }
  let left: readonly string[] | null = null
  for (let wait = FIRST_AGAIN_MS; ; wait = Math.min(2 * wait, AGAIN_MS)) {
    left ??= await idsOf(parts, asked)
    if (left !== null) left = await each({ run, clock: parts.clock }, left, look)
    if (run.stopped() || left?.length === 0 || isOvertaken()) return { looked, revoked }
    await run.pause(wait)
    if (isOvertaken()) return { looked, revoked }
  }
}

/** All that runs; null when that cannot be read now. */
async function idsOf(
  parts: SweepParts,
  { opened_since = Number.NEGATIVE_INFINITY }: Sweep,
): Promise<readonly string[] | null> {
  try {
    const found = await listed(parts, { cutting: false }, ({ id, opened_at }) =>
      opened_at >= opened_since ? [id] : [],
    )
    return found.flat()
  } catch (error) {
    parts.onError(error)
    return null
  }
}

async function lookAt(
  { gate, onError }: SweepParts,
  broadcast: string,
  cause: RecheckCause,
): Promise<'renewed' | 'unchanged' | 'revoked' | 'gone' | 'failed'> {
  try {
    return (await gate.renew({ broadcast, caller: 'livegate', cause })).event
  } catch (error) {
    if (!(error instanceof LivegateError)) onError(error)
    else if (error.code === 'conflict' || error.code === 'not_found') return 'gone'
    return 'failed'
  }
}

async function doLeft(parts: SweepParts, run: Run): Promise<void> {
  const marked = await listed(
    parts,
    { flagged: true },
    ({ subject, recheck = 'restart' }) => [subject, recheck] as const,
  )
  await each(
    { run, clock: parts.clock },
    [...new Map<SubjectId, RecheckCause>(marked)],
    async ([subject, cause]) => {
      await parts.gate.recheck(subject, cause, true)
      return true
    },
  )
}

/** What there is now, to the end: all pages are read before anything changes. */
async function listed<T>(
  { broadcasts, clock }: SweepParts,
  query: { readonly cutting?: boolean; readonly flagged?: boolean },
  of: (view: BroadcastView) => T,
): Promise<readonly T[]> {
  const found: T[] = []
  let after: string | null = null
  do {
    const asked: BroadcastQuery =
      after === null ? { ...query, limit: PAGE } : { ...query, limit: PAGE, after }
    const page: Awaited<ReturnType<OpenBroadcasts['list']>> = await broadcasts.list(
      asked,
      clock.now(),
    )
    found.push(...page.items.map(of))
    after = page.next
  } while (after !== null)
  return found
}

/** Most of the time belongs to those who wait for an answer: a third is taken, and less than a tick costs nothing. */
function restAfter(took_ms: number): number {
  return Math.min(MAX_REST_MS, Math.max(0, 2 * took_ms))
}

/** Those `work` could not be done for, or was not begun. */
async function each<T>(
  { run, clock }: { readonly run: Run; readonly clock: Clock },
  all: readonly T[],
  work: (one: T) => Promise<boolean>,
): Promise<readonly T[]> {
  const failed: T[] = []
  for (let i = 0; i < all.length; i += AT_ONCE) {
    if (run.stopped()) return [...failed, ...all.slice(i)]
    const some = all.slice(i, i + AT_ONCE)
    const from = clock.now()
    const done = await Promise.all(some.map(work))
    failed.push(...some.filter((_, j) => done[j] === false))
    await run.pause(restAfter(clock.now() - from))
  }
  return failed
}
