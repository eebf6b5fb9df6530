/**
 * Legal holds as rows: who may not be erased, until when and why. They go when they are lifted, or over and in the way.
 */
import type { EpochMs } from '../../core/time.ts'
import type { LegalHold } from '../../ports.ts'
import { integer, type Row, type Sql, text } from './sql.ts'

const PUT = `INSERT OR REPLACE INTO legal_holds (subject, until, basis, by, set_at)
  VALUES (?, ?, ?, ?, ?)`

export function legalHoldOf(sql: Sql, subject: string): LegalHold | null {
  const row = sql.get('SELECT * FROM legal_holds WHERE subject = ?', subject)
  return row === undefined ? null : holdOf(row)
}

/** Inside a transaction only. */
export function putLegalHold(sql: Sql, hold: LegalHold): void {
  sql.run(PUT, hold.subject, hold.until, hold.basis, hold.by, hold.set_at)
}

/** False when there was none. Inside a transaction only. */
export function dropLegalHold(sql: Sql, subject: string): boolean {
  const row = sql.get('DELETE FROM legal_holds WHERE subject = ? RETURNING subject', subject)
  return row !== undefined
}

export function holdOf(row: Row): LegalHold {
  return {
    subject: text(row, 'subject'),
    until: integer(row, 'until') as EpochMs,
    basis: text(row, 'basis'),
    by: text(row, 'by'),
    set_at: integer(row, 'set_at') as EpochMs,
  }
}
