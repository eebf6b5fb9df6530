import { describe, expect, it } from 'vitest'
import type { HookRequest, Hooks } from '../../../src/adapters/http/hooks.ts'
import { fromUtf8 } from '../../../src/core/encoding.ts'
import { MAX_HOOK_BYTES } from '../../../src/core/limits.ts'
import { aFixture } from '../../support/http.ts'

interface Seen {
  readonly kind: string
  readonly server: string
  readonly request: HookRequest
}

function aRecorder(answer: () => Response): { hooks: Hooks; seen: Seen[] } {
  const seen: Seen[] = []
  return {
    seen,
    hooks: {
      handle: async (kind, server, request) => {
        seen.push({ kind, server, request })
        return answer()
      },
    },
  }
}

const HOOK = {
  method: 'POST',
  path: '/hooks/nginx-rtmp/edge-1?secret=a%20b',
  body: 'call=publish&name=REAL&name=FAKE',
  headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-own': '1' },
} as const

describe('POST /hooks/{kind}/{server}', () => {
  it('hands over kind, server, whole URL, headers and the bytes as they came', async () => {
    const { hooks, seen } = aRecorder(() => new Response(null, { status: 201 }))
    const response = await aFixture({ deps: { hooks } }).send(HOOK)
    expect(response.status).toBe(201)
    expect(seen).toMatchObject([
      { kind: 'nginx-rtmp', server: 'edge-1', request: { method: 'POST' } },
    ])
    expect(seen[0]?.request.url).toBe('http://localhost/hooks/nginx-rtmp/edge-1?secret=a%20b')
    expect(seen[0]?.request.headers.get('x-own')).toBe('1')
    expect(fromUtf8(seen[0]?.request.body ?? new Uint8Array())).toBe(HOOK.body)
  })

  it('passes on the dialect’s answer untouched, a rename by 302 included', async () => {
    const { hooks } = aRecorder(
      () => new Response('0', { status: 302, headers: { location: 'held', 'x-y': 'z' } }),
    )
    const response = await aFixture({ deps: { hooks } }).send(HOOK)
    expect([response.status, response.headers.get('location')]).toEqual([302, 'held'])
    expect([response.headers.get('x-y'), await response.text()]).toEqual(['z', '0'])
  })

  it('tells the dialect when the server hung up', async () => {
    const { hooks, seen } = aRecorder(() => new Response())
    const { app } = aFixture({ deps: { hooks } })
    const controller = new AbortController()
    await app.request(HOOK.path, { method: 'POST', body: HOOK.body, signal: controller.signal })
    expect(seen[0]?.request.hungUp?.().aborted).toBe(false)
    controller.abort()
    expect(seen[0]?.request.hungUp?.().aborted).toBe(true)
  })

  it('takes any content type and an empty body', async () => {
    const { hooks, seen } = aRecorder(() => new Response())
    const { send } = aFixture({ deps: { hooks } })
    const path = '/hooks/srs/edge-1'
    expect((await send({ method: 'POST', path })).status).toBe(200)
    const headers = { 'content-type': 'text/plain' }
    expect((await send({ method: 'POST', path, body: '{}', headers })).status).toBe(200)
    expect(seen.map(({ request }) => request.body.length)).toEqual([0, 2])
  })

  it('is 413 above the limit, before the dialect sees anything', async () => {
    const { hooks, seen } = aRecorder(() => new Response())
    const body = 'x'.repeat(MAX_HOOK_BYTES + 1)
    const response = await aFixture({ deps: { hooks } }).send({ ...HOOK, body })
    expect(response.status).toBe(413)
    expect(seen).toEqual([])
  })

  it('is an error status when the dialect fails: servers take it for a refusal', async () => {
    const hooks: Hooks = { handle: () => Promise.reject(new Error('broken')) }
    expect((await aFixture({ deps: { hooks } }).send(HOOK)).status).toBe(500)
  })

  it('is 404 without hooks', async () => {
    expect((await aFixture().send(HOOK)).status).toBe(404)
  })

  for (const path of [
    '/hooks/a/..%2fb',
    '/hooks/a/b%00',
    '/hooks/a/.b',
    `/hooks/a/${'b'.repeat(65)}`,
    '/hooks/%20/b',
  ])
    it(`is 404 for ${path.slice(0, 24)}`, async () => {
      const { hooks, seen } = aRecorder(() => new Response())
      const response = await aFixture({ deps: { hooks } }).send({ ...HOOK, path })
      expect(response.status).toBe(404)
      expect(seen).toEqual([])
    })
})
