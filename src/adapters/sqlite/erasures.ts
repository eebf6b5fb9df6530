/**
 * The Erasures port over SQL: the one transaction that makes a stranger of a subject, and the questions around it.
 *
 * What has to be gone at once goes in that transaction: the subject's row, on which everything else is joined, strikes,
 * sessions, stream keys. Chain, openings and answers follow (eraser.ts). Duties: gate/erasure-port.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import { ERASURE_KNOWN_MS } from '../../core/limits.ts'
import type { SubjectId } from '../../core/model.ts'
import { groupIn } from '../../core/record/cohost-openings.ts'
import { epochMs } from '../../core/time.ts'
import type {
  CommitFailure,
  CommitResult,
  Erasure,
  ErasureChange,
  ErasureCounts,
  Erasures,
  ForgetChange,
  StoredRecord,
  SubjectState,
} from '../../ports.ts'
import { countAppearances } from './cohosts.ts'
import { type Entries, requireEntry } from './entries.ts'
import type { Eraser } from './eraser.ts'
import {
  erasureUnder,
  expireErasures,
  insertErasure,
  insertVacating,
  newestErasure,
  purgedBelow,
} from './erasure-rows.ts'
import { dropLegalHold, legalHoldOf, putLegalHold } from './legal-holds.ts'
import { recordAt } from './records.ts'
import { forgetReviews } from './review-queue.ts'
import { bytes, integer, integerOrNull, type Sql, text, textOrNull, type Writer } from './sql.ts'
import type { Subjects } from './subjects.ts'
import { putSuppressions } from './suppressions.ts'

export interface ErasuresParts {
  readonly sql: Sql
  readonly writer: Writer
  readonly entries: Entries
  readonly subjects: Subjects
  readonly eraser: Pick<Eraser, 'poke' | 'turned'>
  /** Name of the log. */
  readonly origin: string
  /** Keyed hash of a subject, for what outlives it. */
  readonly keyOf: (subject: SubjectId) => string
}

/** `entries` and `subjects` must follow `writer`. */
export function createSqlErasures(parts: ErasuresParts): Erasures {
  const { sql, writer, eraser, keyOf } = parts
  const find = (subject: SubjectId): Erasure | null => {
    const found = erasureUnder(sql, keyOf(subject))
    const known = (newestErasure(sql) ?? 0) - ERASURE_KNOWN_MS
    return found === null || (found.state === 'done' && found.at <= known) ? null : found
  }
  return {
    inventory: (subject) => inventory(parts, subject),
    find,
    async begin(change) {
      if (change.record !== null) requireEntry(change.record)
      try {
        return await writer.write(() => beginErasure(parts, change), weigh(change))
      } finally {
        // Also when it was reported as failed: it may have happened.
        eraser.poke()
      }
    },
    async finish(subject, wait_ms) {
      const until = performance.now() + wait_ms
      for (;;) {
        // However old it is: a clock that went back makes one that has just begun look old.
        const found = erasureUnder(sql, keyOf(subject))
        const left = until - performance.now()
        if (found === null || found.state === 'done' || left <= 0) return found
        eraser.poke()
        await eraser.turned(left)
      }
    },
    leaves: (_subject, strikes) => strikes.flatMap((strike) => leafOf(sql, strike) ?? []),
    async forget(change) {
      requireEntry(change.record)
      const reversals = reversalsOf(parts, change)
      try {
        return await writer.write(() => forget(parts, change, reversals), weigh(change))
      } finally {
        eraser.poke()
      }
    },
    legalHold: (subject) => legalHoldOf(sql, subject),
    hold: (hold) => writer.write(() => putLegalHold(sql, hold)),
    async lift(subject) {
      const lifted = await writer.write(() => lift(sql, subject))
      if (lifted) eraser.poke()
      return lifted
    },
    chain: (subject, page) => chainOf(parts, subject, page),
  }
}

/** The row names the subject: its bytes go, too. */
function lift(sql: Sql, subject: SubjectId): boolean {
  const lifted = dropLegalHold(sql, subject)
  if (lifted) insertVacating(sql, epochMs(0))
  return lifted
}

function inventory({ sql, subjects }: ErasuresParts, subject: SubjectId): ErasureCounts | null {
  const { rid, state } = subjects.load(subject)
  const keys = sql.get('SELECT count(*) AS count FROM stream_keys WHERE subject = ?', subject)
  const stream_keys = keys === undefined ? 0 : integer(keys, 'count')
  // Those an erasure under way has still to come to are as good as gone.
  const appearances = countAppearances(sql, subject, purgedBelow(sql, subject))
  if (rid === null && stream_keys === 0 && appearances === 0) return null
  return {
    records: state.seq,
    strikes: state.strikes.length,
    facts: Object.keys(state.facts).length,
    holds: state.holds.length,
    reviews: state.reviews.length,
    broadcasts: state.broadcasts.length,
    ...{ appearances, stream_keys },
  }
}

function refusalOf(
  { entries, subjects }: ErasuresParts,
  { subject, expect, requires }: Pick<ErasureChange, 'subject' | 'expect' | 'requires'>,
): CommitFailure | null {
  if (entries.isClosed() || !requires.every((name) => entries.hasNow(name))) return 'requires'
  const { seq, head, version } = subjects.read(subject).state
  const same = expect.seq === seq && expect.head === head && expect.version === version
  return same ? null : 'conflict'
}

