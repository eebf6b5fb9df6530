/**
 * Sends each endpoint what the log says, from where it stands: at least once, nothing lost, nobody waited for.
 *
 * One pump an endpoint. A step first tries letters that are due, then the next stretch of the log; what arrives moves the
 * place on, what fails is laid aside as a letter. An endpoint that takes nothing at all rests and keeps its place: the log is
 * the queue. A crash repeats at most one stretch, under the same message ids. Spec: docs/webhooks.md.
 */
import type { EpochMs } from '../../core/time.ts'
import type { Clock, Random } from '../../ports.ts'
import type { After } from '../context.ts'
import { messageOf } from './messages.ts'
import type {
  Letter,
  Post,
  Posted,
  WebhookEndpoint,
  WebhookMessage,
  WebhookOutbox,
} from './port.ts'
import { arrived, isGone, letterAfter, MAX_REST_MS, restAfter } from './schedule.ts'

/** Entries looked at in one step, and messages under way at once. */
const STRETCH = 64
const AT_ONCE = 8
/** One attempt, ms: the specification asks receivers to answer within 15 to 30 s. */
const ATTEMPT_MS = 15_000
/** Whole stretches that fail before their messages are laid aside one by one. */
const MAX_REFUSED = 3
/** Letters of one endpoint, each some 100 bytes: 1 MB. With more it stays where it is. */
export const MAX_LETTERS = 10_000
/** Dead ones: 10 MB. */
export const MAX_DEAD = 100_000
/** Looked at again although nobody said that anything is new. */
const IDLE_MS = 30_000

export interface DispatcherParts {
  readonly origin: string
  readonly endpoints: readonly WebhookEndpoint[]
  readonly outbox: WebhookOutbox
  readonly post: Post
  readonly clock: Clock
  readonly random: Random
  readonly after: After
  readonly onError: (error: unknown) => void
  readonly onPosted?: (endpoint: string, posted: Posted) => void
}

export interface Dispatcher {
  start(): Promise<void>
  /** There is something new in the log, or to be tried at once. Cheap. */
  wake(): void
  /** Resolves when what is under way has ended; nothing is begun any more. */
  stop(): Promise<void>
}

export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const pumps = parts.endpoints.map((endpoint) => createPump(parts, endpoint))
  return {
    async start() {
      const { outbox } = parts
      for (const { id } of parts.endpoints) await outbox.begin(id, outbox.size())
      for (const pump of pumps) pump.wake()
    },
    wake: () => {
      for (const pump of pumps) pump.wake()
    },
    async stop() {
      await Promise.all(pumps.map((pump) => pump.stop()))
    },
  }
}

interface Pump {
  wake(): void
  stop(): Promise<void>
}

function createPump(parts: DispatcherParts, endpoint: WebhookEndpoint): Pump {
  const { after, clock, onError } = parts
  const step = createStep(parts, endpoint)
  let running: Promise<void> | null = null
  let again = false
  let stopped = false
  let cancel = (): void => {}

  async function run(): Promise<void> {
    try {
      do {
        again = false
        const wait_ms = await step(clock.now(), () => stopped).catch((error: unknown) => {
          onError(error)
          return IDLE_MS
        })
        if (wait_ms === 0) again = true
        else if (!again) plan(wait_ms)
      } while (again && !stopped)
    } finally {
      // At once, not when the promise has settled: a wake in between would be lost.
      running = null
    }
  }

  function plan(wait_ms: number): void {
    cancel()
    if (!stopped) cancel = after(wait_ms, wake)
  }

  function wake(): void {
    if (stopped) return
    again = true
    running ??= run()
  }

  return {
    wake,
    async stop() {
      stopped = true
      cancel()
      await running
    },
  }
}

/** One step of an endpoint; resolves with when the next is due, ms, 0 for at once. */
type Step = (now: EpochMs, isStopped: IsOver) => Promise<number>
/** Nothing more may be begun. */
type IsOver = () => boolean

