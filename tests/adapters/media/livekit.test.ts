/** LiveKit with its own SDK on the other side: tokens after an allow, webhooks that prove themselves, out and out again. */
import { AccessToken, RoomServiceClient, TokenVerifier, WebhookReceiver } from 'livekit-server-sdk'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { ControlAuth } from '../../../src/adapters/media/control-auth.ts'
import { controlOf } from '../../../src/adapters/media/drivers.ts'
import { createHooks, type Hooks } from '../../../src/adapters/media/hooks.ts'
import { createKeeper, type Keeper } from '../../../src/adapters/media/keeper.ts'
import { liveKitHandle, liveKitSession } from '../../../src/adapters/media/livekit.ts'
import { createRenewals } from '../../../src/adapters/media/renewals.ts'
import { ServerSecret } from '../../../src/adapters/media/server-secret.ts'
import { type MediaServer, parseServersFile } from '../../../src/adapters/media/servers-file.ts'
import { createSessions } from '../../../src/adapters/media/sessions.ts'
import { after } from '../../../src/adapters/node/system.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { portableHasher } from '../../../src/core/record/hashing.ts'
import { epochMs } from '../../../src/core/time.ts'
import type { BroadcastView, GateEvent } from '../../../src/ports.ts'
import { aGate, aStrike, policyOf, STRIKE_RULE, type TestGate } from '../../support/gate.ts'
import {
  API_KEY,
  API_SECRET,
  type LiveKitServer,
  startLiveKit,
  type Webhook,
} from '../../support/livekit-server.ts'
import { aServer } from './desk.ts'

const WAIT = { timeout: 5_000, interval: 5 }

let livekit: LiveKitServer
let world: TestGate
let hooks: Hooks
let keeper: Keeper
let errors: unknown[]

const server = (reconcile_ms = 0): MediaServer =>
  aServer({
    ...{ id: 'sfu-1', kind: 'livekit', subject_from: 'name', playback: 'keep', reconcile_ms },
    secret: new ServerSecret(API_SECRET, utf8(API_SECRET)),
    control: livekit.url,
    control_auth: new ControlAuth('livekit', API_KEY, API_SECRET),
  })

async function open(reconcile_ms = 0): Promise<void> {
  let known: Keeper | null = null
  world = await aGate({
    policy: policyOf(STRIKE_RULE),
    onRevoked: (view: BroadcastView) => known?.revoked(view),
  })
  world.clock.set(epochMs(Date.now()))
  const { gate, store, clock } = world
  const sessions = createSessions(() => performance.now())
  const shared = {
    ...{ gate, clock, after, sessions, servers: [server(reconcile_ms)] },
    ...{ streamKeys: store.streamKeys, directory: store.directory, broadcasts: store.broadcasts },
    pepper: { hash: (what: string, text: string) => portableHasher.digestText(`${what} ${text}`) },
    random: { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) },
    observe: (event: GateEvent) => world.events.push(event),
  }
  keeper = createKeeper({
    ...{ ...shared, renewals: createRenewals(), elapsed: () => performance.now() },
    fetch: (url, init) => fetch(url, init),
    onError: (error) => errors.push(error),
  })
  known = keeper
  hooks = createHooks({ ...shared, keeper })
  await keeper.start()
}

beforeEach(async () => {
  errors = []
  livekit = await startLiveKit()
  await open()
})
afterEach(async () => {
  await keeper.stop()
  await livekit.close()
  expect(errors).toEqual([])
})

function call(body: string, headers: HeadersInit): Promise<Response> {
  const url = 'https://gate.example/hooks/livekit/sfu-1'
  return hooks.handle('livekit', 'sfu-1', {
    method: 'POST',
    url,
    headers: new Headers(headers),
    body: utf8(body),
  })
}

const ask = (identity: string, room = 'live-42', event = 'start'): Promise<Response> =>
  call(JSON.stringify({ event, room, identity }), {
    ...{ 'content-type': 'application/json', authorization: `Bearer ${API_SECRET}` },
  })

async function tokenFor(identity: string): Promise<string> {
  const response = await ask(identity)
  expect(response.status).toBe(200)
  return ((await response.json()) as { readonly token: string }).token
}

const tell = ({ body, headers }: Webhook): Promise<Response> => call(body, headers)

async function join(token: string): Promise<void> {
  for (const webhook of await livekit.join(token))
    expect([200, 403]).toContain((await tell(webhook)).status)
}

const openOf = async (subject: string) => (await world.store.ledger.load(subject)).broadcasts
const gone = (place: string) =>
  vi.waitFor(() => expect(livekit.publishers).not.toContain(place), WAIT)

