/**
 * Everything that runs is looked at again: under another policy, in an incident, after a start; and what was left to do.
 *
 * A sweep is not on disk: the one after a start looks at everything, so a crash loses none. A few at a time and never two
 * without letting others in between, so that decisions do not wait for it. What fails is tried again until it is done; a
 * mark (`OpenBroadcast.recheck`) is on disk and is looked for from time to time. Next stop: recheck.ts.
 */
import { LivegateError } from '../core/errors.ts'
import type { SubjectId } from '../core/model.ts'
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
  /** Looks at everything that runs. One at a time: who asks while one runs gets one that begins after it. Never rejects. */
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
/** Whatever one batch took: a clock may jump, and 1,000 broadcasts are 63 batches. */
const MAX_REST_MS = 40

export function createSweeps(parts: SweepParts): Sweeps {
  const { after, onError } = parts
  const run = createRun(after)
  let cancel = (): void => {}
  let last: Promise<unknown> = Promise.resolve()
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
      return sweepAll(parts, run, cause)
    })
    next = { cause, done }
    return done
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
      await last
    },
  }
}

/** Work that can be stopped between two pieces, also while it waits. */
interface Run {
  stopped(): boolean
  stop(): void
  /** Lets everybody else in; at once when stopped. */
  pause(ms: number): Promise<void>
}

function createRun(after: After): Run {
  let stopped = false
  let wake = (): void => {}
  return {
    stopped: () => stopped,
    stop() {
      stopped = true
      wake()
    },
    pause: (ms) =>
      new Promise((resolve) => {
        if (stopped) return resolve()
        const cancel = after(ms, resolve)
        wake = () => {
          cancel()
          resolve()
        }
      }),
  }
}

async function sweepAll(parts: SweepParts, run: Run, cause: RecheckCause): Promise<Swept> {
  let [looked, revoked] = [0, 0]
  const look = async (broadcast: string): Promise<boolean> => {
    const found = await lookAt(parts, broadcast, cause)
    if (found !== 'gone' && found !== 'failed') looked++
    if (found === 'revoked') revoked++
    return found !== 'failed'
  }
  let left: readonly string[] | null = null
  for (let wait = FIRST_AGAIN_MS; ; wait = Math.min(2 * wait, AGAIN_MS)) {
    left ??= await idsOf(parts)
    if (left !== null) left = await each({ run, clock: parts.clock }, left, look)
    if (run.stopped() || left?.length === 0) return { looked, revoked }
    await run.pause(wait)
  }
}

/** All that runs; null when that cannot be read now. */
async function idsOf(parts: SweepParts): Promise<readonly string[] | null> {
  try {
    return await listed(parts, { cutting: false }, ({ id }) => id)
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
