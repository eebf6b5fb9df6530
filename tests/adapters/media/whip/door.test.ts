/** The WHIP front door over a real gate and a real WHIP server: what an encoder gets, and what never reaches the server. */
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { ControlAuth } from '../../../../src/adapters/media/control-auth.ts'
import { controlOf } from '../../../../src/adapters/media/drivers.ts'
import { createGuessLimit } from '../../../../src/adapters/media/guess-limit.ts'
import type { MediaServer } from '../../../../src/adapters/media/servers-file.ts'
import { createBackend } from '../../../../src/adapters/media/whip/backend.ts'
import { createWhipDoor, type WhipDoor } from '../../../../src/adapters/media/whip/door.ts'
import { after } from '../../../../src/adapters/node/system.ts'
import { portableHasher } from '../../../../src/core/record/hashing.ts'
import type { GateEvent, Pepper } from '../../../../src/ports.ts'
import { countedRandom } from '../../../core/record/samples.ts'
import {
  aGate,
  aStrike,
  HOLD_RULE,
  NOW,
  policyOf,
  STRIKE_RULE,
  type TestGate,
} from '../../../support/gate.ts'
import { BACKEND_TOKEN, startWhipBackend, type WhipBackend } from '../../../support/whip-backend.ts'

const KEY = 'key-0123456789abcdefghij'
const OFFER = 'v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n'
const pepper: Pepper = { hash: (what, text) => portableHasher.digestText(`${what} ${text}`) }

let backend: WhipBackend
let events: GateEvent[]
beforeEach(async () => {
  backend = await startWhipBackend()
  events = []
})
afterEach(() => backend.close())

interface Scene {
  readonly world: TestGate
  readonly door: WhipDoor
  offer(given?: Offer): Promise<Response>
  ask(method: 'DELETE' | 'PATCH', location: string | null, given?: Offer): Promise<Response>
}

interface Offer {
  readonly key?: string | null
  readonly body?: string
  readonly type?: string
  readonly server?: string
  readonly language?: string
  readonly signal?: AbortSignal
}

const server = (): MediaServer => ({
  ...{ id: 'door-1', kind: 'whip', secret: null, subject_from: 'stream_key' },
  control: `${backend.url}/whip/{name}`,
  control_auth: new ControlAuth('bearer', null, BACKEND_TOKEN),
  ...{ reconcile_ms: 0, when_down: 'deny', hold_max_ms: 3_000, playback: 'rename' },
  ...{ lifetime: false, territory: null, app: null, delayed: null },
})

async function aScene(policy = policyOf(STRIKE_RULE)): Promise<Scene> {
  const world = await aGate({ policy })
  const { gate, store, clock } = world
  const key = { id: 'sk_AAAAAAAAAAAAAAAAAAAAAA', subject: 'u_1', created_at: NOW, revoked_at: null }
  await store.streamKeys.bind({ ...key, key_hash: pepper.hash('stream_key', KEY) })
  await store.streamKeys.bind({
    ...{ ...key, id: 'sk_BBBBBBBBBBBBBBBBBBBBBB', subject: 'u_2' },
    key_hash: pepper.hash('stream_key', `${KEY}-2`),
  })
  const random = countedRandom('whip')
  const door = createWhipDoor({
    ...{ gate, clock, pepper, after, servers: [server()] },
    ...{ streamKeys: store.streamKeys, directory: store.directory, guesses: createGuessLimit() },
    backend: createBackend({ fetch: (url, init) => fetch(url, init), after }),
    observe: (event) => events.push(event),
    random: { bytes: (length) => random(length) },
    enforcement: () => undefined,
  })
  const requestOf = (given: Offer) => {
    const { key: shown = KEY, body = OFFER, type = 'application/sdp', language, signal } = given
    const headers = new Headers({ 'content-type': type })
    if (shown !== null) headers.set('authorization', `Bearer ${shown}`)
    if (language !== undefined) headers.set('accept-language', language)
    return {
      headers,
      body: new TextEncoder().encode(body),
      ...(signal === undefined ? {} : { signal }),
    }
  }
  return {
    ...{ world, door },
    offer: (given = {}) => door.open(given.server ?? 'door-1', requestOf(given)),
    ask(method, location, given = {}) {
      const [, , name = '', session = ''] = (location ?? '').split('/')
      const trickle = { type: 'application/trickle-ice-sdpfrag', body: 'a=candidate:1', ...given }
      return method === 'DELETE'
        ? door.close(name, session, requestOf(given))
        : door.patch(name, session, requestOf(trickle))
    },
  }
}

const openOf = async ({ world }: Scene) => (await world.store.ledger.load('u_1')).broadcasts

