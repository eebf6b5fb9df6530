import { describe, expect, it } from 'vitest'
import { aFixture, DIGEST, POLICY_TEXT } from '../../support/http.ts'

describe('for those who run it', () => {
  it('healthz says alive, even when nothing else works', async () => {
    const { send, world } = aFixture()
    world.failure = new Error('broken')
    world.readiness = { ready: false, code: 'halted', why: 'the log is halted' }
    expect(await (await send({ path: '/healthz' })).json()).toEqual({ status: 'alive' })
  })

  it('readyz says ready, or why not', async () => {
    const { send, world } = aFixture()
    expect(await (await send({ path: '/readyz' })).json()).toEqual({ status: 'ready' })
    world.readiness = { ready: false, code: 'log_unavailable', why: 'no policy is in the log yet' }
    const response = await send({ path: '/readyz' })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await response.json()).toMatchObject({
      code: 'log_unavailable',
      detail: 'Cannot decide: no policy is in the log yet',
    })
  })

  it('metrics are Prometheus text', async () => {
    const response = await aFixture().send({ path: '/metrics' })
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toContain('livegate_decisions_total')
  })

  it('policies are listed, and each is there as its exact bytes', async () => {
    const { send } = aFixture()
    expect(await (await send({ path: '/v1/policies', as: 'read' })).json()).toEqual({
      policies: [
        {
          name: 'one-strike',
          digest: DIGEST,
          active: true,
          activated_at: '2026-11-20T12:00:00.000Z',
        },
      ],
      revisions: [],
    })
    const response = await send({ path: `/v1/policies/${DIGEST}`, as: 'read' })
    expect(response.headers.get('content-type')).toBe('application/yaml; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('private, max-age=31536000, immutable')
    expect(await response.text()).toBe(POLICY_TEXT)
  })

  for (const digest of [
    `sha256-${'B'.repeat(43)}`,
    'sha256-',
    DIGEST.toLowerCase(),
    '..%2f..%2fetc',
  ])
    it(`there is no policy ${digest.slice(0, 16)}`, async () => {
      const response = await aFixture().send({ path: `/v1/policies/${digest}`, as: 'read' })
      expect(response.status).toBe(404)
    })

  it('the public keys are a JWK set', async () => {
    const response = await aFixture().send({ path: '/.well-known/jwks.json' })
    expect(response.headers.get('content-type')).toBe('application/jwk-set+json')
    expect(await response.json()).toMatchObject({ keys: [{ kty: 'OKP', crv: 'Ed25519' }] })
  })
})
