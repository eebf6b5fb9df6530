/**
 * What one call to a control interface may cost, and what may come of it, against real HTTP servers that misbehave.
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createControlAccess } from '../../../src/adapters/media/control.ts'
import { nginxRtmpControl } from '../../../src/adapters/media/nginx-rtmp-control.ts'
import { after } from '../../../src/adapters/node/system.ts'
import {
  type ControlServer,
  type Manners,
  startControlServer,
} from '../../support/control-server.ts'

let server: ControlServer
beforeEach(async () => {
  server = await startControlServer()
})
afterEach(() => server.stop())

const SECRET = 'Bearer the-secret-of-the-control-interface'

function access(changes: { readonly base?: string; readonly timeout_ms?: number } = {}) {
  return createControlAccess({
    base: changes.base ?? `${server.url}/`,
    authorization: () => SECRET,
    fetch: (url, init) => fetch(url, init),
    after,
    timeout_ms: changes.timeout_ms ?? 3_000,
  })
}

it('an honest server is asked below its address with the credential, and its answer comes whole', async () => {
  let seen = ''
  server.manners = (request, response) => {
    seen = `${request.method} ${request.url} ${request.headers.authorization}`
    response.writeHead(200, { 'content-type': 'Text/Plain; charset=utf-8' }).end('seven')
  }
  const answer = await access().call({ method: 'DELETE', path: '/a/b?c=d' })
  expect(seen).toBe(`DELETE /a/b?c=d ${SECRET}`)
  expect(answer).toEqual({
    ok: true,
    value: { status: 200, content_type: 'text/plain', body: new TextEncoder().encode('seven') },
  })
})

const mebibyte = Buffer.alloc(1024 * 1024, 'x')
const HOSTILE: readonly (readonly [name: string, fault: string, manners: Manners])[] = [
  ['says nothing', 'timeout', () => {}],
  [
    'sends headers and then nothing',
    'timeout',
    (_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('1')
    },
  ],
  [
    'sends a byte now and then',
    'timeout',
    (_request, response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write(' '), 20)
      response.once('close', () => clearInterval(drip))
    },
  ],
  [
    'sends ten megabytes',
    'too_large',
    (_request, response) => {
      response.writeHead(200)
      for (let i = 0; i < 10; i++) response.write(mebibyte)
      response.end()
    },
  ],
  [
    'never stops sending',
    'too_large',
    (_request, response) => {
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && response.write(mebibyte)) {}
      }
      response.on('drain', more)
      more()
    },
  ],
  [
    'sends a page that grows when it is unpacked',
    'too_large',
    (_request, response) => {
      void import('node:zlib').then(({ gzipSync }) =>
        response
          .writeHead(200, { 'content-encoding': 'gzip' })
          .end(gzipSync(Buffer.alloc(64 * 1024 * 1024))),
      )
    },
  ],
  ...[301, 302, 307, 308].map(
    (status) =>
      [
        `redirects with ${status}`,
        'redirect',
        (request, response) => {
          if (request.url?.startsWith('/elsewhere')) response.end('0')
          else response.writeHead(status, { location: '/elsewhere' }).end()
        },
      ] as const satisfies readonly [string, string, Manners],
  ),
  ...[401, 403].map(
    (status) =>
      [
        `answers ${status}`,
        'refused',
        (_request, response) => void response.writeHead(status).end('no'),
      ] as const satisfies readonly [string, string, Manners],
  ),
  ['hangs up', 'unreachable', (request) => void request.socket.destroy()],
  [
    'promises more than it sends',
    'unreachable',
    (request, response) => {
      response.writeHead(200, { 'content-length': '99' })
      response.write('1', () => request.socket.destroy())
    },
  ],
  ['speaks no HTTP', 'unreachable', (request) => void request.socket.end('SSH-2.0-OpenSSH_9\r\n')],
]

for (const [name, fault, manners] of HOSTILE)
  it(`a server that ${name} is \`${fault}\`, neither a list nor a cut`, async () => {
    server.manners = manners
    const asked = access({ timeout_ms: fault === 'timeout' ? 200 : 3_000 })
    const before = performance.now()
    expect(await nginxRtmpControl.list(asked)).toEqual({ ok: false, error: fault })
    const ref = { session: '7', handle: 'app=live' }
    expect(await nginxRtmpControl.cut(asked, ref)).toEqual({ ok: false, error: fault })
    expect(performance.now() - before).toBeLessThan(2_900)
    expect(server.calls.filter((call) => call.includes('elsewhere'))).toEqual([])
  })

it('nobody there is `unreachable`', async () => {
  await server.stop()
  expect(await access().call({ method: 'GET', path: '/stat' })).toEqual({
    ok: false,
    error: 'unreachable',
  })
})

it('a fetch that heeds no signal costs no more than its time', async () => {
  const deaf = createControlAccess({
    base: server.url,
    authorization: null,
    fetch: () => new Promise(() => {}),
    after(_delay_ms, fire) {
      queueMicrotask(fire)
      return () => {}
    },
  })
  expect(await deaf.call({ method: 'GET', path: '/stat' })).toEqual({
    ok: false,
    error: 'timeout',
  })
})