function createStep(parts: DispatcherParts, endpoint: WebhookEndpoint): Step {
  const { outbox, clock } = parts
  const { id } = endpoint
  let refused = 0
  let rests_until = 0

  async function tryLetters(now: EpochMs, isOver: IsOver): Promise<void> {
    // No more than go out at once: news of a cut does not wait for a hundred receivers' timeouts.
    const letters = outbox.due(id, now, AT_ONCE)
    await eachOf(letters, isOver, async (letter) => {
      const [entry] = outbox.read(letter.index, 1)
      const message = entry?.index === letter.index ? messageOf(entry, parts.origin) : null
      const posted = message === null ? null : await deliver(parts, endpoint, message)
      if (posted !== null && isGone(posted)) await outbox.disable(id, clock.now())
      const failed = posted === null || arrived(posted) ? null : { ...letter, posted }
      const left = failed && letterOf(parts, failed, failed.attempts + 1)
      await outbox.settle(id, letter.index, left)
    })
  }

  /** The next stretch; how long until another may be tried. */
  async function goOn(now: EpochMs, next: number, isOver: IsOver): Promise<number> {
    const rests_ms = rests_until - now
    // Longer than anything rests: the clock went back.
    if (rests_ms > 0 && rests_ms <= MAX_REST_MS) return rests_ms
    const entries = outbox.read(next, STRETCH)
    const last = entries.at(-1)
    if (last === undefined) return IDLE_MS
    const messages = entries.flatMap((entry) => wanted(parts, endpoint, entry))
    let gone = false
    const ends = (): boolean => gone || isOver()
    const tried = await eachOf(messages, ends, async ({ index, message }) => {
      const posted = await deliver(parts, endpoint, message)
      gone ||= isGone(posted)
      return { index, posted }
    })
    if (gone) await outbox.disable(id, clock.now())
    if (tried.length < messages.length || gone) return IDLE_MS
    const failed = tried.filter(({ posted }) => !arrived(posted))
    const takesNothing = failed.length > 0 && failed.length === tried.length
    const answers = failed.map(({ posted }) => posted)
    if (takesNothing && ++refused < MAX_REFUSED) return rest(restAfter(refused, answers))
    if (failed.length > 0 && isFull(outbox.counts(id), failed.length)) return rest(MAX_REST_MS)
    if (!takesNothing) refused = 0
    await outbox.advance(
      id,
      last.index + 1,
      failed.map((one) => letterOf(parts, one, 1)),
    )
    return takesNothing ? rest(restAfter(refused, answers)) : 0
  }

  function rest(ms: number): number {
    rests_until = clock.now() + ms
    return ms
  }

  return async (now, isStopped) => {
    const place = outbox.place(id)
    const isOver = (): boolean => isStopped() || outbox.place(id)?.disabled_at !== null
    if (place === null || isOver()) return IDLE_MS
    await tryLetters(now, isOver)
    if (isOver()) return IDLE_MS
    const wait = await goOn(now, place.next, isOver)
    const due = outbox.nextDue(id)
    return due === null ? wait : Math.max(0, Math.min(wait, due - clock.now()))
  }
}

/** Nothing is thrown away to make room: an endpoint that is full stays where it is. */
function isFull({ waiting, dead }: ReturnType<WebhookOutbox['counts']>, more: number): boolean {
  return waiting + more > MAX_LETTERS || dead >= MAX_DEAD
}

function wanted(
  { origin }: DispatcherParts,
  endpoint: WebhookEndpoint,
  entry: Parameters<typeof messageOf>[0],
): readonly { readonly index: number; readonly message: WebhookMessage }[] {
  const message = messageOf(entry, origin)
  if (message === null || !endpoint.types.has(message.type)) return []
  return [{ index: entry.index, message }]
}

async function deliver(
  { post, clock, onPosted }: DispatcherParts,
  endpoint: WebhookEndpoint,
  { id, body }: WebhookMessage,
): Promise<Posted> {
  const timestamp_s = Math.floor(clock.now() / 1000)
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'livegate',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp_s),
    'webhook-signature': await endpoint.sign(id, timestamp_s, body),
  }
  const { url } = endpoint
  const where = { url, private: endpoint.private }
  const posted = await post({ ...where, headers, body, timeout_ms: ATTEMPT_MS })
  onPosted?.(endpoint.id, posted)
  return posted
}

function letterOf(
  { clock, random }: DispatcherParts,
  { index, posted }: { readonly index: number; readonly posted: Posted },
  attempts: number,
): Letter {
  const spread = (random.bytes(1)[0] ?? 0) / 256
  return letterAfter({ index, attempts, at: clock.now(), posted, spread })
}

/** Works on all, a few at a time, until it is over; resolves when nothing is under way, with the results in the order given. */
async function eachOf<T, R>(
  items: readonly T[],
  isOver: IsOver,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>()
  let failed: { readonly error: unknown } | null = null
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && failed === null && !isOver()) {
      const at = next++
      try {
        results.set(at, await work(items[at] as T))
      } catch (error) {
        failed ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  if (failed !== null) throw (failed as { readonly error: unknown }).error
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
}
