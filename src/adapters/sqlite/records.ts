/**
 * Records by id, by time, by index and by the strikes they rely on; their bytes come from `entries`.
 *
 * Ids made by the gate begin with the second they were made in and their number in it (gate/record-ids.ts), so the one
 * index over them grows at its end, serves search by time and leads to an id at once. Other ids all share one second (-1).
 * Next stop: directory.ts.
 */
import { fromBase64Url, toBase64Url } from '../../core/encoding.ts'
import type { Outcome } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { ChainKind, Change, Receipt, SignedRecord, StoredRecord } from '../../ports.ts'
import { placeIn } from './predecessors.ts'
import { bytes, integer, type Row, type Sql, type SqlValue, text, textOrNull } from './sql.ts'

const ID_BYTES = 16
const FOREIGN = [-1, 0] as const

/** What an id of 16 bytes begins with: its second and its number in it (gate/record-ids.ts); -1 and 0 for any other id. */
export function placeOf(id: string): readonly [second: number, number: number] {
  const bytes = id.length === 22 ? fromBase64Url(id) : null
  if (bytes?.length !== ID_BYTES) return FOREIGN
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return [view.getUint32(0), view.getUint16(4)]
}

/** Second an id of 16 bytes begins with; -1 for any other id. */
export function secondOf(id: string): number {
  return placeOf(id)[0]
}

/** Columns of a record's row, in this order. */
const COLUMNS_WRITTEN =
  'idx, second, number, id, kind, subject, seq, at, prev_idx, outcome, mode, rules'

/** Inserts a record's row with `more` columns than those every host has; its values in the same order. */
export function insertRecordSql(...more: readonly string[]): string {
  const columns = [...COLUMNS_WRITTEN.split(', '), ...more]
  return `INSERT INTO records (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
}

/** Inserts a record's row where its bytes have a table of their own. */
export const INSERT_RECORD: string = insertRecordSql()

/** Writes a record's row, given its values as `insertRecordSql` has them; for a host that keeps the record's bytes in it as well. */
export type InsertRow = (
  values: readonly SqlValue[],
  record: Pick<SignedRecord, 'leaf' | 'jws' | 'openings'>,
) => void

/** One statement however many strikes there are. */
const RELY = `INSERT INTO reliance (strike, idx) SELECT DISTINCT value, ? FROM json_each(?)`

/** Inserts what is known about a record, and what it relies on. Inside a transaction only. */
export function insertRecord(
  sql: Sql,
  step: {
    readonly change: Change
    readonly record: SignedRecord
    readonly idx: number
    readonly rid: number
    readonly seq: number
    readonly prev_idx: number | null
  },
  insertRow: InsertRow = (values) => sql.run(INSERT_RECORD, ...values),
): void {
  const { change, record, idx, rid, seq, prev_idx } = step
  const { outcome = null, mode = null, rules, strikes = [] } = change.decision ?? {}
  const what = [outcome, mode, rules === undefined ? null : JSON.stringify(rules)] as const
  const { id, kind } = record
  insertRow([idx, ...placeOf(id), id, kind, rid, seq, change.at, prev_idx, ...what], record)
  if (strikes.length > 0) sql.run(RELY, idx, JSON.stringify(strikes))
}

const COLUMNS = `r.idx, r.second, r.id, r.kind, r.seq, r.at, r.prev_idx, r.outcome, r.rules, s.subject, e.leaf, e.jws, e.openings`
const JOINED = `records r JOIN entries e ON e.idx = r.idx JOIN subjects s ON s.rid = r.subject`
const BY_ID = `SELECT ${COLUMNS} FROM ${JOINED} WHERE r.second = ? AND r.number = ? AND r.id = ?`

/** The record of an id, null when there is none (or its subject was erased). */
export function recordById(sql: Sql, origin: string, id: string): StoredRecord | null {
  const row = sql.get(BY_ID, ...placeOf(id), id)
  return row === undefined ? null : storedRecord(sql, row, origin)
}

const NARROW = 'SELECT idx, second, kind, at, outcome, rules FROM records'
/** The records of a second are sorted when the search gets to it: their numbers are not always the log's order. */
const PAGE = `${NARROW}
  WHERE second >= ? AND second <= ? AND (second, idx) < (?, ?) ORDER BY second DESC, idx DESC LIMIT ?`
const BY_INDEX = `SELECT ${COLUMNS} FROM ${JOINED} WHERE r.idx = ?`

/** A record as a search walks over it. */
export interface Glimpse {
  readonly idx: number
  readonly second: number
  readonly at: number
  readonly outcome: string | null
  readonly rules: readonly string[]
}

/** Up to `limit` records before a place, newest first, whatever their kind; `outcome` is null unless a decision. */
export function recordsBefore(
  sql: Sql,
  walk: {
    readonly first: number
    readonly last: number
    readonly before: { readonly second: number; readonly idx: number }
    readonly limit: number
  },
): Glimpse[] {
  const { first, last, before, limit } = walk
  return sql.all(PAGE, first, last, before.second, before.idx, limit).map((row) => ({
    idx: integer(row, 'idx'),
    second: integer(row, 'second'),
    at: integer(row, 'at'),
    outcome: textOrNull(row, 'outcome'),
    rules: JSON.parse(textOrNull(row, 'rules') ?? '[]') as string[],
  }))
}

/** The record at a log index. */
export function recordAt(sql: Sql, origin: string, idx: number): StoredRecord | null {
  const row = sql.get(BY_INDEX, idx)
  return row === undefined ? null : storedRecord(sql, row, origin)
}

const RELYING = `SELECT r.id, r.outcome, r.at FROM reliance x JOIN records r ON r.idx = x.idx
  WHERE x.strike = ? ORDER BY x.idx DESC LIMIT ?`

/** A decision whose reasons name a strike. */
export interface Relying {
  readonly id: string
  readonly outcome: Outcome
  readonly at: EpochMs
}

/** Decisions that name the strike, newest first. */
export function decisionsNaming(sql: Sql, strike: string, limit: number): Relying[] {
  return sql.all(RELYING, strike, limit).map((row) => ({
    id: text(row, 'id'),
    outcome: text(row, 'outcome') as Outcome,
    at: integer(row, 'at') as EpochMs,
  }))
}

const INDEXES = 'SELECT idx FROM records WHERE idx >= ? ORDER BY idx LIMIT ?'

/** Indexes of chain records from one on, in the order of the log. */
export function indexesFrom(sql: Sql, from: number, limit: number): number[] {
  return sql.all(INDEXES, from, limit).map((row) => integer(row, 'idx'))
}

function storedRecord(sql: Sql, row: Row, origin: string): StoredRecord {
  const receipt: Receipt = {
    ...placeIn(sql, origin, integer(row, 'idx')),
    leaf: toBase64Url(bytes(row, 'leaf')),
  }
  return {
    id: text(row, 'id'),
    kind: text(row, 'kind') as ChainKind,
    subject: text(row, 'subject'),
    seq: integer(row, 'seq'),
    at: integer(row, 'at') as EpochMs,
    jws: text(row, 'jws'),
    openings: openingsOf(row),
    receipt,
  }
}

function openingsOf(row: Row): Readonly<Record<string, string>> {
  return JSON.parse(textOrNull(row, 'openings') ?? '{}') as Record<string, string>
}
