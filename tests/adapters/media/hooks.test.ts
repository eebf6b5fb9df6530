import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LivegateError } from '../../../src/core/errors.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { Answer } from '../../../src/gate-types.ts'
import {
  ALLOW,
  aDesk,
  anAnswer,
  aServer,
  aStreamKey,
  DENY,
  eventBody,
  NOW,
  publishBody,
  SECRET,
  settle,
} from './desk.ts'

const HOLD_4S = anAnswer({ outcome: 'delay', mode: 'hold', not_before: epochMs(NOW + 4_000) })

describe('who asks', () => {
  const strangers = [
    { name: 'without a secret', options: { secret: null } },
    { name: 'with another secret', options: { secret: `${SECRET}A` } },
    { name: 'for a server that is not configured', options: { server: 'edge-9' } },
    { name: 'as another kind of server', options: { kind: 'srs' } },
  ]
  for (const { name, options } of strangers)
    it(`a call ${name} is refused before anything is parsed`, async () => {
      const desk = aDesk()
      const response = await desk.post('%%% not a form', options)
      expect([response.status, await response.text()]).toEqual([401, 'refused unauthenticated\n'])
      expect(desk.events).toEqual([
        {
          type: 'hook_refused',
          server: 'server' in options || 'kind' in options ? 'unknown' : 'edge-1',
          why: 'unauthenticated',
        },
      ])
      expect(desk.asked).toEqual([])
    })

  it('the URL says which server it is, and nothing in the body can', async () => {
    const desk = aDesk()
    await desk.post(publishBody({}, '&server=edge-2&id=edge-2'))
    expect(desk.asked[0]?.session).toEqual({ server: 'edge-1', session: '41', handle: 'app=live' })
  })
})

describe('whose broadcast it is', () => {
  it('asks about the owner of the key, under the id of the key, never the key', async () => {
    const desk = aDesk({ servers: [aServer({ territory: 'FR' })] })
    const response = await desk.post(publishBody())
    expect(desk.asked).toEqual([
      {
        subject: 'u_81f',
        stream: { id: 'sk_AAAAAAAAAAAAAAAAAAAAAA' },
        request: { ingest: 'rtmp', territory: 'FR' },
        facts: {},
        terse: true,
        supports: [],
        caller: 'hook:edge-1',
        session: { server: 'edge-1', session: '41', handle: 'app=live' },
        enforcement: expect.objectContaining({
          enforcer: expect.stringMatching(/^[\w-]{22}$/),
        }),
        idempotency: {
          key: expect.stringMatching(/^41\..{1,60}$/),
          fingerprint: expect.stringMatching(/^[\w-]{43}$/),
        },
      },
    ])
    expect(JSON.stringify(desk.asked)).not.toContain('k7f3q9')
    expect(response.headers.get('location')).toBe('live_AAAAAAAAAAAAAAAAAAAAAA')
  })

  it('decides nothing when a publisher injects a second name and call', async () => {
    const desk = aDesk({ keys: [aStreamKey('k7f3q9'), aStreamKey('FAKE', { subject: 'clean' })] })
    const response = await desk.post(publishBody({}, '&name=FAKE&call=publish'))
    expect(response.status).toBe(400)
    expect(desk.asked).toEqual([])
  })

  const unknown = [
    { name: 'an unknown key', body: publishBody({ name: 'guess' }), why: 'unknown_key' },
    { name: 'a revoked key', body: publishBody({ name: 'old' }), why: 'revoked_key' },
    { name: 'another application', body: publishBody({ app: 'side' }), why: 'wrong_app' },
    { name: 'a body that is no form of nginx', body: 'call=publish', why: 'malformed' },
    {
      name: 'a body above 16 KiB',
      body: `${publishBody()}&x=${'y'.repeat(16_384)}`,
      why: 'too_large',
    },
  ]
  for (const { name, body, why } of unknown)
    it(`refuses ${name} without an outcome`, async () => {
      const desk = aDesk({
        servers: [aServer({ app: 'live' })],
        keys: [aStreamKey('k7f3q9'), aStreamKey('old', { revoked_at: NOW })],
      })
      const response = await desk.post(body)
      expect(String(response.status)).toMatch(/^4/)
      expect(desk.events).toEqual([{ type: 'hook_refused', server: 'edge-1', why }])
      expect(desk.asked).toEqual([])
    })

  it('trusts the name where an upstream has checked it, and keeps the name', async () => {
    const desk = aDesk({ servers: [aServer({ subject_from: 'name', playback: 'keep' })], keys: [] })
    const response = await desk.post(publishBody({ name: 'u_81f' }))
    expect(response.status).toBe(200)
    expect(desk.asked[0]).toMatchObject({
      subject: 'u_81f',
      stream: { id: expect.stringMatching(/^sn_[\w-]{22}$/) },
    })
  })

  for (const name of ['.', '..', '%2e%2e', '%c2%85'])
    it(`refuses ${name} as a subject: the API could never record a strike for it`, async () => {
      const desk = aDesk({ servers: [aServer({ subject_from: 'name' })], keys: [] })
      expect((await desk.post(publishBody({ name }))).status).toBe(400)
      expect(desk.asked).toEqual([])
    })

  it('keeps the name where the deployment says so', async () => {
    const desk = aDesk({ servers: [aServer({ playback: 'keep' })] })
    expect((await desk.post(publishBody())).status).toBe(200)
  })
})

