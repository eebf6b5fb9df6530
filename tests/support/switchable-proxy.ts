/**
 * A little HTTP proxy that can be shut: what is behind it is then out of reach, without being stopped itself.
 */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SwitchableProxy {
  readonly url: string
  /** Every connection is closed without an answer while false. */
  open: boolean
  /** Calls turned away so far. */
  readonly refused: () => number
  stop(): Promise<void>
}

export async function startProxy(target: () => string): Promise<SwitchableProxy> {
  const state = { open: true }
  let refused = 0
  const server = createServer((from, to) => {
    if (!state.open) {
      refused++
      from.socket.destroy()
      return
    }
    const onward = request(target() + from.url, { method: from.method }, (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(to)
    })
    onward.on('error', () => from.socket.destroy())
    from.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get open() {
      return state.open
    },
    set open(open) {
      state.open = open
    },
    refused: () => refused,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
