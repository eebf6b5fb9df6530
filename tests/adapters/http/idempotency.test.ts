import { describe, expect, it } from 'vitest'
import { parseIdempotencyKey } from '../../../src/adapters/http/idempotency.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { aFixture } from '../../support/http.ts'

const K64 = 'k'.repeat(64)

describe('the Idempotency-Key header', () => {
  const good: readonly { name: string; header: string; key: string }[] = [
    { name: 'a quoted string', header: '"8e03978e-40d5"', key: '8e03978e-40d5' },
    { name: 'the same bare', header: '8e03978e-40d5', key: '8e03978e-40d5' },
    { name: 'escaped quotes and backslashes', header: '"a\\"b\\\\c"', key: 'a"b\\c' },
    { name: 'blanks and commas inside quotes', header: '"a, b"', key: 'a, b' },
    { name: '64 quoted characters', header: `"${K64}"`, key: K64 },
    { name: '64 bare characters', header: K64, key: K64 },
    { name: '64 escaped characters', header: `"${'\\"'.repeat(64)}"`, key: '"'.repeat(64) },
  ]
  for (const { name, header, key } of good)
    it(`reads ${name}`, () => expect(parseIdempotencyKey(header)).toEqual({ ok: true, value: key }))

  const bad: readonly { name: string; header: string }[] = [
    { name: 'an empty header', header: '' },
    { name: 'an empty string', header: '""' },
    { name: 'an open quote', header: '"abc' },
    { name: 'a quote in the middle', header: '"a"b"' },
    { name: 'an escape of something else', header: '"a\\n"' },
    { name: 'a trailing backslash', header: '"a\\"' },
    { name: 'two keys', header: '"a", "b"' },
    { name: 'two bare keys', header: 'a, b' },
    { name: 'a parameter', header: '"a";v=1' },
    { name: 'a control character', header: '"a\tb"' },
    { name: 'characters beyond ASCII', header: '"ä"' },
    { name: '65 quoted characters', header: `"${K64}k"` },
    { name: '65 bare characters', header: `${K64}k` },
    { name: 'a very long one', header: `"${K64.repeat(100)}"` },
  ]
  for (const { name, header } of bad)
    it(`refuses ${name}`, () => expect(parseIdempotencyKey(header).ok).toBe(false))

  const decide = { method: 'POST', path: '/v1/decisions', as: 'decide' } as const

  it('reaches the gate with a fingerprint over the bytes of the body', async () => {
    const { send, world } = aFixture()
    const headers = { 'idempotency-key': '"k"' }
    await send({ ...decide, body: '{"subject":"u"}', headers })
    await send({ ...decide, body: '{"subject":"u"}', headers: { 'idempotency-key': 'k' } })
    await send({ ...decide, body: '{"subject": "u"}', headers })
    const [first, second, third] = world.asked.map((request) => request.idempotency)
    expect(first).toEqual({ key: 'k', fingerprint: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) })
    expect(second).toEqual(first)
    expect(third?.fingerprint).not.toBe(first?.fingerprint)
  })

  it('is not made up when absent', async () => {
    const { send, world } = aFixture()
    await send({ ...decide, body: { subject: 'u' } })
    expect(world.asked[0]).not.toHaveProperty('idempotency')
  })

  it('is 400 when malformed, and nothing is decided', async () => {
    const { send, world } = aFixture()
    const response = await send({
      ...decide,
      body: { subject: 'u' },
      headers: { 'idempotency-key': '""' },
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      code: 'invalid_request',
      detail: 'Cannot use Idempotency-Key: it is empty',
    })
    expect(world.asked).toEqual([])
  })

  it('passes on what the gate says about running and mismatched requests', async () => {
    const { send, world } = aFixture()
    world.failure = new LivegateError('in_progress', 'Cannot decide twice: it is running')
    const running = await send({ ...decide, body: { subject: 'u' } })
    expect([running.status, running.headers.get('retry-after')]).toEqual([409, '1'])
    world.failure = new LivegateError('idempotency_mismatch', 'Cannot reuse the key: other body')
    expect((await send({ ...decide, body: { subject: 'u' } })).status).toBe(422)
  })
})
