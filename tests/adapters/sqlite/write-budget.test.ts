/**
 * What a decision may cost the disk: statements, rows and pages are counted, so that a slower shape cannot slip in.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import { createEntries } from '../../../src/adapters/sqlite/entries.ts'
import { applyChange, type LedgerParts } from '../../../src/adapters/sqlite/ledger.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import type { Sql } from '../../../src/adapters/sqlite/sql.ts'
import { createSubjects } from '../../../src/adapters/sqlite/subjects.ts'
import { numberedRecordIds } from '../../../src/gate/record-ids.ts'
import type { Change } from '../../../src/ports.ts'
import {
  aDecision,
  aRecord,
  aStrike,
  aStrikeChange,
  later,
  newId,
  ORIGIN,
  T0,
} from '../../contract/fixtures.ts'
import { countedRandom } from '../../core/record/samples.ts'

interface Rig {
  readonly parts: LedgerParts
  /** Statements run since the last `commit`, by verb and table. */
  readonly statements: string[]
  commit(change: Change): void
}

let sql: NodeSql
beforeEach(() => {
  sql = openNodeSql(':memory:')
  migrate(sql)
})
afterEach(() => sql.close())

function rig(): Rig {
  const statements: string[] = []
  const note = (text: string): void => {
    const [, verb, from, into] =
      /^((?:SELECT|DELETE)(?=\s.*?FROM\s(\w+))|(?:INSERT(?: OR REPLACE)? INTO|UPDATE)(?=\s(\w+)))/s.exec(
        text,
      ) ?? []
    statements.push(`${verb} ${from ?? into}`)
  }
  const counting: Sql = {
    run: (text, ...values) => {
      note(text)
      sql.run(text, ...values)
    },
    swap: (text, ...values) => {
      note(text)
      sql.swap(text, ...values)
    },
    get: (text, ...values) => {
      note(text)
      return sql.get(text, ...values)
    },
    all: (text, ...values) => {
      note(text)
      return sql.all(text, ...values)
    },
    transaction: (work) => sql.transaction(work),
  }
  const entries = createEntries(sql, ORIGIN)
  const subjects = createSubjects(counting)
  const logging = { ...createEntries(counting, ORIGIN), committed: entries.committed }
  statements.length = 0
  const unused = (): Promise<never> => Promise.reject(new Error('unused'))
  const writer = { write: unused, writeLater: unused, follow: () => {} }
  const parts: LedgerParts = { sql: counting, writer, entries: logging, subjects }
  return {
    parts,
    statements,
    commit(change) {
      subjects.read(change.subject)
      statements.length = 0
      const result = sql.transaction(() => applyChange(parts, change))
      expect(result.ok).toBe(true)
      subjects.committed()
    },
  }
}

const RECORD = aRecord()

