/**
 * The little log of one chain: hands out its places, from 0 without a gap.
 *
 * Each of its entries is a record of the chain and lies in that record's row, so nothing is written here. What must be in the
 * log before a record may be, and whether the log still takes any, is the log's to say, and was asked before.
 * Next stop: chain-store.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import type { Entries } from '../sqlite/entries.ts'
import { integerOrNull, type Sql } from '../sqlite/sql.ts'

export function createChainEntries(sql: Sql, origin: string): Entries {
  let size = sizeOf(sql)
  let next = size
  return {
    next: () => next,
    size: () => size,
    append: ({ leaf }) => ({ origin, index: next++, leaf: toBase64Url(leaf) }),
    has: () => true,
    hasNow: () => true,
    isEnded: () => false,
    isClosed: () => false,
    requireOpen: () => {},
    committed() {
      size = next
    },
    aborted() {
      size = sizeOf(sql)
      next = size
    },
  }
}

function sizeOf(sql: Sql): number {
  const row = sql.get('SELECT max(idx) AS last FROM records')
  const last = row === undefined ? null : integerOrNull(row, 'last')
  return last === null ? 0 : last + 1
}
