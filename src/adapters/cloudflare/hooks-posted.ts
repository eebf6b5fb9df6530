/**
 * Attempts to tell an endpoint, by their result: counted in memory, and written down after each piece of work, because an object
 * with nothing to do is put away between two scrapes.
 *
 * What an object that dies had not written is not counted. From: hooks-run.ts.
 */
import { type Sql, text } from '../sqlite/sql.ts'

export interface PostedBook {
  count(result: string): void
  save(): void
  counts(): Readonly<Record<string, number>>
}

export const POSTED_TABLE =
  'CREATE TABLE webhook_posted (endpoint TEXT PRIMARY KEY, counts TEXT NOT NULL) STRICT, WITHOUT ROWID'
const READ = 'SELECT counts FROM webhook_posted WHERE endpoint = ?'
const WRITE = 'INSERT OR REPLACE INTO webhook_posted (endpoint, counts) VALUES (?, ?)'

/** Over the table of `POSTED_TABLE`. */
export function createPostedBook(sql: Sql, endpoint: string): PostedBook {
  const row = sql.get(READ, endpoint)
  const counts = new Map<string, number>(row === undefined ? [] : JSON.parse(text(row, 'counts')))
  let dirty = false
  return {
    count(result) {
      counts.set(result, (counts.get(result) ?? 0) + 1)
      dirty = true
    },
    save() {
      if (dirty) sql.run(WRITE, endpoint, JSON.stringify([...counts]))
      dirty = false
    },
    counts: () => Object.fromEntries(counts),
  }
}
