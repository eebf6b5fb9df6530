/**
 * The HTTP listener of the Node host: bounded headers and patience, and a stop that loses nothing under way.
 */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'

/** Largest head of a request: an access token of 8 KiB and the rest. */
const MAX_HEADER_BYTES = 16 * 1024
/** A slow client may take this long for a whole request. */
const REQUEST_TIMEOUT_MS = 15_000
/** After a stop was asked for, connections still busy are cut after this. */
const STOP_TIMEOUT_MS = 10_000

export interface Listener {
  readonly url: string
  /** Stops accepting, lets requests under way finish, then resolves. */
  stop(): Promise<void>
}

/** Listens; rejects when the address is taken. */
export async function listen(options: {
  readonly fetch: (request: Request) => Response | Promise<Response>
  readonly host: string
  readonly port: number
}): Promise<Listener> {
  const server = createAdaptorServer({
    fetch: options.fetch,
    serverOptions: { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_TIMEOUT_MS },
  }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
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
