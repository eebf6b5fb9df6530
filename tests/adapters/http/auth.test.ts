import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { apiKeyFromToken, newApiKey, parseApiKey } from '../../../src/adapters/http/api-key.ts'
import { aFixture, type Fixture, standingClock } from '../../support/http.ts'

const DECIDE = { method: 'POST', path: '/v1/decisions', body: { subject: 'u_1' } } as const

async function refusal(fixture: Fixture, authorization: string): Promise<[number, string]> {
  const response = await fixture.send({ ...DECIDE, as: { authorization } })
  const body = (await response.json()) as { detail?: string }
  return [response.status, body.detail ?? '']
}

describe('API keys', () => {
  const secret = 'A'.repeat(43)
  const cases: readonly { name: string; authorization: string; detail: string }[] = [
    { name: 'another scheme', authorization: 'Basic dTpw', detail: notBearer() },
    { name: 'a bearer without token', authorization: 'Bearer', detail: notBearer() },
    { name: 'two tokens', authorization: 'Bearer a b', detail: notBearer() },
    { name: 'two blanks', authorization: 'Bearer  lg_a_b', detail: notBearer() },
    { name: 'a key without secret', authorization: 'Bearer lg_abc', detail: malformed() },
    { name: 'a key without id', authorization: `Bearer lg__${secret}`, detail: malformed() },
    { name: 'a short secret', authorization: 'Bearer lg_abc_short', detail: malformed() },
    { name: 'an unknown id', authorization: `Bearer lg_abc_${secret}`, detail: unknown() },
    {
      name: 'something that is no API key while no issuer is configured',
      authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.',
      detail: 'Cannot authenticate: the bearer token is not an API key of this server',
    },
  ]
  for (const { name, authorization, detail } of cases)
    it(`refuses ${name}`, async () => {
      expect(await refusal(aFixture(), authorization)).toEqual([401, detail])
    })

  it('takes the scheme in any case', async () => {
    const fixture = aFixture()
    const authorization = `bEARER ${fixture.token('decide')}`
    expect((await fixture.send({ ...DECIDE, as: { authorization } })).status).toBe(200)
  })

  it('refuses a known id with a secret that differs in one character, in the words used for unknown ids', async () => {
    const fixture = aFixture()
    const token = fixture.token('decide')
    const wrong = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
    expect(await refusal(fixture, `Bearer ${wrong}`)).toEqual([401, unknown()])
  })

  it('refuses a stored hash that is not a hash, even to the empty secret', async () => {
    const fixture = aFixture()
    const token = fixture.token('decide')
    for (const [id, key] of fixture.world.apiKeys)
      fixture.world.apiKeys.set(id, { ...key, secret_hash: '' })
    expect(await refusal(fixture, `Bearer ${token}`)).toEqual([401, unknown()])
  })

  const audiences: readonly { key: string | null; server: string | null; status: number }[] = [
    { key: null, server: null, status: 200 },
    { key: null, server: 'gate-eu', status: 200 },
    { key: 'gate-eu', server: 'gate-eu', status: 200 },
    { key: 'gate-us', server: 'gate-eu', status: 401 },
    { key: 'gate-eu', server: null, status: 401 },
  ]
  for (const { key, server, status } of audiences)
    it(`answers ${status} to a key for ${key} on a server named ${server}`, async () => {
      const fixture = aFixture({ audience: server })
      const authorization = `Bearer ${fixture.token('decide')}`
      for (const [id, stored] of fixture.world.apiKeys)
        fixture.world.apiKeys.set(id, { ...stored, audience: key })
      expect((await fixture.send({ ...DECIDE, as: { authorization } })).status).toBe(status)
    })

  it('sees a revocation by another process after the time a key is remembered', async () => {
    const fixture = aFixture()
    const { world } = fixture
    const authorization = `Bearer ${fixture.token('decide')}`
    const ask = async (): Promise<number> =>
      (await fixture.send({ ...DECIDE, as: { authorization } })).status
    expect(await ask()).toBe(200)
    for (const [id, key] of world.apiKeys)
      world.apiKeys.set(id, { ...key, revoked_at: world.clock.now() })
    world.clock.set(world.clock.now() + 999)
    expect(await ask()).toBe(200)
    world.clock.set(world.clock.now() + 1)
    expect(await ask()).toBe(401)
  })

  it('sees a revocation in this process at once', async () => {
    const fixture = aFixture()
    const authorization = `Bearer ${fixture.token('decide')}`
    expect((await fixture.send({ ...DECIDE, as: { authorization } })).status).toBe(200)
    for (const [id, key] of fixture.world.apiKeys) {
      fixture.world.apiKeys.set(id, { ...key, revoked_at: fixture.world.clock.now() })
      fixture.callerKeys.invalidate(id)
    }
    expect(await refusal(fixture, authorization)).toEqual([
      401,
      'Cannot authenticate: the API key is revoked',
    ])
  })

  it('does not keep what it looked up while a revocation went by', async () => {
    const fixture = aFixture()
    const { callerKeys, world } = fixture
    const token = fixture.token('decide')
    const id = parseApiKey(token)?.id ?? ''
    const looking = callerKeys.find(id)
    callerKeys.invalidate(id)
    await looking
    world.apiKeys.delete(id)
    expect(await callerKeys.find(id)).toBeNull()
  })

  it('looks a key up again when the clock steps back', async () => {
    const fixture = aFixture()
    const { callerKeys, world } = fixture
    const id = parseApiKey(fixture.token('decide'))?.id ?? ''
    expect(await callerKeys.find(id)).not.toBeNull()
    world.apiKeys.delete(id)
    world.clock.set(world.clock.now() - 60_000)
    expect(await callerKeys.find(id)).toBeNull()
  })
})

