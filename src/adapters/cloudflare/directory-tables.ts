/**
 * What one directory object holds: who owns a strike id, a stream key, a media server's session; or what people are asked about.
 *
 * Which of them an object is asked for follows from its name (names.ts); the tables are the same in each. A stream key
 * lies under its hash, which admits and is the key itself, and under its id, which only says where that is; see
 * edge-stream-keys.ts. Nothing here waits: one statement, one answer. Spec: docs/spec/storage.md, "The edge host".
 */

import { MAX_STREAM_KEYS_LISTED } from '../../core/limits.ts'
import type { SubjectId } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ReviewItem, ReviewSearch, StreamKey } from '../../ports.ts'
import { listReviews, openReviews, putReviews, REVIEW_TABLES } from '../sqlite/review-queue.ts'
import { migrate } from '../sqlite/schema.ts'
import { integer, integerOrNull, type Row, type Sql, text } from '../sqlite/sql.ts'
import type { DirectoryRpc } from './rpc.ts'
import type { SessionRow } from './rpc-keeper.ts'

const FIRST: readonly string[] = [
  'CREATE TABLE strikes (id TEXT PRIMARY KEY, subject TEXT NOT NULL) STRICT, WITHOUT ROWID',
  // `by` is hash or id, `name` that hash or id.
  `CREATE TABLE stream_keys (
    by TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    subject TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (by, name)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE sessions (
    session TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    broadcast TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  // For erasures.
  'CREATE INDEX strikes_by_subject ON strikes (subject)',
  'CREATE INDEX stream_keys_by_subject ON stream_keys (subject)',
]

/** Never edited once released. */
export const DIRECTORY_MIGRATIONS: readonly (readonly string[])[] = [FIRST, REVIEW_TABLES]

/** What `DirectoryRpc` asks, without the way it is carried. */
export interface DirectoryTables {
  claimStrike(id: string, subject: SubjectId): 'ok' | 'taken'
  subjectOfStrike(id: string): SubjectId | null
  bindStreamKey(by: By, key: StreamKey): 'ok' | 'taken'
  unbindStreamKey(by: By, name: string): null
  streamKey(by: By, name: string): StreamKey | null
  revokeStreamKey(by: By, name: string, at: EpochMs): boolean
  streamKeysOf(subject: SubjectId): readonly StreamKey[]
  openSession(session: string, subject: SubjectId, broadcast: string): null
  closeSession(session: string, broadcast: string): null
  session(session: string): { readonly subject: SubjectId; readonly broadcast: string } | null
  openSessions(
    after: string | null,
    limit: number,
  ): { readonly items: readonly SessionRow[]; readonly next: string | null }
  keysOf(subject: SubjectId): number
  dropSubject(subject: SubjectId): null
  releaseStrikes(ids: readonly string[], subject: SubjectId): null
  putReviews(subject: SubjectId, items: readonly ReviewItem[], at: EpochMs): null
  listReviews(search: ReviewSearch): ReturnType<typeof listReviews>
  openReviews(at: EpochMs): number
}

type By = Parameters<DirectoryRpc['streamKey']>[0]

const CLAIM = 'INSERT INTO strikes (id, subject) VALUES (?, ?) ON CONFLICT DO NOTHING'
const OWNER = 'SELECT subject FROM strikes WHERE id = ?'
const BIND = `INSERT INTO stream_keys (by, name, id, subject, key_hash, created_at, revoked_at)
  VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
const KEY = 'SELECT * FROM stream_keys WHERE by = ? AND name = ?'
const UNBIND = 'DELETE FROM stream_keys WHERE by = ? AND name = ?'
const REVOKE = `UPDATE stream_keys SET revoked_at = min(coalesce(revoked_at, ?), ?)
  WHERE by = ? AND name = ? RETURNING id`
const OPEN = `INSERT INTO sessions (session, subject, broadcast) VALUES (?, ?, ?)
  ON CONFLICT (session) DO UPDATE SET subject = excluded.subject, broadcast = excluded.broadcast`
const CLOSE = 'DELETE FROM sessions WHERE session = ? AND broadcast = ?'
const LIST = `SELECT * FROM stream_keys WHERE subject = ? AND by = 'hash'
  ORDER BY created_at DESC, id LIMIT ${MAX_STREAM_KEYS_LISTED + 1}`
const KEYS_OF = "SELECT count(*) AS count FROM stream_keys WHERE subject = ? AND by = 'hash'"
const RELEASE = 'DELETE FROM strikes WHERE subject = ? AND id IN (SELECT value FROM json_each(?))'
const OPEN_SESSIONS =
  'SELECT session, subject, broadcast FROM sessions WHERE session > ? ORDER BY session LIMIT ?'
const SESSION = 'SELECT subject, broadcast FROM sessions WHERE session = ?'

/** Opens the tables, at this program's version. */
export function openDirectory(sql: Sql): DirectoryTables {
  migrate(sql, DIRECTORY_MIGRATIONS)
  const reviews = {
    putReviews(subject: SubjectId, items: readonly ReviewItem[], at: EpochMs): null {
      putReviews(sql, subject, items, at)
      return null
    },
    listReviews: (search: ReviewSearch) => listReviews(sql, search),
    openReviews: (at: EpochMs) => openReviews(sql, at),
  }
  const others = { ...sessionsIn(sql), ...erasedIn(sql), ...reviews }
  return { ...strikesIn(sql), ...streamKeysIn(sql), ...others }
}

function strikesIn(sql: Sql): Pick<DirectoryTables, 'claimStrike' | 'subjectOfStrike'> {
  const subjectOfStrike = (id: string): SubjectId | null => {
    const row = sql.get(OWNER, id)
    return row === undefined ? null : text(row, 'subject')
  }
  return {
    subjectOfStrike,
    claimStrike(id, subject) {
      const owner = subjectOfStrike(id)
      if (owner === null) sql.run(CLAIM, id, subject)
      return owner === null || owner === subject ? 'ok' : 'taken'
    },
  }
}

function streamKeysIn(
  sql: Sql,
): Pick<
  DirectoryTables,
  'bindStreamKey' | 'unbindStreamKey' | 'streamKey' | 'revokeStreamKey' | 'streamKeysOf'
> {
  const streamKey = (by: By, name: string): StreamKey | null => streamKeyOf(sql.get(KEY, by, name))
  return {
    streamKey,
    bindStreamKey(by, key) {
      const { id, subject, key_hash, created_at, revoked_at } = key
      const name = by === 'hash' ? key_hash : id
      const there = streamKey(by, name)
      if (there !== null) return there.id === id && there.key_hash === key_hash ? 'ok' : 'taken'
      sql.run(BIND, by, name, id, subject, key_hash, created_at, revoked_at)
      return 'ok'
    },
    unbindStreamKey(by, name) {
      sql.run(UNBIND, by, name)
      return null
    },
    revokeStreamKey: (by, name, at) => sql.get(REVOKE, at, at, by, name) !== undefined,
    streamKeysOf: (subject) => sql.all(LIST, subject).flatMap((row) => streamKeyOf(row) ?? []),
  }
}

function sessionsIn(
  sql: Sql,
): Pick<DirectoryTables, 'openSession' | 'closeSession' | 'session' | 'openSessions'> {
  return {
    openSessions(after, limit) {
      const rows = sql.all(OPEN_SESSIONS, after ?? '', limit)
      const items = rows.map((row) => ({
        session: text(row, 'session'),
        subject: text(row, 'subject'),
        broadcast: text(row, 'broadcast'),
      }))
      return { items, next: rows.length < limit ? null : (items.at(-1)?.session ?? null) }
    },
    openSession(session, subject, broadcast) {
      sql.run(OPEN, session, subject, broadcast)
      return null
    },
    closeSession(session, broadcast) {
      sql.run(CLOSE, session, broadcast)
      return null
    },
    session(session) {
      const row = sql.get(SESSION, session)
      if (row === undefined) return null
      return { subject: text(row, 'subject'), broadcast: text(row, 'broadcast') }
    },
  }
}

function erasedIn(sql: Sql): Pick<DirectoryTables, 'keysOf' | 'dropSubject' | 'releaseStrikes'> {
  return {
    keysOf(subject) {
      const row = sql.get(KEYS_OF, subject)
      return row === undefined ? 0 : integer(row, 'count')
    },
    dropSubject(subject) {
      for (const table of ['strikes', 'stream_keys', 'sessions', 'review_items'])
        sql.run(`DELETE FROM ${table} WHERE subject = ?`, subject)
      return null
    },
    releaseStrikes(ids, subject) {
      sql.run(RELEASE, subject, JSON.stringify(ids))
      return null
    },
  }
}

function streamKeyOf(row: Row | undefined): StreamKey | null {
  if (row === undefined) return null
  return {
    id: text(row, 'id'),
    subject: text(row, 'subject'),
    key_hash: text(row, 'key_hash'),
    created_at: integer(row, 'created_at') as EpochMs,
    revoked_at: integerOrNull(row, 'revoked_at') as EpochMs | null,
  }
}
