/**
 * Where records of chains are, by id, by time and by index: places, never contents.
 *
 * A call looks at a bounded number of records and reads at most two segments of the bucket, then hands back a cursor,
 * even with nothing found yet, and lets others in after every few hundred: no question can stall the appends beside it. Decisions are listed in the order the log took
 * them in, newest first; those of an earlier log are behind all of its own. Whoever may read a record gets it from its
 * subject's object. Next stop: sequencer.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { EpochMs } from '../../core/time.ts'
import type { DecisionSearch, RecordPage } from '../../ports.ts'
import { secondOf } from '../sqlite/records.ts'
import {
  bytes,
  integer,
  integerOrNull,
  type Row,
  type Sql,
  text,
  textOrNull,
} from '../sqlite/sql.ts'
import type { PlacedRecord } from './placed-record.ts'
import type { ChainPlace, FoundPlace } from './rpc.ts'
import type { Chunk, Chunks } from './sequencer-chunks.ts'
import { objectOf } from './sequencer-heads.ts'
import { ID_AFTER_S, ID_BEFORE_S } from './sequencer-packs.ts'

/** Records one search call looks at, some 10 ms at most. */
export const MAX_LOOKED_AT = 4_096
/** Heads of segments one call passes over, or their weight in packs: 60 million records. */
const MAX_PASSED = 16_384
/** Segments one call reads, besides the one it ends in. */
const MAX_READ = 2
/** Clocks step: a record may have been made this long before or after the instant on its chain. */
const STEP_S = 3_600
const LAST_SECOND = 0xffff_ffff

/** What is searched. */
export interface Searched {
  readonly sql: Sql
  readonly chunks: Chunks
  /** Resolves once others had their turn. */
  readonly pause: () => Promise<void>
}

/** Records read, or what weighs as much, between two pauses: appends beside a search wait a few milliseconds. */
const BREATH = 256

/** To be awaited after work, with how much it was. */
function createBreath({ pause }: Searched): (work: number) => Promise<void> {
  let since = 0
  return async (work) => {
    since += work
    if (since < BREATH) return
    since = 0
    await pause()
  }
}

/** Null when no record of a chain has this id. */
export async function findRecord(searched: Searched, id: string): Promise<PlacedRecord | null> {
  const { sql, chunks } = searched
  const second = secondOf(id)
  const moved = sql.get(MOVED_BY_ID, second, id)
  if (moved !== undefined) return movedIn(moved)
  const stray = sql.get(STRAY, id)
  if (stray !== undefined) {
    const index = integer(stray, 'idx')
    return recordAt(searched, index)
  }
  let next = chunks.lowest(({ second_from }) => second_from > second + ID_BEFORE_S)
  for (;;) {
    const chunk = chunks.at(next - 1)
    if (chunk === null || chunk.second_to < second - ID_AFTER_S) return null
    const strays = onlyStrays(sql, chunk)
    const found = strays === null ? (await chunk.read()).find(id) : null
    if (found !== null) return found
    next = strays ?? chunk.first
  }
}

const BEHIND = 'SELECT first, until FROM behind WHERE first <= ? ORDER BY first DESC LIMIT 1'

/**
 * Where what was taken while the clock was behind begins, if all of a chunk was: its records are found by their ids alone.
 * A clock that once was a day ahead leaves a day's records in one second, and nobody looks through them.
 */
function onlyStrays(sql: Sql, { first, count }: Chunk): number | null {
  const row = sql.get(BEHIND, first)
  if (row === undefined) return null
  const until = integerOrNull(row, 'until')
  return until === null || until >= first + count ? integer(row, 'first') : null
}

/** The record of a chain at an index of this log; null where none is. */
async function recordAt({ chunks }: Searched, index: number): Promise<PlacedRecord | null> {
  return (await chunks.at(index)?.read())?.at(index) ?? null
}

