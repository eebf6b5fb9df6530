/**
 * Who may do what, for every route there is; and that a path or method that is none is a problem document.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { accessOf, methodAndPath, ROUTE_IDS, type RouteId } from '../../src/adapters/http/scopes.ts'
import { toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { type Host, NARROW_SCOPES, problem, type Sent, send } from './host.ts'

/** Text of a token that claims everything and is signed by nobody, or by what it brings along. */
function jwt(header: object, signature = ''): string {
  const part = (value: object): string => toBase64Url(utf8(JSON.stringify(value)))
  const claims = { iss: 'https://id.example', sub: 'x', scope: 'admin', exp: 4_000_000_000 }
  return `${part(header)}.${part(claims)}.${signature}`
}

const STRANGERS: Readonly<Record<string, string>> = {
  'no scheme': 'lg_admin_0123456789abcdefghijklmnopqrstuv',
  'another scheme': 'Basic bGc6bGc=',
  nothing: 'Bearer ',
  'an unknown id': `Bearer lg_nobody_${'a'.repeat(43)}`,
  'an id without its secret': `Bearer lg_admin_${'a'.repeat(43)}`,
  'a key that is too short': 'Bearer lg_a_b',
  'a token of algorithm none': `Bearer ${jwt({ alg: 'none', typ: 'at+jwt' })}`,
  'a token that brings its own key': `Bearer ${jwt({ alg: 'EdDSA', typ: 'at+jwt', jwk: {} }, 'AA')}`,
  'a token under a shared secret': `Bearer ${jwt({ alg: 'HS256', typ: 'at+jwt' }, 'AA')}`,
}

export function accessSuite(create: () => Promise<Host>): void {
  let host: Host
  beforeAll(async () => {
    host = await create()
  })

  /** A request for a route; what its path names need not exist: callers are known first. */
  const requestOf = (route: RouteId): Sent & { readonly method: string } => {
    const { method, path } = methodAndPath(route, host.shards)
    const named = path.replaceAll(':shard', '0').replace(':digest', `sha256-${'A'.repeat(43)}`)
    const filled = named.replaceAll(/:[a-z]+/g, 'x').replace('*', '000')
    return { method, path: filled, ...(/P(OST|UT|ATCH)/.test(method) ? { body: {} } : {}) }
  }

  describe('every route that is not for everybody', () => {
    for (const route of ROUTE_IDS) {
      const { scope, opened_by, delegated } = accessOf(route)
      if (scope === null || opened_by === 'metrics_public' || delegated === true) continue
      it(`${route} takes the scope ${scope} and nothing less`, async () => {
        const sent = requestOf(route)
        await problem(host, { ...sent, as: null }, { status: 401, code: 'unauthenticated' })
        for (const held of NARROW_SCOPES) {
          const { status } = await send(host, { ...sent, as: held })
          expect([held, status === 403]).toEqual([held, held !== scope])
        }
        expect([401, 403]).not.toContain((await send(host, sent)).status)
      })
    }
  })

  describe('callers', () => {
    for (const [what, authorization] of Object.entries(STRANGERS))
      it(`${what} is nobody`, async () => {
        const sent = { path: '/v1/policies', headers: { authorization } }
        await problem(host, sent, { status: 401, code: 'unauthenticated' })
        const { headers } = await send(host, sent)
        expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="livegate"/)
      })

    it('learn what is left of their rate', async () => {
      const { headers } = await send(host, { path: '/v1/policies', as: 'read' })
      expect(headers.get('ratelimit-policy')).toMatch(/^"caller";q=\d+;w=\d+$/)
      expect(headers.get('ratelimit')).toMatch(/^"caller";r=\d+;t=\d+$/)
    })
  })

  describe('media servers', () => {
    it('that are not configured are not found', async () => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const sent = {
        method: 'POST',
        path: '/hooks/nginx-rtmp/nobody',
        body: 'call=publish',
        headers,
      }
      const { status } = await send(host, { ...sent, as: null })
      expect([401, 403, 404]).toContain(status)
    })
  })

  describe('paths', () => {
    const NOWHERE: readonly string[] = [
      '/',
      '/v1',
      '/v1/',
      '/v1/decisions/',
      '/v1//decisions',
      '/V1/decisions',
      '/v1/%64ecisions',
      '/v1/subjects',
      '/v1/strikes/s_1',
      '/.well-known/jwks',
      '/openapi.json/',
      '/admin',
    ]
    for (const path of NOWHERE)
      it(`${path} leads nowhere`, () =>
        problem(host, { path }, { status: 404, code: 'not_found' }).then(() => undefined))

    it('take no other method, and say which they take', async () => {
      for (const [method, path, allow] of [
        ['DELETE', '/v1/decisions', 'GET, HEAD, POST'],
        ['PUT', '/v1/subjects/u/strikes', 'POST'],
        ['POST', '/healthz', 'GET, HEAD'],
        ['PATCH', '/v1/stream-keys/sk_x', 'DELETE'],
      ] as const) {
        const given = await send(host, { method, path })
        expect([path, given.status, given.headers.get('allow')]).toEqual([path, 405, allow])
      }
    })

    it('that do not decode are refused', async () => {
      for (const path of ['/v1/subjects/%ff', '/v1/subjects/%c0%af/facts'])
        await problem(host, { path }, { status: 400, code: 'invalid_request' })
    })
  })
}
