/**
 * The HTTP listener of the Node host: bounded headers, patience and connections, and a stop that loses nothing.
 *
 * What cannot be read as a request is answered here, in the words of the HTTP adapter; everything else is `fetch`'s.
 * A path has one spelling: dot segments are refused before the URL parser would resolve them into another path.
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { LivegateError } from '../../core/errors.ts'
import { isLingering, linger, lingerAfter } from './linger.ts'

/** Bounds on clients; tests shorten the times. */
export interface ListenerLimits {
  /** Largest head of a request: an access token of 8 KiB and the rest. */
  readonly max_header_bytes: number
  /** A slow client may take this long for its headers, and for a whole request. */
  readonly headers_timeout_ms: number
  readonly request_timeout_ms: number
  /** A connection on which nothing moves is cut: a reader that never reads would keep its answer in memory. */
  readonly idle_timeout_ms: number
  /** Slow clients are looked for this often. */
  readonly check_every_ms: number
  /** Beyond, connections are closed at once: files of the log need descriptors too. */
  readonly max_connections: number
}

/** The longest answer on purpose is a hook held for 25 s: well below the idle timeout. */
export const LISTENER_LIMITS: ListenerLimits = {
  max_header_bytes: 16 * 1024,
  headers_timeout_ms: 10_000,
  request_timeout_ms: 15_000,
  idle_timeout_ms: 60_000,
  check_every_ms: 2_000,
  max_connections: 4_096,
}
/** After a stop was asked for, connections still busy are cut after this. */
const STOP_TIMEOUT_MS = 10_000

/** What is wrong with bytes that should have been a request. */
export type UnreadableRequest =
  | 'not_http'
  | 'too_slow'
  | 'headers_too_large'
  | 'expectation'
  | 'target'

export interface Listener {
  readonly url: string
  /** Stops accepting, lets requests under way finish, then resolves. */
  stop(): Promise<void>
}

export interface ListenOptions {
  readonly fetch: (request: Request) => Response | Promise<Response>
  /** The answer to what cannot be read as a request. */
  readonly unreadable: (fault: UnreadableRequest) => Response
  readonly host: string
  readonly port: number
  readonly limits?: ListenerLimits
}

/** Listens; rejects when the address is taken. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const server = serverFor(options, options.limits ?? LISTENER_LIMITS)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(notListening(error, options)))
    server.listen(options.port, options.host, resolve)
  })
  const { address, port, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), STOP_TIMEOUT_MS)
        server.close(() => {
          clearTimeout(cut)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

const LISTEN_TROUBLE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is taken',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'permission is denied',
  ENOTFOUND: 'the name is not known',
}

function notListening(error: Error & { readonly code?: string }, at: ListenOptions): LivegateError {
  const state = LISTEN_TROUBLE[error.code ?? ''] ?? error.message
  return new LivegateError('internal', `Cannot listen on ${at.host} port ${at.port}: ${state}`, {
    cause: error,
    hint: 'Stop what listens there, or name another with --host and --port; port 0 picks a free one.',
  })
}

function serverFor({ fetch, unreadable }: ListenOptions, limits: ListenerLimits): Server {
  const errorHandler = (): Response => unreadable('not_http')
  const answer = getRequestListener(fetch, { errorHandler })
  const refuse = (fault: UnreadableRequest): typeof answer =>
    getRequestListener(() => unreadable(fault), { errorHandler })
  const [otherSpelling, notHttp] = [refuse('target'), refuse('not_http')]
  const server = createServer(
    {
      maxHeaderSize: limits.max_header_bytes,
      headersTimeout: limits.headers_timeout_ms,
      requestTimeout: limits.request_timeout_ms,
      connectionsCheckingInterval: limits.check_every_ms,
      // The request listener refuses a request without one, in our words.
      requireHostHeader: false,
    },
    (incoming, outgoing) => {
      lingerAfter(incoming, outgoing)
      if (namesTwoHosts(incoming)) return notHttp(incoming, outgoing)
      if (OTHER_SPELLING.test(incoming.url ?? '')) return otherSpelling(incoming, outgoing)
      return answer(incoming, outgoing)
    },
  )
  server.timeout = limits.idle_timeout_ms
  server.maxConnections = limits.max_connections
  server.on('checkExpectation', refuse('expectation'))
  server.on(
    'clientError',
    (error, socket) => void endWith(socket as Socket, unreadable(faultOf(error))),
  )
  return server
}

/** A dot segment in the path, spelled out or escaped, or a fragment, which no request has. */
const OTHER_SPELLING = /^[^?#]*\/(?:\.|%2e){1,2}(?:[/\\?#]|$)|#/i

/** RFC 9112 section 3.2: proxies in front may have routed by the other one. */
function namesTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === 'host') hosts++
  return hosts > 1
}

function faultOf(error: Error & { readonly code?: string }): UnreadableRequest {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large'
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'too_slow' : 'not_http'
}

/** Writes an answer to a connection that has no request, and closes it. Behind other answers it would be misread. */
async function endWith(socket: Socket, response: Response): Promise<void> {
  const body = await response.text()
  if (isLingering(socket)) return
  if (!socket.writable) return void socket.destroy()
  if (socket.bytesWritten > 0) return void socket.destroySoon()
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(
    `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status]}\r\n${headers.join('')}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
  linger(socket)
}
