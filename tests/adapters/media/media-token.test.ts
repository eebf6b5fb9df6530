/** Tokens for MediaMTX, checked the way it checks them: by the JWKS of the gate, issuer, audience, time and path. */
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import type { ControlAccess } from '../../../src/adapters/media/control.ts'
import type { MediaDialect } from '../../../src/adapters/media/dialect.ts'
import { dialectFor } from '../../../src/adapters/media/dialects.ts'
import { mediamtxJwtControl } from '../../../src/adapters/media/mediamtx-jwt-control.ts'
import { ServerSecret } from '../../../src/adapters/media/server-secret.ts'
import { utf8 } from '../../../src/core/encoding.ts'
import { err, ok } from '../../../src/core/result.ts'
import { ALLOW, aDesk, aServer, DENY, type DeskSetup, NOW, SECRET, type TestDesk } from './desk.ts'
import { PUBLIC_NAME, SESSION_ID } from './knock.ts'
import { scriptedAccess } from './scripted-access.ts'

const KIND = 'mediamtx-jwt'
const dialect: MediaDialect = dialectFor(KIND)

function server(id = 'edge-1', text = `${id}-${SECRET}`) {
  return aServer({ id, kind: KIND, secret: new ServerSecret(text, utf8(text)) })
}

function deskWith(setup: DeskSetup = {}): TestDesk {
  return aDesk({ servers: [server(), server('edge-2')], ...setup })
}

async function ask(desk: TestDesk, changes: object = {}, id = 'edge-1') {
  const body = JSON.stringify({
    event: 'start',
    session: 's-1',
    app: 'live',
    name: 'k7f3q9',
    ...changes,
  })
  const options = {
    kind: KIND,
    server: id,
    secret: `${id}-${SECRET}`,
    content_type: 'application/json',
  }
  const response = await desk.post(body, options)
  const text = await response.text()
  return { status: response.status, text, body: JSON.parse(text) as Record<string, unknown> }
}

async function jwks(desk: TestDesk, id = 'edge-1') {
  const response = await desk.hooks.keys(KIND, id)
  return createLocalJWKSet((await response?.json()) as JSONWebKeySet)
}

const at = (ms: number) => ({
  currentDate: new Date(NOW + ms),
  issuer: 'livegate',
  audience: 'edge-1',
})

describe('a token for MediaMTX', () => {
  it('is made after an allow, for one path, and is what the server checks', async () => {
    const desk = deskWith()
    const { status, body, text } = await ask(desk)
    expect([status, body]).toEqual([
      200,
      {
        allowed: true,
        decision: ALLOW.id,
        path: `live/${PUBLIC_NAME}`,
        token: expect.any(String),
        expires_at: new Date(NOW + 60_000).toISOString(),
      },
    ])
    const { payload } = await jwtVerify(String(body.token), await jwks(desk), at(0))
    expect(payload).toEqual({
      iss: 'livegate',
      aud: 'edge-1',
      sub: 's-1',
      jti: ALLOW.id,
      iat: NOW / 1000,
      exp: NOW / 1000 + 60,
      mediamtx_permissions: [{ action: 'publish', path: `live/${PUBLIC_NAME}` }],
    })
    // golang-jwt knows Ed25519 by this name only.
    expect(decodeProtectedHeader(String(body.token))).toMatchObject({ alg: 'EdDSA' })
    expect(text).not.toContain('k7f3q9')
  })

  it('lives a minute', async () => {
    const desk = deskWith()
    const token = String((await ask(desk)).body.token)
    await expect(jwtVerify(token, await jwks(desk), at(59_000))).resolves.toBeDefined()
    await expect(jwtVerify(token, await jwks(desk), at(60_000))).rejects.toThrow('"exp"')
  })

  it('opens no other server, and not this one under another secret', async () => {
    const desk = deskWith()
    const token = String((await ask(desk)).body.token)
    await expect(jwtVerify(token, await jwks(desk, 'edge-2'), at(0))).rejects.toThrow()
    const rotated = aDesk({ servers: [server('edge-1', `of-another-year-${SECRET}`)] })
    await expect(jwtVerify(token, await jwks(rotated), at(0))).rejects.toThrow()
  })

  it('changed in one character is none', async () => {
    const desk = deskWith()
    const token = String((await ask(desk)).body.token)
    const keys = await jwks(desk)
    for (const place of [30, 120, token.length - 5]) {
      const other = token[place] === 'A' ? 'B' : 'A'
      const changed = token.slice(0, place) + other + token.slice(place + 1)
      await expect(jwtVerify(changed, keys, at(0))).rejects.toThrow()
    }
  })

  it('is not made after anything but an allow', async () => {
    const setups: readonly DeskSetup[] = [
      { decide: () => DENY },
      { keys: [] },
      { decide: () => Promise.reject(new Error('log')) },
    ]
    for (const setup of setups) {
      const { status, text } = await ask(deskWith(setup))
      expect([Math.floor(status / 100) >= 4, text.includes('token')]).toEqual([true, false])
    }
    const stranger = await deskWith().post('{}', { kind: KIND, secret: 'x' })
    expect(stranger.status).toBe(401)
  })

  it('names no pattern and no path outside: `~` and the empty path would be every path', async () => {
    const desk = deskWith({ servers: [{ ...server(), subject_from: 'name', playback: 'keep' }] })
    for (const [i, name] of ['~.*', '~', '../x', 'a/b', 'a b', '.x', '*'].entries())
      expect((await ask(desk, { name, session: `n-${i}` })).text).not.toContain('token')
    for (const app of ['~live', 'live/', '/live', 'a//b', '..'])
      expect((await ask(desk, { app })).text).not.toContain('token')
    expect((await ask(desk, { name: 'u_81f', app: '' })).body.path).toBe('u_81f')
  })

  it('that cannot be made leaves nothing open', async () => {
    const servers = [{ ...server(), subject_from: 'name', playback: 'keep' } as const]
    const desk = deskWith({ servers })
    const { status, body } = await ask(desk, { name: '~' })
    expect([status, body]).toEqual([503, { allowed: false, refused: 'unavailable' }])
    expect([desk.asked.length, desk.ended]).toEqual([1, ['edge-1/s-1', 'edge-1/s-1']])
  })

  it('without the signing part the answer is a refusal', () => {
    const reply = dialect.render({ type: 'admit', playback_name: null, decision: 'd' })
    expect(reply.status).toBe(503)
  })

  it('needs a secret that cannot be tried by those who see what it signs', () => {
    expect(dialect.signingKey?.('x'.repeat(31))).toBeNull()
    expect(dialect.signingKey?.('x'.repeat(32))).not.toBeNull()
  })
})

