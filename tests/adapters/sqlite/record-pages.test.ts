/** Pages of records are bounded by their bytes as well: a chain of heavy records must not become one answer. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createSqlDirectory, MAX_PAGE_CHARS } from '../../../src/adapters/sqlite/directory.ts'
import { createEntries } from '../../../src/adapters/sqlite/entries.ts'
import { applyChange } from '../../../src/adapters/sqlite/ledger.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import { createSubjects } from '../../../src/adapters/sqlite/subjects.ts'
import type { Directory } from '../../../src/ports.ts'
import { aDecision, aRecord, ORIGIN } from '../../contract/fixtures.ts'

let sql: NodeSql
let directory: Directory
beforeEach(() => {
  sql = openNodeSql(':memory:')
  migrate(sql)
})
afterEach(() => sql.close())

/** One record for each of `sizes`, with about that many characters of openings. */
function logRecords(sizes: readonly number[]): void {
  const [entries, subjects] = [createEntries(sql, ORIGIN), createSubjects(sql)]
  const unused = (): Promise<never> => Promise.reject(new Error('unused'))
  const writer = { write: unused, writeLater: unused, follow: () => {} }
  directory = createSqlDirectory({ sql, subjects, origin: ORIGIN })
  for (const size of sizes) {
    const record = aRecord({ openings: { chain: 'YQ', facts: 'f'.repeat(size) } })
    const change = aDecision('u_1', subjects.read('u_1').state, { record })
    const result = sql.transaction(() => applyChange({ sql, writer, entries, subjects }, change))
    expect(result.ok).toBe(true)
    entries.committed()
    subjects.committed()
  }
}

const half = MAX_PAGE_CHARS / 2
const cases = [
  { name: 'holds what fits', sizes: [10, 10, 10], pages: [[0, 1, 2]] },
  { name: 'ends with the record that fills it', sizes: [half, half, 10], pages: [[0, 1], [2]] },
  { name: 'holds one that is larger than a page', sizes: [3 * half, 10], pages: [[0], [1]] },
  { name: 'adds at most one such record', sizes: [10, 3 * half, 10], pages: [[0, 1], [2]] },
  {
    name: 'goes on after a turn of the event loop',
    sizes: Array.from({ length: 120 }, () => 1),
    pages: [Array.from({ length: 120 }, (_, i) => i)],
  },
]

describe('a page of records', () => {
  for (const { name, sizes, pages } of cases)
    it(name, async () => {
      logRecords(sizes)
      const found: number[][] = []
      let from: number | null = 0
      while (from !== null) {
        const page = await directory.records({ from, limit: 500 })
        found.push(page.records.map(({ receipt }) => receipt.index))
        from = page.next
      }
      expect(found).toEqual(pages)
    })
})