describe('a publisher who may go live', () => {
  it('gets a token that LiveKit’s own verifier takes, for one room and a minute', async () => {
    const response = await ask('u_1')
    const answer = (await response.json()) as Record<string, string>
    const claims = await new TokenVerifier(API_KEY, API_SECRET).verify(answer.token ?? '')
    expect(claims).toMatchObject({
      ...{ sub: 'u_1', iss: API_KEY, jti: answer.decision },
      video: { roomJoin: true, room: 'live-42', canPublish: true },
    })
    expect(Number(claims.exp) - Math.floor(Date.now() / 1000)).toBeLessThanOrEqual(60)
    expect(await openOf('u_1')).toMatchObject([
      { session: liveKitSession('live-42', 'u_1'), handle: liveKitHandle('live-42', 'u_1') },
    ])
    await join(answer.token ?? '')
    expect(livekit.publishers).toContain('live-42/u_1')
    await world.verify()
  })

  it('leaves with the webhook, and not when the same person joins a second time', async () => {
    await join(await tokenFor('u_1'))
    const duplicate = { disconnectReason: 'DUPLICATE_IDENTITY' }
    await tell(await livekit.webhook('participant_left', 'live-42', 'u_1', duplicate))
    expect(await openOf('u_1')).toHaveLength(1)
    await tell(await livekit.webhook('participant_left', 'live-42', 'u_1'))
    expect(await openOf('u_1')).toEqual([])
  })

  it('is put out by a strike, loses the right to publish first, and again when an old token brings him back', async () => {
    const token = await tokenFor('u_1')
    await join(token)
    const { revoked } = await world.gate.strike(aStrike('s_1', 'u_1'))
    expect(revoked).toHaveLength(1)
    await gone('live-42/u_1')
    const cuts = livekit.calls
      .filter(({ body }) => body.identity === 'u_1')
      .map(({ method }) => method)
    expect(cuts).toEqual(['UpdateParticipant', 'RemoveParticipant'])
    await vi.waitFor(async () => expect(await openOf('u_1')).toEqual([]), WAIT)
    for (let again = 0; again < 3; again++) {
      await join(token)
      await gone('live-42/u_1')
    }
    expect((await ask('u_1')).status).toBe(403)
    await world.verify()
  })
})

test('a name under which nobody could be put out again gets no token', async () => {
  expect((await ask('u_1', 'ü'.repeat(100))).status).toBe(400)
  expect((await ask('/'.repeat(200))).status).toBe(400)
  expect((await ask('u/ü 1', 'ü'.repeat(50))).status).toBe(200)
})

describe('somebody who came in by another door', () => {
  const sideDoor = async (identity: string): Promise<string> => {
    const token = new AccessToken(API_KEY, API_SECRET, { identity, ttl: 3_600 })
    token.addGrant({ roomJoin: true, room: 'live-42', canPublish: true })
    return token.toJwt()
  }

  it('is decided when he joins, on record as ungated, and stays where he may', async () => {
    await join(await sideDoor('u_7'))
    expect(await openOf('u_7')).toHaveLength(1)
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'ungated', kept: true }))
    expect(livekit.publishers).toContain('live-42/u_7')
  })

  it('is put out where he may not', async () => {
    await world.gate.strike(aStrike('s_7', 'u_7'))
    await join(await sideDoor('u_7'))
    await gone('live-42/u_7')
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'ungated', kept: false }))
  })

  it('is found by the list when no webhook arrives', async () => {
    await keeper.stop()
    await open(5)
    await world.gate.strike(aStrike('s_7', 'u_7'))
    await livekit.join(await sideDoor('u_7'))
    await gone('live-42/u_7')
  })

  it('who only watches or works for the server is nobody’s business', async () => {
    for (const more of [
      { permission: { canPublish: false } },
      // As LiveKit writes it: what is false is left out.
      { permission: { canSubscribe: true, canPublishData: true } },
      { permission: {} },
      { kind: 'EGRESS' },
      { kind: 'AGENT' },
      { kind: 4 },
    ])
      await tell(await livekit.webhook('participant_joined', 'live-42', 'u_8', more))
    expect(await openOf('u_8')).toEqual([])
    expect(world.store.log.size()).toBe((await aGate()).store.log.size())
  })
})

describe('a webhook', () => {
  it('proves itself as the SDK’s receiver wants it, and counts once', async () => {
    const webhook = await livekit.webhook('participant_left', 'live-42', 'u_1')
    const receiver = new WebhookReceiver(API_KEY, API_SECRET)
    const header = webhook.headers.get('authorization') ?? ''
    expect((await receiver.receive(webhook.body, header)).event).toBe('participant_left')
    expect((await tell(webhook)).status).toBe(200)
    expect((await tell(webhook)).status).toBe(401)
  })

  const wrong: readonly [string, (webhook: Webhook) => Webhook][] = [
    ['of another body', (one) => ({ ...one, body: one.body.replace('u_1', 'u_2') })],
    [
      'without a token',
      (one) => ({ ...one, headers: new Headers({ 'content-type': 'application/webhook+json' }) }),
    ],
    [
      'with a token of no algorithm',
      (one) => withToken(one, (jwt) => ['eyJhbGciOiJub25lIn0', jwt.split('.')[1], ''].join('.')),
    ],
    ['with a part more', (one) => withToken(one, (jwt) => `${jwt}.x`)],
    ['with half a signature', (one) => withToken(one, (jwt) => jwt.slice(0, -20))],
    ['with the secret shown instead', (one) => withToken(one, () => `Bearer ${API_SECRET}`)],
  ]
  const withToken = (one: Webhook, change: (jwt: string) => string): Webhook => {
    const headers = new Headers(one.headers)
    headers.set('authorization', change(one.headers.get('authorization') ?? ''))
    return { ...one, headers }
  }
  it.each(wrong)('%s is nobody’s', async (_name, change) => {
    const webhook = change(await livekit.webhook('participant_left', 'live-42', 'u_1'))
    expect((await tell(webhook)).status).toBe(401)
  })

  it('of an hour ago or from tomorrow is nobody’s', async () => {
    const webhook = await livekit.webhook('participant_left', 'live-42', 'u_1')
    for (const off of [-3_600_000, 3_600_000]) {
      world.clock.set(epochMs(Date.now() + off))
      expect((await tell(webhook)).status).toBe(401)
    }
  })
})

