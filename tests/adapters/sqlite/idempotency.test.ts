/** Answers under an Idempotency-Key: kept by hash, swept a few at a time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../../src/adapters/node/node-sql.ts'
import {
  findAnswer,
  SWEPT_PER_INSERT,
  storeAnswer,
} from '../../../src/adapters/sqlite/idempotency.ts'
import { migrate } from '../../../src/adapters/sqlite/schema.ts'
import type { EpochMs } from '../../../src/core/time.ts'
import type { IdempotentAnswer } from '../../../src/ports.ts'
import { later } from '../../contract/fixtures.ts'

let sql: NodeSql
beforeEach(() => {
  sql = openNodeSql(':memory:')
  migrate(sql)
})
afterEach(() => sql.close())

const answer = (key: string, expires_at: EpochMs): IdempotentAnswer => ({
  ...{ rid: 1, caller: 'k_1', key, fingerprint: 'f', decision: 'd', version: 0, policy: 'p' },
  ...{ incident: 'i', valid_until: null, expires_at },
})
const rows = (): number => sql.all('SELECT key FROM idempotency').length

describe('idempotency rows', () => {
  it('go a few at a time, the oldest first, when others come', () => {
    for (let i = 0; i < 10; i++)
      storeAnswer(sql, {
        rid: 1,
        subject: 'u',
        at: later(0),
        given: answer(`old-${i}`, later(100 + i)),
      })
    storeAnswer(sql, { rid: 1, subject: 'u', at: later(99), given: answer('a', later(900)) })
    expect(rows()).toBe(11)
    storeAnswer(sql, { rid: 1, subject: 'u', at: later(500), given: answer('b', later(900)) })
    expect(rows()).toBe(12 - SWEPT_PER_INSERT)
    const scope = { rid: 1, caller: 'k_1', subject: 'u' }
    expect(findAnswer(sql, { ...scope, key: 'old-3' })).toBeNull()
    expect(findAnswer(sql, { ...scope, key: 'old-4' })).not.toBeNull()
    for (const key of ['c', 'd'])
      storeAnswer(sql, { rid: 1, subject: 'u', at: later(500), given: answer(key, later(900)) })
    expect(rows()).toBe(4)
  })

  it('hold neither the key nor the subject', () => {
    const given = answer('secret-key', later(1))
    storeAnswer(sql, { rid: 1, subject: 'secret-subject', at: later(0), given })
    const [row] = sql.all('SELECT * FROM idempotency')
    expect(JSON.stringify(Object.values(row ?? {}))).not.toContain('secret')
    expect(row?.key).toHaveLength(32)
  })

  it('cannot be confused by where caller, subject and key end', () => {
    storeAnswer(sql, { rid: 1, subject: 'b', at: later(0), given: answer('c', later(1)) })
    expect(findAnswer(sql, { rid: 1, caller: 'k_1","b', subject: 'c', key: '' })).toBeNull()
    expect(findAnswer(sql, { rid: 1, caller: 'k_1', subject: 'bc', key: '' })).toBeNull()
  })
})
