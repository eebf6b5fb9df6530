/** Registrations over HTTP: what is read, what is shown. What becomes of one: tests/adapters/media/registrations.test.ts. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { MEDIA_SERVER_SCHEMAS } from '../../../src/adapters/http/media-server-schemas.ts'
import type { MediaServerDesk, MediaServerView } from '../../../src/adapters/http/media-servers.ts'
import { LivegateError } from '../../../src/core/errors.ts'
import { aFixture, NOW } from '../../support/http.ts'

const PUT = { method: 'PUT', path: '/v1/servers/origin-7', as: 'servers' } as const
const BODY = { template: 'origins', host: '10.0.3.7' }
const LIVE: MediaServerView = {
  ...{ id: 'origin-7', kind: 'srs', template: 'origins', host: '10.0.3.7', state: 'live' },
  ...{ registered_at: NOW, expires_at: NOW },
}

/** A desk that says what it was asked. */
function aDesk(changes: Partial<MediaServerDesk> = {}) {
  const asked: object[] = []
  const desk: MediaServerDesk = {
    list: () => [LIVE],
    async register(given) {
      asked.push(given)
      return { view: LIVE, created: asked.length === 1 }
    },
    async deregister(id) {
      asked.push({ id })
    },
    ...changes,
  }
  return { ...aFixture({ deps: { mediaServers: desk } }), asked }
}

describe('PUT /v1/servers/{id}', () => {
  it('is 201 the first time and 200 again, with the address of its hooks', async () => {
    const { send, asked } = aDesk()
    for (const status of [201, 200]) {
      const answer = await send({ ...PUT, body: BODY })
      expect(answer.status).toBe(status)
      const body = await answer.json()
      v.assert(MEDIA_SERVER_SCHEMAS.answers.MediaServer as v.GenericSchema, body)
      expect(body).toMatchObject({ state: 'live', hook: '/hooks/srs/origin-7' })
    }
    expect(asked).toEqual([
      { id: 'origin-7', ...BODY },
      { id: 'origin-7', ...BODY },
    ])
  })

  it('names the door of one publishers knock at themselves', async () => {
    const view: MediaServerView = { ...LIVE, kind: 'whip' }
    const { send } = aDesk({ register: async () => ({ view, created: true }) })
    expect(await (await send({ ...PUT, body: BODY })).json()).toMatchObject({
      hook: '/whip/origin-7',
    })
  })

  const bad: readonly (readonly [why: string, body: unknown, pointers: readonly string[]])[] = [
    ['nothing', {}, ['/template', '/host']],
    ['no host', { template: 'origins' }, ['/host']],
    ['no template', { host: '10.0.3.7' }, ['/template']],
    ['a foreign member', { ...BODY, port: 8080 }, ['/port']],
    ['a secret', { ...BODY, secret: 'c2VjcmV0' }, ['/secret']],
    ['a number as host', { ...BODY, host: 167772935 }, ['/host']],
    ['null', { ...BODY, host: null }, ['/host']],
    ['a list', { ...BODY, host: ['10.0.3.7'] }, ['/host']],
    ['an empty host', { ...BODY, host: '' }, ['/host']],
    ['a host that is too long', { ...BODY, host: 'a'.repeat(254) }, ['/host']],
    ['control characters', { ...BODY, host: '10.0.3.7\n' }, ['/host']],
    ['a template that is too long', { ...BODY, template: 'a'.repeat(65) }, ['/template']],
    ['a list in place of a body', [BODY], ['']],
    ['text in place of a body', '"origins"', ['']],
  ]
  for (const [why, body, pointers] of bad)
    it(`with ${why} is 400, says where, and asks nobody`, async () => {
      const { send, asked } = aDesk()
      const answer = await send({ ...PUT, body })
      expect(answer.status).toBe(400)
      const { errors = [] } = (await answer.json()) as { errors?: { pointer: string }[] }
      expect(errors.map(({ pointer }) => pointer).sort()).toEqual([...pointers].sort())
      expect(asked).toEqual([])
    })

  it('hands on what the desk refuses, and when to come back', async () => {
    const { send } = aDesk({
      register: () =>
        Promise.reject(
          new LivegateError('conflict', 'Cannot register: taken', { retry_after_s: 40 }),
        ),
    })
    const answer = await send({ ...PUT, body: BODY })
    expect(answer.status).toBe(409)
    expect(answer.headers.get('retry-after')).toBe('40')
  })

  it('takes no query, and no key without the scope', async () => {
    const { send, asked } = aDesk()
    expect((await send({ ...PUT, path: `${PUT.path}?ttl=9`, body: BODY })).status).toBe(400)
    for (const as of ['decide', 'read', 'policy', 'audit'] as const)
      expect((await send({ ...PUT, as, body: BODY })).status).toBe(403)
    expect(asked).toEqual([])
  })
})

describe('GET and DELETE /v1/servers', () => {
  it('list everything there is to know but secrets', async () => {
    const fixed: MediaServerView = {
      ...{ id: 'edge-1', kind: 'nginx-rtmp', state: 'fixed', template: null, host: null },
      ...{ registered_at: null, expires_at: null },
    }
    const { send } = aDesk({ list: () => [fixed, LIVE] })
    const answer = await (await send({ path: '/v1/servers', as: 'servers' })).json()
    v.assert(MEDIA_SERVER_SCHEMAS.answers.MediaServers as v.GenericSchema, answer)
    expect(answer).toMatchObject({
      servers: [{ id: 'edge-1', state: 'fixed' }, { id: 'origin-7' }],
    })
  })

  it('deregister, again and again', async () => {
    const { send, asked } = aDesk()
    for (let i = 0; i < 2; i++) {
      const answer = await send({ ...PUT, method: 'DELETE' })
      expect([answer.status, await answer.text()]).toEqual([204, ''])
    }
    expect(asked).toEqual([{ id: 'origin-7' }, { id: 'origin-7' }])
  })

  it('are 404 on a host that knows none', async () => {
    const { deps, send } = aFixture({ deps: { mediaServers: undefined } as never })
    expect(deps.mediaServers).toBeUndefined()
    for (const sent of [
      { path: '/v1/servers' },
      { ...PUT, body: BODY },
      { ...PUT, method: 'DELETE' },
    ])
      expect((await send({ as: 'servers', ...sent })).status).toBe(404)
  })
})
