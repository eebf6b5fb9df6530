/**
 * The Ledger port over SQL: one change of one subject, with its record and its place in the log, in one transaction.
 *
 * Every check comes before the first write, so a change that fails leaves the transaction it shares untouched. What
 * makes it durable is the writer's: group commit in Node, the output gate on the edge. Duties: ports.ts, `Ledger`.
 * Next stop: entries.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { Strike, SubjectId } from '../../core/model.ts'
import { cohostsIn, withoutCohosts } from '../../core/record/cohost-openings.ts'
import type { Change, CommitFailure, CommitResult, Ledger, OpenBroadcast } from '../../ports.ts'
import { noteCohosts } from './cohosts.ts'
import { type Entries, requireEntry } from './entries.ts'
import { findAnswer, storeAnswer } from './idempotency.ts'
import type { OpenSessions } from './open-sessions.ts'
import { type InsertRow, insertRecord } from './records.ts'
import { trimReliance } from './reliance.ts'
import { putReviews } from './review-queue.ts'
import type { Sql, Writer } from './sql.ts'
import type { SubjectEntry, Subjects } from './subjects.ts'

export interface LedgerParts {
  readonly sql: Sql
  readonly writer: Writer
  readonly entries: Entries
  readonly subjects: Subjects
  /** For a host that keeps entry and record in one row; its `entries` then writes none. */
  readonly insertRow?: InsertRow
  /** For a host that keeps in memory who may be open; it must follow `writer`, too. */
  readonly sessions?: OpenSessions
  /** What facts call somebody without a chain; for a host whose co-hosts are here, too. */
  readonly accountOf?: (subject: SubjectId) => string
}

/** `entries` and `subjects` must follow `writer`. */
export function createSqlLedger(parts: LedgerParts): Ledger {
  const { sql, writer, subjects } = parts
  return {
    load: (subject) => subjects.load(subject).state,
    peek: (subject) => subjects.peek(subject)?.state ?? null,
    async commit(given) {
      if (given.record !== null) requireEntry(given.record)
      requireWhole(given)
      parts.entries.requireOpen()
      const apply = (): CommitResult => {
        const change = withoutErased(parts, given)
        const result = applyChange(parts, change)
        if (result.ok) trimReliance(sql, change)
        if (result.ok) putReviews(sql, change.subject, change.review_items ?? [], change.at)
        if (result.ok && result.receipt !== null) noteCohosts(sql, change, result.receipt.index)
        return result
      }
      return readsRows(given)
        ? writer.write(apply, weigh(given))
        : writer.writeLater(apply, weigh(given))
    },
    idempotent(caller, subject, key) {
      const { rid } = subjects.load(subject)
      return rid === null ? null : findAnswer(sql, { rid, caller, subject, key })
    },
  }
}

/** Strike ids belong to one subject each, and another change may be about to claim the same: that needs to look. */
function readsRows({ strike, reverses }: Change): boolean {
  return strike !== undefined || reverses !== undefined
}

/**
 * What was decided with a co-host that was erased before this could be written is written without it: the erasure has gone
 * by, and nothing would come back for the record. Inside a transaction only.
 */
function withoutErased({ accountOf, subjects }: LedgerParts, change: Change): Change {
  const { record, cohosts = [], decision } = change
  if (accountOf === undefined || record === null || cohosts.length === 0) return change
  const isThere = cohostsIn(record.openings).every(
    ({ subject, called }) =>
      called === null ||
      called === subjects.read(subject).state.pseudonym ||
      called === accountOf(subject),
  )
  if (isThere) return change
  const openings = withoutCohosts(record.openings)
  const left = { ...change, record: { ...record, openings }, cohosts: [] }
  return decision === undefined ? left : { ...left, decision: { ...decision, strikes: [] } }
}

