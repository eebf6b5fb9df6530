/** A webhook leaves for public addresses only, once, in its time; whatever answers, nothing hangs and nothing is followed. */
import type { lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { afterEach, describe, expect, it, test } from 'vitest'
import { createPublicPost } from '../../../src/adapters/node/public-post.ts'
import { isPublic } from '../../../src/public-address.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function listening(server: Server): Promise<string> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
}
const serving = (listener: RequestListener) => listening(createServer(listener))

const send = (url: string, given: { private?: boolean; timeout_ms?: number } = {}) =>
  createPublicPost()({
    url,
    private: true,
    headers: { 'webhook-id': 'm' },
    body: '{"ü":1}',
    timeout_ms: 2_000,
    ...given,
  })

describe('a message', () => {
  it('arrives with its headers and its bytes', async () => {
    let seen = ''
    const url = await serving((request, response) => {
      request.setEncoding('utf8')
      request.on('data', (chunk) => {
        seen += chunk
      })
      request.on('end', () => {
        seen += ` ${request.method} ${request.headers['webhook-id']} ${request.headers['content-length']}`
        response.writeHead(204).end()
      })
    })
    expect(await send(url)).toEqual({ status: 204, retry_after_s: null })
    expect(seen).toBe('{"ü":1} POST m 8')
  })

  it('says what it was answered, and when to come back', async () => {
    const url = await serving((_request, response) =>
      response.writeHead(503, { 'retry-after': '17' }).end('x'.repeat(1_000_000)),
    )
    expect(await send(url)).toEqual({ status: 503, retry_after_s: 17 })
  })

  it('says when to come back also where that is a date, and nothing where it is nonsense', async () => {
    let given = new Date(Date.now() + 120_000).toUTCString()
    const url = await serving((_request, response) =>
      response.writeHead(503, { 'retry-after': given }).end(),
    )
    const { retry_after_s } = (await send(url)) as { retry_after_s: number }
    expect(retry_after_s).toBeGreaterThan(60)
    expect(retry_after_s).toBeLessThanOrEqual(120)
    for (given of ['soon', '-5', '0x10', '1e9999', 'Thu, 01 Jan 1970 00:00:00 GMT'])
      expect(await send(url), given).toEqual({ status: 503, retry_after_s: null })
  })

  it.each([301, 302, 307, 308])('follows no redirect (%i)', async (status) => {
    let asked = 0
    const url = await serving((_request, response) => {
      asked++
      response.writeHead(status, { location: url }).end()
    })
    expect(await send(url)).toEqual({ fault: 'redirect' })
    expect(asked).toBe(1)
  })

  it('waits for no answer longer than it may, not even for its last byte', async () => {
    const silent = await serving(() => {})
    expect(await send(silent, { timeout_ms: 100 })).toEqual({ fault: 'timeout' })
    const endless = await serving((_request, response) => {
      response.writeHead(200).write('a')
    })
    expect(await send(endless, { timeout_ms: 1_000 })).toMatchObject({ status: 200 })
  })

  it('takes what is no HTTP for no answer', async () => {
    const url = await listening(
      createTcpServer((socket) => socket.end('<html>hello</html>\r\n\r\n')),
    )
    expect(await send(url)).toEqual({ fault: 'unreadable' })
    const closing = await listening(createTcpServer((socket) => socket.destroy()))
    expect(await send(closing)).toEqual({ fault: 'unreachable' })
  })

  it('goes to no private address, however it is spelled', async () => {
    let asked = 0
    const url = await serving((_request, response) => {
      asked++
      response.writeHead(204).end()
    })
    const { port } = new URL(url)
    for (const host of [
      '127.0.0.1',
      'localhost',
      '127.1',
      '2130706433',
      '0x7f.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
    ])
      expect(await send(`http://${host}:${port}/`, { private: false }), host).toEqual({
        fault: 'blocked',
      })
    expect(asked).toBe(0)
  })

  it('goes to no private address behind a name that was public a moment ago', async () => {
    const url = new URL(await serving((_request, response) => response.writeHead(204).end()))
    const answers = [
      [{ address: '127.0.0.1', family: 4 }],
      [
        { address: '10.0.0.1', family: 4 },
        { address: 'fe80::1', family: 6 },
      ],
    ]
    for (const found of answers) {
      const resolver = ((
        _name: string,
        _options: object,
        done: (error: null, all: object[]) => void,
      ) => done(null, found)) as unknown as typeof lookup
      const post = createPublicPost(resolver)
      const target = `http://rebound.example:${url.port}/`
      expect(
        await post({ url: target, private: false, headers: {}, body: '{}', timeout_ms: 500 }),
      ).toEqual({ fault: 'blocked' })
    }
  })
})

test.each([
  ['8.8.8.8', true],
  ['2001:4860:4860::8888', true],
  ['169.254.169.254', false],
  ['168.63.129.16', false],
  ['::ffff:168.63.129.16', false],
  ['168.63.129.17', true],
  ['10.1.2.3', false],
  ['172.16.0.1', false],
  ['192.168.1.1', false],
  ['100.64.0.1', false],
  ['192.0.2.1', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['fd00::1', false],
  ['fe80::1', false],
  ['::', false],
  ['64:ff9b::7f00:1', false],
  ['2002:7f00:1::', false],
  ['::7f00:1', false],
  ['64:ff9b:1::a00:1', false],
  ['fec0::1', false],
  ['4000::1', false],
  ['nonsense', false],
])('%s is public: %s', (address, expected) => {
  expect(isPublic(address)).toBe(expected)
})