describe('new keys', () => {
  const clock = standingClock()
  const grant = { scopes: ['admin'], owner: 'ops' } as const

  it('are split in one way only, although secrets may hold underscores', () => {
    const random = { bytes: (length: number) => new Uint8Array(length).fill(0xff) }
    const { token, key } = newApiKey(grant, { random, clock })
    expect(token).toBe(`lg_ffffffffffffffff_${'_'.repeat(42)}8`)
    expect(parseApiKey(token)).toEqual({ id: key.id, secret: `${'_'.repeat(42)}8` })
    expect(JSON.stringify(key)).not.toContain('_'.repeat(42))
  })

  it('chosen by the operator are stored as a hash too, or refused', () => {
    const stored = apiKeyFromToken(`lg_admin_${'s'.repeat(32)}`, grant, clock)
    expect(stored).toMatchObject({ id: 'admin', owner: 'ops', audience: null, revoked_at: null })
    expect(JSON.stringify(stored)).not.toContain('ssss')
    expect(apiKeyFromToken('lg_admin_short', grant, clock)).toBeNull()
    expect(apiKeyFromToken('secret', grant, clock)).toBeNull()
  })
})

/** Claims that replace the good ones; undefined takes one away. */
type Claims = Readonly<Record<string, unknown>>

describe('access tokens', () => {
  const issuer = 'https://login.example'
  const audience = 'https://gate.example'
  let keys: Awaited<ReturnType<typeof generateKeyPair>>
  let others: Awaited<ReturnType<typeof generateKeyPair>>

  beforeAll(async () => {
    keys = await generateKeyPair('ES256', { extractable: true })
    others = await generateKeyPair('ES256')
  })

  function fixtureWith(getKey?: () => Promise<CryptoKey>): Fixture {
    const { publicKey } = keys
    return aFixture({
      deps: { accessTokens: { issuer, audience, keys: getKey ?? (async () => publicKey) } },
    })
  }

  /** A good token; the parameters spoil it. */
  async function aToken(
    clock: { now(): number },
    claims: Claims = {},
    header: { typ?: string; alg?: string } = {},
    key: CryptoKey = keys.privateKey,
  ): Promise<string> {
    const now = Math.floor(clock.now() / 1000)
    const payload: JWTPayload = {
      iss: issuer,
      aud: audience,
      sub: 'svc',
      client_id: 'backend',
      scope: 'decide',
      iat: now,
      exp: now + 300,
      ...claims,
    }
    for (const [name, value] of Object.entries(payload))
      if (value === undefined) delete payload[name]
    return new SignJWT(payload)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header })
      .sign(key)
  }

  it('open the routes of their scope claim, as a caller named after the client', async () => {
    const fixture = fixtureWith()
    const authorization = `Bearer ${await aToken(fixture.world.clock)}`
    expect((await fixture.send({ ...DECIDE, as: { authorization } })).status).toBe(200)
    expect(fixture.world.asked[0]?.caller).toBe('jwt:backend')
    const denied = await fixture.send({ path: '/v1/policies', as: { authorization } })
    expect(denied.status).toBe(403)
  })

  it('name the caller after the subject when there is no client', async () => {
    const fixture = fixtureWith()
    const token = await aToken(fixture.world.clock, { client_id: undefined })
    await fixture.send({ ...DECIDE, as: { authorization: `Bearer ${token}` } })
    expect(fixture.world.asked[0]?.caller).toBe('jwt:svc')
  })

  const spoilt: readonly {
    name: string
    claims?: (now: number) => Claims
    header?: { typ?: string }
    detail: string
  }[] = [
    {
      name: 'of another issuer',
      claims: () => ({ iss: 'https://evil.example' }),
      detail: 'it is of another issuer',
    },
    {
      name: 'for another audience',
      claims: () => ({ aud: 'https://other.example' }),
      detail: 'it is for another audience',
    },
    { name: 'that has expired', claims: (now) => ({ exp: now }), detail: 'it has expired' },
    {
      name: 'that is not valid yet',
      claims: (now) => ({ nbf: now + 60 }),
      detail: 'it is not valid yet',
    },
    {
      name: 'without expiry',
      claims: () => ({ exp: undefined }),
      detail: 'a claim is missing or malformed',
    },
    {
      name: 'without subject',
      claims: () => ({ sub: undefined }),
      detail: 'a claim is missing or malformed',
    },
    {
      name: 'that is an ID token',
      header: { typ: 'JWT' },
      detail: 'its typ is something else, expected at+jwt',
    },
    {
      name: 'that is one of our records',
      header: { typ: 'livegate-decision+jwt' },
      detail: 'its typ is something else, expected at+jwt',
    },
    {
      name: 'whose client has no name',
      claims: () => ({ client_id: '' }),
      detail: 'it names no client',
    },
  ]
  for (const { name, claims, header, detail } of spoilt)
    it(`refuses a token ${name}`, async () => {
      const fixture = fixtureWith()
      const now = Math.floor(fixture.world.clock.now() / 1000)
      const token = await aToken(fixture.world.clock, claims?.(now), header)
      const refused = await refusal(fixture, `Bearer ${token}`)
      expect(refused).toEqual([401, `Cannot accept access token: ${detail}`])
    })

  it('refuses a signature by another key', async () => {
    const fixture = fixtureWith()
    const token = await aToken(fixture.world.clock, {}, {}, others.privateKey)
    expect(await refusal(fixture, `Bearer ${token}`)).toEqual([
      401,
      'Cannot accept access token: its signature does not verify',
    ])
  })

  it('refuses alg none', async () => {
    const fixture = fixtureWith()
    const [, payload] = (await aToken(fixture.world.clock)).split('.')
    const none = `${btoa('{"alg":"none","typ":"at+jwt"}').replace(/=+$/, '')}.${payload}.`
    const [status] = await refusal(fixture, `Bearer ${none}`)
    expect(status).toBe(401)
  })

  it('refuses a public key used as an HMAC secret', async () => {
    const fixture = fixtureWith()
    const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(keys.publicKey)))
    const now = Math.floor(fixture.world.clock.now() / 1000)
    const forged = await new SignJWT({
      iss: issuer,
      aud: audience,
      sub: 's',
      scope: 'admin',
      iat: now,
      exp: now + 60,
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
      .sign(secret)
    expect(await refusal(fixture, `Bearer ${forged}`)).toEqual([
      401,
      'Cannot accept access token: its algorithm is not allowed',
    ])
  })

  it('stops accepting a remembered token when it expires', async () => {
    const fixture = fixtureWith()
    const { clock } = fixture.world
    const authorization = `Bearer ${await aToken(clock, { exp: Math.floor(clock.now() / 1000) + 10 })}`
    expect((await fixture.send({ ...DECIDE, as: { authorization } })).status).toBe(200)
    clock.set(clock.now() + 9_999)
    expect((await fixture.send({ ...DECIDE, as: { authorization } })).status).toBe(200)
    clock.set(clock.now() + 1)
    expect((await fixture.send({ ...DECIDE, as: { authorization } })).status).toBe(401)
  })

  it('asks for the key again after a minute: a key the issuer withdrew stops working', async () => {
    let key = keys.publicKey
    const fixture = fixtureWith(async () => key)
    const { clock } = fixture.world
    const authorization = `Bearer ${await aToken(clock)}`
    const ask = async (): Promise<number> =>
      (await fixture.send({ ...DECIDE, as: { authorization } })).status
    expect(await ask()).toBe(200)
    key = others.publicKey
    clock.set(clock.now() + 59_999)
    expect(await ask()).toBe(200)
    clock.set(clock.now() + 1)
    expect(await ask()).toBe(401)
  })

  it('grants nothing for a scope claim of another type', async () => {
    const fixture = fixtureWith()
    const token = await aToken(fixture.world.clock, { scope: ['decide'] })
    expect(
      (await fixture.send({ ...DECIDE, as: { authorization: `Bearer ${token}` } })).status,
    ).toBe(403)
  })

  it('answers 503, not 401, while the keys of the issuer are out of reach', async () => {
    const fixture = fixtureWith(async () => {
      throw new TypeError('fetch failed')
    })
    const token = await aToken(fixture.world.clock)
    const response = await fixture.send({ ...DECIDE, as: { authorization: `Bearer ${token}` } })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
  })
})

function notBearer(): string {
  return 'Cannot authenticate: the Authorization header is not a bearer token'
}
function malformed(): string {
  return 'Cannot authenticate: the API key is malformed'
}
function unknown(): string {
  return 'Cannot authenticate: the API key is not known'
}
