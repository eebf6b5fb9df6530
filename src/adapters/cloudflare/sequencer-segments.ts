/**
 * Segments: what is known about thousands of records, as one object in the bucket that is never changed.
 *
 *     packs whose bundles are published → object, where nothing is → one row here, and the packs are gone
 *
 * The object is written first, row and deletion are one transaction, so after a crash at any point the same packs make the
 * same object again. One that is there with other bytes means that storage or bucket is not this log's, and halts it.
 * Segments lie outside the prefix of the log: they say which records are of one person, and nobody is served them.
 * Spec: docs/spec/storage.md, "The edge host". Next stop: sequencer-chunks.ts.
 */
import { equalBytes, fromUtf8, utf8 } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { TILE_WIDTH } from '../../core/tlog/tile.ts'
import type { After } from '../../gate/context.ts'
import type { Halt } from '../sqlite/halt.ts'
import {
  integer,
  type Row,
  type Sql,
  type SqlValue,
  text,
  textOrNull,
  type Writer,
} from '../sqlite/sql.ts'
import { patiently } from './patient-tiles.ts'
import { type PlacedLines, placedLines } from './placed-record.ts'
import type { Bucket } from './r2-tiles.ts'
import { strikesIn } from './sequencer-packs.ts'
import { trimRelying } from './sequencer-relying.ts'

/** Where all segments of a deployment lie in its bucket: beside the prefixes of its logs, which are numbers. */
export const SEGMENTS_PREFIX = 'records/'
/** Entries from which on packs become a segment. */
export const SEGMENT_ENTRIES = 4_096
/** Characters from which on they do, too: an object that is a row somewhere has at most 2 MB. */
const SEGMENT_CHARS = 900_000
/** Segments kept in memory as read: 3 MB each. */
const REMEMBERED = 2
/** Segments read at once, and how many more may wait for that: an object has 128 MB for everything. */
export const MAX_READS = 2
const MAX_WAITING = 16
/** Strikes looked at in one transaction, each with at most some hundred rows. */
const STRIKES_AT_ONCE = 128

/** Entries `first` to `first + count`: the seconds they were taken in, and the instants of their records in ms. */
export interface SegmentHead {
  readonly first: number
  readonly count: number
  readonly second_from: number
  readonly second_to: number
  readonly at_from: number
  readonly at_to: number
}

export interface Segments {
  /**
   * What is known about the records of chains in a segment; `digest` as stored. Rejects when the bucket does not have these
   * very bytes, and with `overloaded` when too many others are read.
   */
  read(head: SegmentHead, digest: unknown): Promise<PlacedLines>
  /**
   * Moves what can be moved from a log published up to `size`, and is joined by whoever calls meanwhile. What failed is
   * moved with the next call.
   */
  move(size: number): Promise<void>
  /** Times in a row that moving has failed. */
  failures(): number
}

export interface SegmentParts {
  readonly sql: Sql
  readonly writer: Pick<Writer, 'write'>
  readonly bucket: Bucket
  /** The log's own in the bucket. */
  readonly prefix: string
  readonly halt: Halt
  readonly after: After
  readonly entries?: number
}

/** Name of a segment's object: with its size, so that another way of cutting never meets an object of this one. */
export function segmentKey(
  prefix: string,
  { first, count }: Pick<SegmentHead, 'first' | 'count'>,
): string {
  return `${SEGMENTS_PREFIX}${prefix}${String(first).padStart(12, '0')}-${count}`
}

/** Lowest index whose entry has to stay in a log published up to `size`: rounds write the unfinished bundle again. */
export function movableTo(size: number): number {
  return Math.max(0, Math.min(size - (size % TILE_WIDTH), size - 1))
}

export function createSegments(parts: SegmentParts): Segments {
  const { sql, bucket, prefix, halt, after } = parts
  const known = new Map<number, PlacedLines>()
  const reading = new Map<number, Promise<PlacedLines>>()
  const few = fewAtOnce()
  let moving: Promise<void> | null = null
  let failures = 0

  async function move(size: number): Promise<void> {
    try {
      await moveAll(size)
      failures = 0
    } catch (error) {
      failures++
      throw error
    }
  }

  async function moveAll(size: number): Promise<void> {
    const least = parts.entries ?? SEGMENT_ENTRIES
    for (;;) {
      if (halt.why() !== null) return
      const batch = nextBatch(sql, movableTo(size), least)
      if (batch === null) return
      await moveOne(parts, batch)
    }
  }

  async function load(head: SegmentHead, digest: unknown): Promise<PlacedLines> {
    const key = segmentKey(prefix, head)
    const bytes = await patiently(() => getBytes(bucket, key), after).catch(unreachable)
    const lines = bytes === null ? null : linesOf(bytes)
    if (bytes === null || lines === null || !isDigest(digest, await sha256(bytes)))
      throw damaged(key)
    const placed = placedLines(lines)
    known.set(head.first, placed)
    for (const oldest of known.keys()) if (known.size > REMEMBERED) known.delete(oldest)
    return placed
  }

  return {
    async read(head, digest) {
      const { first } = head
      const there = known.get(first) ?? reading.get(first)
      if (there !== undefined) return there
      const read = few(() => load(head, digest)).finally(() => reading.delete(first))
      reading.set(first, read)
      return read
    },
    move(size) {
      moving ??= move(size).finally(() => {
        moving = null
      })
      return moving
    },
    failures: () => failures,
  }
}

