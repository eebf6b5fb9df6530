/**
 * After a crash: broadcasts whose answer may never have gone out stop counting for their whole lease.
 *
 * A process that dies between commit and answer leaves a broadcast open that nobody heard of. Who decided last within the
 * budget of a decision is not to be told from who was answered, so all of those are shortened; a renewal keeps what the
 * lease before it promised. A row of `running` says whether the last process closed. Looks at the end of the log only.
 * Spec: docs/spec/storage.md, "Opening". Next stop: subject-doc.ts.
 */
import { textFromBase64Url } from '../../core/encoding.ts'
import { DECISION_BUDGET_MS, UNCONFIRMED_BROADCAST_MS } from '../../core/limits.ts'
import { type EpochMs, epochMs } from '../../core/time.ts'
import type { OpenBroadcast } from '../../ports.ts'
import { claimsOf } from './entries.ts'
import { openColumns } from './open-broadcasts.ts'
import { integer, integerOrNull, type Row, type Sql, text, textOrNull } from './sql.ts'
import { decodeDoc, encodeDoc, NOBODY } from './subject-doc.ts'

/** Records looked at most: what 10,000 decisions a second commit within twice the budget, and as many again. */
const MAX_LOOKED_AT = 80_000
const PAGE = 1_000

/**
 * Notes that a process works on the database, and shortens what the last one may have left unanswered unless it closed
 * cleanly. Inside a transaction only, and before any subject is read into memory. Returns how many were shortened.
 */
export function beginRunning(sql: Sql): number {
  if (sql.get('SELECT one FROM running') === undefined) {
    sql.run('INSERT INTO running (one) VALUES (1)')
    return 0
  }
  let count = 0
  for (const { id, subject, idx } of lastDecisions(sql)) {
    if (!shorten(sql, 'rid', { whose: subject, id })) continue
    count++
    for (const cohost of cohostsOf(sql, idx))
      if (shorten(sql, 'subject', { whose: cohost, id })) count++
  }
  return count
}

/** Notes a clean end: everything that was decided has been answered or taken back. Inside a transaction only. */
export function endRunning(sql: Sql): void {
  sql.run('DELETE FROM running')
}

interface LastDecision {
  readonly idx: number
  readonly id: string
  /** `rid` of its row. */
  readonly subject: number
}

const BACKWARDS = `SELECT idx, id, subject, at, outcome FROM records WHERE idx < ?
  ORDER BY idx DESC LIMIT ${PAGE}`

/** Decisions within the budget of one before the newest entry of the log. */
function lastDecisions(sql: Sql): LastDecision[] {
  const newest = newestInstant(sql)
  const found: LastDecision[] = []
  if (newest === null) return found
  for (const record of backwards(sql)) {
    const age = newest - integer(record, 'at')
    // Committed at most one budget after its instant, so nothing before this one can be recent either.
    if (age > 2 * DECISION_BUDGET_MS) break
    // Instants along the log cross by as much as decisions overlap; further ahead is a clock that stepped back.
    if (Math.abs(age) > DECISION_BUDGET_MS || textOrNull(record, 'outcome') === null) continue
    found.push({
      idx: integer(record, 'idx'),
      id: text(record, 'id'),
      subject: integer(record, 'subject'),
    })
  }
  return found
}

const NEWEST = `SELECT e.jws, r.at FROM entries e LEFT JOIN records r ON r.idx = e.idx
  ORDER BY e.idx DESC LIMIT 1`

/** Instant of the newest entry: exact for a record of a chain, the second it was made in for one of the deployment. */
function newestInstant(sql: Sql): number | null {
  const row = sql.get(NEWEST)
  if (row === undefined) return null
  const { iat } = claimsOf(text(row, 'jws'))
  return integerOrNull(row, 'at') ?? (Number.isSafeInteger(iat) ? 1000 * Number(iat) : null)
}

function* backwards(sql: Sql): Generator<Row> {
  let before = Number.MAX_SAFE_INTEGER
  for (let seen = 0; seen < MAX_LOOKED_AT; seen += PAGE) {
    const rows = sql.all(BACKWARDS, before)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined) return
    before = integer(last, 'idx')
  }
}

/**
 * Lets an open broadcast end as if nobody had heard of it. False when the subject has no such broadcast open, or it ends
 * early enough. Inside a transaction only; memory does not follow.
 */
export function shorten(
  sql: Sql,
  column: 'rid' | 'subject',
  { whose, id }: { readonly whose: number | string; readonly id: string },
): boolean {
  const row = sql.get(`SELECT rid, doc FROM subjects WHERE ${column} = ?`, whose)
  if (row === undefined) return false
  const doc = decodeDoc(text(row, 'doc'))
  const broadcasts = doc.broadcasts.map((open) => (open.id === id ? shortened(open) : open))
  if (broadcasts.every((open, i) => open === doc.broadcasts[i])) return false
  const next = encodeDoc({ ...NOBODY, ...doc, broadcasts })
  const update = 'UPDATE subjects SET doc = ?, open_until = ?, open_marks = ? WHERE rid = ?'
  sql.run(update, next, ...openColumns(broadcasts), integer(row, 'rid'))
  return true
}

function shortened(open: OpenBroadcast): OpenBroadcast {
  const { opened_at, heard_until = opened_at, lease_until } = open
  const lease: EpochMs = epochMs(Math.max(opened_at + UNCONFIRMED_BROADCAST_MS, heard_until))
  return lease < lease_until ? { ...open, lease_until: lease } : open
}

/** The co-hosts a decision was about; none when its disclosures were erased. */
function cohostsOf(sql: Sql, idx: number): readonly string[] {
  const row = sql.get('SELECT openings FROM entries WHERE idx = ?', idx)
  const openings = JSON.parse((row && textOrNull(row, 'openings')) ?? '{}') as { subject?: string }
  const disclosure = textFromBase64Url(openings.subject ?? '')
  if (disclosure === null || disclosure === '') return []
  const [, , group] = JSON.parse(disclosure) as [string, string, { cohosts?: readonly string[] }]
  return group.cohosts ?? []
}
