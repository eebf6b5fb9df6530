/**
 * An HTTP server that behaves like the control interface of nginx-rtmp as measured, and can be told to behave badly.
 *
 * It keeps publishers by number; a drop removes one and says how many. Whatever is hostile answers every call alike.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Publisher {
  readonly app: string
  readonly name: string
  readonly address?: string
  readonly time?: number
}

export type Manners = (
  request: IncomingMessage,
  response: ServerResponse,
  honest: (request: IncomingMessage, response: ServerResponse) => void,
) => void

export interface ControlServer {
  readonly url: string
  /** By connection number. */
  readonly publishers: Map<string, Publisher>
  /** `METHOD path` of every call, in order. */
  readonly calls: string[]
  /** How it answers; honest unless told. */
  manners: Manners | null
  /** Told of every connection it drops. */
  onDrop: ((id: string) => void) | null
  stop(): Promise<void>
}

export async function startControlServer(): Promise<ControlServer> {
  const publishers = new Map<string, Publisher>()
  const calls: string[] = []
  const state: { manners: Manners | null; onDrop: ((id: string) => void) | null } = {
    manners: null,
    onDrop: null,
  }
  const honest = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '', 'http://control.test')
    if (url.pathname === '/stat') {
      response.writeHead(200, { 'content-type': 'text/xml' }).end(statisticsOf(publishers))
      return
    }
    if (url.pathname !== '/control/drop/publisher') {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>404</h1>')
      return
    }
    const { app, clientid, name } = Object.fromEntries(url.searchParams)
    const dropped = [...publishers].filter(
      ([id, publisher]) =>
        (app === undefined || publisher.app === app) &&
        (name === undefined || publisher.name === name) &&
        (clientid === undefined || id === clientid),
    )
    for (const [id] of dropped) {
      publishers.delete(id)
      state.onDrop?.(id)
    }
    response.writeHead(200).end(String(dropped.length))
  }
  const server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`)
    if (state.manners === null) honest(request, response)
    else state.manners(request, response, honest)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publishers,
    calls,
    get manners() {
      return state.manners
    },
    set manners(manners) {
      state.manners = manners
    },
    get onDrop() {
      return state.onDrop
    },
    set onDrop(onDrop) {
      state.onDrop = onDrop
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** A `/stat` page with the elements, order and line ends of nginx-rtmp 1.2.2. */
export function statisticsOf(publishers: ReadonlyMap<string, Publisher>): string {
  const apps = Map.groupBy(publishers, ([, { app }]) => app)
  const applications = [...apps].map(
    ([app, members]) =>
      `<application>\r\n<name>${app}</name>\r\n<live>\r\n${members.map(streamOf).join('')}<nclients>${members.length}</nclients>\r\n</live>\r\n</application>\r\n`,
  )
  return `<?xml version="1.0" encoding="utf-8" ?>\r\n<rtmp>\r\n<nginx_version>1.22.1</nginx_version>\r\n<nginx_rtmp_version>1.1.4</nginx_rtmp_version>\r\n<uptime>12</uptime>\r\n<server>\r\n${applications.join('')}</server>\r\n</rtmp>\r\n`
}

function streamOf([id, { name, address = '203.0.113.9', time = 4000 }]: readonly [
  string,
  Publisher,
]): string {
  return `<stream>\r\n<name>${escaped(name)}</name>\r\n<time>${time}</time><bw_in>0</bw_in>\r\n<bytes_in>9</bytes_in>\r\n<client><id>${id}</id><address>${address}</address><time>${time}</time><flashver>FMLE/3.0 (compatible; Lavf59.27</flashver><dropped>0</dropped><avsync>3</avsync><timestamp>9</timestamp><publishing/><active/></client>\r\n<meta><video><width>160</width></video></meta>\r\n<nclients>1</nclients>\r\n<publishing/>\r\n<active/>\r\n</stream>\r\n`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
