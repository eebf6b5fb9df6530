/**
 * Where each webhook endpoint stands in the log, and the entries laid aside for it; over SQL.
 *
 * Rows name entries by their place and hold nothing of them. The log itself is `entries`. Port: gate/webhooks/port.ts.
 */
import type { EpochMs } from '../../core/time.ts'
import type { Letter, OpenEntry, WebhookOutbox, WebhookPlaces } from '../../gate/webhooks/port.ts'
import { integer, integerOrNull, type Row, type Sql, text, textOrNull, type Writer } from './sql.ts'

/** Migration. */
export const WEBHOOK_TABLES: readonly string[] = [
  // `next`: first entry that was neither sent nor laid aside.
  `CREATE TABLE webhook_places (
    endpoint TEXT PRIMARY KEY,
    next INTEGER NOT NULL,
    disabled_at INTEGER
  ) STRICT, WITHOUT ROWID`,
  // Entries that did not arrive. `due_at` is null for a dead letter.
  `CREATE TABLE webhook_letters (
    endpoint TEXT NOT NULL,
    idx INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER,
    failed_at INTEGER NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (endpoint, idx)
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX webhook_letters_by_due ON webhook_letters (endpoint, due_at)',
]

/** Migration: letters of entries that are erased are found by their place. */
export const LETTERS_BY_ENTRY: readonly string[] = [
  'CREATE INDEX webhook_letters_by_entry ON webhook_letters (idx)',
]

const READ = 'SELECT idx, jws, openings FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?'
const LAY = `INSERT OR REPLACE INTO webhook_letters (endpoint, idx, attempts, due_at, failed_at, error)
  VALUES (?, ?, ?, ?, ?, ?)`
const LAY_AGAIN = `UPDATE webhook_letters SET attempts = ?, due_at = ?, failed_at = ?, error = ?
  WHERE endpoint = ? AND idx = ?`
const DUE = `SELECT * FROM webhook_letters WHERE endpoint = ? AND due_at IS NOT NULL AND due_at <= ?
  ORDER BY due_at, idx LIMIT ?`
const NEXT_DUE = 'SELECT min(due_at) AS due FROM webhook_letters WHERE endpoint = ?'
const COUNTS = `SELECT count(due_at) AS waiting, count(*) - count(due_at) AS dead
  FROM webhook_letters WHERE endpoint = ?`
const DEAD = `SELECT * FROM webhook_letters WHERE endpoint = ? AND due_at IS NULL AND idx >= ?
  ORDER BY idx LIMIT ?`
const REVIVE = `UPDATE webhook_letters SET due_at = ?, attempts = 0
  WHERE endpoint = ? AND due_at IS NULL AND (? IS NULL OR idx IN (SELECT value FROM json_each(?)))
  RETURNING idx`

/** Nothing of the entry at this place can be told any more. Inside a transaction only. */
export function dropLetters(sql: Sql, idx: number): void {
  sql.run('DELETE FROM webhook_letters WHERE idx = ?', idx)
}

/** `size`: entries that are durable. */
export function createWebhookOutbox(parts: {
  readonly sql: Sql
  readonly writer: Pick<Writer, 'write'>
  readonly size: () => number
}): WebhookOutbox {
  const { sql, size } = parts
  const read = (from: number, limit: number): readonly OpenEntry[] => {
    const durable = size()
    return sql
      .all(READ, from, limit)
      .map(openEntry)
      .filter(({ index }) => index < durable)
  }
  return {
    ...createWebhookPlaces(parts),
    size,
    read(from, limit) {
      const entries = read(from, limit)
      return { entries, next: (entries.at(-1)?.index ?? from - 1) + 1 }
    },
    entry(index) {
      const [entry] = read(index, 1)
      return entry?.index === index ? entry : null
    },
  }
}

/** Places and letters, in the tables above. */
export function createWebhookPlaces(parts: {
  readonly sql: Sql
  readonly writer: Pick<Writer, 'write'>
}): WebhookPlaces {
  const { sql, writer } = parts
  return {
    place(endpoint) {
      const row = sql.get('SELECT * FROM webhook_places WHERE endpoint = ?', endpoint)
      if (row === undefined) return null
      const disabled_at = integerOrNull(row, 'disabled_at') as EpochMs | null
      return { next: integer(row, 'next'), disabled_at }
    },
    begin: (endpoint, next) =>
      writer.write(() =>
        sql.run(
          'INSERT INTO webhook_places (endpoint, next) VALUES (?, ?) ON CONFLICT DO NOTHING',
          ...[endpoint, next],
        ),
      ),
    advance: (endpoint, next, letters) =>
      writer.write(() => {
        sql.run('UPDATE webhook_places SET next = ? WHERE endpoint = ?', next, endpoint)
        for (const { index, attempts, due_at, failed_at, error } of letters)
          sql.run(LAY, endpoint, index, attempts, due_at, failed_at, error)
      }),
    disable: (endpoint, at) =>
      writer.write(() =>
        sql.run('UPDATE webhook_places SET disabled_at = ? WHERE endpoint = ?', at, endpoint),
      ),
    due: (endpoint, now, limit) => sql.all(DUE, endpoint, now, limit).map(letterOf),
    nextDue(endpoint) {
      const row = sql.get(NEXT_DUE, endpoint)
      return row === undefined ? null : (integerOrNull(row, 'due') as EpochMs | null)
    },
    counts(endpoint) {
      const row = sql.get(COUNTS, endpoint) as Row
      return { waiting: integer(row, 'waiting'), dead: integer(row, 'dead') }
    },
    dead: (endpoint, from, limit) => sql.all(DEAD, endpoint, from, limit).map(letterOf),
    settle: (endpoint, index, letter) =>
      writer.write(() => {
        if (letter === null)
          return sql.run(
            'DELETE FROM webhook_letters WHERE endpoint = ? AND idx = ?',
            endpoint,
            index,
          )
        const { attempts, due_at, failed_at, error } = letter
        sql.run(LAY_AGAIN, attempts, due_at, failed_at, error, endpoint, index)
      }),
    async revive(endpoint, indexes, at) {
      const list = indexes === null ? null : JSON.stringify(indexes)
      const revived = await writer.write(() => sql.all(REVIVE, at, endpoint, list, list))
      return revived.length
    },
  }
}

function openEntry(row: Row): OpenEntry {
  const openings = JSON.parse(textOrNull(row, 'openings') ?? '{}') as OpenEntry['openings']
  return { index: integer(row, 'idx'), jws: text(row, 'jws'), openings }
}

function letterOf(row: Row): Letter {
  return {
    index: integer(row, 'idx'),
    attempts: integer(row, 'attempts'),
    due_at: integerOrNull(row, 'due_at') as EpochMs | null,
    failed_at: integer(row, 'failed_at') as EpochMs,
    error: text(row, 'error'),
  }
}
