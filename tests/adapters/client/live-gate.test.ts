/**
 * The middleware in front of a route: only an allow gets through, from a remote gate and from one in the same process.
 */
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { createClient } from '../../../src/adapters/client/client.ts'
import {
  type LiveGateOptions,
  type LiveGateVariables,
  liveGate,
} from '../../../src/adapters/client/live-gate.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { epochMs } from '../../../src/core/time.ts'
import { aStrike, HOLD_RULE, policyOf, STRIKE_RULE, type TestGate } from '../../support/gate.ts'
import { aGateApp, GATE_URL } from '../../support/gate-app.ts'

interface Site {
  readonly world: TestGate
  goLive(headers?: Record<string, string>): Promise<Response>
}

type Fail = 'closed' | 'open'
interface SiteOptions {
  readonly policy: string
  readonly fail?: Fail
  readonly hosts?: readonly { readonly subject: string }[]
  readonly supports?: readonly string[]
  readonly followers?: number
}

const CREATED = Date.UTC(2020, 0)

/** A site whose "go live" route stands behind a gate, in each of the three ways. */
const WAYS: readonly { readonly name: string; site(options: SiteOptions): Promise<Site> }[] = [
  { name: 'a client', site: (options) => remote(options, 'client') },
  { name: 'url and key', site: (options) => remote(options, 'url') },
  { name: 'a gate in the same process', site: local },
]

async function remote(options: SiteOptions, how: 'client' | 'url'): Promise<Site> {
  const { policy, fail = 'closed', hosts = [], supports = [], followers = 100 } = options
  const gate = await aGateApp({ policy })
  const given = {
    ...{ url: GATE_URL, key: gate.key('decide'), fail, fetch: gate.fetch, attempts: 1 },
    now: gate.world.clock.now,
  }
  const question = (): object => ({
    subject: 'u1',
    stream: { id: 'b1', hosts },
    facts: { created_at: new Date(CREATED).toISOString(), followers },
    supports,
  })
  const ask = { question } as Pick<Extract<LiveGateOptions, { url: string }>, 'question'>
  return site(
    gate.world,
    how === 'url' ? { ...given, ...ask } : { client: createClient(given), ...ask },
  )
}

async function local(options: SiteOptions): Promise<Site> {
  const { policy, fail, hosts = [], supports = [], followers = 100 } = options
  const { world } = await aGateApp({ policy })
  const facts = { created_at: epochMs(CREATED), followers }
  return site(world, {
    ...{ gate: world.gate, caller: 'site' },
    ...(fail === undefined ? {} : { fail }),
    question: () => ({ subject: 'u1', stream: { id: 'b1', hosts }, facts, supports }),
  })
}

function site(world: TestGate, options: LiveGateOptions): Site {
  const app = new Hono<{ Variables: LiveGateVariables }>()
  app.onError((error, c) => c.json({ failed: error.name }, 500))
  app.post('/live', liveGate(options), (c) => c.json({ live: true, answer: c.get('livegate') }))
  return {
    world,
    goLive: async (headers = {}) => app.request('/live', { method: 'POST', headers }),
  }
}

const CAPPED =
  '  - { id: cap, ground: terms, when: "subject.followers < 1000", outcome: delay, broadcast_delay: 30s, obligations: [{ type: audience_cap, viewers: 500 }] }'
const TALKING = STRIKE_RULE.replace(
  'outcome: deny }',
  'outcome: deny, because: { en: "Live is off until {until}.", fr: "Direct suspendu." }, appeal: { within: 180d, url: https://example.org/appeal } }',
)

