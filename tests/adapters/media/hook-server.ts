/**
 * The smallest HTTP server in front of the hooks, for real media servers in tests; paths are as in the real one.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Hooks } from '../../../src/adapters/media/hooks.ts'

export interface HookServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string
  /** Closes it and every connection: from now on nobody answers there. */
  stop(): Promise<void>
}

/** `answer` goes first; it returns true where it has answered in the place of the hooks. */
export async function startHookServer(
  hooks: Hooks,
  answer: (response: ServerResponse) => boolean = () => false,
): Promise<HookServer> {
  const server = createServer((request, response) => {
    if (!answer(response)) void respond(hooks, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function respond(hooks: Hooks, request: IncomingMessage, response: ServerResponse) {
  const hungUp = new AbortController()
  response.once('close', () => {
    if (!response.writableEnded) hungUp.abort()
  })
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const [, , kind = '', id = ''] = (request.url ?? '').split('/')
  const answer = await hooks.handle(kind, id, {
    method: request.method ?? '',
    url: `http://gate.example${request.url}`,
    headers: new Headers(request.headers as Record<string, string>),
    body: new Uint8Array(Buffer.concat(chunks)),
    hungUp: () => hungUp.signal,
  })
  response.writeHead(answer.status, Object.fromEntries(answer.headers))
  response.end(await answer.text())
}
