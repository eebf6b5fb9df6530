/**
 * Media servers that have registered themselves, a row each. What the columns mean: adapters/media/registrations.ts.
 */
import type { EpochMs } from '../../core/time.ts'
import { integer, integerOrNull, type Row, type Sql, text, type Writer } from './sql.ts'

export const MEDIA_SERVER_TABLES: readonly string[] = [
  `CREATE TABLE media_servers (
    id TEXT PRIMARY KEY,
    template TEXT NOT NULL,
    host TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'leaving', 'displaced')),
    registered_at INTEGER NOT NULL,
    until INTEGER
  ) STRICT, WITHOUT ROWID`,
]

/** A row as it is stored. */
export interface MediaServerRow {
  readonly id: string
  readonly template: string
  readonly host: string
  readonly state: 'live' | 'leaving' | 'displaced'
  readonly registered_at: EpochMs
  readonly until: number | null
}

export interface SqlMediaServers {
  list(): readonly MediaServerRow[]
  /** Durable when resolved, all of them or none. */
  put(rows: readonly MediaServerRow[]): Promise<void>
  drop(id: string): Promise<void>
}

const PUT = `INSERT INTO media_servers (id, template, host, state, registered_at, until)
  VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET template = excluded.template,
  host = excluded.host, state = excluded.state, registered_at = excluded.registered_at,
  until = excluded.until`

export function createSqlMediaServers(sql: Sql, writer: Pick<Writer, 'write'>): SqlMediaServers {
  return {
    list: () => sql.all('SELECT * FROM media_servers ORDER BY id').map(rowOf),
    put: (rows) =>
      writer.write(() => {
        for (const { id, template, host, state, registered_at, until } of rows)
          sql.run(PUT, id, template, host, state, registered_at, until)
      }),
    drop: (id) => writer.write(() => sql.run('DELETE FROM media_servers WHERE id = ?', id)),
  }
}

function rowOf(row: Row): MediaServerRow {
  return {
    id: text(row, 'id'),
    template: text(row, 'template'),
    host: text(row, 'host'),
    state: text(row, 'state') as MediaServerRow['state'],
    registered_at: integer(row, 'registered_at') as EpochMs,
    until: integerOrNull(row, 'until'),
  }
}
