/**
 * A WHIP server as RFC 9725 has it, over HTTP on loopback: sessions under addresses of its own, a bearer, DELETE and PATCH.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface WhipBackend {
  readonly url: string
  /** Sessions that run, by their path; the name they were offered under. */
  readonly sessions: ReadonlyMap<string, string>
  readonly requests: readonly {
    readonly method: string
    readonly path: string
    readonly authorization: string
  }[]
  /** Answers instead of the usual, until set back to null. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | null
  close(): Promise<void>
}

export const BACKEND_TOKEN = 'backend-token-0123456789'

export async function startWhipBackend(): Promise<WhipBackend> {
  const sessions = new Map<string, string>()
  const requests: WhipBackend['requests'][number][] = []
  let count = 0
  const server = createServer(async (request, response) => {
    const { method = '', url = '' } = request
    requests.push({ method, path: url, authorization: request.headers.authorization ?? '' })
    let body = ''
    for await (const chunk of request) body += chunk
    if (backend.instead !== null) return backend.instead(request, response)
    if (request.headers.authorization !== `Bearer ${BACKEND_TOKEN}`)
      return response.writeHead(401).end()
    if (method === 'POST') {
      const session = `/sessions/${++count}`
      sessions.set(session, url)
      const answer = `v=0\r\no=- ${count} 0 IN IP4 127.0.0.1\r\ns=-\r\na=for:${body.length}\r\n`
      response.writeHead(201, {
        ...{ 'content-type': 'application/sdp', location: session, etag: '"1"' },
        link: '<stun:stun.example.com>; rel="ice-server"',
      })
      return response.end(answer)
    }
    if (!sessions.has(url)) return response.writeHead(404).end()
    if (method === 'PATCH') return response.writeHead(204, { etag: '"2"' }).end()
    if (method !== 'DELETE') return response.writeHead(405).end()
    sessions.delete(url)
    response.writeHead(200).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const backend: WhipBackend = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ sessions, requests, instead: null },
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return backend
}