describe('what the gate says', () => {
  const refusals: readonly { name: string; answer: Answer; retry: string | null }[] = [
    { name: 'a deny', answer: DENY, retry: null },
    {
      name: 'a retry because something is unknown',
      answer: anAnswer({ outcome: 'delay', mode: 'retry', retry_after_s: 30 }),
      retry: '30',
    },
    {
      name: 'a review',
      answer: anAnswer({
        outcome: 'delay',
        mode: 'review',
        review: { queue: 'live', by: epochMs(NOW + 1_000), at_deadline: 'allow' },
      }),
      retry: null,
    },
    {
      name: 'a hold beyond the patience of the server',
      answer: anAnswer({ outcome: 'delay', mode: 'hold', not_before: epochMs(NOW + 5_001) }),
      retry: '6',
    },
  ]
  for (const { name, answer, retry } of refusals)
    it(`refuses ${name} at once`, async () => {
      const desk = aDesk({ decide: () => answer })
      const response = await desk.post(publishBody())
      expect([response.status, await response.text()]).toEqual([403, `${answer.outcome}\n`])
      expect(response.headers.get('retry-after')).toBe(retry)
      expect(response.headers.get('livegate-decision')).toBe(answer.id)
      expect(desk.timers()).toEqual([])
    })

  it('refuses a broadcast delay, which this server cannot carry out, and closes what it opened', async () => {
    const lease = { lease_until: epochMs(NOW + 60_000), broadcast_delay_s: 30 }
    const answer = anAnswer({ outcome: 'delay', mode: 'broadcast', ...lease })
    const desk = aDesk({ decide: () => answer })
    expect((await desk.post(publishBody())).status).toBe(403)
    expect(desk.ended.at(-1)).toBe('edge-1/41')
  })

  const failures = [
    {
      name: 'a log that cannot take it',
      error: new LivegateError('log_unavailable', 'Cannot append', { retry_after_s: 7 }),
      retry: '7',
    },
    { name: 'a fault of the program', error: new TypeError('boom'), retry: '1' },
    { name: 'a rejection that is no error', error: undefined, retry: '1' },
  ]
  for (const { name, error, retry } of failures)
    it(`refuses on ${name}, in plain text`, async () => {
      const desk = aDesk({ decide: () => Promise.reject(error) })
      const response = await desk.post(publishBody())
      expect([response.status, await response.text()]).toEqual([503, 'refused unavailable\n'])
      expect(response.headers.get('retry-after')).toBe(retry)
    })

  it('never cuts a running stream by a poll, whatever the state of the gate', async () => {
    const broken = () => Promise.reject(new Error('down'))
    const desk = aDesk({ decide: broken, endSession: broken })
    for (const clientid of ['41', '99999'])
      expect((await desk.post(eventBody('update_publish', clientid))).status).toBe(200)
  })

  it('lets viewers and connections pass without asking', async () => {
    const desk = aDesk()
    for (const call of ['play', 'play_done', 'connect', 'update_play', 'record_done'])
      expect((await desk.post(eventBody(call))).status).toBe(200)
    expect([desk.asked, desk.ended]).toEqual([[], []])
  })
})

