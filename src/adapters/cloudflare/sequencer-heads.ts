/**
 * How far each subject's object has come on its chain: the one thing a log keeps for every person, for good.
 *
 * So it is as narrow as it can be: names of objects are 32 bytes as text, and lie here as those bytes. What a chain's
 * newest record is recognised by is not here but with the record (sequencer-search.ts). Next stop: sequencer-chains.ts.
 */
import { fromBase64Url } from '../../core/encoding.ts'
import { integer, type Sql, type SqlValue } from '../sqlite/sql.ts'

export interface Head {
  /** Records on the chain. */
  readonly seq: number
  /** Log index of the newest; null before there is one, and while it is only looked at. */
  readonly idx: number | null
}

const HEAD = 'SELECT seq, idx FROM heads WHERE object = ?'
const STORE = `INSERT INTO heads (object, seq, idx) VALUES (?, ?, ?)
  ON CONFLICT (object) DO UPDATE SET seq = excluded.seq, idx = excluded.idx
  WHERE excluded.seq > seq`

export function headOf(sql: Sql, object: string): Head {
  const row = sql.get(HEAD, keyOf(object))
  return row === undefined
    ? { seq: 0, idx: null }
    : { seq: integer(row, 'seq'), idx: integer(row, 'idx') }
}

/** Never leads a chain back. Inside a transaction only. */
export function storeHead(sql: Sql, object: string, { seq, idx }: Head): void {
  sql.run(STORE, keyOf(object), seq, idx)
}

/** Bytes never equal text: two names never have one key. */
function keyOf(object: string): SqlValue {
  const hash = fromBase64Url(object)
  return hash?.length === 32 ? hash : object
}
