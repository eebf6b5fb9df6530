import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { createMount } from '../../../src/adapters/http/mount.ts'
import {
  accessOf,
  methodAndPath,
  ROUTE_IDS,
  type RouteId,
  SCOPES,
  type Scope,
  scopesOf,
} from '../../../src/adapters/http/scopes.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { aFixture, type Fixture, type FixtureOptions, scopesBut } from '../../support/http.ts'
import { furnish, SAMPLES } from '../../support/http-routes.ts'

/** Written down a second time on purpose: a change of the table must be meant. */
const NEEDED: Readonly<Record<RouteId, Scope | 'everybody' | 'the server itself'>> = {
  'POST /v1/decisions': 'decide',
  'GET /v1/decisions': 'audit',
  'GET /v1/decisions/:id': 'audit',
  'GET /v1/records': 'audit',
  'GET /v1/rollout': 'audit',
  'GET /v1/decisions/:id/proof': 'audit',
  'POST /v1/explanations': 'decide',
  'GET /v1/broadcasts': 'read',
  'GET /v1/broadcasts/:id': 'read',
  'POST /v1/broadcasts/:id/renewal': 'decide',
  'POST /v1/broadcasts/:id/end': 'decide',
  'POST /v1/broadcasts/:id/cohosts': 'decide',
  'POST /v1/subjects/:subject/strikes': 'strikes',
  'POST /v1/strikes/:id/reversal': 'strikes',
  'GET /v1/subjects/:subject/facts': 'facts',
  'PUT /v1/subjects/:subject/facts': 'facts',
  'PATCH /v1/subjects/:subject/facts': 'facts',
  'GET /v1/subjects/:subject': 'read',
  'DELETE /v1/subjects/:subject': 'admin',
  'GET /v1/subjects/:subject/export': 'identity',
  'PUT /v1/subjects/:subject/legal-hold': 'admin',
  'DELETE /v1/subjects/:subject/legal-hold': 'admin',
  'GET /v1/stream-keys': 'admin',
  'POST /v1/stream-keys': 'admin',
  'POST /v1/stream-keys/:id/rotation': 'admin',
  'DELETE /v1/stream-keys/:id': 'admin',
  'PUT /v1/import': 'admin',
  'GET /v1/policies': 'read',
  'GET /v1/policies/shadow': 'read',
  'GET /v1/policies/:digest': 'read',
  'PUT /v1/policies': 'policy',
  'POST /v1/policies/rollback': 'policy',
  'DELETE /v1/policies/pending': 'policy',
  'GET /v1/webhooks': 'admin',
  'GET /v1/webhooks/:endpoint/dead': 'admin',
  'POST /v1/webhooks/:endpoint/replay': 'admin',
  'GET /v1/servers': 'servers',
  'PUT /v1/servers/:id': 'servers',
  'DELETE /v1/servers/:id': 'servers',
  'GET /v1/incident': 'incident',
  'PUT /v1/incident': 'incident',
  'POST /v1/incident/confirmation': 'incident',
  'DELETE /v1/incident': 'incident',
  'GET /v1/incident/:id/report': 'incident',
  'GET /v1/reviews': 'review',
  'POST /v1/reviews/:id': 'review',
  'GET /v1/keys': 'admin',
  'POST /v1/keys/rotation': 'admin',
  'POST /v1/keys/revocation': 'admin',
  'GET /log/checkpoint': 'everybody',
  'GET /log/checkpoint.witnessed': 'everybody',
  'GET /log/vkey': 'everybody',
  'GET /log/tile/entries/*': 'audit',
  'GET /log/tile/*': 'everybody',
  'GET /.well-known/jwks.json': 'everybody',
  'POST /hooks/:kind/:server': 'the server itself',
  'GET /hooks/:kind/:server/jwks.json': 'everybody',
  'POST /whip/:server': 'the server itself',
  'PATCH /whip/:server/:session': 'the server itself',
  'DELETE /whip/:server/:session': 'the server itself',
  'OPTIONS /whip/:server': 'everybody',
  'OPTIONS /whip/:server/:session': 'everybody',
  'GET /healthz': 'everybody',
  'GET /readyz': 'everybody',
  'GET /metrics': 'metrics',
  'GET /openapi.json': 'everybody',
}

