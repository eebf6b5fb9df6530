/** The duties of the StreamKeys and ApiKeys ports (src/ports.ts), as a suite any adapter runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ApiKey, StreamKey } from '../../src/ports.ts'
import { type CreateStore, later, type StoreUnderTest, T0 } from './fixtures.ts'

const streamKey = (given: Partial<StreamKey> = {}): StreamKey => ({
  id: 'sk_1',
  subject: 'u_1',
  key_hash: 'H1',
  created_at: T0,
  revoked_at: null,
  ...given,
})

const apiKey = (given: Partial<ApiKey> = {}): ApiKey => ({
  id: 'k_1',
  secret_hash: 'S1',
  scopes: ['decide', 'read'],
  owner: 'backend',
  audience: null,
  created_at: T0,
  revoked_at: null,
  ...given,
})

export function keysContract(name: string, create: CreateStore): void {
  streamKeysContract(name, create)
  apiKeysContract(name, create)
}

type CreateStreamKeys = () => Promise<Pick<StoreUnderTest, 'streamKeys' | 'close'>>

export function streamKeysContract(name: string, create: CreateStreamKeys): void {
  describe(`the stream keys of ${name}`, () => {
    let store: Awaited<ReturnType<CreateStreamKeys>>
    beforeEach(async () => {
      store = await create()
    })
    afterEach(() => store.close())

    it('binds a stream key and finds it by hash and by id', async () => {
      expect(await store.streamKeys.bind(streamKey())).toEqual({ ok: true })
      expect(await store.streamKeys.byHash('H1')).toEqual(streamKey())
      expect(await store.streamKeys.byId('sk_1')).toEqual(streamKey())
      expect(await store.streamKeys.byHash('H2')).toBeNull()
      expect(await store.streamKeys.byId('sk_2')).toBeNull()
    })

    it('refuses a stream key another one has the hash of', async () => {
      await store.streamKeys.bind(streamKey())
      const taken = await store.streamKeys.bind(streamKey({ id: 'sk_2', subject: 'u_2' }))
      expect(taken).toEqual({ ok: false, error: 'taken' })
      expect(await store.streamKeys.byHash('H1')).toEqual(streamKey())
      expect(await store.streamKeys.byId('sk_2')).toBeNull()
    })

    it('revokes a stream key once, at the first instant', async () => {
      await store.streamKeys.bind(streamKey())
      expect(await store.streamKeys.revoke('sk_1', later(1))).toBe(true)
      expect(await store.streamKeys.revoke('sk_1', later(2))).toBe(true)
      expect(await store.streamKeys.revoke('sk_9', later(2))).toBe(false)
      expect((await store.streamKeys.byHash('H1'))?.revoked_at).toBe(later(1))
    })

    it('takes an end that lies ahead, and an earlier one after it', async () => {
      await store.streamKeys.bind(streamKey())
      for (const [at, kept] of [
        [9, 9],
        [11, 9],
        [5, 5],
        [9, 5],
      ] as const) {
        expect(await store.streamKeys.revoke('sk_1', later(at))).toBe(true)
        expect((await store.streamKeys.byId('sk_1'))?.revoked_at).toBe(later(kept))
      }
    })

    it('lists those of a subject, newest first, and nobody else’s', async () => {
      const keys = [0, 1, 2].map((i) =>
        streamKey({ id: `sk_${i}`, key_hash: `H${i}`, created_at: later(i) }),
      )
      for (const key of keys) await store.streamKeys.bind(key)
      await store.streamKeys.bind(streamKey({ id: 'sk_9', key_hash: 'H9', subject: 'u_2' }))
      await store.streamKeys.revoke('sk_1', later(7))
      const [first, second, third] = keys
      const listed = await store.streamKeys.list('u_1')
      expect(listed).toEqual([third, { ...second, revoked_at: later(7) }, first])
      expect(await store.streamKeys.list('nobody')).toEqual([])
    })

    it('admits nobody by a key that is taken, from the first of many on', async () => {
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          store.streamKeys.bind(streamKey({ id: `sk_${i}`, subject: `u_${i}` })),
        ),
      )
      expect(all.filter(({ ok }) => ok)).toHaveLength(1)
      const winner = await store.streamKeys.byHash('H1')
      expect(winner?.id).toBe(`sk_${all.findIndex(({ ok }) => ok)}`)
      for (const [i, { ok }] of all.entries())
        expect(await store.streamKeys.byId(`sk_${i}`)).toEqual(ok ? winner : null)
    })
  })
}

export function apiKeysContract(name: string, create: CreateStore): void {
  describe(`the API keys of ${name}`, () => {
    let store: StoreUnderTest
    beforeEach(async () => {
      store = await create()
    })
    afterEach(() => store.close())

    it('creates, lists and revokes API keys', async () => {
      const second = apiKey({ id: 'k_0', audience: 'edge', created_at: later(5), scopes: [] })
      await store.apiKeys.create(second)
      await store.apiKeys.create(apiKey())
      expect(await store.apiKeys.list()).toEqual([apiKey(), second])
      expect(await store.apiKeys.byId('k_0')).toEqual(second)
      expect(await store.apiKeys.byId('k_9')).toBeNull()
      expect(await store.apiKeys.revoke('k_0', later(6))).toBe(true)
      expect(await store.apiKeys.revoke('k_0', later(7))).toBe(true)
      expect(await store.apiKeys.revoke('k_9', later(7))).toBe(false)
      expect((await store.apiKeys.byId('k_0'))?.revoked_at).toBe(later(6))
    })

    it('refuses a second API key of the same id and keeps the first', async () => {
      await store.apiKeys.create(apiKey())
      const again = store.apiKeys.create(apiKey({ secret_hash: 'S2' }))
      await expect(again).rejects.toMatchObject({ code: 'conflict' })
      expect(await store.apiKeys.byId('k_1')).toEqual(apiKey())
    })
  })
}
