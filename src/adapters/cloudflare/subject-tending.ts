/**
 * What the alarm of a subject's object does: brings what waits into the log, writes places down, forgets what expired.
 *
 * It may come late, twice or never (and then the next request does the same), so it is only ever a beginning of work
 * that is safe to repeat. It sets itself again while there is anything left to look after.
 */
import { LivegateError } from '../../core/errors.ts'
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from '../../core/time.ts'
import type { Clock } from '../../ports.ts'
import { integerOrNull, type Sql, type Writer } from '../sqlite/sql.ts'
import type { Chain, ChainStore } from './chain-store.ts'
import { RETRY_AFTER_MS } from './edge-ledger.ts'
import type { Alarm } from './subject-alarm.ts'

/** Expired rows removed in one go: far more than a subject is given in a day. */
const SWEPT_AT_ONCE = 1_000

export interface TendingParts {
  readonly sql: Sql
  readonly writer: Writer
  readonly store: ChainStore
  readonly alarm: Alarm
  readonly clock: Clock
}

/** Returns the work of one alarm. */
export function createTending(parts: TendingParts): () => Promise<void> {
  const { alarm, store, clock } = parts
  let failures = 0

  async function drained(chain: Chain): Promise<number | null> {
    try {
      await chain.outbox.drain()
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
    const chain = store.peek()
    if (chain === null) return
    const again_ms = await drained(chain)
    await writeDown(parts, chain)
    const now = clock.now()
    const next = again_ms === null ? nextExpiry(parts.sql) : epochMs(now + again_ms)
    if (next !== null) await alarm.arm(epochMs(Math.max(next, now + RETRY_AFTER_MS)))
  }
}

async function writeDown({ sql, writer, clock }: TendingParts, chain: Chain): Promise<void> {
  const { places } = chain
  const now = clock.now()
  const expiry = nextExpiry(sql)
  const expired = expiry !== null && expiry <= now
  if (!expired && places.written() === places.known()) return
  await writer.write(() => {
    places.write()
    if (expired) sql.run(SWEEP, now)
  })
}

const SWEEP = `DELETE FROM idempotency WHERE key IN
  (SELECT key FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SWEPT_AT_ONCE})`

function nextExpiry(sql: Sql): EpochMs | null {
  const row = sql.get('SELECT min(expires_at) AS next FROM idempotency')
  return row === undefined ? null : (integerOrNull(row, 'next') as EpochMs | null)
}
