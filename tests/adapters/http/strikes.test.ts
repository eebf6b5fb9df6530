import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { REVERSAL_ANSWER, STRIKE_ANSWER } from '../../../src/adapters/http/answers.ts'
import { aFixture, receiptAt } from '../../support/http.ts'
import { aStrikeBody } from '../../support/http-routes.ts'

const STRIKE = { method: 'POST', path: '/v1/subjects/u_1/strikes', as: 'strikes' } as const

describe('POST /v1/subjects/{subject}/strikes', () => {
  it('records a strike with 201, and the same again is 200 without a new receipt', async () => {
    const { send } = aFixture()
    const first = await send({ ...STRIKE, body: aStrikeBody() })
    expect(first.status).toBe(201)
    const answer = await first.json()
    v.assert(STRIKE_ANSWER, answer)
    expect(answer).toEqual({
      strike: {
        id: 's_1',
        subject: 'u_1',
        category: 'terrorism.link',
        severity: 'high',
        weight: 1,
        issued_at: '2026-11-20T00:00:00.000Z',
        effective_at: '2026-11-20T00:00:00.000Z',
        scope: 'any',
        status: 'active',
      },
      known_category: true,
      restrictions: [],
      revoked: [],
      receipt: receiptAt(1),
    })
    const again = await send({ ...STRIKE, body: aStrikeBody() })
    expect(again.status).toBe(200)
    expect(await again.json()).not.toHaveProperty('receipt')
  })

  it('says who sent it, and who reversed it, so that the record can', async () => {
    const { send, world } = aFixture()
    await send({ ...STRIKE, body: aStrikeBody() })
    const path = '/v1/strikes/s_1/reversal'
    await send({ method: 'POST', path, as: 'strikes', body: { reason: 'appeal' } })
    expect(world.callers).toEqual([expect.stringMatching(/./), world.callers[0]])
    expect(world.callers[0]).not.toBe('livegate')
  })

  it('is 409 when the id has other content', async () => {
    const { send } = aFixture()
    await send({ ...STRIKE, body: aStrikeBody() })
    const response = await send({ ...STRIKE, body: aStrikeBody({ severity: 'low' }) })
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({ code: 'conflict' })
  })

  it('keeps every optional member', async () => {
    const { send, world } = aFixture()
    const body = {
      weight: 1000,
      notified_at: '2026-11-20T00:00:01.5Z',
      content_created_at: '2026-11-19T23:59:59Z',
      expires_at: '2027-11-20T00:00:00Z',
      scope: 'live',
      context: 'news',
      source: { system: 'coop', kind: 'human' },
      evidence_hash: 'sha256-abc',
    }
    expect((await send({ ...STRIKE, body: aStrikeBody(body) })).status).toBe(201)
    expect(world.strikes.get('s_1')).toMatchObject({
      ...body,
      notified_at: Date.UTC(2026, 10, 20, 0, 0, 1, 500),
      content_created_at: Date.UTC(2026, 10, 19, 23, 59, 59),
      expires_at: Date.UTC(2027, 10, 20),
    })
  })

  it('reads the subject out of the path, percent escapes and all', async () => {
    const { send, world } = aFixture()
    const path = `/v1/subjects/${encodeURIComponent('a/b ü%2F?#')}/strikes`
    expect((await send({ ...STRIKE, path, body: aStrikeBody() })).status).toBe(201)
    expect(world.strikes.get('s_1')?.subject).toBe('a/b ü%2F?#')
  })

  const paths: readonly { name: string; path: string; status: number }[] = [
    { name: 'a NUL', path: '/v1/subjects/a%00/strikes', status: 400 },
    { name: 'bytes that are no UTF-8', path: '/v1/subjects/a%ff/strikes', status: 400 },
    { name: 'an open escape', path: '/v1/subjects/a%/strikes', status: 400 },
    { name: '257 characters', path: `/v1/subjects/${'u'.repeat(257)}/strikes`, status: 400 },
    { name: 'nothing', path: '/v1/subjects//strikes', status: 404 },
  ]
  for (const { name, path, status } of paths)
    it(`is ${status} for a subject with ${name}`, async () => {
      const { send } = aFixture()
      expect((await send({ ...STRIKE, path, body: aStrikeBody() })).status).toBe(status)
    })

  const bad: readonly { name: string; body: Record<string, unknown>; pointer: string }[] = [
    { name: 'an unknown member', body: { severty: 'high' }, pointer: '/severty' },
    { name: 'a member every object has', body: { constructor: 1 }, pointer: '/constructor' },
    { name: 'a subject of its own', body: { subject: 'u_2' }, pointer: '/subject' },
    { name: 'no id', body: { id: undefined }, pointer: '/id' },
    { name: 'an id of 129 characters', body: { id: 's'.repeat(129) }, pointer: '/id' },
    { name: 'a category with a wildcard', body: { category: 'terrorism.*' }, pointer: '/category' },
    { name: 'a category in upper case', body: { category: 'Spam' }, pointer: '/category' },
    { name: 'an unknown severity', body: { severity: 'worst' }, pointer: '/severity' },
    { name: 'weight 0', body: { weight: 0 }, pointer: '/weight' },
    { name: 'weight 1,001', body: { weight: 1001 }, pointer: '/weight' },
    { name: 'weight 1.5', body: { weight: 1.5 }, pointer: '/weight' },
    { name: 'weight as text', body: { weight: '1' }, pointer: '/weight' },
    { name: 'no issued_at', body: { issued_at: undefined }, pointer: '/issued_at' },
    {
      name: 'issued_at in milliseconds',
      body: { issued_at: 1_700_000_000_000 },
      pointer: '/issued_at',
    },
    {
      name: 'issued_at without zone',
      body: { issued_at: '2026-11-20T00:00:00' },
      pointer: '/issued_at',
    },
    { name: 'issued_at as a date', body: { issued_at: '2026-11-20' }, pointer: '/issued_at' },
    {
      name: 'issued_at 61 s from now',
      body: { issued_at: '2026-11-20T12:01:01Z' },
      pointer: '/issued_at',
    },
    {
      name: 'an expiry at its own start',
      body: { expires_at: '2026-11-20T00:00:00Z' },
      pointer: '/expires_at',
    },
    { name: 'null for an optional member', body: { expires_at: null }, pointer: '/expires_at' },
    {
      name: 'an unknown kind of source',
      body: { source: { system: 'x', kind: 'robot' } },
      pointer: '/source/kind',
    },
    {
      name: 'a source with more in it',
      body: { source: { system: 'x', kind: 'human', name: 'y' } },
      pointer: '/source/name',
    },
    { name: 'an unknown member with slash and tilde', body: { 'a/b~c': 1 }, pointer: '/a~1b~0c' },
    {
      name: 'an unknown member with a long name',
      body: { ['x'.repeat(1000)]: 1 },
      pointer: `/${'x'.repeat(64)}…`,
    },
  ]
  for (const { name, body, pointer } of bad)
    it(`is 400 for ${name}, and nothing is recorded`, async () => {
      const { send, world } = aFixture()
      const response = await send({ ...STRIKE, body: aStrikeBody(body) })
      expect(response.status).toBe(400)
      const problem = (await response.json()) as { errors: { pointer: string }[] }
      expect(problem.errors.map((fault) => fault.pointer)).toEqual([pointer])
      expect(world.strikes.size).toBe(0)
    })

  it('takes issued_at exactly 60 s from now', async () => {
    const { send } = aFixture()
    const body = aStrikeBody({ issued_at: '2026-11-20T12:01:00Z' })
    expect((await send({ ...STRIKE, body })).status).toBe(201)
  })
})

