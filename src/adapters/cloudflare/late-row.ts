/**
 * Writes a subject's row late: a decision is one row, its record's, which says what the subject's row will say.
 *
 * A row is what storage of objects costs, and a second one is a second page to commit. So the row of the newest record
 * carries (`late_version`, `late_doc`) what changed besides the chain itself, and the subject's row is written with the place
 * of that record once the object is quiet (places.ts). Until then, and after a lost memory, the record's row is the truth:
 * no statement that reads the subject's row or changes either gets by without it being written first. Joins may: nobody's
 * number or name changes. Facts and strikes never wait. Spec: docs/spec/storage.md, "The edge host".
 */
import { toBase64Url } from '../../core/encoding.ts'
import type { SubjectState } from '../../ports.ts'
import { openColumns } from '../sqlite/open-broadcasts.ts'
import { bytes, integer, integerOrNull, type Sql, type SqlValue, text } from '../sqlite/sql.ts'
import { decodeDoc, encodeDoc, NOBODY } from '../sqlite/subject-doc.ts'
import type { SparseSql } from './sparse-sql.ts'

/** What a record's row carries: values of `late_version` and `late_doc`. */
export type Late = readonly [version: number | null, doc: string | null]

/** A subject's tables; whoever uses them finds the subject's row as it should be. */
export interface LateSql extends SparseSql {
  /** Inside a transaction only, before `take`: true when the next record's row will say what `after` is. */
  carry(before: SubjectState, after: SubjectState): boolean
  /** For that record's row. */
  take(): Late
  /** Writes the place of the newest record, and with it whatever is late. Inside a transaction only. */
  place(idx: number, index: number): void
}

/** Longer ones do not wait: a row has at most 2 MB, and this one has the record and its disclosures. */
const MAX_LATE_CHARS = 1_000
/** What goes from a record's row when something of its disclosures does, and with all of them. */
export const LATE_GONE = 'late_version = NULL, late_doc = NULL'
export const CONTENTS_GONE: string = `openings = NULL, ${LATE_GONE}`

const NEEDS_ROW = /\b(?:FROM|INTO|UPDATE)\s+subjects\b|\bUPDATE\s+records\s+SET\s+(?!prev_place)/
const NEWEST = `SELECT r.idx, r.seq, r.at, r.leaf, r.late_version, r.late_doc, s.seq AS written, s.doc
  FROM records r CROSS JOIN subjects s ORDER BY r.idx DESC LIMIT 1`
/** There is one subject. */
const WRITE = `UPDATE subjects SET seq = ?, head = ?, head_idx = ?, last_at = ?, version = ?, doc = ?,
  open_until = ?, open_marks = ?`
const PLACED = 'placed = ?, place = ?'
const NONE: Late = [null, null]

/** Statements are constants, so there are few. */
const needing = new Map<string, boolean>()

function needsRow(statement: string): boolean {
  const known = needing.get(statement)
  if (known !== undefined) return known
  const needs = NEEDS_ROW.test(statement)
  needing.set(statement, needs)
  return needs
}

export function withLateRow(sql: SparseSql): LateSql {
  /** False when the row is known to be as it should be. */
  let behind = true
  let held: Late = NONE

  function settle(statement: string): void {
    if (!behind || !needsRow(statement) || !sql.has('subjects')) return
    behind = false
    const late = lateIn(sql)
    if (late !== null) sql.run(WRITE, ...late)
  }

  return {
    has: sql.has,
    forget() {
      behind = true
      sql.forget()
    },
    run(statement, ...values) {
      settle(statement)
      sql.run(statement, ...values)
    },
    swap(statement, ...values) {
      settle(statement)
      sql.swap(statement, ...values)
    },
    get(statement, ...values) {
      settle(statement)
      return sql.get(statement, ...values)
    },
    all(statement, ...values) {
      settle(statement)
      return sql.all(statement, ...values)
    },
    transaction(work) {
      try {
        return sql.transaction(work)
      } catch (error) {
        // What it settled is undone with it.
        behind = true
        held = NONE
        throw error
      }
    },
    carry(before, after) {
      const { pseudonym, facts, strikes } = before
      const kept = { pseudonym, facts, strikes }
      if (Object.entries(kept).some(([name, value]) => after[name as keyof typeof kept] !== value))
        return false
      const doc = encodeDoc({ ...after, facts: {} })
      if (doc.length > MAX_LATE_CHARS) return false
      held = [after.version, doc]
      return true
    },
    take() {
      const taken = held
      held = NONE
      if (taken !== NONE) behind = true
      return taken
    },
    place(idx, index) {
      const late = behind ? lateIn(sql) : null
      behind = false
      if (late === null) sql.run(`UPDATE subjects SET ${PLACED}`, idx, index)
      else sql.run(`${WRITE}, ${PLACED}`, ...late, idx, index)
    },
  }
}

/** Values of WRITE; null when the row says all there is. */
function lateIn(sql: Sql): readonly SqlValue[] | null {
  const row = sql.get(NEWEST)
  const version = row === undefined ? null : integerOrNull(row, 'late_version')
  if (row === undefined || version === null) return null
  const seq = integer(row, 'seq')
  if (seq <= integer(row, 'written')) return null
  const { facts } = decodeDoc(text(row, 'doc'))
  const late = { ...decodeDoc(text(row, 'late_doc')), facts }
  const chain = [seq, toBase64Url(bytes(row, 'leaf')), integer(row, 'idx'), integer(row, 'at')]
  const doc = encodeDoc({ ...NOBODY, ...late })
  return [...chain, version, doc, ...openColumns(late.broadcasts)]
}