describe('the statements of one commit', () => {
  it('are three for a decision that opens a broadcast', () => {
    const { parts, statements, commit } = rig()
    const opens = {
      id: newId(),
      stream: 'a',
      opened_at: T0,
      lease_until: later(9),
      role: 'host',
    } as const
    commit(aDecision('u_1', parts.subjects.read('u_1').state))
    commit(aDecision('u_1', parts.subjects.read('u_1').state, { opens, requires: [] }))
    expect(statements).toEqual(['UPDATE subjects', 'INSERT INTO entries', 'INSERT INTO records'])
  })

  it('are two more under an Idempotency-Key, and one more at a media server', () => {
    const { parts, statements, commit } = rig()
    commit(aDecision('u_1', parts.subjects.read('u_1').state))
    const opens = {
      ...{ id: newId(), stream: 'a', opened_at: T0, lease_until: later(9) },
      ...{ server: 'edge', session: '1', role: 'host' as const },
    }
    const idempotency = {
      ...{ caller: 'k', key: 'k', fingerprint: 'f', decision: 'd', version: 0, policy: 'p' },
      ...{ incident: '', valid_until: null, expires_at: later(10) },
    }
    commit(aDecision('u_1', parts.subjects.read('u_1').state, { opens, idempotency }))
    expect(statements).toEqual([
      'UPDATE subjects',
      'INSERT OR REPLACE INTO sessions',
      'DELETE idempotency',
      'INSERT OR REPLACE INTO idempotency',
      'INSERT INTO entries',
      'INSERT INTO records',
    ])
  })

  it('are one more for a decision that names strikes, however many', () => {
    const { parts, statements, commit } = rig()
    commit(aDecision('u_1', parts.subjects.read('u_1').state))
    const strikes = Array.from({ length: 300 }, (_, i) => `s_${i}`)
    const decision = { outcome: 'deny', mode: null, rules: ['r'], strikes } as const
    commit(aDecision('u_1', parts.subjects.read('u_1').state, { decision }))
    expect(statements).toEqual([
      'UPDATE subjects',
      'INSERT INTO entries',
      'INSERT INTO records',
      'INSERT INTO reliance',
    ])
  })

  it('read the strikes of a subject only when it has some and is not in memory', () => {
    const { parts, statements, commit } = rig()
    commit(aStrikeChange('u_1', parts.subjects.read('u_1').state, aStrike('u_1')))
    parts.subjects.aborted()
    statements.length = 0
    parts.subjects.read('u_1')
    parts.subjects.read('u_1')
    expect(statements).toEqual(['SELECT subjects', 'SELECT strikes'])
  })
})

describe('the pages of one commit', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'livegate-'))
    sql.close()
    sql = openNodeSql(join(root, 'pages.db'))
    migrate(sql)
  })
  afterEach(() => rmSync(root, { recursive: true }))

  /** Pages written since the write-ahead log was emptied last. */
  const pagesWritten = (): number => Number(sql.get('PRAGMA wal_checkpoint(PASSIVE)')?.log)

  const sizes = [100, 5_000]
  for (const subjects of sizes)
    it(`stay few with ${subjects} subjects: thirty-two decisions share all pages but the subjects' own`, () => {
      const { parts } = rig()
      // As a process makes them that all subjects share.
      const nextId = numberedRecordIds({ bytes: countedRandom('pages') })
      const decide = (subject: string, at: number): void => {
        const { state } = parts.subjects.read(subject)
        const record = { ...RECORD, id: nextId(later(at)), openings: { facts: 'f'.repeat(2_000) } }
        applyChange(parts, aDecision(subject, state, { record, at: later(at) }))
      }
      sql.transaction(() => {
        for (let i = 0; i < subjects; i++) decide(`u_${i}`, i)
      })
      parts.subjects.committed()
      sql.get('PRAGMA wal_checkpoint(TRUNCATE)')
      sql.transaction(() => {
        for (let i = 0; i < 32; i++) decide(`u_${Math.floor((i * subjects) / 32)}`, subjects)
      })
      // A record with its openings fills a page; a scattered row of subjects each; ends of tables and indexes.
      const pages = pagesWritten()
      expect(pages).toBeGreaterThan(32)
      expect(pages).toBeLessThanOrEqual(32 + 32 + 8)
    })
})

describe('opening a store', () => {
  it('reads the same few rows whatever the number of records', () => {
    const { parts } = rig()
    sql.transaction(() => {
      for (let i = 0; i < 2_000; i++)
        applyChange(
          parts,
          aDecision(`u_${i}`, parts.subjects.read(`u_${i}`).state, { record: RECORD }),
        )
    })
    const plans = [
      'SELECT max(idx) AS last FROM entries',
      'SELECT * FROM log_state',
      'SELECT name, part, parts FROM log_requirements',
      'SELECT max(version) AS version FROM schema',
    ].map((text) => sql.all(`EXPLAIN QUERY PLAN ${text}`).map((row) => String(row.detail)))
    const scans = plans.flat().filter((detail) => /^SCAN (entries|records|subjects)/.test(detail))
    expect(scans).toEqual([])
    expect(createEntries(sql, ORIGIN).size()).toBe(2_000)
  })
})
