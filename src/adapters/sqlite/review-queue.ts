/**
 * The queue of reviews as rows: what people are asked about, soonest deadline first.
 *
 * An index beside what counts, which is the subject's own state; written with it where both are in one database. A row goes a
 * week after the word, or after the deadline nobody said one by. Duties: gate/review-items.ts, `ReviewQueue`.
 */
import { LivegateError } from '../../core/errors.ts'
import {
  CLOSED_KEPT_MS,
  type ReviewItem,
  type ReviewSearch,
  type ReviewView,
  stateOfItem,
} from '../../gate/review-items.ts'
import type { Sql } from './sql.ts'
import { text } from './sql.ts'

export const REVIEW_TABLES: readonly string[] = [
  `CREATE TABLE review_items (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    queue TEXT NOT NULL,
    state TEXT NOT NULL,
    due INTEGER NOT NULL,
    gone_at INTEGER NOT NULL,
    doc TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX review_items_by_due ON review_items (state, due, id)',
  'CREATE INDEX review_items_by_subject ON review_items (subject)',
  'CREATE INDEX review_items_gone ON review_items (gone_at)',
]

const PUT = `INSERT INTO review_items (id, subject, queue, state, due, gone_at, doc)
  VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
  SET state = excluded.state, gone_at = excluded.gone_at, doc = excluded.doc`
const TIDY = 'DELETE FROM review_items WHERE gone_at <= ?'
const FORGET = 'DELETE FROM review_items WHERE subject = ?'

/** Puts items of a subject into the queue, or what has become of them. Inside a transaction, or where each call is one. */
export function putReviews(
  sql: Sql,
  subject: string,
  items: readonly ReviewItem[],
  at: number,
): void {
  if (items.length === 0) return
  for (const item of items) {
    const { id, queue, by, result } = item
    const gone_at = (result?.at ?? by) + CLOSED_KEPT_MS
    const doc = JSON.stringify({ ...item, subject })
    sql.run(PUT, id, subject, queue, stateOfItem(item), by, gone_at, doc)
  }
  sql.run(TIDY, at)
}

/** Forgets all of a subject. */
export function forgetReviews(sql: Sql, subject: string): void {
  sql.run(FORGET, subject)
}

/** A page: everything behind the cursor, by (deadline, id). */
export function listReviews(
  sql: Sql,
  search: ReviewSearch,
): { readonly items: readonly ReviewView[]; readonly next: string | null } {
  const { queue, state = 'open', limit } = search
  const { due, id } = readReviewCursor(search.cursor)
  const rows =
    queue === undefined
      ? sql.all(
          'SELECT doc FROM review_items WHERE state = ? AND (due, id) > (?, ?) ORDER BY due, id LIMIT ?',
          ...[state, due, id, limit],
        )
      : sql.all(
          `SELECT doc FROM review_items WHERE state = ? AND queue = ? AND (due, id) > (?, ?)
           ORDER BY due, id LIMIT ?`,
          ...[state, queue, due, id, limit],
        )
  const items = rows.map((row) => JSON.parse(text(row, 'doc')) as ReviewView)
  const last = items.at(-1)
  return { items, next: items.length < limit || last === undefined ? null : reviewCursor(last) }
}

/** How many have no word yet and their deadline after `at`. Reads the index alone. */
export function openReviews(sql: Sql, at: number): number {
  const [row] = sql.all(
    "SELECT COUNT(*) AS open FROM review_items WHERE state = 'open' AND due > ?",
    at,
  )
  return Number(row?.open ?? 0)
}

/** Where a page ended. */
export function reviewCursor({ by, id }: Pick<ReviewView, 'by' | 'id'>): string {
  return `${by}:${id}`
}

/** Throws `invalid_request` for what is none of ours. */
export function readReviewCursor(cursor: string | undefined): {
  readonly due: number
  readonly id: string
} {
  if (cursor === undefined) return { due: Number.MIN_SAFE_INTEGER, id: '' }
  const [, due, id] = /^(-?\d{1,15}):([A-Za-z0-9_.-]{1,80})$/.exec(cursor) ?? []
  if (due !== undefined && id !== undefined) return { due: Number(due), id }
  throw new LivegateError('invalid_request', 'Cannot go on listing: the cursor is not one of ours')
}
