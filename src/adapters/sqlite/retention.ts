/**
 * Contents whose retention period is over, in bounded steps through the log; and who has strikes that may be too old.
 *
 * A sweep goes on where the last one stopped, because instants only grow along the log. What a legal hold keeps is noted
 * and looked at again. The log's entries and the rows that say that there was a record stay. Strikes themselves are
 * gate/retention.ts's: whether they may go is a question of policy. Next stop: adapters/node/retention.ts.
 */
import { ERASURE_KNOWN_MS } from '../../core/limits.ts'
import type { RetainedKind } from '../../core/retention.ts'
import type { EpochMs } from '../../core/time.ts'
import { stripRecord } from './eraser.ts'
import { expireErasures, insertVacating } from './erasure-rows.ts'
import { integer, type Row, type Sql, text, textOrNull, type Writer } from './sql.ts'
import { expireSuppressions } from './suppressions.ts'

export interface SqlRetention {
  /** One step of one kind: removes openings of records from before an instant. `more`: there may be others. */
  dropOpenings(
    kind: RetainedKind,
    before: EpochMs,
    now: EpochMs,
  ): Promise<{ readonly dropped: number; readonly more: boolean }>
  /** Looks again at what a hold has kept that is over now; how many were removed. */
  dropReleased(now: EpochMs): Promise<number>
  /** Rows of restrictions that outlived an erasure and have ended since; and of erasures nobody is told of any more. */
  dropEnded(now: EpochMs): Promise<number>
  /** Subjects with strikes behind a place, and the place to go on at; null at the end. */
  struck(
    after: number,
    limit: number,
  ): { readonly subjects: readonly string[]; readonly next: number | null }
}

/** Rows one step looks at: a few milliseconds. */
const ROWS_PER_STEP = 256
const KINDS: Readonly<Record<RetainedKind, string>> = {
  decisions: 'decision',
  broadcasts: 'broadcast',
  reviews: 'review',
}

const STEP = `SELECT r.idx, r.at, r.kind, r.outcome, e.openings, h.until AS held
  FROM records r JOIN entries e ON e.idx = r.idx JOIN subjects s ON s.rid = r.subject
  LEFT JOIN legal_holds h ON h.subject = s.subject
  WHERE r.idx > ? ORDER BY r.idx LIMIT ${ROWS_PER_STEP}`
const HELD = `SELECT r.idx, r.outcome, e.openings, h.until AS held
  FROM retention_held k LEFT JOIN records r ON r.idx = k.idx LEFT JOIN entries e ON e.idx = k.idx
  LEFT JOIN subjects s ON s.rid = r.subject LEFT JOIN legal_holds h ON h.subject = s.subject
  WHERE h.until IS NULL OR h.until <= ? LIMIT ${ROWS_PER_STEP}`
const STRUCK =
  'SELECT rid, subject FROM subjects WHERE rid > ? AND strikes > 0 ORDER BY rid LIMIT ?'

/** `poke`: something was removed whose bytes are to go too. */
export function createSqlRetention(parts: {
  readonly sql: Sql
  readonly writer: Writer
  readonly poke: () => void
}): SqlRetention {
  const { sql, writer, poke } = parts
  const write = async <T>(work: () => T, removed: (result: T) => number): Promise<T> => {
    const result = await writer.write(work, 64 * 1024)
    if (removed(result) > 0) poke()
    return result
  }
  return {
    dropOpenings: (kind, before, now) =>
      write(
        () => dropOpenings(sql, { kind, before, now }),
        ({ dropped }) => dropped,
      ),
    dropReleased: (now) =>
      write(
        () => dropReleased(sql, now),
        (count) => count,
      ),
    dropEnded: (now) =>
      writer.write(() => {
        expireErasures(sql, now - ERASURE_KNOWN_MS)
        return expireSuppressions(sql, now, ROWS_PER_STEP)
      }),
    struck(after, limit) {
      const rows = sql.all(STRUCK, after, limit)
      const last = rows.at(-1)
      const next = last === undefined || rows.length < limit ? null : integer(last, 'rid')
      return { subjects: rows.map((row) => text(row, 'subject')), next }
    },
  }
}

/** Inside a transaction only. */
function dropOpenings(
  sql: Sql,
  step: { readonly kind: RetainedKind; readonly before: EpochMs; readonly now: EpochMs },
): { readonly dropped: number; readonly more: boolean } {
  const { kind, before, now } = step
  const known = sql.get('SELECT idx FROM retention WHERE kind = ?', kind)
  const from = known === undefined ? Number.MIN_SAFE_INTEGER : integer(known, 'idx')
  const rows = sql.all(STEP, from)
  const past = rows.findIndex((row) => integer(row, 'at') >= before)
  const seen = past < 0 ? rows : rows.slice(0, past)
  let dropped = 0
  for (const row of seen) if (text(row, 'kind') === KINDS[kind] && drop(sql, row, now)) dropped++
  const last = seen.at(-1)
  if (last !== undefined)
    sql.run(
      'INSERT OR REPLACE INTO retention (kind, idx) VALUES (?, ?)',
      kind,
      integer(last, 'idx'),
    )
  if (dropped > 0) insertVacating(sql, now)
  return { dropped, more: past < 0 && rows.length === ROWS_PER_STEP }
}

function drop(sql: Sql, row: Row, now: EpochMs): boolean {
  if (textOrNull(row, 'openings') === null) return false
  const idx = integer(row, 'idx')
  if (isHeld(row, now)) {
    sql.run('INSERT OR IGNORE INTO retention_held (idx) VALUES (?)', idx)
    return false
  }
  stripRecord(sql, row, idx)
  return true
}

function isHeld(row: Row, now: EpochMs): boolean {
  return row.held !== null && integer(row, 'held') > now
}

/** Inside a transaction only. */
function dropReleased(sql: Sql, now: EpochMs): number {
  let dropped = 0
  for (const row of sql.all(HELD, now)) {
    // Erased meanwhile: nothing is left of it.
    if (row.idx === null || textOrNull(row, 'openings') === null) continue
    const idx = integer(row, 'idx')
    stripRecord(sql, row, idx)
    dropped++
  }
  sql.run(
    `DELETE FROM retention_held WHERE idx IN (SELECT k.idx FROM retention_held k
      LEFT JOIN entries e ON e.idx = k.idx WHERE e.openings IS NULL)`,
  )
  if (dropped > 0) insertVacating(sql, now)
  return dropped
}