describe('a hold about to end', () => {
  it('is waited for and asked again under a key of its own', async () => {
    const answers = [HOLD_4S, ALLOW]
    const desk = aDesk({ decide: () => answers.shift() ?? DENY })
    const response = desk.post(publishBody())
    await settle()
    expect(desk.timers()).toEqual([4_000])
    await desk.advance(3_999)
    expect(desk.asked).toHaveLength(1)
    await desk.advance(1)
    expect((await response).status).toBe(302)
    expect(new Set(desk.asked.map((request) => request.idempotency?.key)).size).toBe(2)
  })

  it('ends as the second decision says, a strike in between included', async () => {
    const answers = [HOLD_4S, DENY]
    const desk = aDesk({ decide: () => answers.shift() ?? ALLOW })
    const response = desk.post(publishBody())
    await settle()
    await desk.advance(4_000)
    expect((await response).status).toBe(403)
  })

  it('is given up when the hold does not end as it said', async () => {
    const desk = aDesk({ decide: () => HOLD_4S })
    const response = desk.post(publishBody())
    await settle()
    await desk.advance(4_000)
    await desk.advance(1)
    expect((await response).status).toBe(403)
    expect(desk.asked).toHaveLength(3)
  })

  it('is not waited for where the deployment says so', async () => {
    const desk = aDesk({ servers: [aServer({ hold_max_ms: 0 })], decide: () => HOLD_4S })
    expect((await desk.post(publishBody())).status).toBe(403)
  })

  it('is not waited for beyond what the server can bear', async () => {
    const at = (ms: number) =>
      anAnswer({ outcome: 'delay', mode: 'hold', not_before: epochMs(NOW + ms) })
    const servers = [aServer({ hold_max_ms: 60_000 })]
    const desk = aDesk({ servers, decide: () => at(25_001) })
    expect((await desk.post(publishBody())).status).toBe(403)
  })

  it('ends when the publisher goes away meanwhile, without a further decision', async () => {
    const desk = aDesk({ decide: () => HOLD_4S })
    const response = desk.post(publishBody())
    await settle()
    const end = desk.post(eventBody('publish_done'))
    expect([(await response).status, (await end).status]).toEqual([403, 200])
    expect([desk.asked.length, desk.timers()]).toEqual([1, []])
  })

  it('ends when the proxy hangs up meanwhile', async () => {
    const call = new AbortController()
    const desk = aDesk({ decide: () => HOLD_4S })
    const response = desk.post(publishBody(), { signal: call.signal })
    await settle()
    call.abort()
    expect((await response).status).toBe(403)
    expect(desk.asked).toHaveLength(1)
  })
})

