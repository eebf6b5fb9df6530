/**
 * The ApiKeys port over SQL: callers' keys, known only by the hash of their secret. Next stop: rounds.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ApiKey, ApiKeys } from '../../ports.ts'
import { integer, integerOrNull, type Row, type Sql, text, textOrNull, type Writer } from './sql.ts'

const INSERT = `INSERT INTO api_keys (id, secret_hash, scopes, owner, audience, created_at, revoked_at)
  VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`
const REVOKE = `UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? RETURNING id`

/** `create` rejects with `conflict` when the id is there already. */
export function createSqlApiKeys(sql: Sql, writer: Writer): ApiKeys {
  return {
    async create({ id, secret_hash, scopes, owner, audience, created_at, revoked_at }) {
      const list = JSON.stringify(scopes)
      const row = await writer.write(() =>
        sql.get(INSERT, id, secret_hash, list, owner, audience, created_at, revoked_at),
      )
      if (row === undefined)
        throw new LivegateError('conflict', 'Cannot create API key: its id is taken')
    },
    byId(id) {
      const row = sql.get('SELECT * FROM api_keys WHERE id = ?', id)
      return row === undefined ? null : apiKeyOf(row)
    },
    list: async () => sql.all('SELECT * FROM api_keys ORDER BY created_at, id').map(apiKeyOf),
    revoke: async (id, at) => (await writer.write(() => sql.get(REVOKE, at, id))) !== undefined,
  }
}

function apiKeyOf(row: Row): ApiKey {
  return {
    id: text(row, 'id'),
    secret_hash: text(row, 'secret_hash'),
    scopes: JSON.parse(text(row, 'scopes')) as string[],
    owner: text(row, 'owner'),
    audience: textOrNull(row, 'audience'),
    created_at: integer(row, 'created_at') as EpochMs,
    revoked_at: integerOrNull(row, 'revoked_at') as EpochMs | null,
  }
}