async function furnished(options: FixtureOptions = {}): Promise<Fixture> {
  const hooks = {
    handle: async () => new Response(null, { status: 204 }),
    keys: async () => new Response('{}'),
  }
  const fixture = aFixture({ metrics_public: false, ...options, deps: { hooks } })
  await furnish(fixture)
  return fixture
}

const OPEN: readonly string[] = ['everybody', 'the server itself']

describe('every route × every scope', () => {
  for (const route of ROUTE_IDS) {
    const needed = NEEDED[route]
    const { sent, status } = SAMPLES[route]

    if (OPEN.includes(needed)) {
      it(`${route} is open to callers without a key`, async () => {
        const { send } = await furnished()
        expect((await send(sent)).status).toBe(status)
      })
      continue
    }
    for (const scope of SCOPES) {
      const allowed = scope === needed || scope === 'admin'
      it(`${route} ${allowed ? 'answers' : 'refuses'} a caller with scope ${scope} alone`, async () => {
        const { send } = await furnished()
        const response = await send({ ...sent, as: scope })
        expect(response.status).toBe(allowed ? status : 403)
        if (!allowed) {
          expect(await response.json()).toMatchObject({ code: 'forbidden' })
          expect(response.headers.get('www-authenticate')).toBe(
            `Bearer realm="livegate", error="insufficient_scope", scope="${needed}"`,
          )
        }
      })
    }
    it(`${route} refuses a caller with every other scope together`, async () => {
      const { send } = await furnished()
      const others = scopesBut(needed as Scope)
      expect((await send({ ...sent, as: others })).status).toBe(403)
    })
    it(`${route} answers 401 without a token, and nothing happens`, async () => {
      const { send, world } = await furnished()
      const before = world.asked.length
      const response = await send(sent)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="livegate"')
      expect(world.asked.length).toBe(before)
    })
    it(`${route} answers 401 to a revoked key`, async () => {
      const { send, token, world, callerKeys } = await furnished()
      const authorization = `Bearer ${token(needed as Scope)}`
      expect((await send({ ...sent, as: { authorization } })).status).toBe(status)
      for (const [id, key] of world.apiKeys) {
        world.apiKeys.set(id, { ...key, revoked_at: world.clock.now() })
        callerKeys.invalidate(id)
      }
      expect((await send({ ...sent, as: { authorization } })).status).toBe(401)
    })
  }
})

describe('the table', () => {
  it('has a row for every route of the app, and the app has a route for every row', () => {
    const { app } = aFixture()
    const mounted = app.routes.map(({ method, path }) => `${method} ${path}`)
    expect(mounted.toSorted()).toEqual(ROUTE_IDS.toSorted())
  })

  it('lets no route be mounted that it does not know', () => {
    const { mount } = aMount()
    expect(() => mount('GET /v1/secrets' as RouteId, () => new Response())).toThrow(LivegateError)
    expect(() => mount('toString' as RouteId, () => new Response())).toThrow(LivegateError)
  })

  it('lets no route be mounted twice', () => {
    const { mount } = aMount()
    mount('GET /healthz', () => new Response())
    expect(() => mount('GET /healthz', () => new Response())).toThrow(/Cannot mount GET \/healthz/)
  })

  it('names a scope for everything below /v1', () => {
    for (const route of ROUTE_IDS) {
      const { path } = methodAndPath(route)
      if (path.startsWith('/v1/')) expect(accessOf(route).scope).not.toBeNull()
    }
  })
})

describe('configuration', () => {
  it('opens log entries to everybody with log_public, and says so to caches', async () => {
    const { send } = await furnished({ log_public: true })
    const response = await send({ path: '/log/tile/entries/000' })
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  })

  it('opens metrics with metrics_public', async () => {
    const { send } = await furnished({ metrics_public: true })
    expect((await send({ path: '/metrics' })).status).toBe(200)
  })
})

describe('scopesOf', () => {
  it('spells admin out into every scope', () => {
    expect([...scopesOf(['admin'])].toSorted()).toEqual([...SCOPES].toSorted())
  })

  it('grants nothing for unknown words, other spellings or nothing at all', () => {
    for (const names of [[], ['Decide'], ['decide '], ['*'], ['constructor']])
      expect(scopesOf(names).size).toBe(0)
  })
})

function aMount(): { mount: ReturnType<typeof createMount> } {
  return { mount: createMount(new Hono(), aFixture().deps) }
}
