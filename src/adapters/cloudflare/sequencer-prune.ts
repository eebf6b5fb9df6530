/**
 * Entries a sequencer need not keep: their bundles are full and published, so the bucket is where they are read.
 *
 * What stays: the unfinished bundle (the next round writes it again), the newest entry (its index is where the log
 * goes on), and whatever policies and keys are read from.
 */
import { MAX_ROUND_ENTRIES } from '../../core/limits.ts'
import { TILE_WIDTH } from '../../core/tlog/tile.ts'
import type { Sql } from '../sqlite/sql.ts'

const PRUNE = `DELETE FROM entries WHERE idx IN (
  SELECT idx FROM entries WHERE idx < ? AND idx NOT IN (SELECT idx FROM log_requirements)
  ORDER BY idx LIMIT ${2 * MAX_ROUND_ENTRIES})`

/** Lowest index that has to stay in a log that is published up to `size`. */
export function prunableTo(size: number): number {
  return Math.max(0, Math.min(size - (size % TILE_WIDTH), size - 1))
}

/** Drops entries below an index. Inside a transaction only. */
export function pruneEntries(sql: Sql, to: number): void {
  sql.run(PRUNE, to)
}
