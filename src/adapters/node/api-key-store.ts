/**
 * The API keys of a data directory, also while a gate runs in it.
 *
 * Keys are not part of the log, so they need neither the directory's lock nor its signing keys: one short transaction on
 * a connection of its own. A running gate sees a new key at once and a revoked one within CALLER_KEY_TTL_MS. Never
 * creates or migrates anything.
 */
import type { ApiKeys } from '../../ports.ts'
import { createSqlApiKeys } from '../sqlite/api-keys.ts'
import { SCHEMA_VERSION, schemaVersion } from '../sqlite/schema.ts'
import type { Writer } from '../sqlite/sql.ts'
import { checkDataDir, dataPaths, refused } from './data-dir.ts'
import { openNodeSql } from './node-sql.ts'

/** A key or two needs no page cache worth the name. */
const CACHE_KIB = 512

export interface ApiKeyStore {
  readonly apiKeys: ApiKeys
  close(): void
}

/** Throws LivegateError with a hint when there is no whole data directory, or one of another version. */
export async function openApiKeyStore(dir: string): Promise<ApiKeyStore> {
  const paths = dataPaths(dir)
  await checkDataDir(paths)
  const sql = openNodeSql(paths.database, { cacheKib: CACHE_KIB })
  const version = schemaVersion(sql)
  if (version !== SCHEMA_VERSION) {
    sql.close()
    throw refused(`its tables have version ${version}`, {
      expected: `version ${SCHEMA_VERSION}`,
      hint: 'Start the gate once with this version of livegate, then try again.',
    })
  }
  const write: Writer['write'] = async (work) => sql.transaction(work)
  return {
    apiKeys: createSqlApiKeys(sql, { write, writeLater: write, follow: () => {} }),
    close: () => sql.close(),
  }
}
