/**
 * What each witness has acknowledged: the size it has seen, by its verifier key. One row a witness.
 *
 * Kept beside the log it is about, so that a log that is set back forgets with it, and finds out from the witness.
 * Next stop: witnesses.ts.
 */
import { integer, type Sql } from './sql.ts'

/** Size a witness was last known to have; 0 when nothing is known. */
export function acknowledged(sql: Pick<Sql, 'get'>, vkey: string): number {
  const row = sql.get('SELECT size FROM witnesses WHERE vkey = ?', vkey)
  return row === undefined ? 0 : integer(row, 'size')
}

/** Inside a transaction only. */
export function acknowledge(sql: Pick<Sql, 'run'>, vkey: string, size: number): void {
  sql.run(
    'INSERT INTO witnesses (vkey, size) VALUES (?, ?) ON CONFLICT (vkey) DO UPDATE SET size = excluded.size',
    vkey,
    size,
  )
}

/** Size of the newest tree that was signed here. */
export function signedSize(sql: Pick<Sql, 'get'>): number {
  const row = sql.get('SELECT size FROM log_state')
  return row === undefined ? 0 : integer(row, 'size')
}
