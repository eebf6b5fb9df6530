/**
 * The client against a real gate behind its real HTTP app, and against everything that may stand between them.
 */
import { describe, expect, it } from 'vitest'
import type { VerifiedAnswer } from '../../../src/adapters/client/answer.ts'
import {
  type Client,
  type ClientOptions,
  createClient,
  type DecisionQuestion,
} from '../../../src/adapters/client/client.ts'
import { jwksOf } from '../../../src/core/record/jwk.ts'
import { testKey } from '../../core/record/samples.ts'
import {
  aStrike,
  HOLD_RULE,
  HOUR,
  NOW,
  ORIGIN,
  policyOf,
  RECORD_KEY,
  STRIKE_RULE,
} from '../../support/gate.ts'
import { aGateApp, GATE_URL, type GateApp } from '../../support/gate-app.ts'

const QUESTION: DecisionQuestion = {
  subject: 'u1',
  stream: { id: 'b1', audience: 'public' },
  request: { territory: 'FR' },
  facts: { created_at: '2020-01-01T00:00:00Z', followers: 100 },
  supports: ['broadcast_delay', 'audience_cap'],
}
const CAPPED =
  '  - { id: cap, ground: terms, when: "subject.followers < 1000", outcome: delay, broadcast_delay: 30s, obligations: [{ type: audience_cap, viewers: 500 }] }'

type Meddle = (response: Response, path: string) => Response | Promise<Response>

function clientOf(
  gate: GateApp,
  options: Partial<ClientOptions> & { meddle?: Meddle } = {},
): Client {
  const { meddle = (response) => response, ...rest } = options
  return createClient({
    ...{ url: GATE_URL, key: gate.key('decide'), fail: 'closed', now: gate.world.clock.now },
    wait: async () => {},
    fetch: async (input, init) => {
      const path = new URL(String(input instanceof Request ? input.url : input)).pathname
      return meddle(await gate.fetch(input, init), path)
    },
    ...rest,
  })
}

/** Changes the JSON of decisions on its way. */
function tampered(change: (answer: Record<string, unknown>) => object): Meddle {
  return async (response, path) => {
    if (!path.endsWith('/decisions') || !response.ok) return response
    return Response.json(change((await response.json()) as Record<string, unknown>))
  }
}

const failing = (status: number, headers: Record<string, string> = {}): Response =>
  Response.json({ code: 'log_unavailable', detail: 'no' }, { status, headers })