describe('POST /v1/strikes/{id}/reversal', () => {
  const reverse = { method: 'POST', path: '/v1/strikes/s_1/reversal', as: 'strikes' } as const

  it('is 201, then 200, and lists the decisions that relied on the strike', async () => {
    const { send } = aFixture()
    await send({ ...STRIKE, body: aStrikeBody() })
    const body = { reason: 'wrong person', decided_by: 'appeals-7' }
    const first = await send({ ...reverse, body })
    expect(first.status).toBe(201)
    const answer = await first.json()
    v.assert(REVERSAL_ANSWER, answer)
    expect(answer).toMatchObject({
      strike: { id: 's_1', status: 'reversed' },
      decisions: [{ outcome: 'deny', decided_at: '2026-11-20T12:00:00.000Z' }],
    })
    expect((await send({ ...reverse, body })).status).toBe(200)
  })

  it('is 404 for an unknown strike', async () => {
    const { send } = aFixture()
    expect((await send({ ...reverse, body: { reason: 'x' } })).status).toBe(404)
  })

  const bad: readonly { body: Record<string, unknown>; pointer: string }[] = [
    { body: {}, pointer: '/reason' },
    { body: { reason: '' }, pointer: '/reason' },
    { body: { reason: 'x'.repeat(1025) }, pointer: '/reason' },
    { body: { reason: 'x', decided_by: 7 }, pointer: '/decided_by' },
    { body: { reason: 'x', strike: 's_2' }, pointer: '/strike' },
  ]
  for (const { body, pointer } of bad)
    it(`is 400 at ${pointer} for ${JSON.stringify(body).slice(0, 40)}`, async () => {
      const { send } = aFixture()
      const response = await send({ ...reverse, body })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ errors: [{ pointer }] })
    })
})
