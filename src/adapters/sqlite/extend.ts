/**
 * The computing part of a round: rows in, next edge, root and files out. Reads, never writes.
 *
 * A few milliseconds for a hundred entries, a hundred for four thousand: a host with threads runs it on another one
 * (adapters/node/background.ts). Next stop: core/tlog/grow.ts.
 */
import { MAX_ROUND_BYTES, MAX_ROUND_ENTRIES } from '../../core/limits.ts'
import type { Edge } from '../../core/tlog/edge.ts'
import { type Grown, type Growth, grow } from '../../core/tlog/grow.ts'
import { TILE_WIDTH } from '../../core/tlog/tile.ts'
import { type ReadEntries, readEntries } from './entries.ts'
import type { Sql } from './sql.ts'

/** Grows a tree up to `to` leaves or one round's worth, whichever is less. The same rows give the same bytes. */
export type Extend = (edge: Edge, to: number) => Promise<Grown> | Grown

/** `Extend` over the rows of `sql`. Throws `halted` when rows are missing or do not hash to their leaves. */
export function extendTree(
  sql: Sql,
  edge: Edge,
  to: number,
  hashEntry?: Growth['hashEntry'],
): Grown {
  return extendFrom((stretch) => readEntries(sql, stretch), edge, to, hashEntry)
}

/** As `extendTree`, over entries that lie elsewhere. */
export function extendFrom(
  read: ReadEntries,
  edge: Edge,
  to: number,
  hashEntry?: Growth['hashEntry'],
): Grown {
  const end = Math.min(to, edge.size + MAX_ROUND_ENTRIES)
  const added = read({ from: edge.size, to: end, maxBytes: MAX_ROUND_BYTES })
  const begin = edge.size - (edge.size % TILE_WIDTH)
  const unfinished = read({ from: begin, to: edge.size })
  return grow({
    edge,
    ...(hashEntry === undefined ? {} : { hashEntry }),
    leaves: added.map((entry) => entry.leaf),
    entries: { unfinished: unfinished.map((e) => e.bytes), added: added.map((e) => e.bytes) },
  })
}