/** Applies one change, or says why not with nothing written. Inside a transaction only. */
export function applyChange(parts: LedgerParts, change: Change): CommitResult {
  const { sql, entries, subjects, insertRow } = parts
  const refusal = refusalOf(parts, change)
  if (refusal !== null) return { ok: false, error: refusal }
  const before = subjects.read(change.subject)
  const { record } = change
  const idx = entries.next()
  const place = record === null ? null : { idx, head: toBase64Url(record.leaf) }
  const after = subjects.advance(change, place)
  if (after === null || after.rid === null) return { ok: false, error: 'conflict' }
  writeStrikes(sql, { change, rid: after.rid, idx: record === null ? null : idx })
  writeSessions(parts, { rid: after.rid, before, after })
  if (change.idempotency !== undefined) {
    const { subject, at, idempotency: given } = change
    storeAnswer(sql, { rid: after.rid, subject, at, given })
  }
  if (record === null) return { ok: true, receipt: null }
  const receipt = entries.append(record)
  const { seq } = after.state
  const step = { change, record, idx, rid: after.rid, seq, prev_idx: before.head_idx }
  insertRecord(sql, step, insertRow)
  return { ok: true, receipt }
}

function refusalOf({ sql, entries, subjects }: LedgerParts, change: Change): CommitFailure | null {
  // A log that is being closed in this very transaction takes nothing after its last entry.
  if (entries.isClosed()) return 'requires'
  if (!change.requires.every((name) => entries.hasNow(name))) return 'requires'
  const { strike, reverses } = change
  const { rid, state } = subjects.read(change.subject)
  if (strike !== undefined) {
    const taken = sql.get('SELECT subject FROM strikes WHERE id = ?', strike.id)
    if (taken !== undefined) return taken.subject === rid ? 'conflict' : 'strike_taken'
  }
  if (reverses !== undefined && !state.strikes.some((s) => s.id === reverses)) return 'conflict'
  return null
}

function writeStrikes(
  sql: Sql,
  step: { readonly change: Change; readonly rid: number; readonly idx: number | null },
): void {
  const { strike, reverses } = step.change
  if (strike !== undefined) insertStrike(sql, strike, step)
  if (reverses !== undefined)
    sql.run("UPDATE strikes SET status = 'reversed' WHERE id = ?", reverses)
}

function insertStrike(
  sql: Sql,
  strike: Strike,
  { rid, idx }: { readonly rid: number; readonly idx: number | null },
): void {
  const columns = '(id, subject, effective_at, status, idx, doc)'
  const { id, effective_at, status } = strike
  const doc = JSON.stringify(strike)
  sql.run(
    `INSERT INTO strikes ${columns} VALUES (?, ?, ?, ?, ?, ?)`,
    id,
    rid,
    effective_at,
    status,
    idx,
    doc,
  )
}

/** Media servers ask by session: keep one row for each open broadcast that has one. */
function writeSessions(
  { sql, sessions }: LedgerParts,
  step: { readonly rid: number; readonly before: SubjectEntry; readonly after: SubjectEntry },
): void {
  const { rid, before, after } = step
  const [then, now] = [before.state.broadcasts, after.state.broadcasts]
  if (then === now) return
  for (const { id, server, session } of gone(then, now)) {
    if (server === undefined || session === undefined) continue
    sql.run(DELETE_SESSION, server, session, id)
    sessions?.closed(server, session)
  }
  for (const { id, server, session } of gone(now, then)) {
    if (server === undefined || session === undefined) continue
    sessions?.opened(server, session)
    sql.run(INSERT_SESSION, server, session, rid, id)
  }
}

const DELETE_SESSION = 'DELETE FROM sessions WHERE server = ? AND session = ? AND broadcast = ?'
const INSERT_SESSION =
  'INSERT OR REPLACE INTO sessions (server, session, subject, broadcast) VALUES (?, ?, ?, ?)'

function gone(
  from: readonly OpenBroadcast[],
  to: readonly OpenBroadcast[],
): readonly OpenBroadcast[] {
  return from.filter((broadcast) => !to.includes(broadcast))
}

function requireWhole(change: Change): void {
  const { strike, subject } = change
  if (strike !== undefined && strike.subject !== subject)
    throw new LivegateError('internal', 'Cannot store strike: it names another subject')
}

function weigh({ record }: Change): number {
  if (record === null) return 1024
  let total = record.jws.length + 1024
  for (const opening of Object.values(record.openings)) total += opening.length
  return total
}
