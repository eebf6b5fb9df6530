/** The duties of the Ledger port (src/ports.ts), as a suite any adapter runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toBase64Url } from '../../src/core/encoding.ts'
import type { IdempotentAnswer, OpenBroadcast } from '../../src/ports.ts'
import {
  aChange,
  aDecision,
  aKeyRecord,
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

export function ledgerContract(
  name: string,
  create: CreateStore,
  promises: { readonly durable: boolean },
): void {
  describe(`the ledger of ${name}`, () => {
    let store: StoreUnderTest
    beforeEach(async () => {
      store = await create()
    })
    afterEach(() => store.close())

    it('knows nothing of a subject never seen', async () => {
      expect(await store.ledger.load('u_nobody')).toEqual({
        pseudonym: null,
        seq: 0,
        head: null,
        last_at: null,
        version: 0,
        strikes: [],
        facts: {},
        holds: [],
        reviews: [],
        broadcasts: [],
        refusals: [],
      })
    })

    it('gives a decision the next place on the chain and in the log, and reads its own write', async () => {
      const record = aRecord()
      const size = store.log.size()
      const result = await commitTo(store.ledger, 'u_1', (state) =>
        aDecision('u_1', state, { record, pseudonym: 'P'.repeat(22), at: later(5) }),
      )
      const leaf = toBase64Url(record.leaf)
      expect(result).toEqual({
        ok: true,
        receipt: { origin: store.log.origin, index: size, leaf },
      })
      expect(await store.ledger.load('u_1')).toMatchObject({
        pseudonym: 'P'.repeat(22),
        seq: 1,
        head: leaf,
        last_at: later(5),
        version: 0,
      })
      expect(store.log.size()).toBe(size + 1)
    })

    const stale = [
      { name: 'an older seq', expect: { seq: 0 } },
      { name: 'another head', expect: { head: 'A'.repeat(43) } },
      { name: 'an older version', expect: { version: 7 } },
    ]
    for (const { name: what, expect: wrong } of stale)
      it(`refuses a change that expects ${what}, and stores nothing of it`, async () => {
        await commitTo(store.ledger, 'u_1', (state) => aDecision('u_1', state))
        const before = await store.ledger.load('u_1')
        const size = store.log.size()
        const strike = aStrike('u_1')
        const change = aStrikeChange('u_1', before, strike)
        const result = await store.ledger.commit({
          ...change,
          expect: { ...change.expect, ...wrong },
          facts: { followers: { value: 1, as_of: T0 } },
        })
        expect(result).toEqual({ ok: false, error: 'conflict' })
        expect(await store.ledger.load('u_1')).toEqual(before)
        expect(await store.directory.subjectOfStrike(strike.id)).toBeNull()
        expect(store.log.size()).toBe(size)
      })

    it('lets one of many concurrent changes of one subject through', async () => {
      const states = await Promise.all(Array.from({ length: 8 }, () => store.ledger.load('u_1')))
      const results = await Promise.allSettled(
        states.map((state) => store.ledger.commit(aDecision('u_1', state))),
      )
      const through = results.filter((r) => r.status === 'fulfilled' && r.value.ok)
      expect(through).toHaveLength(1)
      expect(await store.ledger.load('u_1')).toMatchObject({ seq: 1 })
    })

    it('keeps changes of different subjects apart, with gap-free indexes', async () => {
      const size = store.log.size()
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          commitTo(store.ledger, `u_${i}`, (state) => aDecision(`u_${i}`, state)),
        ),
      )
      const indexes = results.map((r) => (r.ok ? r.receipt?.index : undefined))
      expect(indexes).toEqual(Array.from({ length: 40 }, (_, i) => size + i))
    })

    it('counts a strike at once, keeps every member of it, and reverses it', async () => {
      const strike = aStrike('u_1', {
        context: 'news',
        source: { system: 'coop', kind: 'human' },
        expires_at: later(1000),
        weight: 3,
      })
      await commitTo(store.ledger, 'u_1', (state) => aStrikeChange('u_1', state, strike))
      expect(await store.ledger.load('u_1')).toMatchObject({ version: 1, strikes: [strike] })
      const again = await commitTo(store.ledger, 'u_1', (state) =>
        aStrikeChange('u_1', state, strike),
      )
      expect(again).toEqual({ ok: false, error: 'conflict' })
      await commitTo(store.ledger, 'u_1', (state) =>
        aChange('u_1', state, {
          record: aRecord({ kind: 'reversal' }),
          reverses: strike.id,
          bumps_version: true,
        }),
      )
      const reversed = { ...strike, status: 'reversed' }
      expect(await store.ledger.load('u_1')).toMatchObject({ version: 2, strikes: [reversed] })
    })

    it('refuses a strike id another subject owns, and a reversal of a strike that is not there', async () => {
      const strike = aStrike('u_1')
      await commitTo(store.ledger, 'u_1', (state) => aStrikeChange('u_1', state, strike))
      const taken = await commitTo(store.ledger, 'u_2', (state) =>
        aStrikeChange('u_2', state, { ...strike, subject: 'u_2' }),
      )
      expect(taken).toEqual({ ok: false, error: 'strike_taken' })
      const reversal = { record: aRecord({ kind: 'reversal' }), reverses: strike.id }
      const missing = await commitTo(store.ledger, 'u_2', (state) =>
        aChange('u_2', state, { ...reversal, bumps_version: true }),
      )
      expect(missing).toEqual({ ok: false, error: 'conflict' })
      expect(await store.ledger.load('u_2')).toMatchObject({ seq: 0, strikes: [] })
    })

    it('refuses a record under a policy or key that is not wholly in the log', async () => {
      const { record, name: kid } = aKeyRecord()
      const { records, digest } = aPolicy(2)
      const requires = [digest, kid]
      const attempt = (): ReturnType<typeof commitTo> =>
        commitTo(store.ledger, 'u_1', (state) => aDecision('u_1', state, { requires }))
      expect(await attempt()).toEqual({ ok: false, error: 'requires' })
      await store.log.append([record], [])
      await store.log.append(records.slice(0, 1), [kid])
      expect(store.log.has(digest)).toBe(false)
      expect(await attempt()).toEqual({ ok: false, error: 'requires' })
      await store.log.append(records.slice(1), [kid])
      expect(store.log.has(digest)).toBe(true)
      expect(await attempt()).toMatchObject({ ok: true })
    })

    it('stores facts without a record, before a subject has a chain', async () => {
      const facts = {
        followers: { value: 12, as_of: T0 },
        labels: { value: ['a'], as_of: later(1) },
      }
      const result = await commitTo(store.ledger, 'u_1', (state) =>
        aChange('u_1', state, { facts, bumps_version: true }),
      )
      expect(result).toEqual({ ok: true, receipt: null })
      expect(await store.ledger.load('u_1')).toMatchObject({
        facts,
        version: 1,
        seq: 0,
        pseudonym: null,
      })
      await commitTo(store.ledger, 'u_1', (state) => aDecision('u_1', state))
      expect(await store.ledger.load('u_1')).toMatchObject({ facts, version: 1, seq: 1 })
    })

    const broadcast = (given: Partial<OpenBroadcast> = {}): OpenBroadcast => ({
      id: newId(),
      stream: 'main',
      opened_at: T0,
      lease_until: later(60_000),
      role: 'host',
      ...given,
    })

    it('opens, renews and ends broadcasts, and forgets ended leases', async () => {
      const [first, second] = [broadcast(), broadcast({ lease_until: later(10) })]
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { opens: first }))
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { opens: second }))
      const renewed = { ...first, lease_until: later(90_000) }
      await commitTo(store.ledger, 'u_1', (s) => aChange('u_1', s, { opens: renewed }))
      expect((await store.ledger.load('u_1')).broadcasts).toEqual([second, renewed])
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { at: later(10) }))
      expect((await store.ledger.load('u_1')).broadcasts).toEqual([renewed])
      await commitTo(store.ledger, 'u_1', (s) =>
        aChange('u_1', s, { ends: first.id, at: later(11) }),
      )
      expect((await store.ledger.load('u_1')).broadcasts).toEqual([])
    })

    it('replaces the hold of the same stream and rule only', async () => {
      const hold = (stream: string, at: number): object => ({
        stream,
        rule: 'slow',
        first_asked_at: later(at),
      })
      for (const [stream, at] of [
        ['a', 1],
        ['b', 2],
        ['a', 3],
      ] as const)
        await commitTo(store.ledger, 'u_1', (s) =>
          aDecision('u_1', s, { holds: [hold(stream, at) as never] }),
        )
      expect((await store.ledger.load('u_1')).holds).toEqual([hold('b', 2), hold('a', 3)])
    })

    it('keeps the newest sixteen refusals, one a stream', async () => {
      for (let i = 0; i < 20; i++)
        await commitTo(store.ledger, 'u_1', (s) =>
          aDecision('u_1', s, {
            refusal: { stream: `s_${i % 18}`, decision: `d_${i}`, fingerprint: 'f', at: T0 },
          }),
        )
      const { refusals } = await store.ledger.load('u_1')
      expect(refusals.map((r) => r.decision)).toEqual(
        Array.from({ length: 16 }, (_, i) => `d_${i + 4}`),
      )
    })

    it('finds the answer of an Idempotency-Key by caller, subject and key', async () => {
      const given: IdempotentAnswer = {
        caller: 'k_1',
        key: 'once',
        fingerprint: 'F'.repeat(43),
        decision: newId(),
        version: 3,
        policy: 'sha256-p',
        incident: 'none',
        valid_until: null,
        expires_at: later(86_400_000),
      }
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { idempotency: given }))
      expect(await store.ledger.idempotent('k_1', 'u_1', 'once')).toEqual(given)
      for (const [caller, subject, key] of [
        ['k_2', 'u_1', 'once'],
        ['k_1', 'u_2', 'once'],
        ['k_1', 'u_1', 'twice'],
      ] as const)
        expect(await store.ledger.idempotent(caller, subject, key)).toBeNull()
      const replaced = { ...given, decision: newId(), valid_until: later(1) }
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { idempotency: replaced }))
      expect(await store.ledger.idempotent('k_1', 'u_1', 'once')).toEqual(replaced)
    })

    if (!promises.durable) return
    it('gives back everything acknowledged after it was opened again', async () => {
      const strike = aStrike('u_1')
      await commitTo(store.ledger, 'u_1', (s) => aStrikeChange('u_1', s, strike))
      await commitTo(store.ledger, 'u_1', (s) =>
        aDecision('u_1', s, {
          facts: { verified: { value: true, as_of: T0 } },
          opens: broadcast(),
        }),
      )
      const [before, size] = [await store.ledger.load('u_1'), store.log.size()]
      store = (await store.reopen?.()) ?? store
      expect(await store.ledger.load('u_1')).toEqual(before)
      expect(store.log.size()).toBe(size)
    })
  })
}
