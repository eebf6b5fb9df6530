/**
 * Whose chains may have something running: every chain whose newest record is no older than the longest lease.
 *
 * Whatever runs was allowed or renewed within its lease, and each of that is a record; so the records of that time lead to
 * everything that runs, without anything a decision would have to pay for. Each chain is told once, at its newest record;
 * one that got another record meanwhile is told at that, which is still to come. Bounded as a search is: a call looks at some
 * thousand records and hands back where to go on. Asked by edge-sweep.ts, edge-broadcasts.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import type { EpochMs } from '../../core/time.ts'
import { integer, integerOrNull, type Sql } from '../sqlite/sql.ts'
import type { RunningPage, RunningQuery } from './rpc-keeper.ts'
import { MAX_LOOKED_AT, type Searched } from './sequencer-search.ts'

/** Chunks one call reads: packs here, or segments of the bucket. */
const MAX_READ = 16
/** A log's seconds and the instants of records are told by different clocks. */
const MARGIN_S = 60

const SIZE = 'SELECT first + count AS size FROM packs ORDER BY first DESC LIMIT 1'
const HEAD = 'SELECT object, idx FROM heads WHERE chain = ?'
const OLDEST_MOVED = 'SELECT min(idx) AS idx FROM moved WHERE second >= ?'
const MOVED = 'SELECT idx, chain FROM moved WHERE idx >= ? ORDER BY idx LIMIT ?'

export async function chainsSince(
  searched: Searched,
  { since, from, until, limit }: RunningQuery,
): Promise<RunningPage> {
  const { sql, chunks, pause } = searched
  // What comes while this looks is behind it.
  const newest = sql.get(SIZE)
  const size = newest === undefined ? 0 : integer(newest, 'size')
  const found = createFound(sql, until === 'size' ? size : until)
  const { objects, indexes } = found
  let next = from ?? startOf(searched, since)
  let looked = 0
  if (next < 0) {
    const moved = sql.all(MOVED, next, MAX_LOOKED_AT)
    for (const row of moved) found.look(integer(row, 'idx'), integer(row, 'chain'))
    const last = moved.at(-1)
    next = moved.length < MAX_LOOKED_AT || last === undefined ? 0 : integer(last, 'idx') + 1
    looked = moved.length
  }
  for (let read = 0; read < MAX_READ && looked < MAX_LOOKED_AT; read++) {
    const chunk = chunks.at(next)
    if (chunk === null) return { objects, indexes, next: Math.max(next, size), size }
    for (const records of (await chunk.read()).upwards(next)) {
      for (const { index, chain } of records) found.look(index, chain)
      looked += records.length
      next = (records.at(-1)?.index ?? next) + 1
      if (objects.length >= limit) return { objects, indexes, next, size }
      await pause()
    }
    next = chunk.first + chunk.count
  }
  return { objects, indexes, next, size }
}

/** The first record that may be of that time; of an earlier log's, too. */
function startOf({ sql, chunks }: Searched, since: EpochMs): number {
  const second = Math.floor(since / 1000) - MARGIN_S
  const moved = sql.get(OLDEST_MOVED, second)
  const oldest = moved === undefined ? null : integerOrNull(moved, 'idx')
  return oldest ?? chunks.lowest(({ second_to }) => second_to >= second)
}

interface Found {
  readonly objects: string[]
  readonly indexes: number[]
  look(index: number, chain: number): void
}

function createFound(sql: Sql, until: number | null): Found {
  const [objects, indexes]: [string[], number[]] = [[], []]
  return {
    ...{ objects, indexes },
    look(index, chain) {
      const head = sql.get(HEAD, chain)
      const object = head?.object ?? null
      // Null: its subject is erased.
      if (head === undefined || object === null) return
      const newest = integer(head, 'idx')
      // What came behind the end is not waited for.
      if (newest !== index && (until === null || newest < until)) return
      indexes.push(index)
      objects.push(object instanceof Uint8Array ? toBase64Url(object) : String(object))
    },
  }
}