describe('an honest gate', () => {
  const policies = [
    { name: 'allow', policy: policyOf(''), outcome: 'allow' },
    {
      name: 'delay to hold',
      policy: policyOf(HOLD_RULE.replace('< 10', '< 1000')),
      outcome: 'delay',
    },
    {
      name: 'delay of the broadcast, with obligations',
      policy: policyOf(CAPPED),
      outcome: 'delay',
    },
    {
      name: 'review',
      policy: policyOf(
        '  - { id: look, ground: terms, when: "subject.followers < 1000", outcome: delay, review: { queue: live, within: 30m, at_deadline: deny } }',
      ),
      outcome: 'delay',
    },
    {
      name: 'retry with an unknown fact',
      policy: policyOf(
        '  - { id: new, ground: terms, when: "subject.verified == false", outcome: deny }',
      ),
      outcome: 'delay',
    },
  ]
  it.each(policies)('says $name, and it holds', async ({ policy, outcome }) => {
    const gate = await aGateApp({ policy })
    const result = await clientOf(gate).decide(QUESTION)
    expect(result).toMatchObject({ verified: true, answer: { outcome } })
    await gate.world.verify()
  })

  it('says deny for a strike, its end included, also for a co-host', async () => {
    const gate = await aGateApp({ policy: policyOf(STRIKE_RULE) })
    await gate.world.gate.strike(aStrike('s1', 'u2'))
    const stream = {
      ...QUESTION.stream,
      hosts: [{ subject: 'u2' }, { subject: 'u2' }, { subject: 'u1' }],
    }
    const result = await clientOf(gate).decide({ ...QUESTION, stream })
    expect(result).toMatchObject({
      verified: true,
      answer: { outcome: 'deny', until: '2026-12-20T12:00:00.000Z', reasons: [{ host: 1 }] },
    })
    expect(await clientOf(gate).decide({ ...QUESTION, subject: 'u2' })).toMatchObject({
      answer: { outcome: 'deny' },
    })
  })

  it('says what it spared, and is held to that', async () => {
    const gate = await aGateApp({ policy: policyOf(STRIKE_RULE) })
    await gate.world.gate.strike(aStrike('s1', 'u1'))
    const asked: DecisionQuestion = { ...QUESTION, enforce: 'off' }
    const honest = await clientOf(gate).decide(asked)
    expect(honest).toMatchObject({
      verified: true,
      answer: {
        ...{ outcome: 'allow', enforced: false },
        would: {
          ...{ outcome: 'deny', until: '2026-12-20T12:00:00.000Z', rules: [{ rule: 'struck' }] },
        },
      },
    })
    const lies: readonly ((answer: Record<string, unknown>) => object)[] = [
      ({ enforced: _, ...answer }) => answer,
      ({ would: _, ...answer }) => answer,
      (answer) => ({ ...answer, would: { ...(answer.would as object), outcome: 'allow' } }),
      (answer) => ({ ...answer, would: { ...(answer.would as object), until: 'forever' } }),
      (answer) => ({ ...answer, would: { ...(answer.would as object), rules: [] } }),
    ]
    for (const lie of lies)
      expect(
        await clientOf(gate, { fail: 'open', meddle: tampered(lie) }).decide(asked),
      ).toMatchObject({ verified: false, outcome: 'deny' })
    const invented = tampered((answer) => ({ ...answer, enforced: false }))
    expect(await clientOf(gate, { meddle: invented }).decide(QUESTION)).toMatchObject({
      verified: false,
    })
  })

  it('is asked for its keys once, and under its prefix', async () => {
    const gate = await aGateApp()
    const paths: string[] = []
    const client = clientOf(gate, {
      url: `${GATE_URL}/live/gate`,
      fetch: (input, init) => {
        const url = new URL(String(input))
        paths.push(url.pathname)
        return gate.fetch(new URL(url.pathname.replace('/live/gate', ''), url), init)
      },
    })
    for (let i = 0; i < 3; i++) expect((await client.decide(QUESTION)).verified).toBe(true)
    expect(paths.filter((path) => path === '/live/gate/.well-known/jwks.json')).toHaveLength(1)
    expect(paths.filter((path) => path === '/live/gate/v1/decisions')).toHaveLength(3)
  })

  it('answers a retry under the same key with the same decision', async () => {
    const gate = await aGateApp()
    const client = clientOf(gate)
    const options = { idempotency_key: 'my "own" \\ key' }
    const [one, two] = [
      await client.decide(QUESTION, options),
      await client.decide(QUESTION, options),
    ]
    expect(two).toEqual(one)
  })

  it.each(['', 'é', 'x'.repeat(65), 'line\nbreak'])('is never sent the key %j', async (key) => {
    const gate = await aGateApp()
    await expect(clientOf(gate).decide(QUESTION, { idempotency_key: key })).rejects.toThrow(
      TypeError,
    )
    expect(gate.requests).toEqual([])
  })

  it('is held to the log and issuer that are expected', async () => {
    const gate = await aGateApp()
    const pinned = clientOf(gate, { log: ORIGIN, issuer: 'https://gate.example' })
    const sharded = clientOf(gate, { log: ['other.example/log', ORIGIN] })
    expect(await sharded.decide(QUESTION)).toMatchObject({ verified: true })
    expect((await pinned.decide(QUESTION)).verified).toBe(true)
    for (const wrong of [
      { log: 'other.example/log' },
      { log: ['other.example/log/0', 'other.example/log/1'] },
      { log: [] },
      { issuer: 'https://other.example' },
    ])
      expect(await clientOf(gate, { ...wrong, fail: 'open' }).decide(QUESTION)).toMatchObject({
        verified: false,
        outcome: 'deny',
      })
  })
})

