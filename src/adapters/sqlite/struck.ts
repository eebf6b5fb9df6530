/**
 * Who has strikes, by the newest: for a report on what a policy would change for them.
 */
import type { SubjectId } from '../../core/model.ts'
import { integer, type Sql, text } from './sql.ts'

export interface StruckPage {
  /** From the page before; the newest unless given. */
  readonly before?: number
  /** Strikes looked at. */
  readonly limit: number
}

export interface StruckFound {
  /** Each once on this page; on another page they may come again. */
  readonly subjects: readonly SubjectId[]
  /** Where the next page begins; null on the last one. */
  readonly before: number | null
}

/** One page of them. */
export function struckSubjects(sql: Sql, page: StruckPage): StruckFound {
  const rows = sql.all(
    `SELECT k.rowid AS place, s.subject AS subject FROM strikes k JOIN subjects s ON s.rid = k.subject
     WHERE k.rowid < ? ORDER BY k.rowid DESC LIMIT ?`,
    page.before ?? Number.MAX_SAFE_INTEGER,
    page.limit,
  )
  const last = rows.at(-1)
  const ended = last === undefined || rows.length < page.limit
  return {
    subjects: [...new Set(rows.map((row) => text(row, 'subject')))],
    before: ended ? null : integer(last, 'place'),
  }
}
