/**
 * Erasures as rows: begun (`purging`), rows gone but not yet every byte (`vacating`), `done`.
 *
 * A row knows its subject only while there is something left to look for; then it is a keyed hash and what the answer
 * says. Rows of what was forgotten for another reason have no key: they only wait for their bytes. Next stop: eraser.ts.
 */
import type { SubjectId } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Erasure } from '../../ports.ts'
import { integer, integerOrNull, type Row, type Sql, text, textOrNull } from './sql.ts'

/** Rows of an erased subject that are still there. */
export interface Purging {
  readonly id: number
  readonly subject: SubjectId
  /** Null for a subject that had no row. */
  readonly rid: number | null
  /** Log index of the newest record that is left; null when none is. */
  readonly cursor: number | null
  /** Log index from which on records name whoever came back. */
  readonly bound: number
}

type Doc = Omit<Erasure, 'state' | 'at'>

const INSERT = `INSERT INTO erasures (key, state, at, subject, rid, cursor, bound, doc)
  VALUES (?, 'purging', ?, ?, ?, ?, ?, ?)`
const FIND = 'SELECT state, at, doc FROM erasures WHERE key = ? ORDER BY id DESC LIMIT 1'
const NEXT =
  "SELECT id, subject, rid, cursor, bound FROM erasures WHERE state = 'purging' ORDER BY id LIMIT 1"
/** Key of rows that are no subject's erasure. */
const NOBODYS = ''

/** Inside a transaction only. */
export function insertErasure(
  sql: Sql,
  key: string,
  erasure: Omit<Erasure, 'state'> & Omit<Purging, 'id'>,
): void {
  const { at, subject, rid, cursor, bound, ...doc } = erasure
  sql.run(INSERT, key, at, subject, rid, cursor, bound, JSON.stringify(doc satisfies Doc))
}

/** The newest of a subject, whatever its age. */
export function erasureUnder(sql: Sql, key: string): Erasure | null {
  const row = sql.get(FIND, key)
  if (row === undefined) return null
  const doc = JSON.parse(text(row, 'doc')) as Doc
  const state = text(row, 'state') === 'done' ? 'done' : 'pending'
  return { ...doc, at: integer(row, 'at') as EpochMs, state }
}

/** Instant of the newest erasure of a subject; null when there is none. */
export function newestErasure(sql: Sql): number | null {
  const row = sql.get('SELECT max(at) AS at FROM erasures WHERE key <> ?', NOBODYS)
  return row === undefined ? null : integerOrNull(row, 'at')
}

/** Drops what was done before an instant. Inside a transaction only. */
export function expireErasures(sql: Sql, before: number): void {
  sql.run("DELETE FROM erasures WHERE state = 'done' AND at <= ?", before)
}

/** The oldest erasure with rows left; null when there is none. */
export function nextPurging(sql: Sql): Purging | null {
  const row = sql.get(NEXT)
  return row === undefined ? null : purgingOf(row)
}

/** Records below this index that name the subject are an erasure's under way; 0 when there is none. */
export function purgedBelow(sql: Sql, subject: SubjectId): number {
  const query = "SELECT max(bound) AS bound FROM erasures WHERE state = 'purging' AND subject = ?"
  const row = sql.get(query, subject)
  return (row === undefined ? null : integerOrNull(row, 'bound')) ?? 0
}

function purgingOf(row: Row): Purging {
  return {
    id: integer(row, 'id'),
    subject: textOrNull(row, 'subject') ?? '',
    rid: integerOrNull(row, 'rid'),
    cursor: integerOrNull(row, 'cursor'),
    bound: integerOrNull(row, 'bound') ?? 0,
  }
}

/** Inside a transaction only. */
export function moveCursor(sql: Sql, id: number, cursor: number | null): void {
  sql.run('UPDATE erasures SET cursor = ? WHERE id = ?', cursor, id)
}

/** No row is left. Inside a transaction only. */
export function setVacating(sql: Sql, id: number): void {
  sql.run(
    "UPDATE erasures SET state = 'vacating', subject = NULL, rid = NULL, cursor = NULL, bound = NULL WHERE id = ?",
    id,
  )
}

/**
 * Something that belongs to no erasure was removed at `at`, and its bytes are to go too. A row each time: one that waits
 * already may be of bytes that are being made to go, and these came later. Inside a transaction only.
 */
export function insertVacating(sql: Sql, at: EpochMs): void {
  sql.run("INSERT INTO erasures (key, state, at, doc) VALUES (?, 'vacating', ?, '{}')", NOBODYS, at)
}

/** Those that wait for their bytes to go. */
export function vacatingIds(sql: Sql): readonly number[] {
  const rows = sql.all("SELECT id FROM erasures WHERE state = 'vacating'")
  return rows.map((row) => integer(row, 'id'))
}

/** Instants at which these began. Inside a transaction only. */
export function setDone(sql: Sql, ids: readonly number[]): readonly number[] {
  const rows = sql.all(
    `UPDATE erasures SET state = 'done' WHERE id IN (SELECT value FROM json_each(?)) RETURNING key, at`,
    JSON.stringify(ids),
  )
  sql.run("DELETE FROM erasures WHERE key = ? AND state = 'done'", NOBODYS)
  return rows.filter((row) => text(row, 'key') !== NOBODYS).map((row) => integer(row, 'at'))
}

/** Highest row number that is still in use by what is left of an erased subject; 0 when none is. */
export function lastErasedRid(sql: Sql): number {
  const row = sql.get('SELECT max(rid) AS last FROM erasures')
  return (row === undefined ? null : integerOrNull(row, 'last')) ?? 0
}
