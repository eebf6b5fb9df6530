/** What others see of a subject while a change of it is on its way to be durable: nothing. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import { createSubjects, type Subjects } from '../../../src/adapters/sqlite/subjects.ts'
import { aDecision } from '../../contract/fixtures.ts'

let sql: NodeSql
let subjects: Subjects
beforeEach(() => {
  sql = openNodeSql(':memory:')
  migrate(sql)
  subjects = createSubjects(sql)
})
afterEach(() => sql.close())

/** A batch with one decision about `u`, written but not durable. */
function batch(idx: number): readonly (() => void)[] {
  const { statements } = sql.collect(() => {
    const change = aDecision('u', subjects.read('u').state)
    expect(subjects.advance(change, { idx, head: `head-${idx}` })).not.toBeNull()
  })
  subjects.sealed?.()
  return statements.map(
    ({ text, values, swaps }) =>
      () =>
        swaps ? sql.swap(text, ...values) : sql.run(text, ...values),
  )
}

it('shows a batch to those built on it at once, to everybody else when it is durable, oldest first', () => {
  const [first, second] = [batch(0), batch(1)]
  expect(subjects.read('u').state.seq).toBe(2)
  expect(subjects.load('u').state.seq).toBe(0)
  for (const run of first) run()
  subjects.committed()
  expect(subjects.load('u').state).toMatchObject({ seq: 1, head: 'head-0' })
  expect(subjects.read('u').state.seq).toBe(2)
  for (const run of second) run()
  subjects.committed()
  expect(subjects.load('u').state).toMatchObject({ seq: 2, head: 'head-1' })
  expect(subjects.read('u')).toEqual(subjects.load('u'))
})

it('forgets every batch on its way when one is undone', () => {
  const first = batch(0)
  batch(1)
  subjects.aborted()
  expect(subjects.read('u').state.seq).toBe(0)
  for (const run of first) run()
  subjects.aborted()
  expect(subjects.read('u').state.seq).toBe(1)
})
