/**
 * Subjects by id: their rows, and the hot ones in memory.
 *
 * Reads outside a transaction see what is durable; inside one they see what the transaction has written so far. The
 * cache holds durable states only and is dropped whole when a transaction aborts. Next stop: ledger.ts.
 */
import { LRUCache } from 'lru-cache'
import type { Strike, Suppression } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Change, SubjectState } from '../../ports.ts'
import { openColumns } from './open-broadcasts.ts'
import { integer, integerOrNull, type Mirror, type Row, type Sql, text, textOrNull } from './sql.ts'
import { decodeDoc, encodeDoc, NOBODY, nextState } from './subject-doc.ts'

/** A subject with its place in the database; `rid` is null before its first row. */
export interface SubjectEntry {
  readonly rid: number | null
  /** Log index of the newest record. */
  readonly head_idx: number | null
  readonly state: SubjectState
}

export interface Subjects extends Mirror {
  /** The subject's durable state. */
  load(subject: string): SubjectEntry
  /** The same if it is in memory, else null. */
  peek(subject: string): SubjectEntry | null
  /** What the transactions under way have made of it, the durable state otherwise. Inside a transaction only. */
  read(subject: string): SubjectEntry
  /**
   * Compare-and-swap: writes the next state if the state is as `expect` says, and returns it; null and nothing written
   * otherwise. A row that is not as memory has it throws, which undoes the transaction. Inside a transaction only.
   */
  advance(
    change: Change,
    place: { readonly idx: number; readonly head: string } | null,
  ): SubjectEntry | null
  /** As `advance`, to a state made elsewhere; false and nothing written when it is not as `expect` says. */
  replace(subject: string, expect: Change['expect'], state: SubjectState): boolean
  /** Takes a row away: from now on a subject never seen, but for what goes on. Inside a transaction only. */
  erase(subject: string, suppressions: readonly Suppression[]): void
  /** Id of a row, null when it is gone. */
  subjectOf(rid: number): string | null
}

/** Weight of the cache: a plain subject counts 1, each strike and broadcast 1 more (about 0.5 KB each). */
export const DEFAULT_CACHE_WEIGHT = 50_000

const SELECT = `SELECT rid, pseudonym, seq, head, head_idx, last_at, version, strikes, doc
  FROM subjects WHERE subject = ?`
