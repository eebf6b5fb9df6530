/**
 * One search over several logs: newest first across all of them, page after page without a gap or a repeat.
 *
 * Places have one total order (second downwards, shard upwards, index downwards), so a single place is a cursor for every
 * log at once. A log looks at a bounded number of records a call; nothing older than where the slowest of them stopped
 * is given out, because that one might still find something newer.
 */
import { LivegateError } from '../../core/errors.ts'
import type { DecisionSearch } from '../../ports.ts'
import { type FoundPlace, opened, type SequencerRpc } from './rpc.ts'

export interface FoundPage {
  readonly places: readonly FoundPlace[]
  readonly next: string | null
}

type Searched = Pick<SequencerRpc, 'searchDecisions'>

/** Before every place of a log: those of an earlier one are below 0. */
const LOWEST = Number.MIN_SAFE_INTEGER

/** Everything behind it is still to come. */
interface Position {
  readonly second: number
  readonly shard: number
  readonly index: number
}

interface Placed extends Position {
  readonly place: FoundPlace
}

export async function mergedSearch(
  logs: readonly Searched[],
  { cursor, ...search }: DecisionSearch,
): Promise<FoundPage> {
  const from = cursor === undefined ? null : readCursor(cursor, logs.length)
  const pages = await Promise.all(
    logs.map((log, shard) => {
      const before = from === null ? {} : { cursor: cursorFor(from, shard) }
      return opened(log.searchDecisions({ ...search, ...before }))
    }),
  )
  return merged(pages, search.limit)
}

/** The newest `limit` places that no log can still find something before. */
export function merged(pages: readonly FoundPage[], limit: number): FoundPage {
  const frontier = pages.flatMap((page, shard) => frontierOf(page, shard)).sort(byOrder)[0]
  const found = pages
    .flatMap(({ places }, shard) => places.map((place) => placedIn(place, shard)))
    .filter((placed) => frontier === undefined || byOrder(placed, frontier) <= 0)
    .sort(byOrder)
  const given = found.slice(0, limit)
  const last = found.length > limit ? given.at(-1) : frontier
  return {
    places: given.map(({ place }) => place),
    next: last === undefined ? null : `${last.second}.${last.shard}.${last.index}`,
  }
}

/** Where a search goes on behind a place it gave. */
export function cursorBehind({ second, index }: FoundPlace, shard: number): string {
  return `${second}.${shard}.${index}`
}

/** How far a log has looked, unless it is through. */
function frontierOf({ next }: FoundPage, shard: number): readonly Position[] {
  if (next === null) return []
  const [, second, index] = /^(-1|\d{1,10})\.(-?\d{1,16})$/.exec(next) ?? []
  if (second === undefined || index === undefined)
    throw new LivegateError('internal', 'Cannot merge searches: a cursor of a log is malformed')
  return [{ second: Number(second), shard, index: Number(index) }]
}

function placedIn(place: FoundPlace, shard: number): Placed {
  return { second: place.second, shard, index: place.index, place }
}

function byOrder(a: Position, b: Position): number {
  return b.second - a.second || a.shard - b.shard || b.index - a.index
}

/** A log's own cursor for a position in the order of all: everything of it that is behind. */
function cursorFor({ second, shard, index }: Position, of: number): string {
  if (of === shard) return `${second}.${index}`
  // Of the same second, logs before it are through and logs after it have not begun.
  return `${of < shard ? second : second + 1}.${LOWEST}`
}

function readCursor(cursor: string, shards: number): Position {
  const [, second, shard, index] = /^(-1|\d{1,10})\.(\d{1,2})\.(-?\d{1,16})$/.exec(cursor) ?? []
  if (second !== undefined && shard !== undefined && index !== undefined && Number(shard) < shards)
    return { second: Number(second), shard: Number(shard), index: Number(index) }
  throw new LivegateError(
    'invalid_request',
    'Cannot continue search: the cursor is not one of ours',
  )
}
