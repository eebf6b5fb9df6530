/** The duties of the Directory port (src/ports.ts), as a suite any adapter runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { textToBase64Url } from '../../src/core/encoding.ts'
import type { Outcome } from '../../src/core/model.ts'
import type { StoredRecord } from '../../src/ports.ts'
import {
  aChange,
  aDecision,
  aPolicy,
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

    it('lists the decisions that name a strike, whoever asked, newest first', async () => {
      const strike = aStrike('u_1')
      await commitTo(store.ledger, 'u_1', (s) => aStrikeChange('u_1', s, strike))
      const asked: readonly { readonly subject: string; readonly strikes?: readonly string[] }[] = [
        { subject: 'u_1' },
        { subject: 'u_1', strikes: [strike.id] },
        { subject: 'u_1', strikes: [] },
        { subject: 'host', strikes: ['s-other', strike.id] },
        { subject: 'u_1', strikes: ['s-other', `${strike.id}-2`] },
      ]
      const expected: object[] = []
      for (const [i, { subject, ...named }] of asked.entries()) {
        const record = aRecord()
        const at = later(i)
        if (named.strikes?.includes(strike.id))
          expected.unshift({ id: record.id, outcome: 'deny', at })
        const decision = { outcome: 'deny', mode: null, rules: [], ...named } as const
        await commitTo(store.ledger, subject, (s) =>
          aDecision(subject, s, { record, decision, at }),
        )
      }
      expect(await store.directory.decisionsRelyingOn(strike.id)).toEqual(expected)
      expect(await store.directory.decisionsRelyingOn('s-unknown')).toEqual([])
    })

    it('lists at most 200 decisions that name a strike', async () => {
      const decision = { outcome: 'deny', mode: null, rules: [], strikes: ['s_1'] } as const
      for (let i = 0; i <= 200; i++)
        await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { decision, at: later(i) }))
      const found = await store.directory.decisionsRelyingOn('s_1')
      expect([found.length, found.at(0)?.at, found.at(-1)?.at]).toEqual([200, later(200), later(1)])
    })

    it('gives the records of all chains in the order of the log, page by page', async () => {
      const first = store.log.size()
      const decided = aRecord()
      const strike = aStrike('u_1')
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { record: decided }))
      await commitTo(store.ledger, 'u_1', (s) => aStrikeChange('u_1', s, strike))
      await store.log.append(aPolicy(2).records, [])
      for (const kind of ['reversal', 'broadcast', 'decision'] as const)
        await commitTo(store.ledger, 'u_2', (s) => {
          const { decision, ...plain } = aDecision('u_2', s, { record: aRecord({ kind }) })
          return kind === 'decision' ? { ...plain, ...(decision && { decision }) } : plain
        })
      const all = await store.directory.records({ from: 0, limit: 500 })
      const places = all.records.map(({ kind, receipt }) => [receipt.index - first, kind])
      expect(places).toEqual([
        [0, 'decision'],
        [1, 'strike'],
        [4, 'reversal'],
        [5, 'broadcast'],
        [6, 'decision'],
      ])
      expect(all.next).toBeNull()
      expect(all.records[0]).toEqual(await store.directory.record(decided.id))
      for (const limit of [1, 2, 5, 6]) {
        const pages: StoredRecord[] = []
        let from: number | null = 0
        while (from !== null) {
          const page = await store.directory.records({ from, limit })
          expect(page.records.length).toBeGreaterThan(0)
          expect(page.records.length).toBeLessThanOrEqual(limit)
          pages.push(...page.records)
          from = page.next
        }
        expect(pages).toEqual(all.records)
      }
      const end = await store.directory.records({ from: first + 7, limit: 1 })
      expect(end).toEqual({ records: [], next: null })
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
