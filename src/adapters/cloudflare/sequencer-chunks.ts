/**
 * A log's records from end to end, whether they lie in packs here or in segments in the bucket: chunks without a gap.
 *
 * Seconds grow with indexes, so whatever is looked for by time is found by halving, without an index that every insert
 * would have to pay for. What is asked anew after each wait holds although packs become segments meanwhile, because
 * places never change. Next stop: sequencer-search.ts.
 */
import { integer, type Row, type Sql, text } from '../sqlite/sql.ts'
import { type PlacedLines, placedLines } from './placed-record.ts'
import type { SegmentHead, Segments } from './sequencer-segments.ts'

export interface Chunk extends SegmentHead {
  /** What reading it costs, in rows of heads. */
  readonly weight: number
  /** What is known about the records of chains in it. */
  read(): Promise<PlacedLines> | PlacedLines
}

export interface Chunks {
  /** The one an index lies in; null beyond the end. */
  at(index: number): Chunk | null
  /** All that begin below an index, downwards. */
  below(index: number): Generator<Chunk>
  /** First index of the lowest chunk `holds` is true of; it must be true of all above that. End of the log when of none. */
  lowest(holds: (head: SegmentHead) => boolean): number
}

const HEAD = 'first, count, second_from, second_to, at_from, at_to'
const PACKS = `SELECT ${HEAD}, lines FROM packs WHERE first < ? ORDER BY first DESC LIMIT 8`
const PACK = `SELECT ${HEAD}, lines FROM packs WHERE first <= ? ORDER BY first DESC LIMIT 1`
const SEGMENT_HEAD = 'first, count, second_from, second_to, at_from, at_to, digest'
const SEGMENTS = `SELECT ${SEGMENT_HEAD} FROM segments WHERE first < ? ORDER BY first DESC LIMIT 256`
const SEGMENT = `SELECT ${SEGMENT_HEAD} FROM segments WHERE first <= ? ORDER BY first DESC LIMIT 1`
const PACK_HEAD = `SELECT ${HEAD} FROM packs WHERE first <= ? ORDER BY first DESC LIMIT 1`
const END = 'SELECT first + count AS size FROM packs ORDER BY first DESC LIMIT 1'

/** A pack is a query's share and is read with its head. */
const PACK_WEIGHT = 8

export function createChunks(sql: Sql, segments: Pick<Segments, 'read'>): Chunks {
  const segmentIn = (row: Row): Chunk => {
    const head = headIn(row)
    return { ...head, weight: 1, read: () => segments.read(head, row.digest) }
  }

  function* below(index: number): Generator<Chunk> {
    for (let next = index; next > 0; ) {
      const packs = sql.all(PACKS, next)
      const found = packs.length > 0 ? packs.map(packIn) : sql.all(SEGMENTS, next).map(segmentIn)
      yield* found
      next = found.at(-1)?.first ?? 0
    }
  }

  function headAt(index: number): SegmentHead | null {
    const row = sql.get(PACK_HEAD, index) ?? sql.get(SEGMENT, index)
    return row === undefined ? null : headIn(row)
  }

  return {
    at(index) {
      if (index < 0) return null
      const pack = sql.get(PACK, index)
      const segment = pack === undefined ? sql.get(SEGMENT, index) : undefined
      const chunk = pack !== undefined ? packIn(pack) : segment && segmentIn(segment)
      return chunk !== undefined && index < chunk.first + chunk.count ? chunk : null
    },
    below,
    lowest(holds) {
      const end = sql.get(END)
      let [low, high] = [0, end === undefined ? 0 : integer(end, 'size')]
      while (low < high) {
        const head = headAt(Math.floor((low + high) / 2))
        if (head === null) return high
        if (holds(head)) high = head.first
        else low = head.first + head.count
      }
      return low
    },
  }
}

function packIn(row: Row): Chunk {
  const lines = text(row, 'lines')
  return {
    ...headIn(row),
    weight: PACK_WEIGHT,
    read: () => placedLines(lines),
  }
}

function headIn(row: Row): SegmentHead {
  return {
    first: integer(row, 'first'),
    count: integer(row, 'count'),
    second_from: integer(row, 'second_from'),
    second_to: integer(row, 'second_to'),
    at_from: integer(row, 'at_from'),
    at_to: integer(row, 'at_to'),
  }
}