describe('sessions', () => {
  it('gives a repeated call the same idempotency key, so the gate gives the same answer', async () => {
    const desk = aDesk()
    await desk.post(publishBody())
    await desk.post(publishBody())
    const [first, second] = desk.asked.map((request) => request.idempotency)
    expect(second).toEqual(first)
    expect(desk.ended).toEqual(['edge-1/41'])
  })

  it('asks the gate again even for a repeated call, so that a strike in between counts', async () => {
    const answers = [ALLOW, DENY]
    const desk = aDesk({ decide: () => answers.shift() ?? ALLOW })
    expect((await desk.post(publishBody())).status).toBe(302)
    desk.ended.length = 0
    expect((await desk.post(publishBody())).status).toBe(403)
    expect(desk.ended).toEqual(['edge-1/41'])
  })

  it('begins a new life of the same id after its end', async () => {
    const desk = aDesk()
    await desk.post(publishBody())
    await desk.post(eventBody('publish_done'))
    await desk.post(publishBody())
    const keys = desk.asked.map((request) => request.idempotency?.key)
    expect(new Set(keys).size).toBe(2)
    expect(desk.ended).toEqual(['edge-1/41', 'edge-1/41', 'edge-1/41'])
  })

  it('ends what an unknown life of the id left behind before it decides', async () => {
    const order: string[] = []
    const desk = aDesk({
      decide: () => {
        order.push('decide')
        return ALLOW
      },
      endSession: () => order.push('end') > 0,
    })
    await desk.post(publishBody())
    expect(order).toEqual(['end', 'decide'])
  })

  it('takes the same id from another connection for a restarted server and replaces the session', async () => {
    const keys = [aStreamKey('k7f3q9'), aStreamKey('two', { id: 'sk_two', subject: 'u_2' })]
    const desk = aDesk({ keys })
    await desk.post(publishBody())
    const response = await desk.post(publishBody({ addr: '198.51.100.7', name: 'two' }))
    expect(response.status).toBe(302)
    expect(desk.asked.map((request) => request.subject)).toEqual(['u_81f', 'u_2'])
    expect(desk.ended).toEqual(['edge-1/41', 'edge-1/41'])
  })

  it('refuses a second key on a connection that is live, which would hide the first behind it', async () => {
    const keys = [aStreamKey('k7f3q9'), aStreamKey('two', { id: 'sk_two', subject: 'u_2' })]
    const desk = aDesk({ keys })
    await desk.post(publishBody())
    const response = await desk.post(publishBody({ name: 'two' }))
    expect([response.status, desk.asked.length]).toEqual([409, 1])
    expect(desk.ended).toEqual(['edge-1/41', 'edge-1/41'])
  })

  for (const [name, first] of [
    ['denied', DENY],
    ['lost to a failing gate', null],
  ] as const)
    it(`remembers nothing of a start that was ${name}`, async () => {
      const keys = [aStreamKey('k7f3q9'), aStreamKey('two', { id: 'sk_two', subject: 'u_2' })]
      const answers = [first, ALLOW]
      const decide = () => answers.shift() ?? Promise.reject(new Error('down'))
      const desk = aDesk({ keys, decide })
      await desk.post(publishBody())
      expect((await desk.post(publishBody({ name: 'two' }))).status).toBe(302)
    })

  it('ends the broadcast of a live connection that shows an unknown key, because nginx closes it', async () => {
    const desk = aDesk()
    await desk.post(publishBody())
    desk.ended.length = 0
    expect((await desk.post(publishBody({ name: 'guess' }))).status).toBe(403)
    expect(desk.ended).toEqual(['edge-1/41'])
  })

  it('ends what a start opens whose end arrives while it is being decided', async () => {
    const order: string[] = []
    const desk = aDesk({
      decide: async () => {
        await settle()
        order.push('decided')
        return ALLOW
      },
      endSession: () => order.push('ended') > 0,
    })
    const start = desk.post(publishBody())
    await Promise.all([start, desk.post(eventBody('publish_done'))])
    expect(order).toEqual(['ended', 'decided', 'ended'])
  })

  it('ends only the twin when a second publisher on a live name is turned away', async () => {
    const desk = aDesk()
    await desk.post(publishBody())
    await desk.post(publishBody({ clientid: '42' }))
    desk.ended.length = 0
    await desk.post(eventBody('publish_done', '42'))
    expect(desk.ended).toEqual(['edge-1/42'])
  })

  it('keeps the same id of two servers apart', async () => {
    const other = aServer({ id: 'edge-2' })
    const desk = aDesk({ servers: [aServer(), other] })
    await desk.post(publishBody())
    await desk.post(publishBody(), { server: 'edge-2' })
    desk.ended.length = 0
    await desk.post(eventBody('publish_done'), { server: 'edge-2' })
    expect(desk.ended).toEqual(['edge-2/41'])
  })

  it('accepts an end twice, late, and for a session nobody opened', async () => {
    const desk = aDesk()
    for (let i = 0; i < 2; i++)
      expect((await desk.post(eventBody('publish_done', '7'))).status).toBe(200)
  })

  it('takes back an allow when the server hung up before it was said', async () => {
    const call = new AbortController()
    const desk = aDesk({
      decide: () => {
        call.abort()
        return ALLOW
      },
    })
    const response = await desk.post(publishBody(), { signal: call.signal })
    expect(response.status).toBe(403)
    expect(desk.ended).toEqual(['edge-1/41', 'edge-1/41'])
  })
})