describe('a tampered answer is a deny, whatever `fail` says:', () => {
  const lies: readonly {
    readonly name: string
    readonly change: (answer: Record<string, unknown>) => object
  }[] = [
    { name: 'another outcome', change: (a) => ({ ...a, outcome: 'allow' }) },
    {
      name: 'a lease of its own',
      change: (a) => ({ ...a, lease_until: '2030-01-01T00:00:00.000Z' }),
    },
    { name: 'no lease', change: ({ lease_until: _, ...a }) => a },
    { name: 'another mode', change: (a) => ({ ...a, mode: 'hold' }) },
    { name: 'no tape delay', change: ({ broadcast_delay_s: _, ...a }) => a },
    { name: 'no obligations', change: (a) => ({ ...a, obligations: [] }) },
    {
      name: 'a milder obligation',
      change: (a) => ({ ...a, obligations: [{ type: 'audience_cap', viewers: 9999 }] }),
    },
    { name: 'an end', change: (a) => ({ ...a, until: 'forever' }) },
    {
      name: 'an instant to come back',
      change: (a) => ({ ...a, not_before: '2026-11-20T12:00:01.000Z' }),
    },
    { name: 'a deadline', change: (a) => ({ ...a, review_by: '2026-11-20T12:30:00.000Z' }) },
    { name: 'a queue', change: (a) => ({ ...a, queue: 'live' }) },
    { name: 'seconds to wait', change: (a) => ({ ...a, retry_after: 1 }) },
    {
      name: 'half an index',
      change: (a) => ({ ...a, receipt: { ...(a.receipt as object), index: 1.5 } }),
    },
    { name: 'another id', change: (a) => ({ ...a, id: 'AAAAAAAAAAAAAAAAAAAAAA' }) },
    {
      name: 'another policy',
      change: (a) => ({ ...a, policy: { name: 'x', digest: 'sha256-x' } }),
    },
    { name: 'another time', change: (a) => ({ ...a, decided_at: '2026-11-20T12:00:00.001Z' }) },
    { name: 'a time that is none', change: (a) => ({ ...a, decided_at: 1 }) },
    { name: 'a supersession', change: (a) => ({ ...a, supersedes: 'AAAAAAAAAAAAAAAAAAAAAA' }) },
    { name: 'an unknown rule', change: (a) => ({ ...a, unknown: [{ rule: 'x', facts: [] }] }) },
    { name: 'no reasons', change: ({ reasons: _, ...a }) => a },
    { name: 'no record', change: ({ record: _, ...a }) => a },
    { name: 'a record that is none', change: (a) => ({ ...a, record: 'x~' }) },
    { name: 'a bare record', change: (a) => ({ ...a, record: String(a.record).split('~')[0] }) },
    {
      name: 'a record with a flipped signature',
      change: (a) => ({
        ...a,
        record: String(a.record).replace(
          /\.([^.~])([^.~]*~)/,
          (_m, c, rest) => `.${c === 'A' ? 'B' : 'A'}${rest}`,
        ),
      }),
    },
    { name: 'no result', change: (a) => ({ ...a, record: without(String(a.record), 1) }) },
    { name: 'no subject', change: (a) => ({ ...a, record: without(String(a.record), 2) }) },
    {
      name: 'another receipt',
      change: (a) => ({ ...a, receipt: { ...(a.receipt as object), leaf: 'A'.repeat(43) } }),
    },
    {
      name: 'another log in the receipt',
      change: (a) => ({ ...a, receipt: { ...(a.receipt as object), origin: 'x' } }),
    },
    {
      name: 'an index that is none',
      change: (a) => ({ ...a, receipt: { ...(a.receipt as object), index: -1 } }),
    },
    { name: 'no receipt', change: ({ receipt: _, ...a }) => a },
    { name: 'nothing', change: () => ({}) },
  ]
  it.each(lies)('$name', async ({ change }) => {
    const gate = await aGateApp({ policy: policyOf(CAPPED) })
    const honest = await clientOf(gate).decide(QUESTION)
    expect(honest).toMatchObject({ verified: true, answer: { mode: 'broadcast' } })
    const client = clientOf(gate, { fail: 'open', meddle: tampered(change) })
    const result = await client.decide(QUESTION)
    expect(result).toMatchObject({ verified: false, outcome: 'deny' })
    expect(JSON.stringify(result)).not.toContain('u1')
  })

  /** Group by group as HTTP presents them: chain, result, subject, request. */
  function without(record: string, group: number): string {
    const [jws, ...disclosures] = record.split('~')
    return [jws, ...disclosures.toSpliced(group, 1)].join('~')
  }

  const swaps: readonly { readonly name: string; readonly asked: DecisionQuestion }[] = [
    { name: 'the record of another subject', asked: { ...QUESTION, subject: 'u9' } },
    { name: 'the record of another stream', asked: { ...QUESTION, stream: { id: 'b9' } } },
    { name: 'the record of no stream', asked: { subject: 'u1', facts: QUESTION.facts ?? {} } },
    {
      name: 'the record without a co-host',
      asked: { ...QUESTION, stream: { id: 'b1', hosts: [{ subject: 'u3' }] } },
    },
  ]
  it.each(swaps)('$name', async ({ asked }) => {
    const gate = await aGateApp({ policy: policyOf('') })
    const honest = await clientOf(gate).decide(QUESTION)
    const answer = honest.verified ? honest.answer : null
    const client = clientOf(gate, { fail: 'open', meddle: tampered(() => answer ?? {}) })
    expect(await client.decide(asked)).toEqual({
      ...{ verified: false, outcome: 'deny' },
      cause: 'the record is about another subject, stream or co-host',
    })
  })

  it('an allow given again after its lease', async () => {
    const gate = await aGateApp({ policy: policyOf('') })
    const honest = await clientOf(gate).decide(QUESTION)
    const old = honest.verified ? honest.answer : null
    const client = clientOf(gate, { meddle: tampered(() => old ?? {}) })
    gate.world.clock.set(NOW + 4 * HOUR + 59_999)
    expect((await client.decide(QUESTION)).verified).toBe(true)
    gate.world.pass(1)
    expect(await client.decide(QUESTION)).toMatchObject({
      verified: false,
      cause: 'the lease of the answer is over',
    })
  })

  it('a strike record sold as a decision', async () => {
    const gate = await aGateApp({ policy: policyOf('') })
    await gate.world.gate.strike(aStrike('s1', 'u1'))
    const strike = gate.world.store.entries().at(-1)
    const record = `${strike?.jws}~${Object.values(strike?.openings ?? {}).join('~')}~`
    const client = clientOf(gate, { meddle: tampered((a) => ({ ...a, record })) })
    expect(await client.decide(QUESTION)).toMatchObject({
      verified: false,
      cause: 'the record is not a decision',
    })
  })
})

