/**
 * Telling one endpoint of one log on the edge: what its object does, without the object.
 *
 *     news (after a round) → alarm → steps (gate/webhooks/step.ts) until nothing is to be done → alarm when something is due
 *
 * Everything is in the object's storage: place, letters, rest; so an object that is put away, or ends in the middle, goes on
 * with its alarm and tells a stretch again at most, under the same message ids. News only sets the alarm. With nothing to do no
 * alarm is set and nothing costs anything. Dead letters of what an erasure took are looked for some time after the erasure's
 * own entry. Spec: docs/webhooks.md. From: webhooks-object.ts.
 */
import { type EpochMs, MINUTE_MS } from '../../core/time.ts'
import {
  type DeadPage,
  deadIn,
  type Replayed,
  reviveIn,
  standingOf,
} from '../../gate/webhooks/desk.ts'
import { messageOf } from '../../gate/webhooks/messages.ts'
import type { Post, Posted, WebhookEndpoint, WebhookPlaces } from '../../gate/webhooks/port.ts'
import { MAX_REST_MS, resultOf } from '../../gate/webhooks/schedule.ts'
import { createStep, type Rest, type Step } from '../../gate/webhooks/step.ts'
import type { Clock, Random } from '../../ports.ts'
import { migrate } from '../sqlite/schema.ts'
import { integer, integerOrNull, type Sql } from '../sqlite/sql.ts'
import { createWebhookPlaces, LETTERS_BY_ENTRY, WEBHOOK_TABLES } from '../sqlite/webhook-outbox.ts'
import { createHooksLog, type HooksLog, type HooksLogParts } from './hooks-log.ts'
import { createPostedBook, POSTED_TABLE } from './hooks-posted.ts'
import type { CountedStanding } from './rpc-webhooks.ts'

/** What a log has published, and how much of that it has told before. */
export interface News {
  readonly from: number
  readonly size: number
}

export interface HooksRun {
  /** There is something new. An endpoint nobody has told of anything begins at `from`. Repeatable. */
  told(news: News): Promise<void>
  /** The alarm went off. Never rejects. */
  alarm(): Promise<void>
  standing(): Promise<CountedStanding>
  dead(page: { readonly from: number; readonly limit: number }): Promise<DeadPage>
  replay(indexes: readonly number[] | null): Promise<Replayed>
}

export interface HooksRunParts extends Omit<HooksLogParts, 'onErasure'> {
  readonly sql: Sql
  readonly storage: Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm' | 'deleteAlarm'>
  readonly endpoint: WebhookEndpoint
  readonly origin: string
  readonly post: Post
  readonly clock: Clock
  readonly random: Random
  readonly onError: (error: unknown) => void
  readonly onPosted?: (endpoint: string, posted: Posted) => void
}

const RUNS: readonly string[] = [
  // How the endpoint is, and when dead letters are looked through: from `sweep_from`, at `sweep_at`; null for not at all.
  `CREATE TABLE webhook_runs (
    endpoint TEXT PRIMARY KEY,
    refused INTEGER NOT NULL,
    rests_until INTEGER NOT NULL,
    sweep_at INTEGER,
    sweep_from INTEGER
  ) STRICT, WITHOUT ROWID`,
]
/** Never edited once released. */
export const HOOKS_MIGRATIONS: readonly (readonly string[])[] = [
  [...WEBHOOK_TABLES, ...LETTERS_BY_ENTRY, ...RUNS, POSTED_TABLE],
]

/** The platform lets an object have six connections at a time; reading the log takes one. */
const AT_ONCE = 5
/** Steps one alarm takes: an invocation may ask others a thousand times, and a step asks some hundred. */
const STEPS = 6
/** An alarm that comes although nobody has set another: what was under way when the object ended goes on. */
const SAFETY_MS = MINUTE_MS
/** After a failure: the log or the bucket does not answer. */
const FAILED_MS = 5_000
/** An erasure's entry is in the log before all that it takes is gone. */
const SWEEP_AFTER_MS = MINUTE_MS
const SWEPT_AT_ONCE = 64

const RUN = 'SELECT refused, rests_until, sweep_at, sweep_from FROM webhook_runs WHERE endpoint = ?'
const SAVE = 'UPDATE webhook_runs SET refused = ?, rests_until = ? WHERE endpoint = ?'
const SWEEP = 'UPDATE webhook_runs SET sweep_at = ?, sweep_from = ? WHERE endpoint = ?'

interface Run {
  readonly rest: Rest
  readonly sweep: { readonly at: number; readonly from: number } | null
}

