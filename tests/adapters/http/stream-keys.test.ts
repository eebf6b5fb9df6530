import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { STREAM_KEY_ANSWER } from '../../../src/adapters/http/answers.ts'
import {
  ROTATED_KEY_ANSWER,
  STREAM_KEYS_ANSWER,
} from '../../../src/adapters/http/stream-key-schemas.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import type { StreamKey, StreamKeys } from '../../../src/ports.ts'
import { aFixture, NOW } from '../../support/http.ts'

const BIND = { method: 'POST', path: '/v1/stream-keys', as: 'admin' } as const

interface Bound {
  readonly id: string
  readonly key?: string
  readonly warning?: string
}

async function bound(response: Response): Promise<Bound> {
  expect(response.status).toBe(201)
  const answer = await response.json()
  v.assert(STREAM_KEY_ANSWER, answer)
  return answer as unknown as Bound
}

describe('POST /v1/stream-keys', () => {
  it('shows a generated key once, short enough for RTMP, and stores only its keyed hash', async () => {
    const { send, world, deps } = aFixture()
    const answer = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const key = answer.key ?? ''
    expect(key).toMatch(/^[A-Za-z0-9_-]{22,40}$/)
    expect(answer.id).toMatch(/^sk_[A-Za-z0-9_-]{22}$/)
    expect(answer).not.toHaveProperty('warning')
    const stored = world.streamKeys.get(answer.id)
    expect(stored).toEqual({
      id: answer.id,
      subject: 'u_1',
      key_hash: deps.pepper.hash('stream_key', key),
      created_at: NOW,
      revoked_at: null,
    })
    expect(JSON.stringify(stored)).not.toContain(key)
  })

  it('generates another key each time', async () => {
    const { send } = aFixture()
    const first = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const second = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    expect(first.key).not.toBe(second.key)
  })

  it('does not repeat a chosen key, and warns when it is short', async () => {
    const { send } = aFixture()
    const short = await bound(await send({ ...BIND, body: { subject: 'u_1', key: 'my.key~1' } }))
    expect(short).not.toHaveProperty('key')
    expect(short.warning).toMatch(/may be guessed/)
    const long = await bound(await send({ ...BIND, body: { subject: 'u_1', key: 'k'.repeat(22) } }))
    expect(long).not.toHaveProperty('warning')
  })

  it('stores facts that come with it first', async () => {
    const { send, world } = aFixture()
    await bound(await send({ ...BIND, body: { subject: 'u_1', facts: { followers: 5 } } }))
    expect(world.facts.get('u_1')).toEqual({ followers: { value: 5, as_of: NOW } })
  })

  it('binds nothing when the facts could not be stored', async () => {
    const { send, world } = aFixture()
    world.failure = new Error('disk')
    expect((await send({ ...BIND, body: { subject: 'u_1', facts: {} } })).status).toBe(500)
    expect(world.streamKeys.size).toBe(0)
  })

  it('is 409 when the key is bound, also after its revocation, and changes no facts', async () => {
    const { send, world } = aFixture()
    const { id } = await bound(await send({ ...BIND, body: { subject: 'u_1', key: 'shared' } }))
    const body = { subject: 'u_2', key: 'shared', facts: { followers: 1 } }
    expect((await send({ ...BIND, body })).status).toBe(409)
    await send({ method: 'DELETE', path: `/v1/stream-keys/${id}`, as: 'admin' })
    expect((await send({ ...BIND, body })).status).toBe(409)
    expect(world.facts.size).toBe(0)
  })

  it('is 409 when another request bound the key in between', async () => {
    const { send, world } = aFixture({
      deps: {
        streamKeys: {
          bind: async () => ({ ok: false, error: 'taken' }),
          byHash: () => null,
          byId: () => null,
          list: () => [],
          revoke: async () => false,
        },
      },
    })
    expect((await send({ ...BIND, body: { subject: 'u_1' } })).status).toBe(409)
    expect(world.streamKeys.size).toBe(0)
  })

  const bad: readonly { body: Record<string, unknown>; pointer: string }[] = [
    { body: { key: 'k' }, pointer: '/subject' },
    { body: { subject: 'u', key: '' }, pointer: '/key' },
    { body: { subject: 'u', key: 'a b' }, pointer: '/key' },
    { body: { subject: 'u', key: 'a/b' }, pointer: '/key' },
    { body: { subject: 'u', key: 'a&b' }, pointer: '/key' },
    { body: { subject: 'u', key: 'k'.repeat(201) }, pointer: '/key' },
    { body: { subject: 'u', owner: 'x' }, pointer: '/owner' },
    { body: { subject: 'u', facts: { x: 1 } }, pointer: '/facts/x' },
  ]
  for (const { body, pointer } of bad)
    it(`is 400 at ${pointer} for ${JSON.stringify(body).slice(0, 40)}`, async () => {
      const { send } = aFixture()
      const response = await send({ ...BIND, body })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ errors: [{ pointer }] })
    })
})

