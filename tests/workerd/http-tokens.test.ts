/** Access tokens on the edge: an issuer's keys are fetched, and no token that only looks right is taken. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Env } from '../../src/adapters/cloudflare/env.ts'
import worker from '../../src/worker.ts'

const ISSUER = 'https://id.example'
const AUDIENCE = 'https://gate.example'
const HEADER = { alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' }
const keys = await generateKeyPair('EdDSA', { extractable: true })
const strangers = await generateKeyPair('EdDSA')
let deployment: Env

beforeAll(async () => {
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'EdDSA' }
  const set = encodeURIComponent(JSON.stringify({ keys: [jwk] }))
  deployment = {
    ...env,
    LIVEGATE_JWT_ISSUER: ISSUER,
    LIVEGATE_JWT_AUDIENCE: AUDIENCE,
    LIVEGATE_JWT_JWKS: `data:application/json,${set}`,
  }
})

const now = (): number => Math.floor(Date.now() / 1000)
const claims = (): JWTPayload => ({
  ...{ iss: ISSUER, aud: AUDIENCE, sub: 'backend', client_id: 'backend', scope: 'read' },
  ...{ iat: now(), exp: now() + 60, jti: 'x' },
})
const signed = (payload: JWTPayload, header: object = HEADER, key = keys.privateKey) =>
  new SignJWT(payload).setProtectedHeader(header as typeof HEADER).sign(key)

async function asked(token: string, path = '/v1/policies'): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  const request = new Request<unknown, IncomingRequestCfProperties>(`https://gate.example${path}`, {
    headers,
  })
  const response = await worker.fetch?.(request, deployment, createExecutionContext())
  await response?.arrayBuffer()
  return response?.status ?? 0
}

describe('an access token', () => {
  it('of the issuer may do what its scope says, and nothing else', async () => {
    const token = await signed(claims())
    expect(await asked(token)).toBe(200)
    expect(await asked(token, '/v1/records')).toBe(403)
  })

  const past = now() - 3600
  const wrong: readonly (readonly [what: string, token: () => Promise<string> | string])[] = [
    ['without a signature', () => new UnsecuredJWT(claims()).encode()],
    ['of another key under the same name', () => signed(claims(), HEADER, strangers.privateKey)],
    [
      'of a key nobody published',
      () => signed(claims(), { ...HEADER, kid: 'k2' }, strangers.privateKey),
    ],
    ['that is no access token', () => signed(claims(), { ...HEADER, typ: 'JWT' })],
    ['of another issuer', () => signed({ ...claims(), iss: 'https://evil.example' })],
    ['for somebody else', () => signed({ ...claims(), aud: 'https://other.example' })],
    ['that is over', () => signed({ ...claims(), iat: past, exp: past + 60 })],
    ['without an end', () => signed({ ...claims(), exp: undefined } as unknown as JWTPayload)],
    [
      'signed with the public key as if it were a secret',
      async () => {
        const { x = '' } = await exportJWK(keys.publicKey)
        const header = { alg: 'HS256', typ: 'at+jwt', kid: 'k1' }
        const secret = new TextEncoder().encode(x)
        return new SignJWT(claims()).setProtectedHeader(header).sign(secret)
      },
    ],
  ]
  for (const [what, token] of wrong)
    it(`${what} is nobody's`, async () => expect(await asked(await token())).toBe(401))
})
