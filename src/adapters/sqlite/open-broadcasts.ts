/**
 * The OpenBroadcasts port over SQL: what runs is in its subject's row, and two columns say which rows to look at.
 *
 * `open_until`: the latest end of what the subject is host of; `open_marks`: something is left to do. Both have an index over
 * the rows that have one, so that a walk costs what is open, not what there is, and a plain decision writes no row for it. They
 * change with the row's `doc` only and may be over by now: the doc is read and compared. Duties: gate/broadcast-port.ts.
 */
import type { EpochMs } from '../../core/time.ts'
import { endOf, isFlagged, isListed, strangeCursor, viewOf } from '../../gate/broadcast-port.ts'
import type { BroadcastQuery, BroadcastView, OpenBroadcast, OpenBroadcasts } from '../../ports.ts'
import { integer, type Row, type Sql, text } from './sql.ts'
import { decodeDoc } from './subject-doc.ts'

const MARKED = 1
const CUTTING = 2

/** What the two columns hold for these broadcasts. */
export function openColumns(
  broadcasts: readonly OpenBroadcast[],
): readonly [open_until: number | null, open_marks: number | null] {
  if (broadcasts.length === 0) return [null, null]
  let until = 0
  let marks = 0
  for (const open of broadcasts) {
    if (open.role === 'host') until = Math.max(until, endOf(open))
    if (isFlagged(open)) marks |= MARKED
    if (open.cutting !== undefined) marks |= CUTTING
  }
  return [until === 0 ? null : until, marks === 0 ? null : marks]
}

/** Reads what is durable. For a host that has all subjects in one database. */
export function createSqlOpenBroadcasts(sql: Sql): OpenBroadcasts {
  return {
    async list(query, at) {
      const { limit } = query
      const { rows, last } = rowsOf(sql, query, at)
      const items: BroadcastView[] = []
      for (const row of rows) items.push(...foundIn(row, query, at))
      return { items, next: rows.length < limit || last === null ? null : last }
    },
  }
}

const BY_SERVER = `SELECT s.session AS place, s.broadcast, u.subject, u.doc FROM sessions s
  JOIN subjects u ON u.rid = s.subject WHERE s.server = ? AND s.session > ? ORDER BY s.session LIMIT ?`
const MARKS = `SELECT rid AS place, subject, doc FROM subjects INDEXED BY subjects_marked
  WHERE open_marks IS NOT NULL AND rid > ? ORDER BY rid LIMIT ?`
const OPEN = `SELECT rid AS place, subject, doc FROM subjects INDEXED BY subjects_open
  WHERE open_until > ? AND rid > ? ORDER BY rid LIMIT ?`

function rowsOf(
  sql: Sql,
  { server, cutting, flagged, after, limit }: BroadcastQuery,
  at: EpochMs,
): { readonly rows: readonly Row[]; readonly last: string | null } {
  if (server !== undefined) {
    const rows = sql.all(BY_SERVER, server, after ?? '', limit)
    return { rows, last: lastOf(rows, (row) => text(row, 'place')) }
  }
  const from = placeFrom(after)
  const rows =
    cutting === true || flagged === true
      ? sql.all(MARKS, from, limit)
      : sql.all(OPEN, at, from, limit)
  return { rows, last: lastOf(rows, (row) => String(integer(row, 'place'))) }
}

function placeFrom(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor)
  throw strangeCursor()
}

function lastOf(rows: readonly Row[], place: (row: Row) => string): string | null {
  const last = rows.at(-1)
  return last === undefined ? null : place(last)
}

function foundIn(row: Row, query: BroadcastQuery, at: EpochMs): readonly BroadcastView[] {
  const only = query.server === undefined ? null : text(row, 'broadcast')
  const subject = text(row, 'subject')
  return decodeDoc(text(row, 'doc'))
    .broadcasts.filter((open) => (only === null || open.id === only) && isListed(open, query, at))
    .map((open) => viewOf(subject, open))
}
