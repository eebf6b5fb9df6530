/**
 * How far each subject's object has come on its chain: the one thing a log keeps for every person.
 *
 * What is kept with records for good, here and in the bucket, knows a chain by its number alone; the row here is all that
 * leads from a number to an object. It is emptied when the subject is erased (sequencer-erasure.ts), and its number is not
 * given again: then nothing says whose those records were. Names of objects are 32 bytes as text, and lie here as those
 * bytes, found by the first few of them. Next stop: sequencer-chains.ts.
 */
import { fromBase64Url, toBase64Url } from '../../core/encoding.ts'
import { integer, type Sql, type SqlValue } from '../sqlite/sql.ts'

export interface Head {
  /** Number of the chain in this log; null before its first record. */
  readonly chain: number | null
  /** Records on the chain. */
  readonly seq: number
  /** Log index of the newest; null before there is one, and while it is only looked at. */
  readonly idx: number | null
}

const HEAD = `SELECT chain, seq, idx FROM heads
  WHERE substr(object, 1, 8) = substr(?1, 1, 8) AND object = ?1`
const INSERT = 'INSERT INTO heads (chain, object, seq, idx) VALUES (?, ?, ?, ?)'
const ADVANCE = 'UPDATE heads SET seq = ?2, idx = ?3 WHERE chain = ?1 AND seq < ?2'
const STRANGER: Head = { chain: null, seq: 0, idx: null }

export function headOf(sql: Sql, object: string): Head {
  const row = sql.get(HEAD, keyOf(object))
  if (row === undefined) return STRANGER
  return { chain: integer(row, 'chain'), seq: integer(row, 'seq'), idx: integer(row, 'idx') }
}

/** The number the next new chain gets. Inside a transaction only. */
export function nextChain(sql: Sql): number {
  const row = sql.get('SELECT chain FROM heads ORDER BY chain DESC LIMIT 1')
  return row === undefined ? 1 : integer(row, 'chain') + 1
}

/** Inside a transaction only. */
export function insertHead(
  sql: Sql,
  object: string,
  { chain, seq, idx }: { readonly chain: number; readonly seq: number; readonly idx: number },
): void {
  sql.run(INSERT, chain, keyOf(object), seq, idx)
}

/** Never leads a chain back. Inside a transaction only. */
export function advanceHead(
  sql: Sql,
  { chain, seq, idx }: { readonly chain: number; readonly seq: number; readonly idx: number },
): void {
  sql.run(ADVANCE, chain, seq, idx)
}

/** Name of the object a chain belongs to; null once its subject is erased. */
export function objectOf(sql: Sql, chain: number): string | null {
  const object = sql.get('SELECT object FROM heads WHERE chain = ?', chain)?.object ?? null
  if (object === null) return null
  return object instanceof Uint8Array ? toBase64Url(object) : String(object)
}

/** The chain is nobody's from now on. Inside a transaction only. */
export function emptyHead(sql: Sql, chain: number): void {
  sql.run('UPDATE heads SET object = NULL, seq = 0, idx = 0 WHERE chain = ?', chain)
}

export const LEAVING = 'SELECT leaf, idx FROM leaving WHERE object = ?'

/** True while an object may have lost its chain without what outlives it (sequencer-erasure.ts). */
export function isLeaving(sql: Sql, object: string): boolean {
  return sql.get(LEAVING, keyOf(object)) !== undefined
}

/** Bytes never equal text: two names never have one key. */
export function keyOf(object: string): SqlValue {
  const hash = fromBase64Url(object)
  return hash?.length === 32 ? hash : object
}
