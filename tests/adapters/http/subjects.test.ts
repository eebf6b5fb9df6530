import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { FACTS_ANSWER, SUBJECT_ANSWER } from '../../../src/adapters/http/answers.ts'
import { epochMs } from '../../../src/core/time.ts'
import { aDecision, aFixture, NOW } from '../../support/http.ts'
import { aStrikeBody } from '../../support/http-routes.ts'

const FACTS = '/v1/subjects/u_1/facts'
const NOW_TEXT = '2026-11-20T12:00:00.000Z'

describe('stored facts', () => {
  it('are replaced by PUT, changed by PATCH, forgotten by null, read by GET', async () => {
    const { send } = aFixture()
    const facts = { created_at: '2024-01-01T00:00:00Z', followers: 3, labels: ['a'] }
    const put = await send({
      method: 'PUT',
      path: FACTS,
      as: 'facts',
      body: { facts, as_of: '2026-11-01T00:00:00Z' },
    })
    expect(put.status).toBe(200)
    const body = { facts: { followers: 4, labels: null } }
    const patched = await (await send({ method: 'PATCH', path: FACTS, as: 'facts', body })).json()
    v.assert(FACTS_ANSWER, patched)
    expect(patched).toEqual({
      facts: {
        created_at: { value: '2024-01-01T00:00:00.000Z', as_of: '2026-11-01T00:00:00.000Z' },
        followers: { value: 4, as_of: NOW_TEXT },
      },
    })
    expect(await (await send({ path: FACTS, as: 'facts' })).json()).toEqual(patched)
    const replaced = await send({ method: 'PUT', path: FACTS, as: 'facts', body: { facts: {} } })
    expect(await replaced.json()).toEqual({ facts: {} })
  })

  const bad: readonly { name: string; method: 'PUT' | 'PATCH'; body: unknown; pointer: string }[] =
    [
      { name: 'no facts', method: 'PUT', body: {}, pointer: '/facts' },
      { name: 'a list of facts', method: 'PUT', body: { facts: [] }, pointer: '/facts' },
      {
        name: 'facts beside `facts`',
        method: 'PUT',
        body: { facts: {}, followers: 1 },
        pointer: '/followers',
      },
      {
        name: 'an unknown fact',
        method: 'PATCH',
        body: { facts: { folowers: 1 } },
        pointer: '/facts/folowers',
      },
      {
        name: 'null in a replacement',
        method: 'PUT',
        body: { facts: { followers: null } },
        pointer: '/facts/followers',
      },
      {
        name: 'a wrong type',
        method: 'PATCH',
        body: { facts: { followers: '1' } },
        pointer: '/facts/followers',
      },
      {
        name: 'a wrong item',
        method: 'PATCH',
        body: { facts: { labels: ['a', 2] } },
        pointer: '/facts/labels/1',
      },
      {
        name: 'as_of 61 s from now',
        method: 'PATCH',
        body: { facts: {}, as_of: '2026-11-20T12:01:01Z' },
        pointer: '/as_of',
      },
    ]
  for (const { name, method, body, pointer } of bad)
    it(`are refused with ${name}`, async () => {
      const { send, world } = aFixture()
      const response = await send({ method, path: FACTS, as: 'facts', body })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ errors: [{ pointer }] })
      expect(world.facts.size).toBe(0)
    })

  it('may be as of 60 s from now', async () => {
    const { send, world } = aFixture()
    const body = { facts: { verified: true }, as_of: '2026-11-20T12:01:00Z' }
    expect((await send({ method: 'PATCH', path: FACTS, as: 'facts', body })).status).toBe(200)
    expect(world.facts.get('u_1')?.verified?.as_of).toBe(NOW + 60_000)
  })
})

describe('GET /v1/subjects/{subject}', () => {
  it('shows facts, strikes, restrictions as {id, rule, from, until, strikes}, and eligible_at', async () => {
    const { send, world } = aFixture()
    await send({
      method: 'POST',
      path: '/v1/subjects/u_1/strikes',
      as: 'strikes',
      body: aStrikeBody(),
    })
    world.decisions.set(
      'u_1',
      aDecision({
        restrictions: [
          {
            id: 'r_1',
            subject: 'u_1',
            rule: 'ladder',
            from: epochMs(NOW),
            until: 'forever',
            opened_by: 's_1',
            strikes: ['s_1'],
          },
        ],
      }),
    )
    const response = await send({ path: '/v1/subjects/u_1', as: 'read' })
    const answer = await response.json()
    v.assert(SUBJECT_ANSWER, answer)
    expect(answer).toMatchObject({
      subject: 'u_1',
      facts: {},
      strikes: [{ id: 's_1', issued_at: '2026-11-20T00:00:00.000Z' }],
      restrictions: [
        { id: 'r_1', rule: 'ladder', from: NOW_TEXT, until: 'forever', strikes: ['s_1'] },
      ],
      broadcasts: [],
      eligible_at: NOW_TEXT,
    })
    expect(response.headers.get('cache-control')).toBe('no-store')
  })
})
