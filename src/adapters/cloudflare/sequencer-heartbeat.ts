/**
 * When a log of the edge host writes a heartbeat record, and what that says: asked by a cron trigger once a minute.
 *
 * An object forgets, so everything is read from its tables: where the last one ended, when it was made, what has come
 * since. Requests are shed in Workers, which share no memory, so `shed` counts none.
 * Spec: docs/spec/record.md, "Heartbeats".
 */
import { heartbeatDraft, type RecordDraft } from '../../core/record/drafts.ts'
import type { RecordKind } from '../../core/record/kinds.ts'
import { HOUR_MS } from '../../core/time.ts'
import { integer, type Sql, text } from '../sqlite/sql.ts'

/** Two triggers a minute apart may arrive closer together. */
const BUSY_EVERY_MS = 50_000

const LAST = "SELECT at, covers FROM others WHERE kind = 'heartbeat' ORDER BY idx DESC LIMIT 1"
const FIRST = 'SELECT at FROM others ORDER BY idx LIMIT 1'
const COUNTED = (table: 'records' | 'others'): string =>
  `SELECT kind, COUNT(*) AS count FROM ${table} WHERE idx >= ? AND idx < ? GROUP BY kind`

/** The record that is due at `now` in a log of `size` entries; null when none is. */
export function dueHeartbeat(sql: Sql, now: number, size: number): RecordDraft | null {
  const last = sql.get(LAST)
  const from_index = last === undefined ? 0 : integer(last, 'covers')
  const first = last ?? sql.get(FIRST)
  const since = first === undefined ? 0 : now - integer(first, 'at')
  // The one entry after a heartbeat's end is that heartbeat itself. A clock set back must not silence it.
  const idle = size - from_index <= 1
  if (since >= 0 && since < (idle ? HOUR_MS : BUSY_EVERY_MS)) return null
  const totals: Partial<Record<RecordKind, number>> = {}
  for (const table of ['records', 'others'] as const)
    for (const row of sql.all(COUNTED(table), from_index, size))
      totals[text(row, 'kind') as RecordKind] = integer(row, 'count')
  return heartbeatDraft({ from_index, to_index: size, totals, shed: 0 })
}
