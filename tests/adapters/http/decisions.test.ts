import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { DECISION_ANSWER, EXPLANATION_ANSWER } from '../../../src/adapters/http/answers.ts'
import type { Decision } from '../../../src/core/model.ts'
import { epochMs } from '../../../src/core/time.ts'
import { aDecision, aDeny, aFixture, DIGEST, idOf, NOW, receiptAt } from '../../support/http.ts'

const LATER = epochMs(NOW + 600_000)
const LATER_TEXT = '2026-11-20T12:10:00.000Z'

async function answerTo(decision: Decision): Promise<Record<string, unknown>> {
  const { world, send } = aFixture()
  world.decisions.set('u_1', decision)
  const body = { subject: 'u_1' }
  const response = await send({ method: 'POST', path: '/v1/decisions', as: 'decide', body })
  expect(response.status).toBe(200)
  expect(response.headers.get('cache-control')).toBe('no-store')
  const answer = (await response.json()) as Record<string, unknown>
  v.assert(DECISION_ANSWER, answer)
  return answer
}

async function asked(body: unknown): Promise<unknown> {
  const { world, send } = aFixture()
  const response = await send({ method: 'POST', path: '/v1/decisions', as: 'decide', body })
  expect(response.status).toBe(200)
  const { caller, ...question } = world.asked[0] ?? { caller: '' }
  expect(caller).not.toBe('')
  return question
}

