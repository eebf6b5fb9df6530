/**
 * What any store keeps of broadcasts that run and of those being cut: in the ledger of every host, and in the list of all of
 * them where a host has one.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type {
  BroadcastQuery,
  BroadcastView,
  ErasureCounts,
  OpenBroadcast,
  OpenBroadcasts,
} from '../../src/ports.ts'
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

const ORDER = newId()
const NOTHING: ErasureCounts = {
  ...{ records: 0, strikes: 0, facts: 0, holds: 0, reviews: 0, broadcasts: 0 },
  ...{ appearances: 0, stream_keys: 0 },
}

function broadcast(given: Partial<OpenBroadcast> = {}): OpenBroadcast {
  const times = { opened_at: T0, lease_until: later(60_000) }
  return { id: newId(), stream: 'main', ...times, role: 'host', ...given }
}

/** Revoked at `since`, tried for a minute. */
function cutting(since: number, given: Partial<OpenBroadcast> = {}): OpenBroadcast {
  const until = later(since + 60_000)
  const cut = { since: later(since), until, order: ORDER, cause: 'strike' as const }
  return broadcast({ lease_until: later(since), cutting: cut, ...given })
}

/** `listed` false: a host where each subject is a place of its own, and nobody lists them all. */
export function broadcastsContract(
  name: string,
  create: CreateStore,
  { listed: isListed }: { readonly listed: boolean },
): void {
  let store: StoreUnderTest
  beforeEach(async () => {
    store = await create()
  })
  afterEach(() => store.close())

  const open = (subject: string, opens: OpenBroadcast, at = T0): unknown =>
    commitTo(store.ledger, subject, (s) => aDecision(subject, s, { opens, at }))
  const openOf = async (subject: string): Promise<readonly OpenBroadcast[]> =>
    (await store.ledger.load(subject)).broadcasts

  describe(`broadcasts in the ledger of ${name}`, () => {
    it('keeps every member of one, also when opened again', async () => {
      const full = cutting(5, {
        ...{ server: 'edge', session: 'c1', handle: 'client 7', renewed: newId() },
        ungated: 'start_lost',
      })
      const marked = broadcast({ recheck: 'facts', heard_until: later(50) })
      await open('u_1', full)
      await open('u_1', marked)
      expect(await openOf('u_1')).toEqual([full, marked])
      if (store.reopen !== undefined) {
        store = await store.reopen()
        // Those whose answer nobody may have heard are shortened: theirs ends no later anyway.
        expect(await openOf('u_1')).toEqual([full, marked])
      }
    })

    it('forgets what was to be cut when nobody tries any more, not when its lease is over', async () => {
      const cut = cutting(10)
      await open('u_1', cut)
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { at: later(60_009) }))
      expect(await openOf('u_1')).toEqual([cut])
      await commitTo(store.ledger, 'u_1', (s) => aDecision('u_1', s, { at: later(60_010) }))
      expect(await openOf('u_1')).toEqual([])
    })

    it('marks in the commit of a strike everything that runs, and nothing that is being cut', async () => {
      const [own, joined, cut] = [broadcast(), broadcast({ role: 'cohost' }), cutting(0)]
      for (const one of [own, joined, cut]) await open('u_1', one)
      await commitTo(store.ledger, 'u_1', (s) => ({
        ...aStrikeChange('u_1', s, aStrike('u_1')),
        rechecks: 'strike',
      }))
      const recheck = 'strike'
      expect(await openOf('u_1')).toEqual([{ ...own, recheck }, { ...joined, recheck }, cut])
      if (store.reopen !== undefined) {
        store = await store.reopen()
        expect((await openOf('u_1'))[0]?.recheck).toBe('strike')
      }
    })

    it('marks nothing when the change fails', async () => {
      await open('u_1', broadcast())
      const state = await store.ledger.load('u_1')
      const strike = aStrikeChange('u_1', state, aStrike('u_1'))
      const stale = { ...strike, expect: { ...strike.expect, version: 9 } }
      expect(await store.ledger.commit({ ...stale, rechecks: 'strike' })).toMatchObject({
        ok: false,
      })
      expect((await openOf('u_1'))[0]?.recheck).toBeUndefined()
    })

    it('opens a broadcast unmarked that a marking change opens itself', async () => {
      const [before, opens] = [broadcast(), broadcast()]
      await open('u_1', before)
      await commitTo(store.ledger, 'u_1', (s) =>
        aDecision('u_1', s, { opens, rechecks: 'facts', bumps_version: true }),
      )
      expect(await openOf('u_1')).toEqual([{ ...before, recheck: 'facts' }, opens])
    })
  })

  if (!isListed) return

  describe(`the broadcasts of ${name}`, () => {
    const all = (): OpenBroadcasts => {
      if (store.broadcasts === undefined) throw new Error('this store lists broadcasts')
      return store.broadcasts
    }

    /** Every page, a subject at a time. */
    async function listed(
      query: Omit<BroadcastQuery, 'limit' | 'after'>,
      at = T0,
      limit = 1,
    ): Promise<readonly string[]> {
      const found: BroadcastView[] = []
      let after: string | undefined
      do {
        const asked = { ...query, limit, ...(after === undefined ? {} : { after }) }
        const { items, next } = await all().list(asked, at)
        found.push(...items)
        after = next ?? undefined
      } while (after !== undefined)
      return found.map(({ subject, stream }) => `${subject}/${stream}`).sort()
    }

    const cases: readonly {
      readonly name: string
      readonly query: Omit<BroadcastQuery, 'limit' | 'after'>
      readonly at?: number
      readonly found: readonly string[]
    }[] = [
      { name: 'all hosts', query: {}, found: ['a/cut', 'a/one', 'a/two', 'b/hook', 'd/short'] },
      { name: 'later', query: {}, at: 20, found: ['a/cut', 'a/one', 'a/two', 'b/hook'] },
      { name: 'those being cut', query: { cutting: true }, found: ['a/cut'] },
      {
        name: 'those that run',
        query: { cutting: false },
        found: ['a/one', 'a/two', 'b/hook', 'd/short'],
      },
      { name: 'those of a server', query: { server: 'edge' }, found: ['a/two', 'b/hook'] },
      { name: 'those of nobody’s server', query: { server: 'edg' }, found: [] },
      {
        name: 'those with something to do, joined ones too',
        query: { flagged: true },
        found: ['a/one', 'c/joined'],
      },
      {
        name: 'what nobody tries to cut any more',
        query: { cutting: true },
        at: 60_010,
        found: [],
      },
      { name: 'none after all leases', query: {}, at: 60_010, found: [] },
    ]
    for (const { name: what, query, at = 0, found } of cases)
      for (const limit of [1, 2, 1000])
        it(`lists ${what}, pages of ${limit}`, async () => {
          await open('a', broadcast({ stream: 'one', recheck: 'policy' }))
          await open('a', broadcast({ stream: 'two', server: 'edge', session: 's1' }))
          await open('a', cutting(10, { stream: 'cut', server: 'other', session: 's1' }))
          await open('b', broadcast({ stream: 'hook', server: 'edge', session: 's2' }))
          await open('c', broadcast({ stream: 'joined', role: 'cohost', recheck: 'cohost' }))
          await open('d', broadcast({ stream: 'short', lease_until: later(20) }))
          await commitTo(store.ledger, 'e', (s) => aDecision('e', s))
          expect(await listed(query, later(at), limit)).toEqual(found)
        })

    it('lists what was renewed, and no more what ended', async () => {
      const one = broadcast({ stream: 'one', lease_until: later(20) })
      await open('a', one)
      const opens = { ...one, lease_until: later(90_000) }
      await commitTo(store.ledger, 'a', (s) => aChange('a', s, { opens }))
      expect(await listed({}, later(60_000))).toEqual(['a/one'])
      await commitTo(store.ledger, 'a', (s) => aChange('a', s, { ends: one.id }))
      expect(await listed({})).toEqual([])
    })

    it('lists the same after opening again, and shows everything but roles', async () => {
      const one = broadcast({ server: 'edge', session: 's', handle: 'h', recheck: 'strike' })
      await open('a', one)
      if (store.reopen !== undefined) store = await store.reopen()
      const { role: _role, ...shown } = one
      const items = [{ ...shown, subject: 'a', cutting: null }]
      expect(await all().list({ limit: 10 }, T0)).toEqual({ items, next: null })
    })

    it('lists nothing of who was erased', async () => {
      await open('a', broadcast({ recheck: 'strike' }))
      await open('a', cutting(0, { server: 'edge', session: 's' }))
      const { erasures, ledger } = store
      if (erasures === undefined) throw new Error('this store forgets')
      const { seq, head, version } = await ledger.load('a')
      await erasures.begin({
        ...{ subject: 'a', scope: 'full', at: T0, requires: [], suppressions: [] },
        record: aRecord({ kind: 'erasure', openings: {} }),
        expect: { seq, head, version },
        counts: { ...NOTHING, broadcasts: 2 },
      })
      expect(await openOf('a')).toEqual([])
      for (const query of [{}, { cutting: true }, { flagged: true }, { server: 'edge' }])
        expect(await listed(query)).toEqual([])
    })
  })
}