function beginErasure(parts: ErasuresParts, change: ErasureChange): CommitResult {
  const { sql, entries, subjects, keyOf } = parts
  const { subject, at, scope, record, counts, suppressions } = change
  const error = refusalOf(parts, change)
  if (error !== null) return { ok: false, error }
  const { rid, head_idx, state } = subjects.read(subject)
  const key = keyOf(subject)
  const receipt = record === null ? null : entries.append(record)
  subjects.erase(subject, suppressions)
  putSuppressions(sql, key, suppressions)
  dropLegalHold(sql, subject)
  forgetReviews(sql, subject)
  dropSessions(sql, state)
  dropStrikes(
    sql,
    state.strikes.map(({ id }) => id),
  )
  sql.run('DELETE FROM stream_keys WHERE subject = ?', subject)
  expireErasures(sql, at - ERASURE_KNOWN_MS)
  const suppressed = suppressions.length
  const said = { scope, at, record: record?.id ?? null, receipt, counts, suppressed }
  insertErasure(sql, key, { ...said, subject, rid, cursor: head_idx, bound: entries.next() })
  return { ok: true, receipt }
}

function dropSessions(sql: Sql, { broadcasts }: SubjectState): void {
  for (const { id, server, session } of broadcasts)
    if (server !== undefined && session !== undefined)
      sql.run(
        'DELETE FROM sessions WHERE server = ? AND session = ? AND broadcast = ?',
        server,
        session,
        id,
      )
}

/** With what says which decisions of anybody relied on them. */
function dropStrikes(sql: Sql, ids: readonly string[]): void {
  if (ids.length === 0) return
  const list = JSON.stringify(ids)
  sql.run('DELETE FROM reliance WHERE strike IN (SELECT value FROM json_each(?))', list)
  sql.run('DELETE FROM strikes WHERE id IN (SELECT value FROM json_each(?))', list)
}

function leafOf(sql: Sql, strike: string): string | null {
  const idx = indexOfStrike(sql, strike)
  const row = idx === null ? undefined : sql.get('SELECT leaf FROM entries WHERE idx = ?', idx)
  return row === undefined ? null : toBase64Url(bytes(row, 'leaf'))
}

function indexOfStrike(sql: Sql, strike: string): number | null {
  const row = sql.get('SELECT idx FROM strikes WHERE id = ?', strike)
  return row === undefined ? null : integerOrNull(row, 'idx')
}

/** Records that reversed one of the strikes: nothing points at them, so the chain is walked. Nobody else moves it now. */
function reversalsOf(
  { sql, subjects }: ErasuresParts,
  { subject, strikes }: ForgetChange,
): readonly number[] {
  const { head_idx, state } = subjects.load(subject)
  const reversed = state.strikes.filter(
    ({ id, status }) => status === 'reversed' && strikes.includes(id),
  )
  const found: number[] = []
  if (reversed.length === 0) return found
  for (let idx = head_idx; idx !== null && found.length < reversed.length; ) {
    const row = sql.get('SELECT kind, prev_idx FROM records WHERE idx = ?', idx)
    if (row === undefined) break
    if (text(row, 'kind') === 'reversal' && reverses(sql, idx, strikes)) found.push(idx)
    idx = integerOrNull(row, 'prev_idx')
  }
  return found
}

/** True when the openings of a reversal name one of the strikes, or cannot be read. */
function reverses(sql: Sql, idx: number, strikes: readonly string[]): boolean {
  const row = sql.get('SELECT openings FROM entries WHERE idx = ?', idx)
  const openings = JSON.parse((row && textOrNull(row, 'openings')) ?? '{}') as { facts?: string }
  const said = groupIn(openings, 'facts') as { readonly strike?: string } | undefined
  return said === undefined || strikes.includes(said.strike ?? '')
}

function forget(
  parts: ErasuresParts,
  change: ForgetChange,
  reversals: readonly number[],
): CommitResult {
  const { sql, entries, subjects } = parts
  const { subject, at, expect, record, strikes } = change
  const error = refusalOf(parts, change)
  if (error !== null) return { ok: false, error }
  const { state } = subjects.read(subject)
  const gone = new Set(strikes)
  const left = state.strikes.filter(({ id }) => !gone.has(id))
  if (left.length !== state.strikes.length - gone.size) return { ok: false, error: 'conflict' }
  const places = strikes.map((strike) => indexOfStrike(sql, strike))
  const next = { ...state, strikes: left, version: state.version + 1 }
  if (!subjects.replace(subject, expect, next)) return { ok: false, error: 'conflict' }
  for (const idx of [...places, ...reversals])
    if (idx !== null) sql.run('UPDATE entries SET openings = NULL WHERE idx = ?', idx)
  dropStrikes(sql, strikes)
  insertVacating(sql, at)
  return { ok: true, receipt: entries.append(record) }
}

function chainOf(
  { sql, subjects, origin }: ErasuresParts,
  subject: SubjectId,
  page: { readonly before_seq: number | null; readonly limit: number },
): readonly StoredRecord[] {
  const before = page.before_seq ?? Number.MAX_SAFE_INTEGER
  const records: StoredRecord[] = []
  for (let idx = subjects.load(subject).head_idx; idx !== null; ) {
    const row = sql.get('SELECT seq, prev_idx FROM records WHERE idx = ?', idx)
    if (row === undefined || records.length === page.limit) break
    const record = integer(row, 'seq') < before ? recordAt(sql, origin, idx) : null
    if (record !== null) records.push(record)
    idx = integerOrNull(row, 'prev_idx')
  }
  return records
}

function weigh({ record }: Pick<ErasureChange, 'record'>): number {
  return (record?.jws.length ?? 0) + 64 * 1024
}