describe('secrets', () => {
  it('appear in no answer, no event and no question, wherever a publisher or server puts them', async () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9._~+-]{16,40}$/)
    const place = fc.constantFrom('name', 'app', 'type', 'addr', 'call', 'tcurl', 'flashver')
    await fc.assert(
      fc.asyncProperty(secret, place, fc.boolean(), async (text, field, known) => {
        const desk = aDesk({ keys: known ? [aStreamKey(text)] : [] })
        const bodies = [publishBody({ [field]: text }), publishBody({}, `&${field}=${text}`)]
        const seen: string[] = []
        for (const body of bodies)
          for (const options of [{}, { secret: text }]) {
            const response = await desk.post(body, options)
            seen.push(await response.text(), JSON.stringify([...response.headers]))
          }
        seen.push(JSON.stringify(desk.events), JSON.stringify(desk.asked))
        expect(seen.join('\n')).not.toContain(text)
        expect(seen.join('\n')).not.toContain(SECRET)
      }),
      { numRuns: 60 },
    )
  })

  it('are slowed down when tried one after the other, but an encoder with one wrong key is not', async () => {
    const desk = aDesk()
    for (let i = 0; i < 200; i++) await desk.post(publishBody({ name: 'wrong' }))
    expect((await desk.post(publishBody())).status).toBe(302)
    for (let i = 0; i < 60; i++) await desk.post(publishBody({ name: `guess-${i}` }))
    expect((await desk.post(publishBody({ clientid: '43' }))).status).toBe(429)
    expect((await desk.post(publishBody({ clientid: '44', addr: '198.51.100.7' }))).status).toBe(
      302,
    )
    await desk.advance(60_000)
    expect((await desk.post(publishBody({ clientid: '45' }))).status).toBe(302)
  })
})

describe('what is shed', () => {
  const failures = [
    { code: 'overloaded', shed: [{ type: 'shed', code: 'overloaded' }] },
    { code: 'rate_limited', shed: [{ type: 'shed', code: 'rate_limited' }] },
    { code: 'log_unavailable', shed: [] },
    { code: 'halted', shed: [] },
  ] as const
  for (const { code, shed } of failures)
    it(`a call that fails with ${code} is told ${shed.length === 0 ? 'only as refused' : 'once as shed'}`, async () => {
      const decide = (): never => {
        throw new LivegateError(code, 'Cannot decide')
      }
      const desk = aDesk({ decide })
      expect((await desk.post(publishBody())).status).toBeGreaterThanOrEqual(400)
      const refused = { type: 'hook_refused', server: 'edge-1', why: 'unavailable' }
      expect(desk.events).toEqual([...shed, refused])
    })
})