/** Runs work, some of it at once; what comes when too much waits already is refused. */
function fewAtOnce(): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running < MAX_READS) running++
    else if (waiting.length < MAX_WAITING) await new Promise<void>((go) => waiting.push(go))
    else throw overloaded()
    try {
      return await work()
    } finally {
      // Whoever is next takes the place of this one.
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

interface Batch {
  readonly head: SegmentHead
  readonly lines: string
  readonly strikes: readonly string[]
}

const OLDEST = `SELECT first, count, second_from, second_to, at_from, at_to, strikes, lines FROM packs
  WHERE first >= ? AND first + count <= ? ORDER BY first LIMIT 16`

/** The oldest packs, as many as make a segment; null while they are too few. The same packs are the same batch. */
function nextBatch(sql: Sql, to: number, least: number): Batch | null {
  const rows: Row[] = []
  let [entries, chars, next] = [0, 0, 0]
  for (;;) {
    const found = sql.all(OLDEST, next, to)
    if (found.length === 0) return null
    for (const row of found) {
      rows.push(row)
      entries += integer(row, 'count')
      chars += text(row, 'lines').length
      if (entries >= least || chars >= SEGMENT_CHARS) return batchOf(rows, entries)
    }
    next = integer(found.at(-1) ?? {}, 'first') + 1
  }
}

function batchOf(rows: readonly Row[], count: number): Batch {
  const all = (column: string): number[] => rows.map((row) => integer(row, column))
  return {
    head: {
      first: all('first')[0] ?? 0,
      count,
      second_from: all('second_from')[0] ?? 0,
      second_to: all('second_to').at(-1) ?? 0,
      at_from: Math.min(...all('at_from')),
      at_to: Math.max(...all('at_to')),
    },
    lines: rows.map((row) => text(row, 'lines')).join(''),
    strikes: [...new Set(rows.flatMap((row) => strikesIn(textOrNull(row, 'strikes'))))],
  }
}

const STORE = `INSERT INTO segments (first, count, second_from, second_to, at_from, at_to, digest)
  VALUES (?, ?, ?, ?, ?, ?, ?)`
const DROP = 'DELETE FROM packs WHERE first >= ? AND first < ?'

async function moveOne(
  { sql, writer, bucket, prefix, halt, after }: SegmentParts,
  batch: Batch,
): Promise<void> {
  const { head, lines, strikes } = batch
  const { first, count, second_from, second_to, at_from, at_to } = head
  const bytes = utf8(`${headerOf(head)}${lines}`)
  const digest = await sha256(bytes)
  for (let i = 0; i < strikes.length; i += STRIKES_AT_ONCE)
    await writer.write(() => trimRelying(sql, strikes.slice(i, i + STRIKES_AT_ONCE)))
  const key = segmentKey(prefix, head)
  const there = await patiently(() => putOnce(bucket, key, bytes), after)
  if (!there) {
    halt.halt(`\`${key}\` is in its bucket with other bytes`)
    throw halt.error()
  }
  await writer.write(() => {
    sql.run(STORE, first, count, second_from, second_to, at_from, at_to, digest)
    sql.run(DROP, first, first + count)
  }, 16 * 1024)
}

/** False when something else is there. */
async function putOnce(bucket: Bucket, key: string, bytes: Uint8Array): Promise<boolean> {
  const put = await bucket.put(key, bytes, {
    onlyIf: { etagDoesNotMatch: '*' },
    httpMetadata: { contentType: 'application/jsonl' },
  })
  if (put !== null) return true
  const there = await getBytes(bucket, key)
  if (there === null)
    throw new LivegateError('log_unavailable', 'Cannot move records: the bucket is not sure')
  return equalBytes(there, bytes)
}

async function getBytes(bucket: Bucket, key: string): Promise<Uint8Array | null> {
  const object = await bucket.get(key)
  return object === null ? null : new Uint8Array(await object.arrayBuffer())
}

/** The first line; what is below are `lineOf`'s. */
function headerOf({ first, count }: SegmentHead): string {
  return `${JSON.stringify({ segment: { first, count } })}\n`
}

function linesOf(bytes: Uint8Array): string | null {
  const all = fromUtf8(bytes)
  return all === null ? null : all.slice(all.indexOf('\n') + 1)
}

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)))
}

function isDigest(stored: SqlValue | unknown, digest: Uint8Array): boolean {
  return stored instanceof Uint8Array && equalBytes(stored, digest)
}

function overloaded(): LivegateError {
  return new LivegateError('overloaded', 'Cannot look for records: too many look already', {
    retry_after_s: 1,
  })
}

function unreachable(cause: unknown): never {
  throw new LivegateError(
    'log_unavailable',
    'Cannot look for records: the bucket does not answer',
    {
      cause,
      retry_after_s: 1,
    },
  )
}

function damaged(key: string): LivegateError {
  return new LivegateError(
    'internal',
    `Cannot look for records: \`${key}\` is missing or has other bytes, expected what was written`,
    { hint: 'Restore that object of the bucket.' },
  )
}