/** Null once its subject is erased: nothing says where it was. */
export function placeOf(sql: Sql, { chain, seq, index, leaf }: PlacedRecord): ChainPlace | null {
  const object = objectOf(sql, chain)
  return object === null ? null : { object, seq, index, leaf }
}

/** Records of chains from an index on, in the order of the log; `next` is where to go on. */
export async function placesFrom(
  searched: Searched,
  { from, limit }: RecordPage,
): Promise<{ readonly places: readonly ChainPlace[]; readonly next: number | null }> {
  const { sql, chunks } = searched
  const breath = createBreath(searched)
  const found = from < 0 ? sql.all(MOVED_FROM, from, limit + 1).map(movedIn) : []
  let [next, passed, read] = [Math.max(from, 0), 0, 0]
  while (found.length <= limit) {
    const chunk = chunks.at(next)
    if (chunk === null) return { places: placesOf(sql, found), next: null }
    if (passed > MAX_PASSED || read === MAX_READ) return { places: placesOf(sql, found), next }
    for (const records of (await chunk.read()).upwards(next)) {
      found.push(...records)
      if (found.length > limit) break
      await breath(records.length)
    }
    passed += chunk.weight
    read += isSegment(chunk) ? 1 : 0
    next = chunk.first + chunk.count
  }
  return { places: placesOf(sql, found.slice(0, limit)), next: found[limit]?.index ?? null }
}

function placesOf(sql: Sql, found: readonly PlacedRecord[]): readonly ChainPlace[] {
  return found.flatMap((record) => placeOf(sql, record) ?? [])
}

/** Decisions, newest first by (second, index), downwards from the cursor. */
export async function searchPlaces(
  searched: Searched,
  search: DecisionSearch,
): Promise<{ readonly places: readonly FoundPlace[]; readonly next: string | null }> {
  const before = search.cursor === undefined ? NEWEST : readCursor(search.cursor)
  const lowest = search.from === undefined ? -1 : Math.floor(search.from / 1000) - STEP_S
  const walk = createWalk(searched.sql, search, before)
  const breath = createBreath(searched)
  let [passed, read] = [0, 0]
  for (const chunk of searched.chunks.below(startBelow(searched.chunks, before))) {
    // Records of an earlier log may be younger than what this one began with.
    if (chunk.second_to < lowest) break
    if (mayMatch(chunk, search)) {
      if (read === MAX_READ) return walk.until(chunk.second_to, chunk.first + chunk.count)
      for (const records of (await chunk.read()).downwards()) {
        const end = walk.over(records)
        if (end !== null) return walk.until(end.second, end.index)
        await breath(records.length)
      }
      read += isSegment(chunk) ? 1 : 0
    }
    passed += chunk.weight
    if (passed > MAX_PASSED) return walk.until(chunk.second_from, chunk.first)
    await breath(chunk.weight)
  }
  return movedPlaces(searched.sql, search, { walk, before, lowest })
}

interface Position {
  readonly second: number
  readonly index: number
}

const NEWEST: Position = { second: LAST_SECOND, index: Number.MAX_SAFE_INTEGER }

interface Walk {
  readonly places: FoundPlace[]
  /** Looks at records, from the last to the first; where it had to stop, null when it did not. */
  over(records: readonly PlacedRecord[]): Position | null
  /** How many more may be looked at. */
  left(): number
  until(
    second: number,
    index: number,
  ): { readonly places: readonly FoundPlace[]; readonly next: string }
}

function createWalk(sql: Sql, search: DecisionSearch, before: Position): Walk {
  const places: FoundPlace[] = []
  let looked = 0
  return {
    places,
    over(records) {
      for (const record of records.toReversed()) {
        if (!isBefore(record, before)) continue
        looked++
        const place = matches(record, search) ? placeOf(sql, record) : null
        if (place !== null) places.push({ ...place, second: record.second })
        if (places.length === search.limit || looked === MAX_LOOKED_AT) return record
      }
      return null
    },
    left: () => MAX_LOOKED_AT - looked,
    until: (second, index) => ({ places, next: `${second}.${index}` }),
  }
}

