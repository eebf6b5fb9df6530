/**
 * The one row that says what the log has signed, and the compare-and-swap that moves it.
 *
 * The row keeps the state of one round before as well: files of a round that was signed but not published are computed
 * again from it, byte for byte. Next stop: rounds.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { decodeEdge, type Edge, emptyEdge, encodeEdge, rootOfEdge } from '../../core/tlog/edge.ts'
import { EMPTY_ROOT, type Hash, sameHash } from '../../core/tlog/hash.ts'
import { bytes, type Sql, text } from './sql.ts'

/** A tree as signed. */
export interface SignedTree {
  readonly edge: Edge
  readonly root: Hash
}

export interface LogState {
  readonly origin: string
  readonly now: SignedTree
  /** Signed note over `now`; empty before the first round. */
  readonly note: string
  readonly before: SignedTree
}

const EMPTY: SignedTree = { edge: emptyEdge(), root: EMPTY_ROOT }
const INSERT = `INSERT INTO log_state (one, origin, size, root, edge, note, prev_size, prev_root, prev_edge)
  VALUES (1, ?, 0, ?, ?, '', 0, ?, ?)`
const ADVANCE = `UPDATE log_state
  SET size = ?, root = ?, edge = ?, note = ?, prev_size = size, prev_root = root, prev_edge = edge
  WHERE one = 1 AND size = ? AND root = ? RETURNING size`

/** Names a new log. Inside a transaction only; a second call fails on the row's key. */
export function insertLogState(sql: Sql, origin: string): void {
  const edge = encodeEdge(EMPTY.edge)
  sql.run(INSERT, origin, EMPTY.root, edge, EMPTY.root, edge)
}

/** Name of the log this database belongs to; null before one was created. */
export function originOf(sql: Sql): string | null {
  const row = sql.get('SELECT origin FROM log_state')
  return row === undefined ? null : text(row, 'origin')
}

/** The state, its trees checked against their roots: a flipped bit throws `halted` here. */
export function readLogState(sql: Sql): LogState {
  const row = sql.get('SELECT * FROM log_state')
  if (row === undefined)
    throw new LivegateError('halted', 'Cannot read log: no log was ever created here')
  return {
    origin: text(row, 'origin'),
    now: treeOf(bytes(row, 'edge'), bytes(row, 'root')),
    note: text(row, 'note'),
    before: treeOf(bytes(row, 'prev_edge'), bytes(row, 'prev_root')),
  }
}

/** The commit point of a round; false when somebody else has moved the log. Inside a transaction only. */
export function advanceLogState(
  sql: Sql,
  step: { readonly from: SignedTree; readonly to: SignedTree; readonly note: string },
): boolean {
  const { from, to, note } = step
  const edge = encodeEdge(to.edge)
  const next = [to.edge.size, to.root, edge, note] as const
  return sql.get(ADVANCE, ...next, from.edge.size, from.root) !== undefined
}

function treeOf(encoded: Uint8Array, root: Hash): SignedTree {
  const edge = decodeEdge(encoded)
  if (!edge.ok || !sameHash(rootOfEdge(edge.value), root))
    throw new LivegateError(
      'halted',
      'Cannot read log: the stored edge does not have the stored root, expected unchanged rows',
    )
  return { edge: edge.value, root }
}
