/**
 * What every way of posting a webhook has in common: once, in bounded time, following nothing, and to no address of this
 * machine or its networks that is written out. What a name leads to is each host's own test.
 */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Post, Posted } from '../../src/gate/webhooks/port.ts'

const servers: Server[] = []

/** Where a server of this test listens; it is closed behind the test. */
export async function listening(server: Server): Promise<string> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
}
const serving = (listener: RequestListener): Promise<string> => listening(createServer(listener))

/** Posts a small message, to an endpoint that may be private unless said otherwise. */
export function sender(
  post: Post,
): (
  url: string,
  given?: { readonly private?: boolean; readonly timeout_ms?: number },
) => Promise<Posted> {
  return (url, given = {}) =>
    post({
      url,
      private: true,
      headers: { 'webhook-id': 'm' },
      body: '{"ü":1}',
      timeout_ms: 2_000,
      ...given,
    })
}

export function postContract(host: string, post: Post): void {
  const send = sender(post)

  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  describe(`a message from ${host}`, () => {
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
        for (const scheme of ['http', 'https']) {
          const there = `${scheme}://${host}:${port}/`
          expect(await send(there, { private: false }), there).toEqual({ fault: 'blocked' })
        }
      expect(asked).toBe(0)
    })
  })
}
