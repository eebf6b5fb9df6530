/**
 * Subjects that move in: their rows as every host keeps them, and how much of a moving deployment has arrived.
 *
 * A subject that is there already must be there word for word, so lines may come twice; nothing is ever merged into a
 * history that began here. Only facts somebody has stored here before are: field by field the newer one stays. Where a record's row goes is the host's (`Rows`): below 0 on Node, where the chain is the log
 * of an object at its beginning. Spec: docs/spec/storage.md, "Moving".
 */
import { utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { MoveProgress } from '../../core/move/importer.ts'
import type {
  MovedRecord,
  MovedStrike,
  MovedSubject,
  MoveHeader,
  MoveLine,
} from '../../core/move/lines.ts'
import type { EpochMs } from '../../core/time.ts'
import { leafHash } from '../../core/tlog/hash.ts'
import type { StoredFacts, SubjectState } from '../../ports.ts'
import { noteCohostsIn } from './cohosts.ts'
import { putLegalHold } from './legal-holds.ts'
import { openColumns } from './open-broadcasts.ts'
import { INSERT_RECORD, type InsertRow, placeOf } from './records.ts'
import { integer, integerOrNull, type Row, type Sql, text, textOrNull } from './sql.ts'
import { decodeDoc, encodeDoc, NOBODY } from './subject-doc.ts'
import { insertSuppression } from './suppressions.ts'

/** Where rows of a moving subject go. */
export interface Rows {
  /** Of the record at `seq` of a chain, which stood at `place`. */
  idx(record: { readonly seq: number; readonly place: number }): number
  /** Whether these are the tables of a whole deployment: sessions and what relies on strikes are found here then. */
  readonly whole: boolean
  /** For a host that keeps entry and record in one row, together with the place of the record before. */
  insertRow?(
    prev_place: number | null,
    values: Parameters<InsertRow>[0],
    record: Parameters<InsertRow>[1],
  ): void
}

/** How far a move has got; null when none ever began. */
export function moveProgress(sql: Sql): (MoveProgress & { readonly header: string }) | null {
  const row = sql.get('SELECT header, lines, finished FROM moves')
  if (row === undefined) return null
  return {
    header: text(row, 'header'),
    lines: integer(row, 'lines'),
    finished: integer(row, 'finished') === 1,
  }
}

/** Notes that a deployment moves in. Inside a transaction only. */
export function beginMove(sql: Sql, header: MoveHeader): void {
  sql.run(
    'INSERT INTO moves (one, header, lines, finished) VALUES (1, ?, 1, 0)',
    JSON.stringify(header),
  )
}

/** Notes that lines up to `lines` are here; never fewer than before. Inside the transaction that wrote them. */
export function advanceMove(sql: Sql, lines: number, finished: boolean): void {
  sql.run(
    'UPDATE moves SET lines = max(lines, ?), finished = max(finished, ?) WHERE one = 1',
    lines,
    finished ? 1 : 0,
  )
}

const STREAM_KEY = `INSERT INTO stream_keys (id, subject, key_hash, created_at, revoked_at)
  VALUES (?, ?, ?, ?, ?)`
const API_KEY = `INSERT INTO api_keys (id, secret_hash, scopes, owner, audience, created_at, revoked_at)
  VALUES (?, ?, ?, ?, ?, ?, ?)`

/** Writes a key; false for any other line. Inside a transaction only. */
export function putKeyLine(sql: Sql, line: MoveLine): boolean {
  if ('stream_key' in line) {
    const { id, subject, key_hash, created_at, revoked_at } = line.stream_key
    sql.run(STREAM_KEY, id, subject, key_hash, created_at, revoked_at)
    return true
  }
  if (!('api_key' in line)) return false
  const { id, secret_hash, scopes, owner, audience, created_at, revoked_at } = line.api_key
  const list = JSON.stringify(scopes)
  sql.run(API_KEY, id, secret_hash, list, owner, audience, created_at, revoked_at)
  return true
}

/** Writes what outlived an erasure, or stands before one; false for any other line. Inside a transaction only. */
export function putErasureLine(sql: Sql, line: MoveLine): boolean {
  if ('suppression' in line) insertSuppression(sql, line.suppression.key, line.suppression)
  else if ('legal_hold' in line) putLegalHold(sql, line.legal_hold)
  else return false
  return true
}

/** Writes a line about a subject; false for any other line. Inside a transaction only. */
export function putSubjectLine(sql: Sql, line: MoveLine, rows: Rows): boolean {
  if ('subject' in line) putSubject(sql, line.subject, rows)
  else if ('strike' in line) putStrike(sql, line.strike, rows)
  else if ('record' in line) putRecord(sql, line.record, rows)
  else return false
  return true
}

const FIND = `SELECT rid, pseudonym, seq, head, head_idx, last_at, version, strikes, doc
  FROM subjects WHERE subject = ?`
const INSERT = `INSERT INTO subjects (rid, subject, pseudonym, seq, head, head_idx, last_at, version, strikes, doc,
    open_until, open_marks)
  SELECT coalesce(max(rid), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM subjects`
const UPDATE = `UPDATE subjects SET pseudonym = ?, seq = ?, head = ?, head_idx = ?, last_at = ?, version = ?,
  strikes = ?, doc = ?, open_until = ?, open_marks = ? WHERE subject = ?`
const SESSION =
  'INSERT OR REPLACE INTO sessions (server, session, subject, broadcast) VALUES (?, ?, ?, ?)'

function putSubject(sql: Sql, moved: MovedSubject, rows: Rows): void {
  const { subject, pseudonym, seq, head, head_place, last_at, version, strikes } = moved
  const head_idx = head_place === null ? null : rows.idx({ seq, place: head_place })
  const there = sql.get(FIND, subject)
  const doc = encodeDoc({
    ...(moved as unknown as SubjectState),
    facts: there === undefined ? moved.facts : newerFacts(moved.facts, factsIn(there)),
  })
  const columns = [pseudonym, seq, head, head_idx, last_at, version, strikes, doc] as const
  const { broadcasts } = moved as unknown as SubjectState
  const open = openColumns(broadcasts)
  if (there !== undefined && hasOnlyFacts(there)) sql.run(UPDATE, ...columns, ...open, subject)
  else if (isThere('subject', there && valuesOf(there), columns)) return
  else sql.run(INSERT, subject, ...columns, ...open)
  if (!rows.whole) return
  const rid = ridOf(sql, subject)
  for (const { id, server, session } of broadcasts)
    if (server !== undefined && session !== undefined) sql.run(SESSION, server, session, rid, id)
}

function factsIn(row: Row): StoredFacts {
  return decodeDoc(text(row, 'doc')).facts
}

/** True for somebody about whom facts were stored, and nothing else ever happened. */
function hasOnlyFacts(row: Row): boolean {
  const { facts } = decodeDoc(text(row, 'doc'))
  const bare = encodeDoc({ ...NOBODY, facts }) === text(row, 'doc')
  return bare && integer(row, 'seq') === 0 && integer(row, 'version') === 0
}

/** The newer of each; what is here already stays where both are from the same instant. */
function newerFacts(moved: StoredFacts, here: StoredFacts): StoredFacts {
  const facts: Record<string, { readonly value: unknown; readonly as_of: EpochMs }> = { ...moved }
  for (const [name, fact] of Object.entries(here)) {
    const other = facts[name]
    if (other === undefined || fact.as_of >= other.as_of) facts[name] = fact
  }
  return facts as StoredFacts
}

function valuesOf(row: Row): readonly unknown[] {
  return [
    textOrNull(row, 'pseudonym'),
    integer(row, 'seq'),
    textOrNull(row, 'head'),
    integerOrNull(row, 'head_idx'),
    integerOrNull(row, 'last_at'),
    integer(row, 'version'),
    integer(row, 'strikes'),
    text(row, 'doc'),
  ]
}

function putStrike(sql: Sql, { strike, place }: MovedStrike, rows: Rows): void {
  const { id, subject, effective_at, status } = strike
  const rid = ridOf(sql, subject)
  const doc = JSON.stringify(strike)
  const there = sql.get('SELECT subject, status, doc FROM strikes WHERE id = ?', id)
  if (isThere('strike', there && [there.subject, there.status, there.doc], [rid, status, doc]))
    return
  sql.run(
    'INSERT INTO strikes (id, subject, effective_at, status, idx, doc) VALUES (?, ?, ?, ?, ?, ?)',
    ...[id, rid, effective_at, status, placeOfStrike(place, rows), doc],
  )
}

/** Of a strike only its place in the log was kept; where places are those of a chain it has none. */
function placeOfStrike(place: number | null, rows: Rows): number | null {
  return place === null || !rows.whole ? null : rows.idx({ seq: 0, place })
}

const ENTRY = 'INSERT INTO entries (idx, leaf, jws, openings) VALUES (?, ?, ?, ?)'
const RELY = 'INSERT INTO reliance (strike, idx) SELECT DISTINCT value, ? FROM json_each(?)'

function putRecord(sql: Sql, record: MovedRecord, rows: Rows): void {
  const { subject, id, kind, seq, at, jws, openings, decision, prev_place } = record
  const rid = ridOf(sql, subject)
  const idx = rows.idx(record)
  const prev = prev_place === null ? null : rows.idx({ seq: seq - 1, place: prev_place })
  const texts = Object.keys(openings).length === 0 ? null : JSON.stringify(openings)
  const there = sql.get('SELECT jws, openings FROM entries WHERE idx = ?', idx)
  if (isThere('record', there && [there.jws, there.openings], [jws, texts])) return
  const leaf = leafHash(utf8(jws))
  const { outcome = null, mode = null, rules, strikes = [] } = decision ?? {}
  const what = [outcome, mode, rules === undefined ? null : JSON.stringify(rules)] as const
  const values = [idx, ...placeOf(id), id, kind, rid, seq, at, prev, ...what]
  if (rows.insertRow !== undefined) rows.insertRow(prev_place, values, { leaf, jws, openings })
  else {
    sql.run(ENTRY, idx, leaf, jws, texts)
    sql.run(INSERT_RECORD, ...values)
  }
  if (strikes.length > 0 && rows.whole) sql.run(RELY, idx, JSON.stringify(strikes))
  if (rows.whole) noteCohostsIn(sql, openings, idx)
}

function ridOf(sql: Sql, subject: string): number {
  const row = sql.get('SELECT rid FROM subjects WHERE subject = ?', subject)
  if (row !== undefined) return integer(row, 'rid')
  throw new LivegateError('conflict', 'Cannot take a line: its subject is not here yet')
}

/** True when it is here already, word for word. */
function isThere(
  what: string,
  there: readonly unknown[] | undefined,
  given: readonly unknown[],
): boolean {
  if (there === undefined) return false
  if (there.every((value, i) => value === given[i])) return true
  throw new LivegateError(
    'conflict',
    `Cannot take a ${what}: it is here already, with other content`,
  )
}
