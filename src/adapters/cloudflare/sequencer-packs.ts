/**
 * Where a log's entries are until they are published and out of the way: what shares an insert is written as one row,
 * a pack.
 *
 * A row is what storage of objects costs, so entries and what is known about them are gathered while a transaction runs
 * and written at its end (`close`): into the newest pack while that is small, because every pack is a row to delete as
 * well. The newest pack is never deleted: where the log goes on, in which second, and how many records of each kind
 * there are is read from it. What policies and keys are read from gets a row of its own besides. Packs become segments of the bucket in sequencer-segments.ts. Next stop: sequencer-chunks.ts.
 */
import { utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { SignedRecord } from '../../ports.ts'
import { type EntryRows, type LogEntry, requirementOf } from '../sqlite/entries.ts'
import { secondOf } from '../sqlite/records.ts'
import { bytes, integer, type Mirror, type Sql, text, textOrNull } from '../sqlite/sql.ts'
import { lineOf, type PlacedRecord } from './placed-record.ts'

/** Entries by kind. */
export type Totals = Readonly<Record<string, number>>

export interface Packs extends EntryRows, Mirror {
  /** What is known about the entry inserted last, and the strikes it names. Inside a transaction only. */
  describe(record: Omit<PlacedRecord, 'second'>, strikes: readonly string[]): void
  /** Writes what the transaction under way has inserted. */
  close(): void
  /** Durable entries by kind, since the log began. */
  totals(): Totals
  /** Packs name these no more. Inside a transaction only. */
  forgetStrikes(strikes: readonly string[]): void
}

/** Characters of a pack: a row has at most 2 MB. */
const MAX_PACK_CHARS = 1_000_000
const MAX_PACK_ENTRIES = 1_024
/** Up to here the newest pack is written again with what comes next: some sixteen records, four pages of the database. */
const MAX_GROWN_CHARS = 16_000
/**
 * An id begins with the second it was made in; a record whose id is older than this when the log takes it, or younger, is
 * noted by itself, so that all others are found by their id alone. So is every record while the clock is further behind than this.
 */
export const ID_BEFORE_S = 5
export const ID_AFTER_S = 1

interface Waiting {
  readonly index: number
  readonly record: SignedRecord
  about?: Omit<PlacedRecord, 'second'>
  strikes?: readonly string[]
}

const PACK = `INSERT INTO packs
  (first, count, second_from, second_to, at_from, at_to, totals, strikes, lines, leaves, entries)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const GROW = `UPDATE packs SET count = count + ?, second_to = ?, at_from = min(at_from, ?), at_to = max(at_to, ?),
  totals = ?, strikes = ?, lines = lines || ?, leaves = CAST(leaves || ? AS BLOB),
  entries = entries || char(10) || ? WHERE first = ?`
const STRAY = 'INSERT INTO strays (id, idx) VALUES (?, ?)'
const BEHIND = 'INSERT INTO behind (first) VALUES (?)'
const CAUGHT_UP = 'UPDATE behind SET until = ? WHERE until IS NULL'
const IS_BEHIND = 'SELECT first FROM behind WHERE until IS NULL'
const KEPT = 'INSERT INTO entries (idx, leaf, jws) VALUES (?, ?, ?)'
const NEWEST = `SELECT first, count, second_to, totals, strikes,
  length(lines) + length(leaves) + length(entries) AS chars FROM packs ORDER BY first DESC LIMIT 1`
const NAMING = 'SELECT first, strikes FROM packs WHERE strikes IS NOT NULL'
const RENAME = 'UPDATE packs SET strikes = ? WHERE first = ?'
const MOVED = 'SELECT second FROM moved ORDER BY second DESC LIMIT 1'

/** `now` in ms. Followed by the writer, which calls `close` at the end of each transaction. */
export function createPacks(sql: Sql, now: () => number): Packs {
  let waiting: Waiting[] = []
  let newest = readNewest(sql)
  let durable = newest.totals
  let behind = sql.get(IS_BEHIND) !== undefined

  /** Seconds only ever grow, from those of an earlier log on, whatever the clock does: searches rely on it. */
  function nextSecond(clock: number): number {
    const moved = sql.get(MOVED)
    const earlier = moved === undefined ? -1 : integer(moved, 'second')
    return Math.max(clock, newest.second, earlier)
  }

  /** Notes from which entry on the clock is behind, and from which it no longer is. */
  function noteClock(is: boolean, index: number): void {
    if (is !== behind) sql.run(is ? BEHIND : CAUGHT_UP, index)
    behind = is
  }

  function writePack({ entries, chars }: Pack, second: number): void {
    const [head] = entries
    if (head === undefined) return
    const at = entries.flatMap(({ about }) => (about === undefined ? [] : [about.at]))
    const strikes = entries.flatMap((entry) => entry.strikes ?? [])
    const grows = newest.chars > 0 && newest.chars + chars <= MAX_GROWN_CHARS
    const begun = grows ? newest : { first: head.index, count: 0, chars: 0, strikes: [] }
    newest = {
      ...{ first: begun.first, count: begun.count + entries.length, chars: begun.chars + chars },
      ...{ second, totals: addTotals(newest.totals, countKinds(entries)) },
      strikes: [...new Set([...begun.strikes, ...strikes])],
    }
    const what = [
      JSON.stringify(newest.totals),
      newest.strikes.length === 0 ? null : JSON.stringify(newest.strikes),
      entries.map(({ line }) => line).join(''),
      joined(entries.map(({ record }) => record.leaf)),
      entries.map(({ record }) => record.jws).join('\n'),
    ] as const
    const when = [least(at, second), most(at, second), ...what] as const
    if (grows) sql.run(GROW, entries.length, second, ...when, begun.first)
    else sql.run(PACK, begun.first, entries.length, second, second, ...when)
    for (const { about } of entries)
      if (about !== undefined && (behind || strays(about.id, second))) stray(about)
  }

  function stray({ id, index }: { readonly id: string; readonly index: number }): void {
    sql.run(STRAY, id, index)
  }

  return {
    size() {
      const { first, count } = readNewest(sql)
      return first + count
    },
    insert(index, record) {
      waiting.push({ index, record })
      if (requirementOf(record) !== null) sql.run(KEPT, index, record.leaf, record.jws)
    },
    describe(record, strikes) {
      const last = waiting.at(-1)
      if (last?.index !== record.index)
        throw new LivegateError('internal', 'Cannot describe a record: it is not the last appended')
      last.about = record
      last.strikes = strikes
    },
    close() {
      if (waiting.length === 0) return
      const clock = Math.floor(now() / 1000)
      const second = nextSecond(clock)
      noteClock(clock < second - ID_BEFORE_S, waiting[0]?.index ?? 0)
      for (const pack of packsOf(waiting, second)) writePack(pack, second)
      waiting = []
    },
    totals: () => durable,
    forgetStrikes(strikes) {
      if (strikes.length === 0) return
      const gone = new Set(strikes)
      const left = (all: readonly string[]): readonly string[] => all.filter((id) => !gone.has(id))
      for (const row of sql.all(NAMING)) {
        const all = strikesIn(textOrNull(row, 'strikes'))
        if (all.some((id) => gone.has(id)))
          sql.run(RENAME, JSON.stringify(left(all)), integer(row, 'first'))
      }
      newest = { ...newest, strikes: left(newest.strikes) }
      for (const entry of waiting)
        if (entry.strikes !== undefined) entry.strikes = left(entry.strikes)
    },
    committed() {
      durable = newest.totals
    },
    aborted() {
      waiting = []
      newest = readNewest(sql)
      durable = newest.totals
      behind = sql.get(IS_BEHIND) !== undefined
    },
  }
}

export function addTotals(a: Totals, b: Totals): Totals {
  const sum: Record<string, number> = { ...a }
  for (const [kind, count] of Object.entries(b)) sum[kind] = (sum[kind] ?? 0) + count
  return sum
}

/** Text of totals as stored. */
export function readTotals(json: string): Totals {
  return JSON.parse(json) as Totals
}

const READ = `SELECT first, count, leaves, entries FROM packs
  WHERE first >= coalesce((SELECT max(first) FROM packs WHERE first <= ?), 0) AND first < ?
  ORDER BY first LIMIT 4`

/** As `readEntries` of sqlite/entries.ts: entries up to `to`, at most `maxBytes` but always one; throws `halted` at a gap. */
export function readPacked(
  sql: Sql,
  { from, to, maxBytes = Number.MAX_SAFE_INTEGER }: { from: number; to: number; maxBytes?: number },
): LogEntry[] {
  const entries: LogEntry[] = []
  let total = 0
  for (let next = from; next < to; next = from + entries.length) {
    for (const row of sql.all(READ, next, to)) {
      const first = integer(row, 'first')
      const leaves = bytes(row, 'leaves')
      const jws = text(row, 'entries').split('\n')
      const skipped = from + entries.length - first
      if (skipped < 0) break
      for (const [i, own] of jws.entries()) {
        if (i < skipped || first + i >= to) continue
        const entry = { leaf: leaves.slice(32 * i, 32 * (i + 1)), bytes: utf8(own) }
        total += entry.bytes.length
        if (entries.length > 0 && total > maxBytes) return entries
        entries.push(entry)
      }
    }
    if (from + entries.length === next) throw missing(next, to)
  }
  return entries
}

type Described = Waiting & { readonly line: string }

interface Pack {
  readonly entries: readonly Described[]
  readonly chars: number
}

/** In their order, each small enough for a row; one entry alone always is. */
function packsOf(waiting: readonly Waiting[], second: number): readonly Pack[] {
  const packs: Pack[] = []
  let [entries, chars]: [Described[], number] = [[], 0]
  for (const entry of waiting) {
    const line = entry.about === undefined ? '' : lineOf({ ...entry.about, second })
    const weight = entry.record.jws.length + line.length + named(entry) + 33
    const full = entries.length === MAX_PACK_ENTRIES || chars + weight > MAX_PACK_CHARS
    if (full && entries.length > 0) {
      packs.push({ entries, chars })
      ;[entries, chars] = [[], 0]
    }
    entries.push({ ...entry, line })
    chars += weight
  }
  return [...packs, { entries, chars }]
}

/** In bytes: others choose how strikes are called, in any script. */
function named({ strikes = [] }: Waiting): number {
  return strikes.reduce((sum, strike) => sum + utf8(JSON.stringify(strike)).length + 1, 0)
}

function strays(id: string, taken: number): boolean {
  const made = secondOf(id)
  return made < taken - ID_BEFORE_S || made > taken + ID_AFTER_S
}

function countKinds(entries: readonly Waiting[]): Totals {
  const counts: Record<string, number> = {}
  for (const { record } of entries) counts[record.kind] = (counts[record.kind] ?? 0) + 1
  return counts
}

/** The newest pack; nothing, where there is none. */
interface Newest {
  readonly first: number
  readonly count: number
  readonly chars: number
  readonly second: number
  readonly totals: Totals
  readonly strikes: readonly string[]
}

function readNewest(sql: Sql): Newest {
  const row = sql.get(NEWEST)
  if (row === undefined)
    return { first: 0, count: 0, chars: 0, second: -1, totals: {}, strikes: [] }
  return {
    first: integer(row, 'first'),
    count: integer(row, 'count'),
    chars: integer(row, 'chars'),
    second: integer(row, 'second_to'),
    totals: readTotals(text(row, 'totals')),
    strikes: strikesIn(textOrNull(row, 'strikes')),
  }
}

/** Strikes a pack names. */
export function strikesIn(json: string | null): readonly string[] {
  return json === null ? [] : (JSON.parse(json) as string[])
}

function joined(leaves: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(32 * leaves.length)
  for (const [i, leaf] of leaves.entries()) all.set(leaf, 32 * i)
  return all
}

/** Where there is no instant, that of the second it was taken in. */
function least(instants: readonly number[], second: number): number {
  return instants.length === 0 ? 1000 * second : Math.min(...instants)
}

function most(instants: readonly number[], second: number): number {
  return instants.length === 0 ? 1000 * second : Math.max(...instants)
}

function missing(index: number, to: number): LivegateError {
  return new LivegateError(
    'halted',
    `Cannot read log: entry ${index} is missing, expected entries up to ${to}`,
  )
}
