/**
 * A subject that moves in, as rows of its object: its chain is the beginning of the object's own little log.
 *
 * The places its records had are those below 0, so the outbox finds all of them logged and goes on after them. Whatever the
 * object holds that never reached a log was never answered: it gives way. Facts were, and stay. Next stop: import-log.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { MoveLine } from '../../core/move/lines.ts'
import type { SubjectState } from '../../ports.ts'
import { putSubjectLine, type Rows } from '../sqlite/move-in.ts'
import { writePredecessors } from '../sqlite/predecessors.ts'
import { type Sql, text } from '../sqlite/sql.ts'
import { decodeDoc, encodeDoc, NOBODY } from '../sqlite/subject-doc.ts'
import { insertWhole } from './chain-store.ts'
import type { SubjectMove } from './import-steps.ts'
import type { SparseSql } from './sparse-sql.ts'
import { MAX_OPENINGS_CHARS, makeSubjectTables, RARE_TABLES } from './subject-schema.ts'

/** The n-th record of a chain is the n-th row. */
function rowsIn(sql: Sql): Rows {
  return {
    idx: ({ seq }) => seq - 1,
    whole: false,
    insertRow: (prev_place, ...row) => insertWhole(sql, row, prev_place),
  }
}
/** Of the newest record; the others' are in the rows behind them. */
const PLACE = 'UPDATE subjects SET placed = ?1, place = ?2 WHERE coalesce(placed, -1) < ?1'

/** Id of the subject the lines are about. Throws unless it is one. */
export function subjectOfMove(lines: readonly MoveLine[]): string {
  const names = new Set(lines.map(subjectOf))
  const [subject] = names
  if (subject !== undefined && names.size === 1) return subject
  throw new LivegateError('internal', 'Cannot take lines: expected those of one subject')
}

/** Throws `conflict` for a record that no object can hold, before anything of it is written anywhere. */
export function requireRoom(line: MoveLine): void {
  if (!('record' in line) || JSON.stringify(line.record.openings).length <= MAX_OPENINGS_CHARS)
    return
  throw new LivegateError(
    'conflict',
    `Cannot import a record: its openings have more than ${MAX_OPENINGS_CHARS} characters, expected what fits a row`,
  )
}

/** Writes the lines, in one transaction. Whatever is in memory of these tables must be read again. */
export function takeSubject(sql: SparseSql, { logs, lines }: SubjectMove): void {
  makeSubjectTables(sql)
  const rows = rowsIn(sql)
  sql.transaction(() => {
    if (!sql.get('SELECT origin FROM predecessors LIMIT 1')) clearUnlogged(sql)
    writePredecessors(sql, logs)
    for (const line of lines) {
      putSubjectLine(sql, line, rows)
      if ('record' in line) sql.run(PLACE, line.record.seq - 1, line.record.place)
    }
  })
}

/** What was written while the log took nothing has no place in it. */
function clearUnlogged(sql: Sql): void {
  if (
    sql.get(
      `SELECT 1 AS placed FROM subjects WHERE placed IS NOT NULL
        UNION ALL SELECT 1 FROM records WHERE prev_place IS NOT NULL LIMIT 1`,
    ) !== undefined
  )
    throw new LivegateError(
      'conflict',
      'Cannot import a subject: it has a history here already, expected a fresh log',
    )
  const facts = factsHere(sql)
  for (const table of ['subjects', 'records', ...RARE_TABLES]) sql.run(`DELETE FROM ${table}`)
  if (facts !== null)
    sql.run(ONLY_FACTS, facts.subject, encodeDoc({ ...NOBODY, facts: facts.facts }))
}

/** Of somebody the move-in then finds as one about whom facts were stored, and nothing else. */
const ONLY_FACTS = `INSERT INTO subjects (rid, subject, seq, version, strikes, doc) VALUES (1, ?, 0, 0, 0, ?)`

/** Facts were answered without a record: they are all that is true here. */
function factsHere(
  sql: Sql,
): { readonly subject: string; readonly facts: SubjectState['facts'] } | null {
  const row = sql.get('SELECT subject, doc FROM subjects')
  if (row === undefined) return null
  const { facts } = decodeDoc(text(row, 'doc'))
  return Object.keys(facts).length === 0 ? null : { subject: text(row, 'subject'), facts }
}

function subjectOf(line: MoveLine): string | undefined {
  if ('subject' in line) return line.subject.subject
  if ('strike' in line) return line.strike.strike.subject
  return 'record' in line ? line.record.subject : undefined
}