test('a refused publisher gets no token, a platform without the secret no answer', async () => {
  await world.gate.strike(aStrike('s_1', 'u_1'))
  const refused = await ask('u_1')
  expect(refused.status).toBe(403)
  expect(await refused.text()).not.toContain('token')
  const headers = {
    'content-type': 'application/json',
    authorization: 'Bearer nobody-knows-this-one',
  }
  const body = JSON.stringify({ event: 'start', room: 'r', identity: 'u_2' })
  expect((await call(body, headers)).status).toBe(401)
})

test.each([
  ['no room', { event: 'start', identity: 'u_1' }],
  ['no identity', { event: 'start', room: 'r' }],
  ['a control character', { event: 'start', room: 'r\n', identity: 'u_1' }],
  ['an unknown event', { event: 'begin', room: 'r', identity: 'u_1' }],
])('a question with %s is refused and decides nothing', async (_name, body) => {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_SECRET}` }
  expect((await call(JSON.stringify(body), headers)).status).toBe(400)
})

describe('the control interface', () => {
  it('is asked what the SDK asks', async () => {
    await livekit.join(await tokenFor('u_1'))
    const client = new RoomServiceClient(livekit.url, API_KEY, API_SECRET)
    await client.listRooms()
    await client.listParticipants('live-42')
    const theirs = livekit.calls.map(({ method, body }) => ({ method, body }))
    livekit.forget()
    const control = controlOf(
      { fetch: (url, init) => fetch(url, init), after, clock: world.clock },
      server(),
    )
    const listed = await control?.driver.list(control.access)
    expect(listed).toMatchObject({ ok: true, value: [{ app: 'live-42', name: 'u_1' }] })
    expect(livekit.calls.map(({ method }) => method)).toEqual(theirs.map(({ method }) => method))
    expect(livekit.calls.at(-1)?.body).toEqual(theirs.at(-1)?.body)
  })

  it('lists no machines, however their kind is written', async () => {
    const tracks = [{ sid: 'TR_1' }]
    const all = ['AGENT', 4, 'STANDARD', 0].map((kind, i) => ({ identity: `p${i}`, kind, tracks }))
    livekit.instead = (method) => {
      const list = method === 'ListRooms' ? { rooms: [{ name: 'r' }] } : { participants: all }
      return { status: 200, body: JSON.stringify(list) }
    }
    const control = controlOf(
      { fetch: (url, init) => fetch(url, init), after, clock: world.clock },
      server(),
    )
    const listed = await control?.driver.list(control.access)
    expect(listed).toMatchObject({ ok: true, value: [{ name: 'p2' }, { name: 'p3' }] })
  })

  it.each([
    ['HTML', { status: 200, body: '<html>' }, 'unreadable'],
    ['a room without a name', { status: 200, body: '{"rooms":[{}]}' }, 'unreadable'],
    ['an error', { status: 500, body: '{}' }, 'unreadable'],
    ['a list that is none', { status: 200, body: '{"rooms":7}' }, 'unreadable'],
    ['401', { status: 401, body: '{}' }, 'refused'],
  ])('that answers %s says nothing', async (_name, answer, fault) => {
    livekit.instead = () => answer
    const control = controlOf(
      { fetch: (url, init) => fetch(url, init), after, clock: world.clock },
      server(),
    )
    expect(await control?.driver.list(control.access)).toEqual({ ok: false, error: fault })
    if (answer.body.includes('rooms')) return
    const ref = { session: 's', handle: 'live-42/u_1' }
    expect((await control?.driver.cut(control.access, ref))?.ok).toBe(false)
  })
})

test('the servers file says what LiveKit needs', () => {
  const read = (members: string) =>
    parseServersFile(utf8(`servers:\n  - { id: s, kind: livekit, ${members} }\n`), 'f', {
      env: () => undefined,
      file: () => null,
    })
  const good = `secret: ${API_SECRET}, subject: { from: name }, control: "http://127.0.0.1:7880"`
  expect(read(`${good}, api_key: APIdemo`)).toMatchObject({
    ok: true,
    value: { servers: [{ control_auth: { scheme: 'livekit', user: 'APIdemo' } }] },
  })
  for (const members of [
    good,
    `${good.replace('name', 'stream_key')}, api_key: APIdemo`,
    `${good}, api_key: A, control_auth: { scheme: bearer, secret: abc }`,
  ])
    expect(read(members).ok).toBe(false)
})