describe('DELETE /v1/stream-keys/{id}', () => {
  it('is 204, again 204 with the first instant kept', async () => {
    const { send, world } = aFixture()
    const { id } = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const revoke = { method: 'DELETE', path: `/v1/stream-keys/${id}`, as: 'admin' } as const
    const first = await send(revoke)
    expect([first.status, await first.text()]).toEqual([204, ''])
    world.clock.set(NOW + 5)
    expect((await send(revoke)).status).toBe(204)
    expect(world.streamKeys.get(id)?.revoked_at).toBe(NOW)
  })

  for (const id of [`sk_${'x'.repeat(22)}`, 'sk_', 'x', '%2e%2e'])
    it(`is 404 for ${id}`, async () => {
      const { send } = aFixture()
      const response = await send({ method: 'DELETE', path: `/v1/stream-keys/${id}`, as: 'admin' })
      expect(response.status).toBe(404)
    })
})

describe('GET /v1/stream-keys', () => {
  it('lists what is bound to a subject, newest first, and never a key or its hash', async () => {
    const { send, deps } = aFixture()
    const first = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const second = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    await bound(await send({ ...BIND, body: { subject: 'u_2' } }))
    await send({ method: 'DELETE', path: `/v1/stream-keys/${first.id}`, as: 'admin' })
    const listed = await send({ path: '/v1/stream-keys?subject=u_1', as: 'admin' })
    expect(listed.status).toBe(200)
    const text = await listed.text()
    const created_at = '2026-11-20T12:00:00.000Z'
    const body = JSON.parse(text)
    v.assert(STREAM_KEYS_ANSWER, body)
    expect(body).toEqual({
      stream_keys: [
        { id: second.id, subject: 'u_1', created_at },
        { id: first.id, subject: 'u_1', created_at, revoked_at: created_at },
      ],
    })
    for (const key of [first.key, second.key]) {
      expect(text).not.toContain(key)
      expect(text).not.toContain(deps.pepper.hash('stream_key', key ?? ''))
    }
  })

  it('says that there are more than it lists', async () => {
    const many = (subject: string): readonly StreamKey[] =>
      Array.from({ length: 501 }, (_, i) => ({
        ...{ id: `sk_${i}`, subject, key_hash: `H${i}`, created_at: NOW, revoked_at: null },
      }))
    const { deps } = aFixture()
    const { send } = aFixture({ deps: { streamKeys: { ...deps.streamKeys, list: many } } })
    const listed = await send({ path: '/v1/stream-keys?subject=u', as: 'admin' })
    const body = (await listed.json()) as { readonly stream_keys: readonly object[] }
    expect([body.stream_keys.length, 'more' in body]).toEqual([500, true])
  })

  it.each(['', '?subject=', '?subject=u&cursor=x', '?subject=u&subject=w'])(
    'is 400 for the query %j',
    async (query) => {
      const { send } = aFixture()
      expect((await send({ path: `/v1/stream-keys${query}`, as: 'admin' })).status).toBe(400)
    },
  )
})

