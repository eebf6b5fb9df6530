/** The duties of the Directory port (src/ports.ts), as a suite any adapter runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { textToBase64Url } from '../../src/core/encoding.ts'
import type { Outcome } from '../../src/core/model.ts'
import type { StoredRecord } from '../../src/ports.ts'
import {
  aChange,
  aDecision,
  aRecord,
  aStrike,
  aStrikeChange,
  type CreateStore,
  commitTo,
  later,
  newId,
  type StoreUnderTest,
  T0,
} from './fixtures.ts'

export function directoryContract(name: string, create: CreateStore): void {
  describe(`the directory of ${name}`, () => {
    let store: StoreUnderTest
    beforeEach(async () => {
      store = await create()
    })
    afterEach(() => store.close())

    it('finds the subject of a strike, and of no other', async () => {
      const strike = aStrike('u_1')
      await commitTo(store.ledger, 'u_1', (s) => aStrikeChange('u_1', s, strike))
      expect(await store.directory.subjectOfStrike(strike.id)).toBe('u_1')
      expect(await store.directory.subjectOfStrike('s-unknown')).toBeNull()
    })

    it('gives a record back as it was signed, with its openings and receipt', async () => {
      const record = aRecord({ openings: { chain: 'YQ', facts: 'Yg' } })
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s))
      const result = await commitTo(store.ledger, 'u_1', (s) =>
        aDecision('u_1', s, { record, at: later(7) }),
      )
      const { id, kind, jws, openings } = record
      const receipt = result.ok ? result.receipt : null
      const stored = { id, kind, subject: 'u_1', seq: 2, at: later(7), jws, openings, receipt }
      expect(await store.directory.record(id)).toEqual(stored)
    })

    it('finds records whose ids are of another make', async () => {
      for (const id of ['d1', 'ä', 'A'.repeat(22)]) {
        const record = aRecord({ id, jws: `h.${textToBase64Url(id)}.s` })
        const leafed = aRecord({ ...record, leaf: undefined as never, jws: record.jws })
        const change = { record: { ...leafed, leaf: aRecord({ jws: record.jws }).leaf } }
        await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, change))
        expect(await store.directory.record(id)).toMatchObject({ id, jws: record.jws })
      }
      for (const id of ['', 'd2', newId()]) expect(await store.directory.record(id)).toBeNull()
    })

    interface Told {
      readonly outcome: Outcome
      readonly rules: readonly string[]
      readonly second: number
    }
    const told: readonly Told[] = [
      { outcome: 'allow', rules: ['default'], second: 0 },
      { outcome: 'deny', rules: ['first', 'second'], second: 10 },
      { outcome: 'delay', rules: ['second'], second: 20 },
      { outcome: 'deny', rules: ['first'], second: 30 },
      { outcome: 'deny', rules: ['first'], second: 30 },
    ]
    const searches = [
      { name: 'everything', search: {}, found: [4, 3, 2, 1, 0] },
      { name: 'an outcome', search: { outcome: 'deny' as const }, found: [4, 3, 1] },
      { name: 'a rule', search: { rule: 'second' }, found: [2, 1] },
      { name: 'a rule that names another in part', search: { rule: 'sec' }, found: [] },
      { name: 'a time', search: { from: later(10_000), to: later(30_000) }, found: [2, 1] },
      { name: 'all of it', search: { outcome: 'deny' as const, rule: 'second' }, found: [1] },
    ]
    for (const { name: what, search, found } of searches)
      it(`searches decisions by ${what}, newest first, page by page`, async () => {
        const ids: string[] = []
        for (const [i, { outcome, rules, second }] of told.entries()) {
          const at = later(second * 1000)
          const record = aRecord({ id: newId(at) })
          ids.push(record.id)
          const decision = { outcome, mode: null, rules }
          await commitTo(store.ledger, `u_${i % 2}`, (s) =>
            aDecision(`u_${i % 2}`, s, { at, record, decision }),
          )
        }
        await commitTo(store.ledger, 'u_9', (s) => aStrikeChange('u_9', s, aStrike('u_9')))
        const pages: StoredRecord[] = []
        let cursor: string | undefined
        do {
          const page = await store.directory.searchDecisions({
            ...search,
            limit: 2,
            ...(cursor === undefined ? {} : { cursor }),
          })
          expect(page.records.length).toBeLessThanOrEqual(2)
          pages.push(...page.records)
          cursor = page.next ?? undefined
        } while (cursor !== undefined)
        expect(pages.map((record) => ids.indexOf(record.id))).toEqual(found)
      })

    it('refuses a cursor it did not give', async () => {
      const search = store.directory.searchDecisions({ limit: 1, cursor: '1; DROP TABLE' })
      await expect(search).rejects.toMatchObject({ code: 'invalid_request' })
    })

    it('lists the decisions that name a strike, newest first', async () => {
      const strike = aStrike('u_1')
      const relying = (strikes: readonly string[]): string[] => [...strikes]
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s))
      await commitTo(store.ledger, 'u_1', (s) => aStrikeChange('u_1', s, strike))
      const expected: string[] = []
      for (const [i, strikes] of [[strike.id], [], ['s-other', strike.id]].entries()) {
        const record = aRecord()
        if (strikes.includes(strike.id)) expected.unshift(record.id)
        const decision = {
          outcome: 'deny',
          mode: null,
          rules: [],
          strikes: relying(strikes),
        } as const
        const at = later(i)
        await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { record, decision, at }))
      }
      const result = textToBase64Url(
        JSON.stringify(['salt', 'result', { restrictions: [{ strikes: [strike.id] }] }]),
      )
      const opened = aRecord({ openings: { result } })
      await commitTo(store.ledger, 'u_1', (s) =>
        aDecision('u_1', s, { record: opened, at: later(9) }),
      )
      const found = await store.directory.decisionsRelyingOn('u_1', strike.id)
      expect(found.map((d) => d.id)).toEqual([opened.id, ...expected])
      expect(found[0]).toEqual({ id: opened.id, outcome: 'allow', at: later(9) })
      expect(await store.directory.decisionsRelyingOn('u_2', strike.id)).toEqual([])
    })

    it('finds a broadcast by the session of its media server until it ends', async () => {
      const opens = {
        id: newId(),
        stream: 'main',
        opened_at: T0,
        lease_until: later(60_000),
        server: 'edge-1',
        session: '77',
        role: 'host',
      } as const
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { opens }))
      const found = await store.directory.broadcastOfSession('edge-1', '77')
      expect(found).toEqual({ subject: 'u_1', broadcast: opens })
      expect(await store.directory.broadcastOfSession('edge-2', '77')).toBeNull()
      const renewed = { ...opens, lease_until: later(120_000) }
      await commitTo(store.ledger, 'u_1', (s) => aChange('u_1', s, { opens: renewed }))
      expect(await store.directory.broadcastOfSession('edge-1', '77')).toMatchObject({
        broadcast: renewed,
      })
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { ends: opens.id }))
      expect(await store.directory.broadcastOfSession('edge-1', '77')).toBeNull()
    })
  })
}
