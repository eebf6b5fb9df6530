/**
 * What a sequencer writes: records of chains, each chain in order and without a gap, and records of the deployment.
 *
 * Everything is looked at before anything is written, because others share the transaction: a refused append is a value.
 * A record that is sent again is recognised by its full leaf hash and keeps the index it has. Next stop: sequencer.ts.
 */
import { equalBytes, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { isChainKind } from '../../core/record/kinds.ts'
import { leafHash } from '../../core/tlog/hash.ts'
import type { Receipt, SignedRecord } from '../../ports.ts'
import { claimsOf, type Entries, requireEntry } from '../sqlite/entries.ts'
import { secondOf } from '../sqlite/records.ts'
import { bytes, integer, type Sql } from '../sqlite/sql.ts'
import type { ChainEntry } from './rpc.ts'

/** Why an append was refused; then nothing of it is there. */
export interface Refused {
  readonly refused: string
}

type Step = { readonly entry: ChainEntry; readonly known: number | null }

/**
 * Indexes of the entries, in their order. Inside a transaction only; throws `internal` for what no log can hold before
 * it writes, so callers have called `requireChainEntries` outside of any.
 */
export function appendChains(
  sql: Sql,
  entries: Pick<Entries, 'append'>,
  chains: readonly ChainEntry[],
): readonly number[] | Refused {
  const heads = new Map<string, Head>()
  const steps: Step[] = []
  for (const entry of chains) {
    const head = heads.get(entry.object) ?? headOf(sql, entry.object)
    heads.set(entry.object, head)
    const known = entry.seq <= head.seq ? placeOf(sql, head, entry) : null
    if (known === null && entry.seq !== head.seq + 1)
      return {
        refused: `record ${entry.seq} of a chain that has ${head.seq}, expected the next one`,
      }
    if (known === null) head.seq = entry.seq
    steps.push({ entry, known })
  }
  for (const [object, head] of heads) storeHead(sql, object, head)
  return steps.map(({ entry, known }) => known ?? insert(sql, entries, heads, entry))
}

/** Throws `internal` for entries that could spoil the transaction of others, or the log. */
export function requireChainEntries(chains: readonly ChainEntry[]): void {
  for (const { record, seq } of chains) {
    requireLeaf({ ...record, openings: {} })
    if (isChainKind(record.kind) && Number.isSafeInteger(seq) && seq >= 1) continue
    throw new LivegateError(
      'internal',
      `Cannot append a ${record.kind} record at ${seq}: expected a record of a chain and its place`,
    )
  }
}

/** Appends records of the deployment. Inside a transaction only; `requireLeaf` has been called for each. */
export function appendOthers(
  sql: Sql,
  entries: Pick<Entries, 'append'>,
  records: readonly SignedRecord[],
): readonly Receipt[] {
  return records.map((record) => {
    const receipt = entries.append({ ...record, openings: {} })
    const { iat, to_index } = claimsOf(record.jws)
    const at = Number.isSafeInteger(iat) ? 1000 * (iat as number) : 0
    const covers = Number.isSafeInteger(to_index) ? (to_index as number) : null
    sql.run(INSERT_OTHER, receipt.index, record.kind, at, covers)
    return receipt
  })
}

/** Throws `internal` for a record whose bytes do not hash to its leaf: signed over, it would end the log. */
export function requireLeaf(record: SignedRecord): void {
  requireEntry(record)
  if (equalBytes(leafHash(utf8(record.jws)), record.leaf)) return
  throw new LivegateError('internal', 'Cannot log record: its bytes do not hash to its leaf')
}

const HEAD = 'SELECT oid, seq FROM heads WHERE object = ?'
const NEW_HEAD = 'INSERT INTO heads (object, seq) VALUES (?, ?) RETURNING oid'
const MOVE_HEAD = 'UPDATE heads SET seq = ? WHERE oid = ?'
const KNOWN = 'SELECT idx, leaf FROM records WHERE second = ? AND id = ? AND object = ? AND seq = ?'
const INSERT = `INSERT INTO records (idx, second, id, kind, at, outcome, mode, rules, object, seq, leaf)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const INSERT_OTHER = 'INSERT INTO others (idx, kind, at, covers) VALUES (?, ?, ?, ?)'
const RELY = 'INSERT INTO reliance (strike, idx) SELECT DISTINCT value, ? FROM json_each(?)'

interface Head {
  oid: number | null
  seq: number
  readonly stored: number
}

function headOf(sql: Sql, object: string): Head {
  const row = sql.get(HEAD, object)
  if (row === undefined) return { oid: null, seq: 0, stored: 0 }
  const seq = integer(row, 'seq')
  return { oid: integer(row, 'oid'), seq, stored: seq }
}

/** Index of this very record at its place on the chain; null when another one stands there. */
function placeOf(sql: Sql, { oid }: Head, { record, seq }: ChainEntry): number | null {
  if (oid === null) return null
  const row = sql.get(KNOWN, secondOf(record.id), record.id, oid, seq)
  return row !== undefined && equalBytes(bytes(row, 'leaf'), record.leaf)
    ? integer(row, 'idx')
    : null
}

function storeHead(sql: Sql, object: string, head: Head): void {
  if (head.seq === head.stored) return
  if (head.oid !== null) {
    sql.run(MOVE_HEAD, head.seq, head.oid)
    return
  }
  const row = sql.get(NEW_HEAD, object, head.seq)
  head.oid = row === undefined ? null : integer(row, 'oid')
}

function insert(
  sql: Sql,
  entries: Pick<Entries, 'append'>,
  heads: ReadonlyMap<string, Head>,
  { object, seq, at, record, decision }: ChainEntry,
): number {
  const { index } = entries.append({ ...record, openings: {} })
  const oid = heads.get(object)?.oid ?? null
  const { id, kind, leaf } = record
  const rules = decision === null ? null : JSON.stringify(decision.rules)
  const what = [decision?.outcome ?? null, decision?.mode ?? null, rules] as const
  sql.run(INSERT, index, secondOf(id), id, kind, at, ...what, oid, seq, leaf)
  const { strikes = [] } = decision ?? {}
  if (strikes.length > 0) sql.run(RELY, index, JSON.stringify(strikes))
  return index
}