describe('keys', () => {
  const serving =
    (jwks: () => unknown): Meddle =>
    (response, path) =>
      path.endsWith('jwks.json') ? Response.json(jwks()) : response

  it('are fetched again when a record names an unknown one', async () => {
    const gate = await aGateApp()
    let published = jwksOf([testKey(1).jwk])
    const client = clientOf(gate, { meddle: serving(() => published) })
    expect(await client.decide(QUESTION)).toMatchObject({ verified: false, outcome: 'deny' })
    published = jwksOf([testKey(1).jwk, RECORD_KEY.jwk])
    gate.world.pass(1_000)
    expect((await client.decide(QUESTION)).verified).toBe(true)
  })

  it('that were withdrawn are no longer believed after five minutes', async () => {
    const gate = await aGateApp()
    let published = jwksOf([RECORD_KEY.jwk])
    const client = clientOf(gate, { meddle: serving(() => published) })
    expect((await client.decide(QUESTION)).verified).toBe(true)
    published = jwksOf([testKey(1).jwk])
    gate.world.pass(300_000)
    expect((await client.decide(QUESTION)).verified).toBe(true)
    gate.world.pass(1)
    expect(await client.decide(QUESTION)).toMatchObject({ verified: false, outcome: 'deny' })
  })

  it('of a stranger do not make every answer fetch', async () => {
    const gate = await aGateApp()
    const client = clientOf(gate, { meddle: serving(() => jwksOf([testKey(1).jwk])) })
    for (let i = 0; i < 5; i++) await client.decide(QUESTION)
    const fetched = gate.requests.filter(({ path }) => path.endsWith('jwks.json'))
    expect(fetched).toHaveLength(1)
  })

  it.each([
    { name: 'are not there', meddle: async () => failing(503) },
    { name: 'are no JWKS', meddle: async () => Response.json({ keys: 'none' }) },
    { name: 'are no JSON', meddle: async () => new Response('<html>') },
    { name: 'cannot be reached', meddle: async () => Promise.reject(new TypeError('down')) },
    { name: 'are refused', meddle: async () => failing(404) },
  ])('that $name make the gate one that could not be asked', async ({ meddle }) => {
    for (const fail of ['closed', 'open'] as const) {
      const gate = await aGateApp()
      const client = clientOf(gate, {
        fail,
        meddle: (response, path) => (path.endsWith('jwks.json') ? meddle() : response),
      })
      const result = await client.decide(QUESTION)
      expect(result).toMatchObject({ verified: false, outcome: fail === 'open' ? 'allow' : 'deny' })
    }
  })

  it('known before an outage of theirs still verify', async () => {
    const gate = await aGateApp()
    let down = false
    const client = clientOf(gate, {
      meddle: (response, path) => (down && path.endsWith('jwks.json') ? failing(503) : response),
    })
    await client.decide(QUESTION)
    down = true
    gate.world.pass(HOUR)
    expect((await client.decide(QUESTION)).verified).toBe(true)
  })
})

