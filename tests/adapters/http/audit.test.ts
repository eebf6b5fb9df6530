import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { FOUND_DECISIONS, STORED_DECISION } from '../../../src/adapters/http/answers.ts'
import { disclosedValue, publicClaims } from '../../../src/adapters/http/disclose.ts'
import { toBase64Url, utf8 } from '../../../src/core/encoding.ts'
import {
  aDeny,
  aFixture,
  DIGEST,
  type Fixture,
  idOf,
  logOf,
  receiptAt,
} from '../../support/http.ts'

async function decided(count: number): Promise<Fixture> {
  const fixture = aFixture()
  fixture.world.decisions.set('u_1', aDeny())
  for (let i = 0; i < count; i++)
    await fixture.send({
      method: 'POST',
      path: '/v1/decisions',
      as: 'decide',
      body: { subject: 'u_1' },
    })
  return fixture
}

function groupsIn(record: string): readonly string[] {
  return record
    .split('~')
    .slice(1, -1)
    .map((text) => JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/')))[1])
}

describe('GET /v1/decisions/{id}', () => {
  it('shows an auditor the record, all groups but the subject, and the receipt', async () => {
    const { send } = await decided(1)
    const answer = await (await send({ path: `/v1/decisions/${idOf(1)}`, as: 'audit' })).json()
    v.assert(STORED_DECISION, answer)
    const { record, disclosed, ...rest } = answer as { record: string; disclosed: object }
    expect(rest).toEqual({
      id: idOf(1),
      outcome: 'deny',
      decided_at: '2026-11-20T12:00:00.000Z',
      policy: DIGEST,
      receipt: receiptAt(1),
    })
    expect(groupsIn(record)).toEqual(['chain', 'result', 'request', 'facts'])
    expect(Object.keys(disclosed)).toEqual(['chain', 'result', 'request', 'facts'])
  })

  it('shows the subject too with scope identity', async () => {
    const { send } = await decided(1)
    const response = await send({ path: `/v1/decisions/${idOf(1)}`, as: ['audit', 'identity'] })
    const { record, disclosed } = (await response.json()) as { record: string; disclosed: object }
    expect(groupsIn(record)).toEqual(['chain', 'result', 'subject', 'request', 'facts'])
    expect(disclosed).toMatchObject({ subject: { subject: 'u_1' } })
  })

  it('shows nothing with scope identity alone', async () => {
    const { send } = await decided(1)
    expect((await send({ path: `/v1/decisions/${idOf(1)}`, as: 'identity' })).status).toBe(403)
  })

  it('leaves out groups that were erased', async () => {
    const { send, world } = await decided(1)
    const stored = world.records.get(idOf(1))
    if (stored !== undefined) world.records.set(stored.id, { ...stored, openings: {} })
    const answer = await (await send({ path: `/v1/decisions/${idOf(1)}`, as: 'audit' })).json()
    expect(answer).toMatchObject({ disclosed: {}, outcome: 'deny' })
    expect((answer as { record: string }).record).toBe(`${stored?.jws}~`)
  })

  it('is 404 for a record of another kind', async () => {
    const { send, world } = await decided(1)
    const stored = world.records.get(idOf(1))
    if (stored !== undefined) world.records.set(stored.id, { ...stored, kind: 'strike' })
    expect((await send({ path: `/v1/decisions/${idOf(1)}`, as: 'audit' })).status).toBe(404)
  })

  for (const id of ['unknown', '..', '%2e%2e', 'a%2fb', 'a'.repeat(65), 'a b', "'"])
    it(`is 404 for the id ${id.slice(0, 20)}`, async () => {
      const { send } = await decided(1)
      const path = `/v1/decisions/${id}`
      const response = await send({ path, as: 'audit' })
      expect(response.status).toBe(404)
    })
})

describe('GET /v1/decisions/{id}/proof', () => {
  const path = `/v1/decisions/${idOf(1)}/proof`

  it('is the text of a tlog-proof', async () => {
    const { send, world } = await decided(1)
    world.proofs.set(1, 'c2sp.org/tlog-proof@v1\nindex 1\n')
    const response = await send({ path, as: 'audit' })
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toBe('c2sp.org/tlog-proof@v1\nindex 1\n')
    expect(world.proofWaits).toEqual([0])
  })

  it('is 503 with Retry-After while no checkpoint covers the record', async () => {
    const { send, world } = await decided(1)
    const response = await send({ path: `${path}?wait=2s`, as: 'audit' })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ code: 'log_unavailable' })
    expect(world.proofWaits).toEqual([2000])
  })

  it('is 404 for an unknown decision, without waiting', async () => {
    const { send, world } = await decided(1)
    const response = await send({ path: '/v1/decisions/unknown/proof?wait=10s', as: 'audit' })
    expect(response.status).toBe(404)
    expect(world.proofWaits).toEqual([])
  })

  for (const wait of ['11s', '10001ms', '1h', '2', '-1s', '', '99999999999s'])
    it(`is 400 for wait=${wait}`, async () => {
      const { send } = await decided(1)
      const response = await send({ path: `${path}?wait=${wait}`, as: 'audit' })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ errors: [{ pointer: '/wait' }] })
    })

  it('lets any number of requests wait one after the other', async () => {
    const { send, world } = await decided(1)
    for (let i = 0; i < 70; i++) await send({ path: `${path}?wait=1s`, as: 'audit' })
    expect(world.proofWaits).toEqual(Array.from({ length: 70 }, () => 1000))
  })

  it('lets 64 requests wait and answers others at once', async () => {
    const waits: number[] = []
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const fixture = aFixture()
    const log = {
      ...logOf(fixture),
      proof: async (_: number, wait_ms: number): Promise<string | null> => {
        waits.push(wait_ms)
        if (wait_ms > 0) await held
        return null
      },
    }
    const { send } = aFixture({
      deps: {
        logs: [{ log, vkey: '', access: async () => {} }],
        directory: fixture.deps.directory,
      },
    })
    await fixture.send({
      method: 'POST',
      path: '/v1/decisions',
      as: 'decide',
      body: { subject: 'u' },
    })
    const asked = Array.from({ length: 64 }, () => send({ path: `${path}?wait=5s`, as: 'audit' }))
    expect((await send({ path: `${path}?wait=5s`, as: 'audit' })).status).toBe(503)
    release()
    await Promise.all(asked)
    expect(waits).toEqual([...Array.from({ length: 64 }, () => 5000), 0])
  })
})