describe.each(WAYS)('behind $name', ({ site }) => {
  it('an allow gets through, with the answer at hand', async () => {
    const { goLive, world } = await site({ policy: policyOf('') })
    const response = await goLive()
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      live: true,
      answer: { outcome: 'allow', lease_until: '2026-11-20T16:00:00.000Z', obligations: [] },
    })
    await world.verify()
  })

  it('a tape delay gets through with what the route must carry out', async () => {
    const supports = ['broadcast_delay', 'audience_cap']
    const { goLive } = await site({ policy: policyOf(CAPPED), supports })
    expect(await (await goLive()).json()).toMatchObject({
      live: true,
      answer: {
        ...{ outcome: 'delay', mode: 'broadcast', broadcast_delay_s: 30 },
        obligations: [{ type: 'audience_cap', viewers: 500 }],
      },
    })
  })

  it('a tape delay nobody declared is a refusal', async () => {
    const { goLive } = await site({ policy: policyOf(CAPPED) })
    expect((await goLive()).status).toBe(409)
  })

  it('a deny is 403 with reason, end and appeal, in the language asked for', async () => {
    const { goLive, world } = await site({ policy: policyOf(TALKING) })
    await world.gate.strike(aStrike('s1', 'u1'))
    const response = await goLive({ 'accept-language': 'de;q=0.9, fr-CA, en;q=0.1' })
    expect(response.status).toBe(403)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const problem = (await response.json()) as Record<string, unknown>
    expect(problem).toMatchObject({
      type: 'urn:problem-type:livegate:live_denied',
      ...{ code: 'live_denied', status: 403, detail: 'Direct suspendu.' },
      until: '2026-12-20T12:00:00.000Z',
      reasons: [{ rule: 'struck', appeal: { url: 'https://example.org/appeal' } }],
    })
    expect(problem.decision).toBe(world.store.entries().at(-1)?.id)
    expect(JSON.stringify(problem)).not.toMatch(/s1|u1|eyJ/)
    const english = (await (await goLive()).json()) as Record<string, unknown>
    expect(english.detail).toMatch(/^Live is off until /)
  })

  it('a hold is 409 with the instant to come back', async () => {
    const { goLive } = await site({ policy: policyOf(HOLD_RULE), followers: 1 })
    const response = await goLive()
    expect(response.status).toBe(409)
    expect(response.headers.get('retry-after')).toBe('Fri, 20 Nov 2026 12:15:00 GMT')
    expect(await response.json()).toMatchObject({
      ...{ code: 'live_delayed', mode: 'hold', not_before: '2026-11-20T12:15:00.000Z' },
    })
  })

  it('something unknown is 409 with the seconds to wait', async () => {
    const policy = policyOf(
      '  - { id: new, ground: terms, when: "subject.verified == false", outcome: deny }',
    )
    const response = await (await site({ policy })).goLive()
    expect(response.status).toBe(409)
    expect(response.headers.get('retry-after')).toBe('30')
  })

  it("a co-host's history is not told to the host", async () => {
    const { goLive, world } = await site({ policy: policyOf(TALKING), hosts: [{ subject: 'u2' }] })
    await world.gate.strike(aStrike('s1', 'u2'))
    const response = await goLive()
    expect(response.status).toBe(403)
    const problem = (await response.json()) as Record<string, unknown>
    expect(problem.reasons).toEqual([{ code: 'cohost', host: 1 }])
    expect(problem).not.toHaveProperty('detail')
    expect(JSON.stringify(problem)).not.toMatch(/u2|s1|terrorism|struck/)
  })

  it.each([
    { fail: 'closed' as const, status: 503 },
    { fail: 'open' as const, status: 200 },
  ])('an outage with fail $fail is $status', async ({ fail, status }) => {
    const { goLive, world } = await site({ policy: policyOf(''), fail })
    world.fates.push('before')
    const response = await goLive()
    expect(response.status).toBe(status)
    const body = (await response.json()) as Record<string, unknown>
    if (fail === 'open') expect(body).toEqual({ live: true, answer: null })
    else expect(body).toMatchObject({ code: 'gate_unavailable', retry_after: 5 })
  })

  it('a question that cannot be asked goes to the error handler, never through', async () => {
    const hosts = Array.from({ length: 17 }, (_, i) => ({ subject: `c${i}` }))
    const { goLive } = await site({ policy: policyOf(''), hosts, fail: 'open' })
    expect((await goLive()).status).toBe(500)
  })
})

describe('a gate in the same process', () => {
  it('that cannot decide refuses unless open was chosen', async () => {
    const { goLive, world } = await local({ policy: policyOf('') })
    world.fates.push('before')
    expect((await goLive()).status).toBe(503)
  })

  it('that fails for a reason of its own never opens', async () => {
    const gate = {
      decide: () => Promise.reject(new LivegateError('internal', 'Cannot issue a record')),
    }
    const app = new Hono()
    app.onError((_error, c) => c.text('failed', 500))
    const question = (): { subject: string } => ({ subject: 'u1' })
    app.post('/live', liveGate({ gate, caller: 'site', fail: 'open', question }), (c) =>
      c.text('live'),
    )
    expect((await app.request('/live', { method: 'POST' })).status).toBe(500)
  })

  it('names its caller in the record', async () => {
    const { goLive, world } = await local({ policy: policyOf('') })
    await goLive()
    const request = world.store.entries().at(-1)?.openings.request ?? ''
    expect(Buffer.from(request, 'base64url').toString()).toContain('"caller":"site"')
  })
})