describe('the keys', () => {
  it('are public ones, and only of servers that check tokens', async () => {
    const desk = aDesk({ servers: [server(), aServer({ id: 'nginx' })] })
    const document = await (await desk.hooks.keys(KIND, 'edge-1'))?.text()
    expect(JSON.parse(document ?? '')).toEqual({
      keys: [
        {
          kty: 'OKP',
          crv: 'Ed25519',
          x: expect.stringMatching(/^[\w-]{43}$/),
          kid: expect.stringMatching(/^[\w-]{43}$/),
          alg: 'EdDSA',
          use: 'sig',
        },
      ],
    })
    for (const [kind, id] of [
      ['nginx-rtmp', 'nginx'],
      [KIND, 'edge-9'],
      ['nginx-rtmp', 'edge-1'],
    ] as const)
      expect(await desk.hooks.keys(kind, id)).toBeNull()
  })

  it('follow from the secret alone, so that every host makes the same', async () => {
    const texts = [deskWith(), deskWith()].map(async (desk) =>
      (await desk.hooks.keys(KIND, 'edge-1'))?.text(),
    )
    const [one, other] = await Promise.all(texts)
    expect(one).toBe(other)
  })
})

describe('who came in by a token', () => {
  const KINDS = [
    'rtmpconns',
    'rtmpsconns',
    'rtspsessions',
    'rtspssessions',
    'srtconns',
    'webrtcsessions',
    'moqsessions',
  ]
  const none = { status: 200, body: '{"itemCount":0,"pageCount":0,"items":[]}' }
  const item = (changes: object) => ({
    id: SESSION_ID,
    state: 'publish',
    path: `live/${PUBLIC_NAME}`,
    user: 's-1',
    query: '',
    ...changes,
  })
  const lists = (kind: string, ...items: object[]) =>
    KINDS.map((one) => ({
      call: `GET /v3/${one}/list?itemsPerPage=1000&page=0`,
      ...(one === kind
        ? { status: 200, body: JSON.stringify({ pageCount: 1, items }) }
        : one === 'moqsessions'
          ? { status: 404, body: '404 page not found' }
          : none),
    }))

  it('is listed under the session of the token', async () => {
    const access = scriptedAccess(
      lists(
        'srtconns',
        item({}),
        item({ state: 'read', user: '' }),
        item({ state: 'idle', path: '' }),
      ),
    )
    const session = {
      session: 's-1',
      handle: `srtconns/${SESSION_ID}`,
      app: 'live',
      name: PUBLIC_NAME,
    }
    expect(await mediamtxJwtControl.list(access)).toEqual(ok([session]))
    expect(access.left()).toEqual([])
  })

  it('and who did not stands for himself', async () => {
    const list = await mediamtxJwtControl.list(
      scriptedAccess(lists('rtmpconns', item({ user: '' }))),
    )
    expect(list).toMatchObject({ ok: true, value: [{ session: SESSION_ID }] })
  })

  it('is cut wherever he is connected, by the ids of his connections', async () => {
    const kick = (status: number) => ({
      call: `POST /v3/srtconns/kick/${SESSION_ID}`,
      status,
      body: '{}',
    })
    for (const [status, result] of [
      [200, ok({ dropped: 1 })],
      [404, ok({ dropped: 0 })],
      [500, err('unreadable')],
    ] as const) {
      const access = scriptedAccess([...lists('srtconns', item({})), kick(status)])
      expect(await mediamtxJwtControl.cut(access, { session: 's-1', handle: '' })).toEqual(result)
    }
    const elsewhere = scriptedAccess(lists('srtconns', item({})))
    expect(await mediamtxJwtControl.cut(elsewhere, { session: 's-2', handle: '' })).toEqual(
      ok({ dropped: 0 }),
    )
  })

  for (const body of [
    '{}',
    '[]',
    '<h1>',
    '{"pageCount":1,"items":[{}]}',
    JSON.stringify({ pageCount: 1, items: [item({ id: '../x' })] }),
    JSON.stringify({ items: [] }),
  ])
    it(`${body.slice(0, 40)} is no list`, async () => {
      const access: ControlAccess = {
        call: async () => ok({ status: 200, content_type: '', body: utf8(body) }),
      }
      expect(await mediamtxJwtControl.list(access)).toEqual(err('unreadable'))
    })
})