const INSERT = `INSERT INTO subjects (rid, subject, pseudonym, seq, head, head_idx, last_at, version, strikes, doc,
    open_until, open_marks)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const SET = `UPDATE subjects
  SET pseudonym = ?, seq = ?, head = ?, head_idx = ?, last_at = ?, version = ?, strikes = ?, doc = ?`
const AS_EXPECTED = 'WHERE rid = ? AND seq = ? AND head IS ? AND version = ?'
const UPDATE = `${SET} ${AS_EXPECTED}`
/** Touches the index of who is live, too. */
const UPDATE_OPEN = `${SET}, open_until = ?, open_marks = ? ${AS_EXPECTED}`
const STRANGER: SubjectEntry = { rid: null, head_idx: null, state: NOBODY }

/** What lies in tables of its own, where a host can forget. */
export interface Erased {
  /** What goes on of an earlier chain. */
  suppressionsOf(subject: string): readonly Suppression[]
  /** Highest row of a subject whose erasure is not done; 0 when none is: its number is not given again. */
  lastRid(): number
}

/**
 * For a host where a record's row can say what its subject's will: true when the subject's need not be written now. Asked of
 * changes with a record, inside a transaction.
 */
export type Carry = (before: SubjectState, after: SubjectState) => boolean

const NEVER: Erased = { suppressionsOf: () => [], lastRid: () => 0 }

export function createSubjects(
  sql: Sql,
  weight: number = DEFAULT_CACHE_WEIGHT,
  erased: Erased = NEVER,
  carry: Carry = () => false,
): Subjects {
  const durable = new LRUCache<string, SubjectEntry>({
    maxSize: weight,
    sizeCalculation: ({ state }) => 1 + state.strikes.length + state.broadcasts.length,
  })
  /** Newest states that are not durable yet, of all batches. */
  const written = new Map<string, SubjectEntry>()
  /** The same by batch: of the running one, and of those on their way. */
  let running = new Map<string, SubjectEntry>()
  let sealed: Map<string, SubjectEntry>[] = []
  let nextRid = nextRidOf(sql, erased)

  function load(subject: string): SubjectEntry {
    const known = durable.get(subject)
    if (known !== undefined) return known
    const row = sql.get(SELECT, subject)
    const suppressions = erased.suppressionsOf(subject)
    if (row === undefined) return withKept(STRANGER, suppressions)
    const entry = withKept(entryOf(sql, row), suppressions)
    durable.set(subject, entry)
    return entry
  }

  // A subject that a transaction under way has written is in `written`: any other row is durable.
  const read = (subject: string): SubjectEntry => written.get(subject) ?? load(subject)

  function keep(subject: string, entry: SubjectEntry): void {
    written.set(subject, entry)
    running.set(subject, entry)
  }

  return {
    load,
    peek: (subject) => durable.get(subject) ?? null,
    read,
    advance(change, place) {
      const before = read(change.subject)
      const { expect } = change
      const { seq, head, version } = before.state
      if (expect.seq !== seq || expect.head !== head || expect.version !== version) return null
      const state = nextState(before.state, change, place?.head ?? null)
      const head_idx = place?.idx ?? before.head_idx
      const rid = before.rid ?? nextRid++
      const isCarried = place !== null && before.rid !== null && carry(before.state, state)
      if (!isCarried) store(sql, { change, before, rid, state, head_idx })
      const entry: SubjectEntry = { rid, head_idx, state }
      keep(change.subject, entry)
      return entry
    },
    replace(subject, expect, state) {
      const before = read(subject)
      const { seq, head, version } = before.state
      if (expect.seq !== seq || expect.head !== head || expect.version !== version) return false
      const { rid, head_idx } = before
      if (rid === null) return false
      store(sql, { change: { subject, expect }, before, rid, state, head_idx })
      keep(subject, { rid, head_idx, state })
      return true
    },
    erase(subject, suppressions) {
      const { rid } = read(subject)
      if (rid !== null) sql.run('DELETE FROM subjects WHERE rid = ?', rid)
      keep(subject, withKept(STRANGER, suppressions))
    },
    subjectOf(rid) {
      const row = sql.get('SELECT subject FROM subjects WHERE rid = ?', rid)
      return row === undefined ? null : text(row, 'subject')
    },
    sealed() {
      sealed.push(running)
      running = new Map()
    },
    committed() {
      const batch = sealed.shift() ?? running
      if (batch === running) running = new Map()
      for (const [subject, entry] of batch) {
        durable.set(subject, entry)
        if (written.get(subject) === entry) written.delete(subject)
      }
    },
    aborted() {
      written.clear()
      running = new Map()
      sealed = []
      durable.clear()
      nextRid = nextRidOf(sql, erased)
    },
  }
}

function store(
  sql: Sql,
  step: {
    readonly change: Pick<Change, 'subject' | 'expect'>
    readonly before: SubjectEntry
    readonly rid: number
    readonly state: SubjectState
    readonly head_idx: number | null
  },
): void {
  const { change, before, rid, state, head_idx } = step
  const { pseudonym, seq, head, last_at, version, strikes } = state
  const columns = [pseudonym, seq, head, head_idx, last_at, version, strikes.length] as const
  const doc = encodeDoc(state)
  const { expect } = change
  const was = [rid, expect.seq, expect.head, expect.version] as const
  const open = openColumns(state.broadcasts)
  if (before.rid === null) sql.run(INSERT, rid, change.subject, ...columns, doc, ...open)
  else if (before.state.broadcasts === state.broadcasts) sql.swap(UPDATE, ...columns, doc, ...was)
  else sql.swap(UPDATE_OPEN, ...columns, doc, ...open, ...was)
}

function withKept(entry: SubjectEntry, suppressions: readonly Suppression[]): SubjectEntry {
  return suppressions.length === 0 ? entry : { ...entry, state: { ...entry.state, suppressions } }
}

function nextRidOf(sql: Sql, erased: Erased): number {
  const row = sql.get('SELECT max(rid) AS last FROM subjects')
  const last = row === undefined ? null : integerOrNull(row, 'last')
  return Math.max(last ?? 0, erased.lastRid()) + 1
}

function entryOf(sql: Sql, row: Row): SubjectEntry {
  const rid = integer(row, 'rid')
  const strikes = integer(row, 'strikes') === 0 ? [] : strikesOf(sql, rid)
  const state: SubjectState = {
    pseudonym: textOrNull(row, 'pseudonym'),
    seq: integer(row, 'seq'),
    head: textOrNull(row, 'head'),
    last_at: integerOrNull(row, 'last_at') as EpochMs | null,
    version: integer(row, 'version'),
    strikes,
    ...decodeDoc(text(row, 'doc')),
  }
  return { rid, head_idx: integerOrNull(row, 'head_idx'), state }
}

function strikesOf(sql: Sql, rid: number): Strike[] {
  return sql
    .all('SELECT status, doc FROM strikes WHERE subject = ? ORDER BY rowid', rid)
    .map((row) => ({
      ...(JSON.parse(text(row, 'doc')) as Strike),
      status: text(row, 'status') as Strike['status'],
    }))
}