describe('the answer', () => {
  it('to a deny is 200 with reasons, the record and its place in the log', async () => {
    const answer = await answerTo(aDeny())
    const { record, ...rest } = answer
    expect(rest).toEqual({
      id: idOf(1),
      outcome: 'deny',
      until: '2026-12-20T00:00:00.000Z',
      decided_at: '2026-11-20T12:00:00.000Z',
      reasons: [
        {
          rule: 'dangerous-organisations',
          code: 'restriction_active',
          ground: 'terms',
          restriction: 'r_3sQm6n4nX0yqk2k1bJ8v0A',
          strikes: ['s_1'],
          text: {
            en: 'Live is paused until 20 December 2026, 00:00 UTC, after a strike for a link.',
          },
          appeal: { url: 'https://example.org/appeals', until: '2027-05-20T00:00:00.000Z' },
        },
      ],
      unknown: [],
      obligations: [],
      policy: { name: 'one-strike', digest: DIGEST },
      receipt: receiptAt(1),
    })
    expect(String(record).split('~').length).toBe(6)
  })

  it('discloses chain, result, subject and request to the caller, never the facts', async () => {
    const { record } = await answerTo(aDeny())
    const groups = String(record)
      .split('~')
      .slice(1, -1)
      .map((text) => JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/')))[1])
    expect(groups).toEqual(['chain', 'result', 'subject', 'request'])
  })

  const shapes: readonly { name: string; decision: Decision; expect: Record<string, unknown> }[] = [
    {
      name: 'an allow has the end of its lease',
      decision: aDecision(),
      expect: { outcome: 'allow', lease_until: '2026-11-20T20:00:00.000Z' },
    },
    {
      name: 'a deny for ever says so',
      decision: aDecision({ outcome: 'deny', until: 'forever' }),
      expect: { outcome: 'deny', until: 'forever' },
    },
    {
      name: 'a hold has not_before',
      decision: aDecision({ outcome: 'delay', mode: 'hold', not_before: LATER }),
      expect: { outcome: 'delay', mode: 'hold', not_before: LATER_TEXT },
    },
    {
      name: 'a review has review_by and its queue',
      decision: aDecision({
        outcome: 'delay',
        mode: 'review',
        review: { queue: 'live', by: LATER, at_deadline: 'deny' },
      }),
      expect: { outcome: 'delay', mode: 'review', review_by: LATER_TEXT, queue: 'live' },
    },
    {
      name: 'a retry has whole seconds',
      decision: aDecision({ outcome: 'delay', mode: 'retry', retry_after_s: 30 }),
      expect: { outcome: 'delay', mode: 'retry', retry_after: 30 },
    },
    {
      name: 'a tape delay has its seconds and a lease',
      decision: aDecision({
        outcome: 'delay',
        mode: 'broadcast',
        broadcast_delay_s: 15,
        lease_until: LATER,
      }),
      expect: {
        outcome: 'delay',
        mode: 'broadcast',
        broadcast_delay_s: 15,
        lease_until: LATER_TEXT,
      },
    },
  ]
  for (const { name, decision, expect: expected } of shapes)
    it(name, async () => {
      const { id, decided_at, reasons, unknown, obligations, policy, record, receipt, ...rest } =
        await answerTo(decision)
      expect(rest).toEqual(expected)
      expect([
        id,
        decided_at,
        reasons,
        unknown,
        obligations,
        policy,
        record,
        receipt,
      ]).not.toContain(undefined)
    })

  it('names the host only for co-hosts', async () => {
    const [reason] = aDeny().reasons
    const reasons = reason === undefined ? [] : [reason, { ...reason, host: 1 }]
    const unknown = [{ rule: 'age', host: 1, facts: ['subject.age_band'] }]
    const answer = await answerTo(
      aDecision({ outcome: 'deny', until: 'forever', reasons, unknown }),
    )
    expect((answer.reasons as { host?: number }[]).map(({ host }) => host)).toEqual([undefined, 1])
    expect(answer.unknown).toEqual([{ rule: 'age', host: 1, facts: ['subject.age_band'] }])
  })
})

describe('what reaches the gate', () => {
  it('is everything that was sent, with instants read', async () => {
    const body = {
      subject: 'u_81f',
      stream: {
        id: 'b_204',
        audience: 'public',
        category: 'irl',
        admission: 'open',
        one_to_many: true,
        hosts: [{ subject: 'u_9', facts: { followers: 1 } }, { subject: 'u_10' }],
      },
      request: { territory: 'FR', ingest: 'rtmp' },
      facts: {
        created_at: '2024-01-01T01:00:00+01:00',
        followers: 120,
        age_band: '18+',
        verified: false,
        labels: [],
        linked: ['u_2'],
      },
      supports: ['broadcast_delay', 'audience_cap'],
    }
    expect(await asked(body)).toEqual({
      ...body,
      facts: { ...body.facts, created_at: Date.UTC(2024, 0, 1) },
    })
  })

  it('is the least question when only a subject is sent', async () => {
    expect(await asked({ subject: 'u' })).toEqual({
      subject: 'u',
      stream: {},
      request: {},
      facts: {},
      supports: [],
    })
  })

  it('takes null and empty containers for absent ones', async () => {
    const body = { subject: 'u', stream: { hosts: [] }, request: null, facts: null }
    expect(await asked(body)).toEqual({
      subject: 'u',
      stream: {},
      request: {},
      facts: {},
      supports: [],
    })
  })

  it('leaves out unknown members everywhere', async () => {
    const body = {
      subject: 'u',
      debug: 1,
      stream: { id: 'b', bitrate: 6 },
      request: { ip: 'x' },
      facts: { mood: 'good', followers: 1 },
    }
    expect(await asked(body)).toEqual({
      subject: 'u',
      stream: { id: 'b' },
      request: {},
      facts: { followers: 1 },
      supports: [],
    })
  })

  const malformedFacts: Record<string, readonly unknown[]> = {
    created_at: [
      5,
      '2024-01-01',
      '2024-01-01T00:00:00',
      '2024-02-30T00:00:00Z',
      null,
      true,
      'yesterday',
      {},
    ],
    followers: ['120', -1, 1.5, 1e300, 2 ** 53, null, [1], true],
    age_band: [18, '', 'x'.repeat(65), null, 'a\u0000b', '\ud800'],
    verified: ['true', 1, null],
    labels: ['a', [1], [''], Array.from({ length: 65 }, () => 'x'), null, { 0: 'a' }],
    linked: [[null], 'u_2', [[]]],
  }
  for (const [name, values] of Object.entries(malformedFacts))
    it(`hands ${name} on as unreadable when it is malformed, and keeps the other facts`, async () => {
      const other = name === 'verified' ? { followers: 1 } : { verified: true }
      for (const value of values) {
        const question = await asked({ subject: 'u', facts: { ...other, [name]: value } })
        expect((question as { facts: object }).facts).toEqual({ ...other, [name]: null })
      }
    })

  it('has no stream or request fact that is malformed', async () => {
    const body = {
      subject: 'u',
      stream: { id: 7, audience: '', category: ['x'], admission: null, one_to_many: 'yes' },
      request: { territory: 'fr', ingest: 0 },
      supports: ['x', 1],
    }
    expect(await asked(body)).toEqual({
      subject: 'u',
      stream: {},
      request: {},
      facts: {},
      supports: [],
    })
  })
})

describe('a question that cannot be asked', () => {
  const cases: readonly { name: string; body: unknown; pointers: readonly string[] }[] = [
    { name: 'without subject', body: {}, pointers: ['/subject'] },
    { name: 'with an empty subject', body: { subject: '' }, pointers: ['/subject'] },
    { name: 'with a number for a subject', body: { subject: 7 }, pointers: ['/subject'] },
    {
      name: 'with a subject of 257 characters',
      body: { subject: 'u'.repeat(257) },
      pointers: ['/subject'],
    },
    { name: 'with NUL in the subject', body: { subject: 'u\u0000' }, pointers: ['/subject'] },
    {
      name: 'with a lone surrogate in the subject',
      body: '{"subject":"\\ud800"}',
      pointers: ['/subject'],
    },
    { name: 'with text for a stream', body: { subject: 'u', stream: 'b' }, pointers: ['/stream'] },
    { name: 'with a list for facts', body: { subject: 'u', facts: [] }, pointers: ['/facts'] },
    {
      name: 'with co-hosts that are no list',
      body: { subject: 'u', stream: { hosts: 'u_9' } },
      pointers: ['/stream/hosts'],
    },
    {
      name: 'with a co-host that is only an id',
      body: { subject: 'u', stream: { hosts: ['u_9'] } },
      pointers: ['/stream/hosts/0'],
    },
    {
      name: 'with a co-host without subject',
      body: { subject: 'u', stream: { hosts: [{ subject: 'v' }, {}] } },
      pointers: ['/stream/hosts/1/subject'],
    },
    {
      name: 'with 17 co-hosts',
      body: {
        subject: 'u',
        stream: { hosts: Array.from({ length: 17 }, (_, i) => ({ subject: `v${i}` })) },
      },
      pointers: ['/stream/hosts'],
    },
    {
      name: 'with several faults, each named',
      body: { subject: 1, stream: 2, request: 3 },
      pointers: ['/subject', '/stream', '/request'],
    },
  ]
  for (const { name, body, pointers } of cases)
    it(`is 400 ${name}`, async () => {
      const { world, send } = aFixture()
      for (const path of ['/v1/decisions', '/v1/explanations']) {
        const response = await send({ method: 'POST', path, as: 'decide', body })
        expect(response.status).toBe(400)
        const problem = (await response.json()) as { errors: { pointer: string }[] }
        expect(problem.errors.map(({ pointer }) => pointer)).toEqual(pointers)
      }
      expect(world.asked).toEqual([])
    })
})

describe('POST /v1/explanations', () => {
  it('answers outcome, trace and eligible_at, and leaves no record', async () => {
    const { world, send } = aFixture()
    world.decisions.set('u_1', aDeny())
    const body = { subject: 'u_1' }
    const response = await send({ method: 'POST', path: '/v1/explanations', as: 'decide', body })
    const answer = await response.json()
    v.assert(EXPLANATION_ANSWER, answer)
    expect(answer).toMatchObject({
      outcome: 'deny',
      until: '2026-12-20T00:00:00.000Z',
      eligible_at: '2026-11-20T12:00:00.000Z',
      trace: [
        {
          rule: 'dangerous-organisations',
          state: 'matched',
          count: { next_step: { n: 2, length: 7_776_000 } },
        },
      ],
    })
    expect(world.records.size).toBe(0)
  })
})