/** Opens what storage holds. */
export function createHooksRun(parts: HooksRunParts): HooksRun {
  const { sql, storage, endpoint, origin, clock, onError } = parts
  const { id } = endpoint
  migrate(sql, HOOKS_MIGRATIONS)
  const write = async <T>(work: () => T): Promise<T> => sql.transaction(work)
  const places = createWebhookPlaces({ sql, writer: { write } })
  const log = createHooksLog({ ...parts, onErasure: planSweep })
  const outbox = { ...places, ...log }
  const { rest } = runOf(sql, id)
  const posted = createPostedBook(sql, id)
  const onPosted: HooksRunParts['onPosted'] = (to, how) => {
    posted.count(resultOf(how))
    parts.onPosted?.(to, how)
  }
  const step = createStep({ ...parts, outbox, atOnce: AT_ONCE, onPosted }, endpoint, rest)
  let running: Promise<void> | null = null

  function planSweep(): void {
    const { sweep } = runOf(sql, id)
    const at = clock.now() + SWEEP_AFTER_MS
    if (sweep === null && places.counts(id).dead > 0) sql.run(SWEEP, at, 0, id)
  }

  async function run(): Promise<void> {
    let next: number | null
    try {
      await storage.setAlarm(clock.now() + SAFETY_MS)
      await steps({ step, rest, ...parts, log })
      await sweep({ sql, id, places, log, origin, now: clock.now() })
      next = dueAt()
      posted.save()
    } catch (error) {
      onError(error)
      next = clock.now() + FAILED_MS
    }
    // From here on whoever brings news sets the alarm, and later than this does.
    running = null
    await setNext(next).catch(onError)
  }

  async function setNext(next: number | null): Promise<void> {
    await (next === null ? storage.deleteAlarm() : storage.setAlarm(next))
  }

  /** When something is to be done that is known of; null for nothing. */
  function dueAt(): number | null {
    const { next, disabled_at } = places.place(id) ?? { next: 0, disabled_at: 0 }
    const sweep = runOf(sql, id).sweep?.at ?? null
    const rested = clock.now() + restsFor(rest, clock.now())
    const news = disabled_at === null && next < log.size() ? rested : null
    const letters = disabled_at === null ? places.nextDue(id) : null
    const due = [news, letters, sweep].filter((at) => at !== null)
    return due.length === 0 ? null : Math.min(...due)
  }

  async function wake(): Promise<void> {
    // What is under way looks for more when it ends.
    if (running === null) await storage.setAlarm(clock.now())
  }

  return {
    async told({ from, size }) {
      log.learn(size)
      if (places.place(id) === null) await begin(sql, places, id, from)
      const place = places.place(id)
      if (place === null || place.disabled_at !== null) return
      if (place.next < size && restsFor(rest, clock.now()) === 0) return wake()
      if (running !== null || (await storage.getAlarm()) !== null) return
      // What is due later has an alarm, unless that went off while the file did not name the endpoint.
      const due = dueAt()
      if (due !== null) await storage.setAlarm(due)
    },
    alarm() {
      running ??= run()
      return running
    },
    async standing() {
      await log.refresh()
      return { ...(await standingOf(outbox, id)), posted: posted.counts() }
    },
    async dead(page) {
      await log.refresh()
      return deadIn(outbox, origin, id, page)
    },
    async replay(indexes) {
      const replayed = await reviveIn(places, id, { indexes, at: clock.now() })
      if (places.place(id) !== null) await wake()
      return replayed
    },
  }
}

/** Steps until nothing is to be done at once, or an alarm has done enough. */
async function steps({
  step,
  rest,
  log,
  sql,
  endpoint,
  clock,
}: { readonly step: Step; readonly rest: Rest; readonly log: HooksLog } & Pick<
  HooksRunParts,
  'sql' | 'endpoint' | 'clock'
>): Promise<void> {
  if (log.size() === 0) await log.refresh()
  let wait_ms = 0
  for (let n = 0; n < STEPS && wait_ms === 0; n++) {
    const { refused, until } = rest
    wait_ms = await step(clock.now(), () => false)
    if (rest.refused !== refused || rest.until !== until)
      sql.run(SAVE, rest.refused, rest.until, endpoint.id)
  }
}

/** How long nothing new is sent, ms. Longer than anything rests: the clock went back. */
function restsFor({ until }: Rest, now: EpochMs): number {
  const rests_ms = until - now
  return rests_ms > 0 && rests_ms <= MAX_REST_MS ? rests_ms : 0
}

/** Place and row, at once: one of them alone would never be completed. */
async function begin(sql: Sql, places: WebhookPlaces, id: string, from: number): Promise<void> {
  sql.run(
    'INSERT OR IGNORE INTO webhook_runs (endpoint, refused, rests_until) VALUES (?, 0, 0)',
    id,
  )
  await places.begin(id, from)
}

function runOf(sql: Sql, id: string): Run {
  const row = sql.get(RUN, id)
  if (row === undefined) return { rest: { refused: 0, until: 0 }, sweep: null }
  const at = integerOrNull(row, 'sweep_at')
  return {
    rest: { refused: integer(row, 'refused'), until: integer(row, 'rests_until') },
    sweep: at === null ? null : { at, from: integer(row, 'sweep_from') },
  }
}

/** Drops dead letters of what was erased, some at a time. */
async function sweep({
  sql,
  id,
  places,
  log,
  origin,
  now,
}: {
  readonly sql: Sql
  readonly id: string
  readonly places: WebhookPlaces
  readonly log: HooksLog
  readonly origin: string
  readonly now: EpochMs
}): Promise<void> {
  const due = runOf(sql, id).sweep
  if (due === null || due.at > now) return
  const letters = places.dead(id, due.from, SWEPT_AT_ONCE)
  for (const { index } of letters) {
    const entry = await log.entry(index)
    const isGone = entry === null || (!('shut' in entry) && messageOf(entry, origin) === null)
    if (isGone) await places.settle(id, index, null)
  }
  const last = letters.at(-1)
  const more = letters.length === SWEPT_AT_ONCE && last !== undefined
  sql.run(SWEEP, more ? due.at : null, more ? last.index + 1 : null, id)
}
