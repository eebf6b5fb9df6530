/**
 * The Directory port over SQL: strikes, records and sessions whose subject the caller does not know.
 *
 * A search looks at a bounded number of records a call and hands back a cursor, even with nothing found yet: no
 * question can stall the decisions beside it. Next stop: stream-keys.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { MAX_RELYING } from '../../core/limits.ts'
import type { DecisionSearch, Directory, RecordPage, StoredRecord } from '../../ports.ts'
import type { OpenSessions } from './open-sessions.ts'
import {
  decisionsNaming,
  type Glimpse,
  indexesFrom,
  recordAt,
  recordById,
  recordsBefore,
} from './records.ts'
import { integer, type Sql, text } from './sql.ts'
import type { Subjects } from './subjects.ts'

/** Records one search call looks at, some 10 ms at most. */
export const MAX_LOOKED_AT = 4_000
/**
 * Characters of one page of records: some 250 of ordinary size. One record may be larger than that by itself (4,096
 * strikes in its facts are 1.2 MB), so at most one of those is added to a page.
 */
export const MAX_PAGE_CHARS: number = 1024 * 1024
/** Records read between two turns of the event loop, about a millisecond. */
const RECORDS_PER_TURN = 50
/** Clocks step: a record may have been made this long before or after the instant on its chain. */
const STEP_S = 3_600
const LAST_SECOND = 0xffff_ffff

export interface DirectoryParts {
  readonly sql: Sql
  readonly subjects: Subjects
  readonly origin: string
  /** For a host that keeps in memory who may be open. */
  readonly sessions?: Pick<OpenSessions, 'mayBeOpen'>
}

export function createSqlDirectory(parts: DirectoryParts): Directory {
  const { sql, subjects, origin, sessions } = parts
  return {
    ...(sessions === undefined ? {} : { mayBeOpen: sessions.mayBeOpen }),
    subjectOfStrike(strike) {
      const row = sql.get(
        'SELECT s.subject FROM strikes k JOIN subjects s ON s.rid = k.subject WHERE k.id = ?',
        strike,
      )
      return row === undefined ? null : text(row, 'subject')
    },
    record: (id) => recordById(sql, origin, id),
    searchDecisions: async (search) => searchDecisions(parts, search),
    records: (page) => recordsOf(parts, page),
    decisionsRelyingOn: async (strike) => decisionsNaming(sql, strike, MAX_RELYING),
    async broadcastOfSession(server, session) {
      if (sessions?.mayBeOpen(server, session) === false) return null
      const row = sql.get(
        'SELECT subject, broadcast FROM sessions WHERE server = ? AND session = ?',
        server,
        session,
      )
      const subject = row === undefined ? null : subjects.subjectOf(integer(row, 'subject'))
      if (row === undefined || subject === null) return null
      const id = text(row, 'broadcast')
      const broadcast = subjects.load(subject).state.broadcasts.find((b) => b.id === id)
      return broadcast === undefined ? null : { subject, broadcast }
    },
  }
}

function searchDecisions(
  { sql, origin }: DirectoryParts,
  search: DecisionSearch,
): { readonly records: readonly StoredRecord[]; readonly next: string | null } {
  const { from, to, limit } = search
  const first = from === undefined ? -1 : Math.floor(from / 1000) - STEP_S
  const last = to === undefined ? LAST_SECOND : Math.floor(to / 1000) + STEP_S
  let before =
    search.cursor === undefined
      ? { second: last, idx: Number.MAX_SAFE_INTEGER }
      : readCursor(search.cursor)
  const records: StoredRecord[] = []
  const seen = recordsBefore(sql, { first, last, before, limit: MAX_LOOKED_AT })
  for (const glimpse of seen) {
    before = { second: glimpse.second, idx: glimpse.idx }
    const record = matches(glimpse, search) ? recordAt(sql, origin, glimpse.idx) : null
    if (record !== null) records.push(record)
    if (records.length === limit) break
  }
  const last_seen = seen.at(-1)
  const done =
    seen.length < MAX_LOOKED_AT && (last_seen === undefined || last_seen.idx === before.idx)
  return { records, next: done ? null : `${before.second}.${before.idx}` }
}

function matches({ at, outcome, rules }: Glimpse, search: DecisionSearch): boolean {
  return (
    outcome !== null &&
    (search.outcome === undefined || outcome === search.outcome) &&
    (search.rule === undefined || rules.includes(search.rule)) &&
    (search.from === undefined || at >= search.from) &&
    (search.to === undefined || at < search.to)
  )
}

function readCursor(cursor: string): { second: number; idx: number } {
  const [, second, idx] = /^(-1|\d{1,10})\.(-?\d{1,15})$/.exec(cursor) ?? []
  if (second === undefined || idx === undefined)
    throw new LivegateError(
      'invalid_request',
      'Cannot continue search: the cursor is not one of ours',
    )
  return { second: Number(second), idx: Number(idx) }
}

/** Reads one record after the other until there are enough, or they are large enough. */
async function recordsOf(
  { sql, origin }: DirectoryParts,
  { from, limit }: RecordPage,
): Promise<{ readonly records: readonly StoredRecord[]; readonly next: number | null }> {
  const indexes = indexesFrom(sql, from, limit + 1)
  const records: StoredRecord[] = []
  let chars = 0
  for (const [i, idx] of indexes.entries()) {
    if (i === limit || chars >= MAX_PAGE_CHARS) return { records, next: idx }
    const record = recordAt(sql, origin, idx)
    if (record !== null) {
      records.push(record)
      chars += charsOf(record)
    }
    if (i % RECORDS_PER_TURN === RECORDS_PER_TURN - 1)
      await new Promise<void>((go) => setTimeout(go, 0))
  }
  return { records, next: null }
}

function charsOf({ jws, openings }: StoredRecord): number {
  let chars = jws.length
  for (const opening of Object.values(openings)) chars += opening.length
  return chars
}
