/**
 * A log of real records with an outbox over SQLite, and a receiver that answers as it is told.
 */
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import { createWebhookOutbox, dropLetters } from '../../src/adapters/sqlite/webhook-outbox.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import type { After } from '../../src/gate/context.ts'
import { createDispatcher, type Dispatcher } from '../../src/gate/webhooks/dispatcher.ts'
import {
  type Post,
  type Posted,
  WEBHOOK_TYPES,
  type WebhookEndpoint,
  type WebhookOutbox,
} from '../../src/gate/webhooks/port.ts'
import type { StoredRecord } from '../../src/ports.ts'

export interface Received {
  readonly id: string
  readonly type: string
  readonly at: number
}

export interface WebhookWorld {
  readonly outbox: WebhookOutbox
  readonly received: readonly Received[]
  readonly errors: unknown[]
  /** What the receiver answers; 204 to everything at first. */
  answer: (message: Received) => Posted | Promise<Posted>
  /** Puts records into the log. */
  log(records: readonly Pick<StoredRecord, 'jws' | 'openings'>[]): void
  /** Everything of an entry that could be opened is gone. */
  erase(index: number): void
  /** Its letters are gone as well, as after an erasure. */
  forget(index: number): void
  /** A dispatcher over what is stored: another process, if there was one. */
  start(endpoints?: readonly WebhookEndpoint[]): Promise<Dispatcher>
  /** Lets time go by, firing what is due in order, until nothing is under way. */
  pass(ms: number): Promise<void>
  /** The machine's clock is set; timers do not mind. */
  turnClock(ms: number): void
  now(): EpochMs
  close(): void
}

export const ENDPOINT: WebhookEndpoint = {
  ...{ id: 'platform', url: 'https://hooks.example.com/', private: false },
  types: new Set(WEBHOOK_TYPES),
  sign: (id) => `v1,${id}`,
}

export function aWebhookWorld(): WebhookWorld {
  const sql = openNodeSql(':memory:')
  migrate(sql)
  let size = 0
  let now = Date.UTC(2026, 10, 20, 12)
  let skew = 0
  const received: Received[] = []
  const errors: unknown[] = []
  const timers = new Set<{ readonly at: number; readonly fire: () => void }>()
  const after: After = (delay, fire) => {
    const timer = { at: now + delay, fire }
    timers.add(timer)
    return () => timers.delete(timer)
  }
  const write = async <T>(work: () => T): Promise<T> => sql.transaction(work)
  const outbox = createWebhookOutbox({
    sql,
    writer: { write },
    size: () => size,
  })
  const post: Post = async ({ headers, body }) => {
    const { type } = JSON.parse(body) as { type: string }
    const message = { id: headers['webhook-id'] ?? '', type, at: now }
    received.push(message)
    return world.answer(message)
  }
  const world: WebhookWorld = {
    ...{ outbox, received, errors },
    answer: () => ({ status: 204, retry_after_s: null }),
    log(records) {
      for (const { jws, openings } of records)
        sql.run(
          'INSERT INTO entries (idx, leaf, jws, openings) VALUES (?, ?, ?, ?)',
          ...[size++, new Uint8Array(32), jws, JSON.stringify(openings)],
        )
    },
    erase: (index) => sql.run('UPDATE entries SET openings = NULL WHERE idx = ?', index),
    forget: (index) => {
      world.erase(index)
      dropLetters(sql, index)
    },
    async start(endpoints = [ENDPOINT]) {
      const dispatcher = createDispatcher({
        ...{ origin: 'gate.example/log', endpoints, outbox, post, after },
        clock: { now: () => epochMs(now + skew) },
        random: { bytes: (length) => new Uint8Array(length) },
        onError: (error) => errors.push(error),
      })
      await dispatcher.start()
      await quiet()
      return dispatcher
    },
    async pass(ms) {
      const end = now + ms
      for (;;) {
        await quiet()
        const [next] = [...timers].sort((a, b) => a.at - b.at)
        if (next === undefined || next.at > end) break
        timers.delete(next)
        now = Math.max(now, next.at)
        next.fire()
      }
      now = end
    },
    turnClock(ms) {
      skew += ms
    },
    now: () => epochMs(now + skew),
    close: () => sql.close(),
  }
  return world
}

/** Until every promise that waits for no timer has settled. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise<void>((go) => setImmediate(go))
}