describe('POST /v1/stream-keys/{id}/rotation', () => {
  const WEEK_S = 7 * 86_400
  interface Rotated extends Bound {
    readonly key: string
    readonly replaces: { readonly id: string; readonly revoked_at: string }
  }
  const rotation = (id: string, body: object = {}, idempotency?: string) => ({
    ...{ method: 'POST', path: `/v1/stream-keys/${id}/rotation`, as: 'admin' as const, body },
    ...(idempotency === undefined ? {} : { headers: { 'idempotency-key': idempotency } }),
  })
  async function rotated(response: Response, status = 201): Promise<Rotated> {
    const answer = await response.json()
    expect([response.status, answer]).toEqual([status, expect.anything()])
    v.assert(ROTATED_KEY_ANSWER, answer)
    return answer as unknown as Rotated
  }

  it('gives a new key of the same subject, and ends the old one at once', async () => {
    const { send, world, deps } = aFixture()
    const old = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const fresh = await rotated(await send(rotation(old.id)))
    expect(fresh.replaces).toEqual({ id: old.id, revoked_at: '2026-11-20T12:00:00.000Z' })
    expect(fresh.key).not.toBe(old.key)
    expect(world.streamKeys.get(old.id)?.revoked_at).toBe(NOW)
    expect(world.streamKeys.get(fresh.id)).toEqual({
      ...{ id: fresh.id, subject: 'u_1', created_at: NOW, revoked_at: null },
      key_hash: deps.pepper.hash('stream_key', fresh.key),
    })
  })

  it('leaves the old key valid for the overlap, and no longer once it is revoked', async () => {
    const { send, world } = aFixture()
    const old = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const fresh = await rotated(await send(rotation(old.id, { overlap_s: WEEK_S })))
    expect(fresh.replaces.revoked_at).toBe('2026-11-27T12:00:00.000Z')
    expect(world.streamKeys.get(old.id)?.revoked_at).toBe(NOW + WEEK_S * 1000)
    await send({ method: 'DELETE', path: `/v1/stream-keys/${old.id}`, as: 'admin' })
    expect(world.streamKeys.get(old.id)?.revoked_at).toBe(NOW)
  })

  it('again under the same Idempotency-Key is the same key, which nobody has stored', async () => {
    const { send, world } = aFixture()
    const old = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const asked = rotation(old.id, { overlap_s: 60 }, 'rotate-1')
    const first = await rotated(await send(asked))
    expect(await rotated(await send(asked), 200)).toEqual(first)
    expect(world.streamKeys.size).toBe(2)
    expect(JSON.stringify([...world.streamKeys.values()])).not.toContain(first.key)
  })

  it('of many at once under one Idempotency-Key makes one key', async () => {
    const { send, world } = aFixture()
    const old = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const asked = rotation(old.id, {}, 'rotate-1')
    const all = await Promise.all(Array.from({ length: 6 }, () => send(asked)))
    const keys = await Promise.all(all.map(async (one) => ((await one.json()) as Rotated).key))
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^[A-Za-z0-9_-]{32}$/)
    expect(world.streamKeys.size).toBe(2)
  })

  it('finishes what a crash left between the new key and the end of the old one', async () => {
    const { deps } = aFixture()
    let fails = true
    const streamKeys: StreamKeys = {
      ...deps.streamKeys,
      async revoke(id, at) {
        if (!fails) return deps.streamKeys.revoke(id, at)
        throw new LivegateError('log_unavailable', 'Cannot write', { retry_after_s: 1 })
      },
    }
    const { send } = aFixture({ deps: { streamKeys } })
    const old = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const asked = rotation(old.id, { overlap_s: 60 }, 'rotate-1')
    expect((await send(asked)).status).toBe(503)
    expect((await deps.streamKeys.byId(old.id))?.revoked_at).toBeNull()
    fails = false
    const fresh = await rotated(await send(asked), 200)
    expect((await deps.streamKeys.byId(old.id))?.revoked_at).toBe(NOW + 60_000)
    expect((await deps.streamKeys.list('u_1')).map(({ id }) => id)).toEqual([fresh.id, old.id])
  })

  it('is 422 when the Idempotency-Key was used with another overlap', async () => {
    const { send } = aFixture()
    const old = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    await rotated(await send(rotation(old.id, { overlap_s: 60 }, 'rotate-1')))
    const other = await send(rotation(old.id, { overlap_s: 61 }, 'rotate-1'))
    expect([other.status, await other.json()]).toMatchObject([
      422,
      { code: 'idempotency_mismatch' },
    ])
  })

  it('is another key under the same Idempotency-Key of another caller, or for another key', async () => {
    const { send } = aFixture()
    const old = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const next = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const one = await rotated(await send(rotation(old.id, { overlap_s: 60 }, 'k')))
    const two = await rotated(await send(rotation(next.id, { overlap_s: 60 }, 'k')))
    expect(one.key).not.toBe(two.key)
    const as = ['admin', 'read'] as const
    const stranger = await send({ ...rotation(old.id, { overlap_s: 60 }, 'k'), as })
    expect([stranger.status, await stranger.json()]).toMatchObject([409, { code: 'conflict' }])
  })

  it('is 409 for a key that has an end, and for one whose successor is revoked', async () => {
    const { send } = aFixture()
    const old = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const asked = rotation(old.id, { overlap_s: 60 }, 'rotate-1')
    const fresh = await rotated(await send(asked))
    expect((await send(rotation(old.id))).status).toBe(409)
    await send({ method: 'DELETE', path: `/v1/stream-keys/${fresh.id}`, as: 'admin' })
    expect((await send(asked)).status).toBe(409)
  })

  it('is 404 for an id that never was', async () => {
    const { send } = aFixture()
    for (const id of [`sk_${'A'.repeat(22)}`, 'sk_x', 'x'])
      expect((await send(rotation(id))).status).toBe(404)
  })

  it.each([
    { body: { overlap_s: -1 }, pointer: '/overlap_s' },
    { body: { overlap_s: 604_801 }, pointer: '/overlap_s' },
    { body: { overlap_s: 0.5 }, pointer: '/overlap_s' },
    { body: { overlap_s: '60' }, pointer: '/overlap_s' },
    { body: { overlap: 60 }, pointer: '/overlap' },
  ])('is 400 at $pointer for $body', async ({ body, pointer }) => {
    const { send } = aFixture()
    const old = await bound(await send({ ...BIND, body: { subject: 'u_1' } }))
    const response = await send(rotation(old.id, body))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ pointer }] })
  })
})
