/**
 * One step of telling an endpoint: letters that are due, then the next stretch of the log.
 *
 * What arrives moves the place on, what fails is laid aside as a letter, an endpoint that takes nothing at all rests and keeps
 * its place. What came of a message and cannot be written down (a full disk) is kept and written before anything else is sent, so
 * nothing is sent twice for that. Who takes steps, and when: dispatcher.ts on Node, adapters/cloudflare/hooks-run.ts on the
 * edge. Spec: docs/webhooks.md.
 */
import type { EpochMs } from '../../core/time.ts'
import type { Clock, Random } from '../../ports.ts'
import { eachOf } from './each-of.ts'
import { messageOf } from './messages.ts'
import type {
  Letter,
  Post,
  Posted,
  Stretch,
  WebhookEndpoint,
  WebhookMessage,
  WebhookOutbox,
} from './port.ts'
import { arrived, isGone, letterAfter, MAX_REST_MS, restAfter } from './schedule.ts'

/** Entries looked at in one step, and messages under way at once unless the host says otherwise. */
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
export const IDLE_MS = 30_000

export interface StepParts {
  readonly origin: string
  readonly outbox: WebhookOutbox
  readonly post: Post
  readonly clock: Clock
  readonly random: Random
  readonly onPosted?: (endpoint: string, posted: Posted) => void
  /** Messages under way at once, 8 unless given. */
  readonly atOnce?: number
}

/** How an endpoint is that has taken nothing. */
export interface Rest {
  /** Stretches in a row of which nothing arrived. */
  refused: number
  /** Nothing new is sent before. */
  until: number
}

/** One step of an endpoint; resolves with when the next is due, ms, 0 for at once. */
export type Step = (now: EpochMs, isStopped: IsOver) => Promise<number>
/** Nothing more may be begun. */
export type IsOver = () => boolean

/** `rest` is read and written: a host that forgets between steps keeps it. */
export function createStep(
  parts: StepParts,
  endpoint: WebhookEndpoint,
  rest: Rest = { refused: 0, until: 0 },
): Step {
  const { outbox, clock } = parts
  const { id } = endpoint
  const notes = createNotes()

  async function tryLetters(now: EpochMs, isOver: IsOver): Promise<void> {
    // No more than go out at once: news of a cut does not wait for a hundred receivers' timeouts.
    const letters = outbox.due(id, now, atOnceOf(parts))
    await eachOf(letters, { isOver, atOnce: atOnceOf(parts) }, async (letter) => {
      const posted = await tryAgain(letter)
      if (posted !== null && isGone(posted))
        await notes.write(() => outbox.disable(id, clock.now()))
      const failed = posted === null || arrived(posted) ? null : { ...letter, posted }
      const left = failed && letterOf(parts, failed, failed.attempts + 1)
      await notes.write(() => outbox.settle(id, letter.index, left))
    })
  }

  /** Null when there is nothing to be told any more. */
  async function tryAgain({ index }: Letter): Promise<Posted | null> {
    const entry = await outbox.entry(index)
    if (entry === null) return null
    if ('shut' in entry) return { fault: 'unopened' }
    const message = messageOf(entry, parts.origin)
    return message === null ? null : deliver(parts, endpoint, message)
  }

  /** The next stretch; how long until another may be tried. */
  async function goOn(now: EpochMs, next: number, isOver: IsOver): Promise<number> {
    const rests_ms = rest.until - now
    // Longer than anything rests: the clock went back.
    if (rests_ms > 0 && rests_ms <= MAX_REST_MS) return rests_ms
    const stretch = await outbox.read(next, STRETCH, endpoint.types)
    if (stretch.next === next) return IDLE_MS
    const wanted = wantedIn(parts, endpoint, stretch)
    let gone = false
    const ends = (): boolean => gone || isOver()
    const tried = await eachOf(
      wanted,
      { isOver: ends, atOnce: atOnceOf(parts) },
      async ({ index, message }) => {
        const posted: Posted =
          message === null ? { fault: 'unopened' } : await deliver(parts, endpoint, message)
        gone ||= isGone(posted)
        return { index, posted }
      },
    )
    if (gone) await notes.write(() => outbox.disable(id, clock.now()))
    if (tried.length < wanted.length || gone) return IDLE_MS
    return moveOn(stretch.next, tried)
  }

  async function moveOn(next: number, tried: readonly Tried[]): Promise<number> {
    const failed = tried.filter(({ posted }) => !arrived(posted))
    const takesNothing = failed.length > 0 && failed.length === tried.length
    const answers = failed.map(({ posted }) => posted)
    if (takesNothing && ++rest.refused < MAX_REFUSED) return rests(restAfter(rest.refused, answers))
    if (failed.length > 0 && isFull(outbox.counts(id), failed.length)) return rests(MAX_REST_MS)
    if (!takesNothing) rest.refused = 0
    const letters = failed.map((one) => letterOf(parts, one, 1))
    await notes.write(() => outbox.advance(id, next, letters))
    return takesNothing ? rests(restAfter(rest.refused, answers)) : 0
  }

  function rests(ms: number): number {
    rest.until = clock.now() + ms
    return ms
  }

  return async (now, isStopped) => {
    await notes.catchUp()
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

interface Tried {
  readonly index: number
  readonly posted: Posted
}

/** What is known and not written down yet. */
function createNotes(): {
  /** Rejects as `work` does, which is then done first of all by `catchUp`. */
  write(work: () => Promise<void>): Promise<void>
  catchUp(): Promise<void>
} {
  const unwritten: (() => Promise<void>)[] = []
  return {
    async write(work) {
      try {
        await work()
      } catch (error) {
        unwritten.push(work)
        throw error
      }
    },
    async catchUp() {
      for (let work = unwritten[0]; work !== undefined; work = unwritten[0]) {
        await work()
        unwritten.shift()
      }
    },
  }
}

function atOnceOf({ atOnce = AT_ONCE }: StepParts): number {
  return atOnce
}

/** Nothing is thrown away to make room: an endpoint that is full stays where it is. */
function isFull({ waiting, dead }: ReturnType<WebhookOutbox['counts']>, more: number): boolean {
  return waiting + more > MAX_LETTERS || dead >= MAX_DEAD
}

interface Wanted {
  readonly index: number
  /** Null where it cannot be made now. */
  readonly message: WebhookMessage | null
}

/** What is to be told of a stretch. */
function wantedIn(
  { origin }: StepParts,
  { types }: WebhookEndpoint,
  { entries }: Stretch,
): readonly Wanted[] {
  return entries.flatMap((entry): readonly Wanted[] => {
    const { index } = entry
    if ('shut' in entry) return [{ index, message: null }]
    const message = messageOf(entry, origin)
    return message === null || !types.has(message.type) ? [] : [{ index, message }]
  })
}

async function deliver(
  { post, clock, onPosted }: StepParts,
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
  { clock, random }: StepParts,
  { index, posted }: { readonly index: number; readonly posted: Posted },
  attempts: number,
): Letter {
  const spread = (random.bytes(1)[0] ?? 0) / 256
  return letterAfter({ index, attempts, at: clock.now(), posted, spread })
}