describe('GET /v1/decisions', () => {
  it('pages newest first until next is null', async () => {
    const { send } = await decided(5)
    const ids: string[] = []
    let cursor = ''
    for (let page = 0; page < 3; page++) {
      const response = await send({ path: `/v1/decisions?limit=2${cursor}`, as: 'audit' })
      const answer = (await response.json()) as { decisions: { id: string }[]; next: string | null }
      v.assert(FOUND_DECISIONS, answer)
      ids.push(...answer.decisions.map(({ id }) => id))
      cursor = answer.next === null ? '' : `&cursor=${answer.next}`
    }
    expect(cursor).toBe('')
    expect(ids).toEqual([5, 4, 3, 2, 1].map(idOf))
  })

  it('hands every filter to the directory', async () => {
    const { send, world } = await decided(0)
    const query =
      'outcome=deny&rule=second-strike&from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00%2B00:00'
    expect((await send({ path: `/v1/decisions?${query}`, as: 'audit' })).status).toBe(200)
    expect(world.searches).toEqual([
      {
        outcome: 'deny',
        rule: 'second-strike',
        from: Date.UTC(2026, 10, 1),
        to: Date.UTC(2026, 10, 30),
        limit: 50,
      },
    ])
  })

  it('lists rules but no subject', async () => {
    const { send } = await decided(1)
    const answer = await (await send({ path: '/v1/decisions', as: ['audit', 'identity'] })).json()
    expect(answer).toMatchObject({
      decisions: [{ outcome: 'deny', rules: ['dangerous-organisations'] }],
    })
    expect(JSON.stringify(answer)).not.toContain('u_1')
  })

  const bad: readonly { query: string; pointer: string }[] = [
    { query: 'outcome=denied', pointer: '/outcome' },
    { query: 'limit=0', pointer: '/limit' },
    { query: 'limit=201', pointer: '/limit' },
    { query: 'limit=1e2', pointer: '/limit' },
    { query: 'from=yesterday', pointer: '/from' },
    { query: 'from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z', pointer: '/to' },
    { query: 'subject=u_1', pointer: '/subject' },
    { query: '__proto__=1', pointer: '/__proto__' },
    { query: 'outcome=deny&outcome=allow', pointer: '' },
    { query: 'rule=', pointer: '/rule' },
  ]
  for (const { query, pointer } of bad)
    it(`is 400 for ?${query}`, async () => {
      const { send, world } = await decided(0)
      const response = await send({ path: `/v1/decisions?${query}`, as: 'audit' })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ errors: [{ pointer }] })
      expect(world.searches).toEqual([])
    })
})

describe('damaged records', () => {
  for (const jws of [
    '',
    'a',
    'a.!.c',
    `a.${toBase64Url(utf8('[1'))}.c`,
    `a.${toBase64Url(utf8('7'))}.c`,
  ])
    it(`have no claims when the record is ${JSON.stringify(jws)}`, () => {
      expect(publicClaims(jws)).toEqual({})
    })

  for (const opening of ['', '!', toBase64Url(utf8('{}')), toBase64Url(utf8('["salt","value"]'))])
    it(`disclose nothing when the opening is ${JSON.stringify(opening)}`, () => {
      expect(disclosedValue({ result: opening }, 'result')).toBeUndefined()
    })
})