describe('an encoder that may go live', () => {
  it('gets the server’s own answer, whole, under a session of ours and the public name', async () => {
    const scene = await aScene()
    const response = await scene.offer()
    const text = await response.text()
    expect(response.status).toBe(201)
    expect(text).toContain(`a=for:${OFFER.length}`)
    expect(response.headers.get('content-length')).toBe(String(text.length))
    expect(response.headers.get('content-type')).toBe('application/sdp')
    expect(response.headers.get('link')).toContain('stun:')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-expose-headers')?.toLowerCase()).toContain(
      'location',
    )
    expect(response.headers.get('location')).toMatch(/^\/whip\/door-1\/[A-Za-z0-9_-]{22}$/)
    expect([...backend.sessions.values()]).toEqual(['/whip/live_AAAAAAAAAAAAAAAAAAAAAA'])
    expect(await openOf(scene)).toMatchObject([{ server: 'door-1', handle: '/sessions/1' }])
    expect(JSON.stringify(backend.requests)).not.toContain(KEY)
    await scene.world.verify()
  })

  it('ends its session with the key it began with, and with no other', async () => {
    const scene = await aScene()
    const location = (await scene.offer()).headers.get('location')
    for (const key of [`${KEY}-2`, 'nobody-knows-this-key', null])
      expect((await scene.ask('DELETE', location, { key })).status).toBe(
        key === `${KEY}-2` ? 404 : 401,
      )
    expect(backend.sessions.size).toBe(1)
    expect((await scene.ask('DELETE', location)).status).toBe(200)
    expect(backend.sessions.size).toBe(0)
    expect(await openOf(scene)).toEqual([])
    expect((await scene.ask('DELETE', location)).status).toBe(404)
  })

  it('trickles through the door', async () => {
    const scene = await aScene()
    const location = (await scene.offer()).headers.get('location')
    const patched = await scene.ask('PATCH', location)
    expect([patched.status, patched.headers.get('etag')]).toEqual([204, '"2"'])
    expect((await scene.ask('PATCH', location, { type: 'text/plain' })).status).toBe(415)
    expect((await scene.ask('PATCH', '/whip/door-1/AAAAAAAAAAAAAAAAAAAAAA')).status).toBe(404)
  })

  it('that hung up before its answer leaves nothing running', async () => {
    const scene = await aScene()
    const stop = new AbortController()
    backend.instead = (_request, response) => {
      stop.abort()
      backend.instead = null
      response.writeHead(201, { 'content-type': 'application/sdp', location: '/sessions/9' })
      response.end('v=0\r\n')
    }
    expect((await scene.offer({ signal: stop.signal })).status).toBe(503)
    expect(backend.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/sessions/9' })
    expect(await openOf(scene)).toEqual([])
  })

  it('who is struck while the server answers is not let in, and his session there is ended', async () => {
    const scene = await aScene()
    backend.instead = (_request, response) => {
      backend.instead = null
      void scene.world.gate.strike(aStrike('s_1', 'u_1')).then(() => {
        response.writeHead(201, { 'content-type': 'application/sdp', location: '/sessions/9' })
        response.end('v=0\r\n')
      })
    }
    expect((await scene.offer()).status).toBe(503)
    expect(backend.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/sessions/9' })
    expect(await openOf(scene)).toEqual([])
    expect((await scene.offer()).status).toBe(403)
    await scene.world.verify()
  })

  it('is cut after a strike: DELETE at the server, and its next offer is refused', async () => {
    const scene = await aScene()
    await scene.offer()
    const { revoked } = await scene.world.gate.strike(aStrike('s_1', 'u_1'))
    expect(revoked).toHaveLength(1)
    const [open] = await openOf(scene)
    const control = controlOf(
      { fetch: (url, init) => fetch(url, init), after, clock: scene.world.clock },
      server(),
    )
    if (control === null) throw new Error('a front door has a control')
    const ref = { session: open?.session ?? '', handle: open?.handle ?? '' }
    expect(await control.driver.cut(control.access, ref)).toEqual({
      ok: true,
      value: { dropped: 1 },
    })
    expect(backend.sessions.size).toBe(0)
    expect(await control.driver.cut(control.access, ref)).toEqual({
      ok: true,
      value: { dropped: 1 },
    })
    expect((await scene.offer()).status).toBe(403)
    expect(backend.sessions.size).toBe(0)
  })
})

describe('an encoder that may not', () => {
  it('is told why, until when and how to appeal, in its language; the server hears nothing', async () => {
    const scene = await aScene(
      policyOf(
        '  - { id: struck, ground: terms, count: { category: ["*"] }, ladder: { 1: 30d }, outcome: deny, because: { en: "No Live until {until}.", fr: "Pas de direct." }, appeal: { within: 14d, url: "https://appeals.example" } }',
      ),
    )
    await scene.world.gate.strike(aStrike('s_secret', 'u_1'))
    const response = await scene.offer({ language: 'fr-CH, en;q=0.5' })
    expect(response.status).toBe(403)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    const problem = await response.json()
    expect(problem).toMatchObject({
      ...{ code: 'live_denied', detail: 'Pas de direct.', until: '2026-12-20T12:00:00.000Z' },
      reasons: [{ rule: 'struck', appeal: { url: 'https://appeals.example' } }],
    })
    expect(JSON.stringify(problem)).not.toContain('s_secret')
    expect(backend.requests).toEqual([])
    await scene.world.verify()
  })

  it('has to wait with Retry-After when the hold is longer than it can be kept', async () => {
    const scene = await aScene(policyOf(HOLD_RULE))
    await scene.world.gate.putFacts('u_1', { followers: 3 }, NOW)
    const response = await scene.offer()
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(3)
    expect(await response.json()).toMatchObject({ code: 'live_delayed', mode: 'hold' })
    expect(backend.requests).toEqual([])
  })

  const refusals: readonly [string, Offer, number][] = [
    ['without a key', { key: null }, 401],
    ['with an unknown key', { key: 'somebody-elses-key-000' }, 401],
    ['with another type', { type: 'application/json' }, 415],
    ['with no SDP', { body: '{"sdp":1}' }, 400],
    ['with too much of it', { body: `v=0${'x'.repeat(70_000)}` }, 400],
    ['at a door that is not there', { server: 'door-2' }, 404],
  ]
  it.each(refusals)('%s is refused without a decision', async (_name, given, status) => {
    const scene = await aScene()
    const response = await scene.offer(given)
    expect(response.status).toBe(status)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(backend.requests).toEqual([])
    expect(scene.world.store.log.size()).toBe((await aScene()).world.store.log.size())
    if (status === 401) expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })
})

describe('a server behind the door that', () => {
  const answers: readonly [string, NonNullable<WhipBackend['instead']>, number][] = [
    ['refuses', (_q, r) => void r.writeHead(403).end(), 502],
    [
      'answers 200',
      (_q, r) => void r.writeHead(200, { 'content-type': 'application/sdp' }).end('v=0'),
      502,
    ],
    [
      'answers HTML',
      (_q, r) => void r.writeHead(201, { 'content-type': 'text/html', location: '/s' }).end('<p>'),
      502,
    ],
    [
      'names no session',
      (_q, r) => void r.writeHead(201, { 'content-type': 'application/sdp' }).end('v=0'),
      502,
    ],
    [
      'names a session elsewhere',
      (_q, r) =>
        void r
          .writeHead(201, { 'content-type': 'application/sdp', location: 'http://evil.example/s' })
          .end('v=0'),
      502,
    ],
    [
      'names a session that is too long',
      (_q, r) =>
        void r
          .writeHead(201, { 'content-type': 'application/sdp', location: `/${'s'.repeat(600)}` })
          .end('v=0'),
      502,
    ],
    [
      'redirects',
      (_q, r) => void r.writeHead(307, { location: 'http://evil.example/' }).end(),
      502,
    ],
    [
      'answers without end',
      (_q, r) => {
        r.writeHead(201, { 'content-type': 'application/sdp', location: '/s' })
        r.write(`v=0${'x'.repeat(100_000)}`)
      },
      502,
    ],
    ['hangs up', (q) => void q.socket.destroy(), 502],
  ]
  it.each(answers)(
    '%s gets no broadcast, and the encoder a problem',
    async (_name, instead, status) => {
      const scene = await aScene()
      backend.instead = instead
      const response = await scene.offer()
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ code: expect.stringMatching(/^media_/) })
      expect(await openOf(scene)).toEqual([])
      await scene.world.verify()
    },
  )

  it('begins a session and answers something else has it ended', async () => {
    const scene = await aScene()
    backend.instead = (request, response) => {
      if (request.method !== 'POST') return void response.writeHead(200).end()
      const headers = { 'content-type': 'text/html', location: '/sessions/7' }
      response.writeHead(201, headers).end('<p>')
    }
    expect((await scene.offer()).status).toBe(502)
    expect(backend.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/sessions/7' })
  })

  it('is silent costs three seconds, not the encoder’s patience', async () => {
    const scene = await aScene()
    backend.instead = () => {}
    const response = await scene.offer()
    expect(response.status).toBe(504)
    expect(await openOf(scene)).toEqual([])
  })

  it.each([401, 403])('wants another bearer (%i) blames no encoder for it', async (status) => {
    const scene = await aScene()
    const location = (await scene.offer()).headers.get('location')
    backend.instead = (_request, response) => response.writeHead(status).end()
    const patched = await scene.ask('PATCH', location)
    expect(patched.status).toBe(502)
    expect(await patched.json()).toMatchObject({ code: 'media_refused' })
  })

  it('cannot end a session leaves the broadcast as it is, and says so', async () => {
    const scene = await aScene()
    const location = (await scene.offer()).headers.get('location')
    backend.instead = (_request, response) => response.writeHead(500).end()
    expect((await scene.ask('DELETE', location)).status).toBe(502)
    expect(await openOf(scene)).toHaveLength(1)
  })
})

test('a gate that cannot decide refuses with Retry-After, and the server hears nothing', async () => {
  const scene = await aScene()
  scene.world.fates.push('before')
  const response = await scene.offer()
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('1')
  expect(backend.requests).toEqual([])
})

test('web pages may ask from anywhere', async () => {
  const { door } = await aScene()
  const { status, headers } = door.preflight()
  expect([status, headers.get('accept-post')]).toEqual([204, 'application/sdp'])
})
