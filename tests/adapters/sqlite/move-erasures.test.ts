/** A deployment that moves takes along what outlived erasures and what stands before one, and nobody who was erased. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dataPaths } from '../../../src/adapters/node/data-dir.ts'
import { openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import type { NodeStore } from '../../../src/adapters/node/store.ts'
import { appearancesOf } from '../../../src/adapters/sqlite/cohosts.ts'
import { legalHoldOf } from '../../../src/adapters/sqlite/legal-holds.ts'
import {
  putErasureLine,
  putKeyLine,
  putSubjectLine,
  type Rows,
} from '../../../src/adapters/sqlite/move-in.ts'
import { countsOf, linesOf } from '../../../src/adapters/sqlite/move-out.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import { suppressionsUnder } from '../../../src/adapters/sqlite/suppressions.ts'
import { toBase64Url, utf8 } from '../../../src/core/encoding.ts'
import type { Suppression } from '../../../src/core/model.ts'
import type { MoveLine } from '../../../src/core/move/lines.ts'
import { lineOf } from '../../../src/core/move/read-lines.ts'
import type { LegalHold } from '../../../src/ports.ts'
import {
  aDecision,
  aRecord,
  aStrike,
  aStrikeChange,
  commitTo,
  later,
  T0,
} from '../../contract/fixtures.ts'
import { type DataDir, newDataDir, openStore } from '../../contract/node-store.ts'

const KEPT: readonly Suppression[] = [
  { rule: 'struck', from: T0, until: 'forever', id: 'r_1' },
  { rule: 'twice', from: T0, until: later(9_000), id: 'r_2' },
]
const HOLD: LegalHold = {
  ...{ subject: 'u_held', until: later(5_000), basis: 'order', by: 'key_1', set_at: T0 },
}
const ROWS: Rows = { idx: ({ place }) => place, whole: true }

let dir: DataDir
let store: NodeStore
beforeEach(async () => {
  dir = await newDataDir()
  store = await openStore({ dir: dir.path })
})
afterEach(async () => {
  await store.close()
  await dir.remove()
})

async function lines(): Promise<{ readonly all: MoveLine[]; readonly counts: object }> {
  const sql = openNodeSql(dataPaths(dir.path).database)
  try {
    return { all: [...linesOf(sql, store.log.size())], counts: countsOf(sql) }
  } finally {
    sql.close()
  }
}

async function erase(subject: string): Promise<void> {
  const { seq, head, version } = await store.ledger.load(subject)
  const record = aRecord({ kind: 'erasure', openings: {} })
  await store.erasures.begin({
    ...{ subject, at: T0, expect: { seq, head, version }, scope: 'subject', record },
    ...{ requires: [], counts: {}, suppressions: KEPT },
  })
}

describe('a deployment that moves', () => {
  it('takes along suppressions, legal holds and who was a co-host of whom', async () => {
    const group = ['salt', 'subject', { subject: 'u_host', cohosts: ['u_guest'] }]
    const openings = { subject: toBase64Url(utf8(JSON.stringify(group))) }
    await commitTo(store.ledger, 'u_host', (state) =>
      aDecision('u_host', state, { record: aRecord({ openings }), cohosts: ['u_guest'] }),
    )
    await commitTo(store.ledger, 'u_gone', (state) =>
      aStrikeChange('u_gone', state, aStrike('u_gone')),
    )
    await erase('u_gone')
    await store.erasures.hold(HOLD)
    const { all, counts } = await lines()
    for (const line of all)
      if ('suppression' in line || 'legal_hold' in line) expect(lineOf(line).ok).toBe(true)
    expect(counts).toMatchObject({ suppressions: 2, legal_holds: 1, records: 1, subjects: 1 })
    const sql = openNodeSql(':memory:')
    migrate(sql)
    // Lines may come twice.
    for (const _time of [1, 2])
      sql.transaction(() => {
        for (const line of all)
          if (!putSubjectLine(sql, line, ROWS) && !putKeyLine(sql, line)) putErasureLine(sql, line)
      })
    const key = store.pepper.hash('subject', 'u_gone')
    expect(suppressionsUnder(sql, key)).toEqual(KEPT)
    expect(legalHoldOf(sql, 'u_held')).toEqual(HOLD)
    expect(appearancesOf(sql, 'u_guest', { below: 99, limit: 9 })).toHaveLength(1)
    expect(countsOf(sql)).toMatchObject({ suppressions: 2, legal_holds: 1, records: 1 })
    sql.close()
  })

  it('has nothing of anybody who was erased, finished or only begun', async () => {
    for (const subject of ['u_done', 'u_begun', 'u_stays'])
      await commitTo(store.ledger, subject, (state) => aDecision(subject, state))
    await erase('u_done')
    await store.erasures.finish('u_done', 5_000)
    await erase('u_begun')
    const { all, counts } = await lines()
    expect(JSON.stringify(all)).not.toMatch(/u_done|u_begun/)
    expect(all.filter((line) => 'record' in line)).toHaveLength(1)
    expect(counts).toMatchObject({ records: 1, subjects: 1 })
  })
})
