/** A test witness on a real port, with the ways a connection can end. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestWitness } from './witness.ts'

export interface WitnessServer {
  /** Submission prefix. */
  readonly url: string
  /** No longer there; connections end. */
  close(): Promise<void>
}

/** `port` 0 picks a free one. */
export async function serveWitness(witness: TestWitness, port = 0): Promise<WitnessServer> {
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString()
      void witness
        .handle({ method: request.method ?? '', path: request.url ?? '', body })
        .then((answer) => {
          if (answer.lost) request.socket.destroy()
          else response.writeHead(answer.status, answer.headers).end(answer.body)
        })
    })
  })
  await new Promise<void>((go) => server.listen(port, '127.0.0.1', go))
  const { port: chosen } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${chosen}/log-witness`,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
