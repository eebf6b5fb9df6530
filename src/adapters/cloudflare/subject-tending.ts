/**
 * What the alarm of a subject's object does: brings what waits into the log, writes places down, forgets what expired.
 *
 * A media server that died never says that a broadcast ended; its directory learns it here, when the lease is over.
 * It may come late, twice or never (and then the next request does the same), so it is only ever a beginning of work
 * that is safe to repeat. It sets itself again while there is anything left to look after.
 */
import { LivegateError } from '../../core/errors.ts'
import type { SubjectId } from '../../core/model.ts'
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from '../../core/time.ts'
import { endOf } from '../../gate/broadcast-port.ts'
import type { Clock, OpenBroadcast, Random } from '../../ports.ts'
import { integerOrNull, type Sql, type Writer } from '../sqlite/sql.ts'
import type { Chain, ChainStore } from './chain-store.ts'
import { RETRY_AFTER_MS } from './edge-ledger.ts'
import { jittered } from './jitter.ts'
import { isSession, type Session } from './session.ts'
import type { SparseSql } from './sparse-sql.ts'
import type { Alarm } from './subject-alarm.ts'
import { nextCut } from './subject-cuts.ts'
import type { Erasing } from './subject-erasing.ts'
import { forgetKept, nextForgotten } from './subject-kept.ts'
import type { SubjectRetention } from './subject-retention.ts'

/** What could not be looked at is tried again after so long. */
const MARKED_MS = 30_000
/** Expired rows removed in one go: far more than a subject is given in a day. */
const SWEPT_AT_ONCE = 1_000

export interface TendingParts {
  readonly sql: SparseSql
  readonly writer: Writer
  readonly store: ChainStore
  readonly alarm: Alarm
  readonly clock: Clock
  readonly random: Random
  readonly subject: SubjectId
  /** True while no answer is under way: places are written down only then, because that says that answers left. */
  readonly idle: () => boolean
  readonly storage: { deleteAll(): Promise<void> }
  readonly erasing: Pick<Erasing, 'carryOn'>
  readonly retention: SubjectRetention
  /** Tries once more to end what must stop. Never rejects. */
  readonly cutAgain: (broadcasts: readonly OpenBroadcast[]) => Promise<void>
  /** Looks at what changes marked and nobody has looked at since; what fails keeps its mark. Never rejects. */
  readonly recheck: () => Promise<readonly string[]>
  /** Ends a broadcast whose lease is over, in the subject's turn. */
  readonly endLease: (broadcast: string) => Promise<void>
}

/** Returns the work of one alarm. */
export function createTending(parts: TendingParts): () => Promise<void> {
  const { alarm, store, clock, random } = parts
  let failures = 0

  /** Null when nothing has to be tried again. */
  async function againAfter(work: () => Promise<void>): Promise<number | null> {
    try {
      await work()
      failures = 0
      return null
    } catch (error) {
      if (!(error instanceof LivegateError)) throw error
      // Somebody has to look at a halted log first.
      if (error.code === 'halted') return HOUR_MS
      return Math.min(MINUTE_MS, RETRY_AFTER_MS * 2 ** failures++)
    }
  }

  return async () => {
    alarm.fired()
    const again_ms = await againAfter(async () => {
      await parts.erasing.carryOn()
      const chain = store.peek()
      await chain?.outbox.drain()
      if (chain !== null) await endLeases(parts, chain)
      if (isMarked(parts, chain)) await parts.recheck()
      if (chain !== null) await parts.cutAgain(broadcastsOf(parts, chain))
      await parts.retention.sweep()
    })
    const chain = store.peek()
    if (chain !== null) await writeDown(parts, chain)
    await forgetKept(parts)
    const now = clock.now()
    // What a log failed for, it failed for with every object: they must not all be back at the same instant.
    if (again_ms !== null) return alarm.arm(epochMs(now + jittered(random, again_ms)))
    const next = nextOf(parts, chain)
    if (next !== null) await alarm.arm(epochMs(Math.max(next, now + RETRY_AFTER_MS)))
  }
}

async function endLeases(parts: TendingParts, chain: Chain): Promise<void> {
  const now = parts.clock.now()
  for (const open of sessionsOf(parts, chain)) if (endOf(open) <= now) await parts.endLease(open.id)
}

/** Something here was changed while a broadcast ran, and nobody has looked at that broadcast since. */
function isMarked({ subject, clock }: TendingParts, chain: Chain | null): boolean {
  if (chain === null) return false
  const { broadcasts } = chain.subjects.load(subject).state
  return broadcasts.some((open) => open.recheck !== undefined && endOf(open) > clock.now())
}

function broadcastsOf({ subject }: TendingParts, chain: Chain): readonly OpenBroadcast[] {
  return chain.subjects.load(subject).state.broadcasts
}

function sessionsOf(parts: TendingParts, chain: Chain): readonly Session[] {
  return broadcastsOf(parts, chain).filter(isSession)
}

/** When there is something to forget, or a lease of a media server's session ends. */
function nextOf(parts: TendingParts, chain: Chain | null): number | null {
  const expiry = nextExpiry(parts.sql)
  const leases = chain === null ? [] : sessionsOf(parts, chain).map(endOf)
  const now = parts.clock.now()
  const marked = isMarked(parts, chain) ? now + MARKED_MS : null
  const cutting = chain === null ? null : nextCut(broadcastsOf(parts, chain), now)
  const times = [expiry, nextForgotten(parts.sql), parts.retention.due(), marked, cutting].map(
    (at) => at ?? Number.POSITIVE_INFINITY,
  )
  const next = Math.min(...leases, ...times)
  return Number.isFinite(next) ? next : null
}

async function writeDown({ sql, writer, clock, idle }: TendingParts, chain: Chain): Promise<void> {
  const { places } = chain
  const now = clock.now()
  const expiry = nextExpiry(sql)
  const expired = expiry !== null && expiry <= now
  const left = idle() && places.written() < places.known()
  if (!expired && !left) return
  await writer.write(() => {
    if (left) places.write()
    if (expired) sql.run(SWEEP, now)
  })
}

const SWEEP = `DELETE FROM idempotency WHERE key IN
  (SELECT key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SWEPT_AT_ONCE})`

function nextExpiry(sql: Sql): EpochMs | null {
  const row = sql.get('SELECT min(expires_at) AS next FROM idempotency')
  return row === undefined ? null : (integerOrNull(row, 'next') as EpochMs | null)
}