describe('a gate that does not answer', () => {
  it('is asked again under the same key, and waits as long as it says', async () => {
    const gate = await aGateApp()
    const waits: number[] = []
    const answers = [failing(503, { 'retry-after': '1' }), failing(429)]
    const client = clientOf(gate, {
      meddle: (response, path) =>
        path.endsWith('decisions') ? (answers.shift() ?? response) : response,
      wait: async (ms) => void waits.push(ms),
    })
    const result = await client.decide(QUESTION)
    expect(result.verified).toBe(true)
    expect(waits).toEqual([1_000, 100])
    const keys = gate.requests.filter(({ path }) => path.endsWith('decisions'))
    expect(new Set(keys.map(({ idempotency }) => idempotency)).size).toBe(1)
    // The gate had decided the first time; the retries got that decision.
    expect(gate.world.kinds().filter((kind) => kind === 'decision')).toHaveLength(1)
  })

  const outages: readonly {
    readonly name: string
    readonly meddle: Meddle
    readonly cause: string
  }[] = [
    { name: '503', meddle: () => failing(503), cause: 'the gate answered 503' },
    { name: '500', meddle: () => failing(500), cause: 'the gate answered 500' },
    { name: '429', meddle: () => failing(429), cause: 'the gate answered 429' },
    { name: '409', meddle: () => failing(409), cause: 'the gate answered 409' },
    {
      name: 'a network failure',
      meddle: () => Promise.reject(new TypeError('fetch failed')),
      cause: 'the gate is unreachable (TypeError)',
    },
    {
      name: 'a page of somebody else',
      meddle: () => new Response('<html>'),
      cause: 'the gate is unreachable (SyntaxError)',
    },
  ]
  it.each(outages)(
    'but $name lets `fail` decide after three attempts',
    async ({ meddle, cause }) => {
      for (const fail of ['closed', 'open'] as const) {
        const gate = await aGateApp()
        const result = await clientOf(gate, { fail, meddle }).decide(QUESTION)
        const outcome = fail === 'open' ? 'allow' : 'deny'
        expect(result).toEqual({ verified: false, outcome, cause })
        expect(gate.requests).toHaveLength(3)
      }
    },
  )

  it.each([
    { name: 'that hangs', fetch: () => new Promise<Response>(() => {}) },
    {
      name: 'whose body hangs',
      fetch: async () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) })),
    },
  ])('$name is given up at the timeout', async ({ fetch }) => {
    const gate = await aGateApp()
    const client = clientOf(gate, { fetch, timeout_ms: 20 })
    expect(await client.decide(QUESTION)).toEqual({
      ...{ verified: false, outcome: 'deny', cause: 'the gate did not answer in time' },
    })
  })

  it('but finds the question wrong is a fault of the caller, never an allow', async () => {
    const gate = await aGateApp()
    for (const broken of [
      clientOf(gate, { fail: 'open', key: 'lg_nobody_x' }).decide(QUESTION),
      clientOf(gate, { fail: 'open', key: gate.key('audit') }).decide(QUESTION),
      clientOf(gate, { fail: 'open' }).decide({ subject: '' }),
    ])
      await expect(broken).rejects.toThrow(/^Cannot ask the gate: it answered 40[013], /)
    expect(gate.requests).toHaveLength(3)
  })

  it('needs `fail` chosen', () => {
    const options = { url: GATE_URL, key: 'x' } as unknown as ClientOptions
    expect(() => createClient(options)).toThrow(/`fail` is not chosen/)
  })
})

it('an answer has every member the documentation names', async () => {
  const gate = await aGateApp({ policy: policyOf(CAPPED) })
  const result = await clientOf(gate).decide(QUESTION)
  const answer: VerifiedAnswer | null = result.verified ? result.answer : null
  expect(answer).toMatchObject({
    ...{ outcome: 'delay', mode: 'broadcast', broadcast_delay_s: 30 },
    obligations: [{ type: 'audience_cap', viewers: 500 }],
    lease_until: '2026-11-20T16:00:00.000Z',
    decided_at: '2026-11-20T12:00:00.000Z',
  })
})
