/** Finding one record by its id must not cost more the more of them were made in its second. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createSqlDirectory } from '../../../src/adapters/sqlite/directory.ts'
import { createEntries } from '../../../src/adapters/sqlite/entries.ts'
import { applyChange } from '../../../src/adapters/sqlite/ledger.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import type { Sql } from '../../../src/adapters/sqlite/sql.ts'
import { createSubjects } from '../../../src/adapters/sqlite/subjects.ts'
import { numberedRecordIds } from '../../../src/gate/record-ids.ts'
import { aDecision, aRecord, ORIGIN, T0 } from '../../contract/fixtures.ts'
import { countedRandom } from '../../core/record/samples.ts'

let sql: NodeSql
beforeEach(() => {
  sql = openNodeSql(':memory:')
  migrate(sql)
})
afterEach(() => sql.close())

const unused = (): Promise<never> => Promise.reject(new Error('unused'))
const writer = { write: unused, writeLater: unused, follow: () => {} }

function log(ids: readonly string[]): void {
  const [entries, subjects] = [createEntries(sql, ORIGIN), createSubjects(sql)]
  for (const id of ids) {
    const change = aDecision('u_1', subjects.read('u_1').state, { record: aRecord({ id }) })
    expect(sql.transaction(() => applyChange({ sql, writer, entries, subjects }, change)).ok).toBe(
      true,
    )
    entries.committed()
    subjects.committed()
  }
}

it('finds each of many of one second, ids of other makers, and none that was never made', async () => {
  const newId = numberedRecordIds({ bytes: countedRandom('ids') })
  const made = Array.from({ length: 300 }, () => newId(T0))
  const foreign = ['decision-1', 'decision-2', 'x']
  log([...made, ...foreign])
  const directory = createSqlDirectory({ sql, subjects: createSubjects(sql), origin: ORIGIN })
  for (const id of [...made, ...foreign]) expect((await directory.record(id))?.id).toBe(id)
  const near = `${made[0]?.slice(0, 8)}${made[1]?.slice(8)}`
  for (const id of [near, 'decision-3', '', newId(T0)])
    expect(await directory.record(id)).toBeNull()
})

it('looks through no record but those with its second and its number', async () => {
  log(['decision-1'])
  const asked: string[] = []
  const noting: Sql = {
    ...sql,
    get: (text, ...values) => {
      asked.push(text)
      return sql.get(text, ...values)
    },
  }
  const directory = createSqlDirectory({
    sql: noting,
    subjects: createSubjects(sql),
    origin: ORIGIN,
  })
  expect(await directory.record('decision-1')).not.toBeNull()
  const [lookup = ''] = asked
  const steps = sql.all(`EXPLAIN QUERY PLAN ${lookup}`, 0, 0, '').map((row) => String(row.detail))
  expect(steps[0]).toBe('SEARCH r USING INDEX records_by_time (second=? AND number=?)')
})
