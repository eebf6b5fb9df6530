/** The routes of broadcasts: what they ask the gate, and what they show of its answer. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import {
  BROADCAST_ANSWER,
  BROADCASTS_ANSWER,
  RENEWAL_ANSWER,
} from '../../../src/adapters/http/broadcast-schemas.ts'
import { renderView } from '../../../src/adapters/http/render-broadcast.ts'
import { A_BROADCAST, aFixture, idOf, NOW } from '../../support/http.ts'

const ID = idOf(1)
type Fixture = ReturnType<typeof aFixture>

function send(
  { app, token }: Fixture,
  method: string,
  path: string,
  body?: unknown,
): Response | Promise<Response> {
  const scope = method === 'GET' ? 'read' : 'decide'
  return app.request(`/v1/broadcasts${path}`, {
    method,
    headers: { authorization: `Bearer ${token(scope)}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

describe('GET /v1/broadcasts', () => {
  it('lists what the query asks for, and keeps a server’s own names to itself', async () => {
    const fixture = aFixture()
    const response = await send(fixture, 'GET', '?server=edge&cutting=true&limit=7&cursor=12')
    expect(response.status).toBe(200)
    const body = await response.json()
    v.assert(BROADCASTS_ANSWER, body)
    expect(body).toEqual({
      broadcasts: [
        {
          ...{ id: ID, subject: 'u_1', stream: 'b_1', server: 'edge' },
          ...{ opened_at: '2026-11-20T12:00:00.000Z', lease_until: '2026-11-20T16:00:00.000Z' },
        },
      ],
      next: null,
    })
    expect(fixture.world.listed).toEqual([{ server: 'edge', cutting: true, after: '12', limit: 7 }])
  })

  it.each(['?cutting=yes', '?limit=0', '?limit=201', '?sever=x', '?cutting=true&cutting=false'])(
    'refuses %s',
    async (query) => {
      expect((await send(aFixture(), 'GET', query)).status).toBe(400)
    },
  )
})

describe('GET /v1/broadcasts/{id}', () => {
  it('shows one, and 404 for any other', async () => {
    const fixture = aFixture()
    const found = await send(fixture, 'GET', `/${ID}`)
    expect(found.status).toBe(200)
    v.assert(BROADCAST_ANSWER, await found.json())
    expect((await send(fixture, 'GET', `/${idOf(2)}`)).status).toBe(404)
  })

  it('shows what is being cut, and by what order', () => {
    const cutting = { since: NOW, until: NOW, order: idOf(3), cause: 'strike' } as const
    const shown = renderView({ ...A_BROADCAST, cutting, cohosts: ['u_2'], renewed: idOf(4) })
    v.assert(BROADCAST_ANSWER, shown)
    const at = '2026-11-20T12:00:00.000Z'
    expect(shown).toMatchObject({
      ...{ cohosts: ['u_2'], renewed: idOf(4) },
      cutting: { since: at, until: at, order: idOf(3), cause: 'strike' },
    })
    expect(JSON.stringify(shown)).not.toMatch(/client 1|c 1/)
  })
})

describe('POST /v1/broadcasts/{id}/renewal', () => {
  it('hands facts on, unreadable ones as unknown, and answers like a decision', async () => {
    const fixture = aFixture()
    const facts = { followers: 7, verified: 'perhaps' }
    const response = await send(fixture, 'POST', `/${ID}/renewal`, { facts })
    expect(response.status).toBe(200)
    const body = await response.json()
    v.assert(RENEWAL_ANSWER, body)
    expect(body).toMatchObject({
      ...{ event: 'renewed', broadcast: ID, id: idOf(2), outcome: 'allow' },
      ...{ decided_at: '2026-11-20T12:00:00.000Z', lease_until: '2026-11-20T16:00:00.000Z' },
    })
    expect(fixture.world.asked.at(-1)).toMatchObject({ facts: { followers: 7, verified: null } })
  })

  it('needs no body', async () => {
    const fixture = aFixture()
    expect((await send(fixture, 'POST', `/${ID}/renewal`)).status).toBe(200)
    expect((await send(fixture, 'POST', `/${idOf(2)}/renewal`)).status).toBe(404)
  })
})

describe('POST /v1/broadcasts/{id}/end', () => {
  it('says whether it ran, and takes a reason it knows', async () => {
    const fixture = aFixture()
    expect(await (await send(fixture, 'POST', `/${ID}/end`)).json()).toEqual({ ended: true })
    const lost = await send(fixture, 'POST', `/${idOf(2)}/end`, { reason: 'lost' })
    expect(await lost.json()).toEqual({ ended: false })
    const other = await send(fixture, 'POST', `/${ID}/end`, { reason: 'bored' })
    expect(other.status).toBe(400)
  })
})

describe('POST /v1/broadcasts/{id}/cohosts', () => {
  it('asks about one more', async () => {
    const fixture = aFixture()
    const cohost = { subject: 'u_2', facts: { followers: 3 } }
    const response = await send(fixture, 'POST', `/${ID}/cohosts`, cohost)
    expect(response.status).toBe(200)
    expect(fixture.world.asked.at(-1)).toMatchObject({ stream: { hosts: [cohost] } })
    expect((await send(fixture, 'POST', `/${ID}/cohosts`, {})).status).toBe(400)
  })
})