/** An index all records before a position lie below, and at most a chunk and a second's records more. */
function startBelow(chunks: Chunks, { second, index }: Position): number {
  const above = chunks.lowest(({ second_from }) => second_from > second)
  const same = chunks.at(chunks.lowest(({ second_to }) => second_to >= second))
  const least = same === null ? above : same.first + same.count
  return Math.min(Math.max(index, least), above)
}

/** What an earlier log had: its rows are here, in an order of their own. */
function movedPlaces(
  sql: Sql,
  search: DecisionSearch,
  { walk, before, lowest }: { walk: Walk; before: Position; lowest: number },
): { readonly places: readonly FoundPlace[]; readonly next: string | null } {
  const last = search.to === undefined ? LAST_SECOND : Math.floor(search.to / 1000) + STEP_S
  const limit = walk.left()
  const rows = sql.all(MOVED_BEFORE, lowest, last, before.second, before.index, limit).map(movedIn)
  const end = walk.over(rows.toReversed())
  const oldest = rows.at(-1)
  const through = oldest === undefined || (rows.length < limit && (end === null || end === oldest))
  const stopped = end ?? oldest
  if (through || stopped === undefined) return { places: walk.places, next: null }
  return walk.until(stopped.second, stopped.index)
}

const MOVED = 'idx, second, id, kind, at, outcome, mode, rules, chain, seq, leaf'
const MOVED_BY_ID = `SELECT ${MOVED} FROM moved WHERE second = ? AND id = ?`
const MOVED_FROM = `SELECT ${MOVED} FROM moved WHERE idx >= ? ORDER BY idx LIMIT ?`
const MOVED_BEFORE = `SELECT ${MOVED} FROM moved
  WHERE second >= ? AND second <= ? AND (second, idx) < (?, ?)
  ORDER BY second DESC, idx DESC LIMIT ?`
const STRAY = 'SELECT idx FROM strays WHERE id = ?'

function movedIn(row: Row): PlacedRecord {
  return {
    index: integer(row, 'idx'),
    second: integer(row, 'second'),
    id: text(row, 'id'),
    kind: text(row, 'kind'),
    at: integer(row, 'at') as EpochMs,
    outcome: textOrNull(row, 'outcome'),
    mode: textOrNull(row, 'mode'),
    rules: JSON.parse(textOrNull(row, 'rules') ?? '[]') as string[],
    chain: integer(row, 'chain'),
    seq: integer(row, 'seq'),
    leaf: toBase64Url(bytes(row, 'leaf')),
  }
}

function isSegment({ weight }: Chunk): boolean {
  return weight === 1
}

function isBefore({ second, index }: Position, before: Position): boolean {
  return second < before.second || (second === before.second && index < before.index)
}

/** False when no record of a chunk is of the time that is asked for. */
function mayMatch({ at_from, at_to }: Chunk, { from, to }: DecisionSearch): boolean {
  return (from === undefined || at_to >= from) && (to === undefined || at_from < to)
}

function matches({ outcome, at, rules }: PlacedRecord, search: DecisionSearch): boolean {
  return (
    outcome !== null &&
    (search.outcome === undefined || outcome === search.outcome) &&
    (search.rule === undefined || rules.includes(search.rule)) &&
    (search.from === undefined || at >= search.from) &&
    (search.to === undefined || at < search.to)
  )
}

function readCursor(cursor: string): Position {
  const [, second, index] = /^(-1|\d{1,10})\.(-?\d{1,16})$/.exec(cursor) ?? []
  if (second === undefined || index === undefined)
    throw new LivegateError(
      'invalid_request',
      'Cannot continue search: the cursor is not one of ours',
    )
  return { second: Number(second), index: Number(index) }
}
