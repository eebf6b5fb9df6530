/** The duties of the Erasures port (src/ports.ts), as a suite any adapter runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { textToBase64Url } from '../../src/core/encoding.ts'
import { ERASURE_KNOWN_MS } from '../../src/core/limits.ts'
import type { Suppression } from '../../src/core/model.ts'
import type {
  Change,
  CommitResult,
  Erasure,
  ErasureChange,
  Erasures,
  ForgetChange,
  LegalHold,
  SubjectState,
} from '../../src/ports.ts'
import {
  aChange,
  aDecision,
  aKeyRecord,
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

const SUBJECT = 'u_erased'
const RESTRICTION: Suppression = { rule: 'struck', from: T0, until: later(1_000), id: 'r_1' }
const HOLD: LegalHold = {
  ...{ subject: SUBJECT, until: later(5_000), basis: 'court order 1', by: 'key_1', set_at: T0 },
}

const opening = (group: string, value: object): string =>
  textToBase64Url(JSON.stringify(['c2FsdA', group, value]))

export function erasuresContract(
  name: string,
  create: CreateStore,
  { durable, apart = false }: { readonly durable: boolean; readonly apart?: boolean },
): void {
  describe(`the erasures of ${name}`, () => {
    let store: StoreUnderTest
    let erasures: Erasures
    beforeEach(async () => {
      store = await create()
      erasures = erasuresOf(store)
    })
    afterEach(() => store.close())

    const decide = async (subject: string, given: Partial<Change> = {}): Promise<string> => {
      const record = aRecord()
      await commitTo(store.ledger, subject, (state) =>
        aDecision(subject, state, { record, ...given }),
      )
      return record.id
    }
    const strike = async (subject: string, id?: string): Promise<string> => {
      const one = aStrike(subject, id === undefined ? {} : { id })
      await commitTo(store.ledger, subject, (state) => aStrikeChange(subject, state, one))
      return one.id
    }
    const begin = async (given: Partial<ErasureChange> = {}): Promise<CommitResult> =>
      erasures.begin(erasureOf(await store.ledger.load(SUBJECT), given))

    /** Openings of a decision about somebody else that calls the subject so. */
    const namingIt = async (host: string, called: string | null): Promise<object> => {
      const openings = {
        chain: opening('chain', { sub: host }),
        result: opening('result', { restrictions: [] }),
        subject: opening('subject', { subject: host, cohosts: [SUBJECT] }),
        facts: opening('facts', { hosts: [{ subject: host }, { subject: called }] }),
      }
      const record = aRecord({ openings })
      await commitTo(store.ledger, host, (state) =>
        aDecision(host, state, { record, cohosts: [SUBJECT], at: later(60_000) }),
      )
      return (await store.directory.record(record.id))?.openings ?? {}
    }

    it('makes a stranger of the subject, with everything that led to it', async () => {
      const decision = await decide(SUBJECT, {
        opens: {
          ...{ id: 'b_1', stream: 's', opened_at: T0, lease_until: later(9_000), role: 'host' },
          ...{ server: 'nginx', session: '7' },
        },
        idempotency: {
          ...{ caller: 'key_1', key: 'k', fingerprint: 'f', decision: 'd', version: 0 },
          ...{ policy: 'p', incident: 'i', valid_until: null, expires_at: later(9_000) },
        },
      })
      const struck = await strike(SUBJECT)
      await store.streamKeys.bind({
        ...{ id: 'sk_1', subject: SUBJECT, key_hash: 'H', created_at: T0, revoked_at: null },
      })
      expect(await erasures.inventory(SUBJECT)).toMatchObject({
        ...{ records: 2, strikes: 1, broadcasts: 1, stream_keys: 1, facts: 0 },
      })
      expect(await begin()).toMatchObject({ ok: true })
      expect(await erasures.finish(SUBJECT, 5_000)).toMatchObject({ state: 'done' })
      expect(await store.ledger.load(SUBJECT)).toMatchObject({
        ...{ pseudonym: null, seq: 0, head: null, version: 0, strikes: [], broadcasts: [] },
      })
      expect(await store.directory.record(decision)).toBeNull()
      expect(await store.directory.subjectOfStrike(struck)).toBeNull()
      expect(await store.directory.broadcastOfSession('nginx', '7')).toBeNull()
      expect(await store.directory.decisionsRelyingOn(struck)).toEqual([])
      expect((await store.directory.searchDecisions({ limit: 10 })).records).toEqual([])
      expect((await store.directory.records({ from: 0, limit: 10 })).records).toEqual([])
      expect(await store.ledger.idempotent('key_1', SUBJECT, 'k')).toBeNull()
      expect(await store.streamKeys.byId('sk_1')).toBeNull()
      expect(await store.streamKeys.byHash('H')).toBeNull()
      expect(await erasures.chain(SUBJECT, { before_seq: null, limit: 9 })).toEqual([])
      expect(await erasures.inventory(SUBJECT)).toBeNull()
    })

    it('puts its record behind everything else and leaves the log as it was', async () => {
      await decide(SUBJECT)
      const size = store.log.size()
      const record = aRecord({ kind: 'erasure', openings: {} })
      const done = await begin({ record })
      expect(done).toMatchObject({ ok: true, receipt: { index: size } })
      expect(store.log.size()).toBe(size + 1)
      await store.publish()
      expect(await store.log.proof(size - 1, 0)).not.toBeNull()
      expect(await erasures.find(SUBJECT)).toMatchObject({
        ...{ record: record.id, scope: 'subject', receipt: { index: size }, suppressed: 0 },
      })
    })

    it('leaves everybody else alone', async () => {
      const other = await decide('u_other')
      const struck = await strike('u_other')
      await strike(SUBJECT)
      await begin()
      await erasures.finish(SUBJECT, 5_000)
      expect(await store.directory.record(other)).toMatchObject({ openings: { facts: 'ZmFjdHM' } })
      expect(await store.directory.subjectOfStrike(struck)).toBe('u_other')
      expect(await store.ledger.load('u_other')).toMatchObject({
        seq: 2,
        strikes: [{ id: struck }],
      })
    })

    it('takes the groups that may name it out of records of others it was a co-host of', async () => {
      await commitTo(store.ledger, SUBJECT, (state) =>
        aChange(SUBJECT, state, { facts: { followers: { value: 3, as_of: T0 } } }),
      )
      const openings = { chain: 'a', result: 'b', subject: 'c', request: 'd', facts: 'e' }
      const record = aRecord({ openings })
      await commitTo(store.ledger, 'u_other', (state) =>
        aDecision('u_other', state, { record, cohosts: [SUBJECT, 'u_third'] }),
      )
      await begin()
      await erasures.finish(SUBJECT, 5_000)
      const left = (await store.directory.record(record.id))?.openings
      expect(left).toEqual({ chain: 'a', result: 'b', request: 'd' })
    })

    it('takes the result as well where it names a restriction of another than the host', async () => {
      const openings = {
        chain: opening('chain', { sub: 'host' }),
        result: opening('result', { restrictions: [{ subject: 'cohost', strikes: ['s_1'] }] }),
      }
      const record = aRecord({ openings })
      await commitTo(store.ledger, SUBJECT, (state) =>
        aChange(SUBJECT, state, { facts: { followers: { value: 3, as_of: T0 } } }),
      )
      await commitTo(store.ledger, 'u_other', (state) =>
        aDecision('u_other', state, { record, cohosts: [SUBJECT] }),
      )
      await begin()
      await erasures.finish(SUBJECT, 5_000)
      const left = (await store.directory.record(record.id))?.openings
      expect(left).toEqual({ chain: openings.chain })
    })

    // Where every subject is an object of its own the record is not written at all: tests/workerd/cohosts.test.ts.
    if (!apart)
      it('keeps nothing of whom it forgot in a record that was being written meanwhile', async () => {
        await decide(SUBJECT)
        const { pseudonym: then } = await store.ledger.load(SUBJECT)
        await commitTo(store.ledger, SUBJECT, (state) =>
          aChange(SUBJECT, state, { facts: { followers: { value: 3, as_of: T0 } } }),
        )
        await begin()
        await erasures.finish(SUBJECT, 5_000)
        const late = await namingIt('u_other', then)
        expect(Object.keys(late)).toEqual(['chain', 'result'])
        expect(await erasures.inventory(SUBJECT)).toBeNull()
        await decide(SUBJECT, { pseudonym: 'P'.repeat(22), at: later(60_000) })
        expect(Object.keys(await namingIt('u_third', 'P'.repeat(22)))).toContain('facts')
        expect(await erasures.inventory(SUBJECT)).toMatchObject({ appearances: 1 })
      })

    it('leaves records alone that name whoever came back while it is still under way', async () => {
      await decide(SUBJECT)
      for (let n = 0; n < 3; n++) await decide('u_other', { cohosts: [SUBJECT] })
      await begin()
      // In the very turn of the event loop in which it has begun.
      const late = await decide('u_late', { cohosts: [SUBJECT] })
      await erasures.finish(SUBJECT, 5_000)
      expect((await store.directory.record(late))?.openings).toMatchObject({ facts: 'ZmFjdHM' })
      expect(await erasures.inventory(SUBJECT)).toMatchObject({ appearances: 1 })
      expect(await begin()).toMatchObject({ ok: true })
      await erasures.finish(SUBJECT, 5_000)
      const left = (await store.directory.record(late))?.openings
      expect(Object.keys(left ?? {})).not.toContain('facts')
    })

    it('begins anew for whoever comes back, under ids that were used before', async () => {
      const struck = await strike(SUBJECT, 's_again')
      await begin()
      await erasures.finish(SUBJECT, 5_000)
      await strike(SUBJECT, struck)
      const state = await store.ledger.load(SUBJECT)
      expect(state).toMatchObject({ seq: 1, strikes: [{ id: struck }] })
      expect(await erasures.chain(SUBJECT, { before_seq: null, limit: 9 })).toHaveLength(1)
      expect(await begin()).toMatchObject({ ok: true })
      expect(await erasures.finish(SUBJECT, 5_000)).toMatchObject({ state: 'done' })
      expect(await store.ledger.load(SUBJECT)).toMatchObject({ seq: 0, strikes: [] })
    })

    it('keeps what goes on, through everything that comes after, until another erasure says otherwise', async () => {
      await strike(SUBJECT)
      await begin({ suppressions: [RESTRICTION] })
      expect(await store.ledger.load(SUBJECT)).toMatchObject({
        seq: 0,
        suppressions: [RESTRICTION],
      })
      await decide(SUBJECT)
      expect(await store.ledger.load(SUBJECT)).toMatchObject({
        seq: 1,
        suppressions: [RESTRICTION],
      })
      expect((await store.ledger.load('u_other')).suppressions).toBeUndefined()
      await begin({ scope: 'full' })
      expect((await store.ledger.load(SUBJECT)).suppressions).toBeUndefined()
    })

    it('erases what is in no log without a record', async () => {
      await commitTo(store.ledger, SUBJECT, (state) =>
        aChange(SUBJECT, state, {
          facts: { followers: { value: 3, as_of: T0 } },
          bumps_version: true,
        }),
      )
      expect(await erasures.inventory(SUBJECT)).toMatchObject({ facts: 1, records: 0 })
      expect(await begin({ record: null })).toEqual({ ok: true, receipt: null })
      expect(await store.ledger.load(SUBJECT)).toMatchObject({ facts: {}, version: 0 })
      expect(await erasures.find(SUBJECT)).toMatchObject({ record: null, receipt: null })
    })

    it('does nothing when the subject has changed since it was loaded, or the key is not in the log', async () => {
      await decide(SUBJECT)
      const state = await store.ledger.load(SUBJECT)
      await decide(SUBJECT)
      await store.ledger.load(SUBJECT)
      expect(await erasures.begin(erasureOf(state))).toEqual({ ok: false, error: 'conflict' })
      const { record, name: kid } = aKeyRecord()
      expect(await begin({ requires: [kid] })).toEqual({ ok: false, error: 'requires' })
      expect(await store.ledger.load(SUBJECT)).toMatchObject({ seq: 2 })
      expect(await erasures.find(SUBJECT)).toBeNull()
      await store.log.append([record], [])
      expect(await begin({ requires: [kid] })).toMatchObject({ ok: true })
    })

    it('knows nothing of a subject never seen', async () => {
      expect(await erasures.inventory('u_never')).toBeNull()
      expect(await erasures.find('u_never')).toBeNull()
      expect(await erasures.finish('u_never', 0)).toBeNull()
      expect(await erasures.legalHold('u_never')).toBeNull()
      expect(await erasures.chain('u_never', { before_seq: null, limit: 9 })).toEqual([])
    })

    it('forgets a finished erasure when it has been known long enough', async () => {
      await strike(SUBJECT)
      await begin()
      await erasures.finish(SUBJECT, 5_000)
      await strike('u_other')
      const state = await store.ledger.load('u_other')
      const at = later(ERASURE_KNOWN_MS)
      await erasures.begin(erasureOf(state, { subject: 'u_other', at }))
      expect(await erasures.find(SUBJECT)).toBeNull()
      expect(await erasures.find('u_other')).not.toBeNull()
    })

    it('tells who has just begun one of it, also after the clock went back by days', async () => {
      await strike('u_other')
      const state = await store.ledger.load('u_other')
      const at = later(2 * ERASURE_KNOWN_MS)
      await erasures.begin(erasureOf(state, { subject: 'u_other', at }))
      await strike(SUBJECT)
      await begin()
      expect(await erasures.finish(SUBJECT, 5_000)).toMatchObject({ state: 'done' })
    })

    it('gives a chain from its newest record, in pages', async () => {
      for (let i = 0; i < 5; i++) await decide(SUBJECT)
      await decide('u_other')
      const seqs = async (before_seq: number | null): Promise<readonly number[]> =>
        (await erasures.chain(SUBJECT, { before_seq, limit: 3 })).map(({ seq }) => seq)
      expect(await seqs(null)).toEqual([5, 4, 3])
      expect(await seqs(3)).toEqual([2, 1])
      expect(await seqs(1)).toEqual([])
    })

    it('forgets strikes, their records and the reversals of them, and nothing else', async () => {
      const [one, two, three] = [
        await strike(SUBJECT),
        await strike(SUBJECT),
        await strike(SUBJECT),
      ]
      const reversal = aRecord({ kind: 'reversal' })
      await commitTo(store.ledger, SUBJECT, (state) =>
        aChange(SUBJECT, state, { record: reversal, reverses: two, bumps_version: true }),
      )
      const leaves = await erasures.leaves(SUBJECT, [two, one])
      const chain = await erasures.chain(SUBJECT, { before_seq: null, limit: 9 })
      const leafOf = (seq: number): string | undefined =>
        chain.find((record) => record.seq === seq)?.receipt.leaf
      expect(leaves).toEqual([leafOf(2), leafOf(1)])
      const state = await store.ledger.load(SUBJECT)
      const size = store.log.size()
      expect(await erasures.forget(forgetOf(state, [one, two]))).toMatchObject({
        ...{ ok: true, receipt: { index: size } },
      })
      const after = await store.ledger.load(SUBJECT)
      expect(after).toMatchObject({ seq: 4, head: state.head, strikes: [{ id: three }] })
      expect(after.version).toBeGreaterThan(state.version)
      const left = await erasures.chain(SUBJECT, { before_seq: null, limit: 9 })
      expect(left.map(({ openings }) => Object.keys(openings).length > 0)).toEqual([
        ...[false, true, false, false],
      ])
      expect(await store.directory.subjectOfStrike(one)).toBeNull()
      expect(await store.directory.subjectOfStrike(three)).toBe(SUBJECT)
      expect(await strike(SUBJECT, one)).toBe(one)
    })

    it('forgets no strike there is not, and none of a subject that changed', async () => {
      const one = await strike(SUBJECT)
      const state = await store.ledger.load(SUBJECT)
      const unknown = await erasures.forget(forgetOf(state, [one, 's_unknown']))
      expect(unknown).toEqual({ ok: false, error: 'conflict' })
      await strike(SUBJECT)
      await store.ledger.load(SUBJECT)
      const stale = await erasures.forget(forgetOf(state, [one]))
      expect(stale).toEqual({ ok: false, error: 'conflict' })
      expect(await store.ledger.load(SUBJECT)).toMatchObject({ strikes: [{ id: one }, {}] })
    })

    it('keeps a legal hold until it is lifted, the newest in place of any other', async () => {
      await erasures.hold(HOLD)
      expect(await erasures.legalHold(SUBJECT)).toEqual(HOLD)
      const longer = { ...HOLD, until: later(9_000), basis: 'court order 2' }
      await erasures.hold(longer)
      expect(await erasures.legalHold(SUBJECT)).toEqual(longer)
      expect(await erasures.legalHold('u_other')).toBeNull()
      expect(await erasures.inventory(SUBJECT)).toBeNull()
      expect(await erasures.lift(SUBJECT)).toBe(true)
      expect(await erasures.lift(SUBJECT)).toBe(false)
      expect(await erasures.legalHold(SUBJECT)).toBeNull()
    })

    if (durable)
      it('survives a restart with what goes on, what is held and what was erased', async () => {
        await strike(SUBJECT)
        await decide(SUBJECT)
        await erasures.hold({ ...HOLD, subject: 'u_held' })
        await begin({ suppressions: [RESTRICTION] })
        const before = (await erasures.finish(SUBJECT, 5_000)) as Erasure
        if (store.reopen === undefined) throw new Error('a durable store can be opened again')
        store = await store.reopen()
        erasures = erasuresOf(store)
        expect(await erasures.finish(SUBJECT, 5_000)).toEqual({ ...before, state: 'done' })
        const state = await store.ledger.load(SUBJECT)
        expect(state).toMatchObject({ seq: 0, suppressions: [RESTRICTION] })
        expect(await erasures.legalHold('u_held')).toMatchObject({ until: HOLD.until })
        await decide(SUBJECT)
        await decide('u_new')
        expect(await erasures.chain(SUBJECT, { before_seq: null, limit: 9 })).toHaveLength(1)
      })
  })
}

function erasuresOf({ erasures }: StoreUnderTest): Erasures {
  if (erasures === undefined) throw new Error('the store under test has no erasures')
  return erasures
}

function erasureOf(state: SubjectState, given: Partial<ErasureChange> = {}): ErasureChange {
  const { seq, head, version } = state
  return {
    ...{ subject: SUBJECT, at: T0, expect: { seq, head, version }, scope: 'subject' },
    record: seq === 0 ? null : aRecord({ id: newId(), kind: 'erasure', openings: {} }),
    ...{ requires: [], counts: { records: seq }, suppressions: [] },
    ...given,
  }
}

function forgetOf(state: SubjectState, strikes: readonly string[]): ForgetChange {
  const { seq, head, version } = state
  const record = aRecord({ kind: 'erasure', openings: {} })
  return {
    ...{ subject: SUBJECT, at: T0, expect: { seq, head, version }, record, requires: [], strikes },
  }
}
