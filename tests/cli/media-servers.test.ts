/** `media servers`, `media register` and `media deregister` against a gate that answers as docs/spec/api.md says. */
import { describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/failure.ts'
import type { World } from '../../src/cli/world.ts'
import { run } from './a-world.ts'

const FIXED = {
  ...{ id: 'edge-1', kind: 'srs', template: null, host: null, state: 'fixed' },
  ...{ registered_at: null, expires_at: null, hook: '/hooks/srs/edge-1' },
}
const LIVE = {
  ...{ id: 'origin-7', kind: 'nginx-rtmp', template: 'origins', host: '10.0.3.7', state: 'live' },
  ...{ registered_at: '2026-11-23T10:00:00Z', expires_at: '2026-11-23T10:01:00Z' },
  hook: '/hooks/nginx-rtmp/origin-7',
}

function aGate(answers: Readonly<Record<string, () => Response>>) {
  const asked: string[] = []
  const fetch: World['fetch'] = async (address, init) => {
    const { pathname } = new URL(String(address))
    const method = init?.method ?? 'GET'
    asked.push(`${method} ${pathname} ${String(init?.body ?? '')}`.trim())
    return answers[method]?.() ?? new Response(null, { status: 204 })
  }
  const key = ['--url', 'https://gate.example', '--key', `lg_admin_${'a'.repeat(43)}`]
  return { asked, cli: (...argv: string[]) => run('.', ['media', ...argv, ...key], { fetch }) }
}

describe('media servers', () => {
  it('lists those of the file and those that registered', async () => {
    const leaving = { ...LIVE, id: 'origin-8', state: 'leaving', expires_at: null }
    const { cli } = aGate({ GET: () => Response.json({ servers: [FIXED, LIVE, leaving] }) })
    const { exit, out } = await cli('servers')
    expect(exit).toBe(EXIT.clean)
    expect(out.trimEnd().split('\n')).toEqual([
      '`edge-1`  srs  in the servers file',
      '`origin-7`  nginx-rtmp  origins at 10.0.3.7, until 2026-11-23T10:01:00Z unless repeated',
      '`origin-8`  nginx-rtmp  origins at 10.0.3.7, leaving',
      '3 servers',
    ])
    expect(JSON.parse((await cli('servers', '--json')).out)).toMatchObject({
      servers: [{}, {}, {}],
    })
  })
})

describe('media register', () => {
  const given = ['register', 'origin-7', '--template', 'origins', '--host', '10.0.3.7']
  it('sends template and host, and says where its hooks are', async () => {
    const { asked, cli } = aGate({ PUT: () => Response.json(LIVE, { status: 201 }) })
    const { exit, out } = await cli(...given)
    expect(exit).toBe(EXIT.clean)
    expect(asked).toEqual(['PUT /v1/servers/origin-7 {"template":"origins","host":"10.0.3.7"}'])
    expect(out).toContain('its hooks: /hooks/nginx-rtmp/origin-7')
  })

  it('says what the gate refuses, and where', async () => {
    const problem = {
      ...{ code: 'invalid_request', detail: 'Cannot register the server: one member is not valid' },
      errors: [{ pointer: '/host', detail: 'expected a host within `hosts` of the template' }],
    }
    const { cli } = aGate({ PUT: () => Response.json(problem, { status: 400 }) })
    const { exit, err } = await cli(...given)
    expect(exit).toBe(EXIT.incomplete)
    expect(err).toContain('(/host: expected a host within `hosts` of the template)')
  })

  it('needs both', async () => {
    const { asked, cli } = aGate({})
    expect((await cli(...given.slice(0, 4))).exit).toBe(EXIT.usage)
    expect((await cli('register', 'origin-7', '--host', '10.0.3.7')).exit).toBe(EXIT.usage)
    expect(asked).toEqual([])
  })
})

describe('media deregister', () => {
  it('says that nothing starts there any more', async () => {
    const { asked, cli } = aGate({})
    expect((await cli('deregister', 'origin-7')).out).toContain('takes no more broadcasts')
    expect(asked).toEqual(['DELETE /v1/servers/origin-7'])
  })

  it('of a server nobody knows fails', async () => {
    const { cli } = aGate({ DELETE: () => Response.json({ code: 'not_found' }, { status: 404 }) })
    const { exit, err } = await cli('deregister', 'origin-9')
    expect(exit).toBe(EXIT.incomplete)
    expect(err).toContain('404 not_found')
  })
})
