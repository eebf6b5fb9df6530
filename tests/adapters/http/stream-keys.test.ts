import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { STREAM_KEY_ANSWER } from '../../../src/adapters/http/answers.ts'
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
