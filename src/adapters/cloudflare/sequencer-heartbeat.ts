/**
 * When a log of the edge host writes a heartbeat record, and what that says: asked by a cron trigger once a minute.
 *
 * An object forgets, so everything is read from its tables: where the last one ended, when it was made, what has come
 * since. Only `shed` is memory's (sequencer-sheds.ts).
 * Spec: docs/spec/record.md, "Heartbeats".
 */
import { heartbeatDraft, type RecordDraft } from '../../core/record/drafts.ts'
import type { RecordKind } from '../../core/record/kinds.ts'
import { HOUR_MS } from '../../core/time.ts'
import type { SignedRecord } from '../../ports.ts'
import { claimsOf } from '../sqlite/entries.ts'
import { integer, integerOrNull, type Sql, text } from '../sqlite/sql.ts'
import { addTotals, readTotals, type Totals } from './sequencer-packs.ts'

/** Two triggers a minute apart may arrive closer together. */
const BUSY_EVERY_MS = 50_000

const BEAT = 'SELECT began, at, covers, totals FROM beat'
const BEGIN = `INSERT INTO beat (one, began, at, covers, totals) VALUES (1, ?, NULL, 0, '{}')
  ON CONFLICT DO NOTHING`
const MOVE = 'UPDATE beat SET at = ?, covers = ?, totals = ? WHERE one = 1'

/**
 * The record that is due at `now` in a log of `size` entries; null when none is. `totals`: those entries by kind, since the
 * log began.
 */
export function dueHeartbeat(
  sql: Sql,
  {
    now,
    size,
    totals,
    shed,
  }: {
    readonly now: number
    readonly size: number
    readonly totals: Totals
    readonly shed: number
  },
): RecordDraft | null {
  const last = sql.get(BEAT)
  const from_index = last === undefined ? 0 : integer(last, 'covers')
  const at = last === undefined ? null : (integerOrNull(last, 'at') ?? integer(last, 'began'))
  const since = at === null ? 0 : now - at
  // The one entry after a heartbeat's end is that heartbeat itself. A clock set back must not silence it.
  const idle = size - from_index <= 1
  if (since >= 0 && since < (idle ? HOUR_MS : BUSY_EVERY_MS)) return null
  const before = last === undefined ? {} : readTotals(text(last, 'totals'))
  return heartbeatDraft({ from_index, to_index: size, totals: freshOf(totals, before), shed })
}

/** Notes a record of the deployment: when the log began, and where its newest heartbeat ends. Inside a transaction only. */
export function noteBeat(sql: Sql, record: Pick<SignedRecord, 'kind' | 'jws'>): void {
  const { iat, to_index, totals } = claimsOf(record.jws)
  const at = Number.isSafeInteger(iat) ? 1000 * (iat as number) : 0
  sql.run(BEGIN, at)
  if (record.kind !== 'heartbeat' || !Number.isSafeInteger(to_index)) return
  const before = sql.get(BEAT)
  const known = before === undefined ? {} : readTotals(text(before, 'totals'))
  const all = addTotals(known, (totals ?? {}) as Totals)
  sql.run(MOVE, at, to_index as number, JSON.stringify(all))
}

function freshOf(totals: Totals, before: Totals): Partial<Record<RecordKind, number>> {
  const left: Partial<Record<RecordKind, number>> = {}
  for (const [kind, count] of Object.entries(totals)) {
    const fresh = count - (before[kind] ?? 0)
    if (fresh > 0) left[kind as RecordKind] = fresh
  }
  return left
}
