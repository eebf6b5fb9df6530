/**
 * The Directory port over SQL: strikes, records and sessions whose subject the caller does not know.
 *
 * A search looks at a bounded number of records a call and hands back a cursor, even with nothing found yet: no
 * question can stall the decisions beside it. Next stop: stream-keys.ts.
 */
import { textFromBase64Url } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { Outcome } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { DecisionSearch, Directory, StoredRecord } from '../../ports.ts'
import { type Glimpse, linkAt, recordAt, recordById, recordsBefore } from './records.ts'
import { integer, integerOrNull, type Sql, text } from './sql.ts'
import type { Subjects } from './subjects.ts'

/** Records one search call looks at, some 10 ms at most. */
export const MAX_LOOKED_AT = 4_000
/** Decisions listed for one strike. */
const MAX_RELYING = 200
/** Links of a chain walked between two turns of the event loop. */
const LINKS_PER_TURN = 100
/** Clocks step: a record may have been made this long before or after the instant on its chain. */
const STEP_S = 3_600
const LAST_SECOND = 0xffff_ffff

export interface DirectoryParts {
  readonly sql: Sql
  readonly subjects: Subjects
  readonly origin: string
}

export function createSqlDirectory(parts: DirectoryParts): Directory {
  const { sql, subjects, origin } = parts
  return {
    subjectOfStrike(strike) {
      const row = sql.get(
        'SELECT s.subject FROM strikes k JOIN subjects s ON s.rid = k.subject WHERE k.id = ?',
        strike,
      )
      return row === undefined ? null : text(row, 'subject')
    },
    record: (id) => recordById(sql, origin, id),
    searchDecisions: async (search) => searchDecisions(parts, search),
    decisionsRelyingOn: (subject, strike) => relyingOn(parts, subject, strike),
    async broadcastOfSession(server, session) {
      const row = sql.get(
        'SELECT subject, broadcast FROM sessions WHERE server = ? AND session = ?',
        server,
        session,
      )
      const subject = row === undefined ? null : subjects.subjectOf(integer(row, 'subject'))
      if (row === undefined || subject === null) return null
      const id = text(row, 'broadcast')
      const broadcast = subjects.read(subject).state.broadcasts.find((b) => b.id === id)
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
  const [, second, idx] = /^(-1|\d{1,10})\.(\d{1,15})$/.exec(cursor) ?? []
  if (second === undefined || idx === undefined)
    throw new LivegateError(
      'invalid_request',
      'Cannot continue search: the cursor is not one of ours',
    )
  return { second: Number(second), idx: Number(idx) }
}

/** Walks the subject's chain backwards to the strike's own record: nothing before it can rely on it. */
async function relyingOn(
  { sql, subjects }: DirectoryParts,
  subject: string,
  strike: string,
): Promise<{ id: string; outcome: Outcome; at: EpochMs }[]> {
  const born = sql.get('SELECT idx FROM strikes WHERE id = ?', strike)
  const oldest = born === undefined ? null : integerOrNull(born, 'idx')
  const found: { id: string; outcome: Outcome; at: EpochMs }[] = []
  let idx = subjects.read(subject).head_idx
  for (let steps = 1; idx !== null && (oldest === null || idx > oldest); steps++) {
    const link = linkAt(sql, idx)
    if (link === null || found.length === MAX_RELYING) break
    const { id, at, outcome, strikes } = link
    const relied = strikes?.includes(strike) ?? namesStrike(link.openings.result, strike)
    if (outcome !== null && relied) found.push({ id, outcome, at })
    idx = link.prev_idx
    if (steps % LINKS_PER_TURN === 0) await new Promise<void>((go) => setTimeout(go, 0))
  }
  return found
}

/** True when the group `result` of a record lists the strike, anywhere in it. */
function namesStrike(opening: string | undefined, strike: string): boolean {
  const disclosure = opening === undefined ? null : textFromBase64Url(opening)
  if (disclosure === null || !disclosure.includes(JSON.stringify(strike))) return false
  const lists = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return false
    return Object.entries(value).some(
      ([name, member]) =>
        (name === 'strikes' && Array.isArray(member) && member.includes(strike)) || lists(member),
    )
  }
  try {
    return lists(JSON.parse(disclosure))
  } catch {
    return false
  }
}
