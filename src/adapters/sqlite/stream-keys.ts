/**
 * The StreamKeys port over SQL: secrets of encoders, known only by their keyed hash. Next stop: api-keys.ts.
 */

import { MAX_STREAM_KEYS_LISTED } from '../../core/limits.ts'
import type { EpochMs } from '../../core/time.ts'
import type { StreamKey, StreamKeys } from '../../ports.ts'
import { integer, integerOrNull, type Row, type Sql, text, type Writer } from './sql.ts'

const INSERT = `INSERT INTO stream_keys (id, subject, key_hash, created_at, revoked_at)
  VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`
const REVOKE = `UPDATE stream_keys SET revoked_at = min(coalesce(revoked_at, ?), ?)
  WHERE id = ? RETURNING id`
const LIST = `SELECT * FROM stream_keys WHERE subject = ?
  ORDER BY created_at DESC, id LIMIT ${MAX_STREAM_KEYS_LISTED + 1}`

export function createSqlStreamKeys(sql: Sql, writer: Writer): StreamKeys {
  return {
    async bind({ id, subject, key_hash, created_at, revoked_at }) {
      const row = await writer.write(() =>
        sql.get(INSERT, id, subject, key_hash, created_at, revoked_at),
      )
      return row === undefined ? { ok: false, error: 'taken' } : { ok: true }
    },
    byHash: (hash) => streamKeyOf(sql.get('SELECT * FROM stream_keys WHERE key_hash = ?', hash)),
    byId: (id) => streamKeyOf(sql.get('SELECT * FROM stream_keys WHERE id = ?', id)),
    revoke: async (id, at) => (await writer.write(() => sql.get(REVOKE, at, at, id))) !== undefined,
    list: (subject) => sql.all(LIST, subject).flatMap((row) => streamKeyOf(row) ?? []),
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
