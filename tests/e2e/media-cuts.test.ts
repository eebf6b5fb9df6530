/**
 * A strike ends what runs on each kind of server that cannot be run here: the gate is real, the control interface is one that
 * answers as tests/vectors/media says the server does.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Key, KINDS } from '../support/media-kinds.ts'
import { call, type ServerProcess, startServer } from '../support/server.ts'

const WAIT = { timeout: 10_000, interval: 20 }
const PASSWORD = 'of-the-control-interface'
const ID = '6f1c2d3e-0a1b-4c5d-8e9f-001122334455'

interface Live {
  name: string
  on: boolean
}

interface Stub {
  /** Line of the servers file. */
  readonly auth: string
  /** What must be shown. */
  readonly authorization: string
  readonly base: string
  readonly session: string
  /** The call that ends it. */
  readonly cut: string
  answer(line: string, live: Live): readonly [status: number, body: object]
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`
const mtxList = (items: readonly object[]) =>
  [200, { itemCount: items.length, pageCount: items.length, items }] as const

const STUBS: Readonly<Record<string, Stub>> = {
  srs: {
    auth: `{ scheme: basic, user: admin, secret: ${PASSWORD} }`,
    authorization: basic(`admin:${PASSWORD}`),
    base: '',
    session: '175yx980',
    cut: 'DELETE /api/v1/clients/175yx980',
    answer(line, live) {
      if (line === this.cut) return [200, { code: live.on ? 0 : 2049 }]
      const publish = live.on ? { active: true, cid: this.session } : { active: false }
      return [200, { code: 0, streams: [{ id: 'vid-1', name: live.name, app: 'live', publish }] }]
    },
  },
  mediamtx: {
    auth: `{ scheme: basic, user: gate, secret: ${PASSWORD} }`,
    authorization: basic(`gate:${PASSWORD}`),
    base: '',
    session: ID,
    cut: `POST /v3/srtconns/kick/${ID}`,
    answer(line, live) {
      if (line === this.cut) return live.on ? [200, { status: 'ok' }] : [404, { status: 'error' }]
      const source = live.on ? { type: 'srtConn', id: ID } : null
      return mtxList([{ name: `live/${live.name}`, source }])
    },
  },
  'mediamtx-jwt': {
    auth: `{ scheme: bearer, secret: ${PASSWORD} }`,
    authorization: `Bearer ${PASSWORD}`,
    base: '',
    session: 'web-1',
    cut: `POST /v3/webrtcsessions/kick/${ID}`,
    answer(line, live) {
      if (line === this.cut) return live.on ? [200, { status: 'ok' }] : [404, { status: 'error' }]
      const item = { id: ID, state: 'publish', path: `live/${live.name}`, user: this.session }
      return mtxList(live.on && line.startsWith('GET /v3/webrtcsessions/') ? [item] : [])
    },
  },
  ovenmediaengine: {
    auth: `{ scheme: basic, secret: ${PASSWORD} }`,
    authorization: basic(PASSWORD),
    base: '/v1/vhosts/default',
    session: '50211',
    cut: '',
    answer(line, live) {
      const response = line.endsWith('/apps') ? ['live'] : live.on ? [live.name] : []
      if (/\/apps$|\/streams$/.test(line)) return [200, { statusCode: 200, response }]
      if (!live.on) return [404, { statusCode: 404 }]
      if (line.startsWith('DELETE')) return [200, { statusCode: 200 }]
      const input = { sourceType: 'Rtmp', sourceUrl: 'TCP://203.0.113.9:50211' }
      return [200, { statusCode: 200, response: { name: live.name, input } }]
    },
  },
}

describe('a strike ends what runs on', () => {
  const endings: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of endings.splice(0).toReversed()) await end()
  })

  async function control(stub: Stub, live: Live, calls: string[]): Promise<Server> {
    const server = createServer((request: IncomingMessage, response) => {
      const line = `${request.method} ${request.url?.split('?')[0]}`
      calls.push(line)
      const shown = request.headers.authorization === stub.authorization
      const [status, body] = shown ? stub.answer(line, live) : [401, {}]
      if (shown && /^(DELETE|POST)/.test(line)) live.on = false
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    endings.push(() => new Promise((done) => server.close(done)))
    return server
  }

  async function startGate(kind: string, stub: Stub, server: Server): Promise<ServerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'livegate-e2e-'))
    endings.push(async () => rmSync(folder, { recursive: true, force: true }))
    const servers = join(folder, 'servers.yaml')
    const { port } = server.address() as AddressInfo
    writeFileSync(
      servers,
      `servers:
  - id: one
    kind: ${kind}
    secret: "${KINDS[kind]?.secret}"
    subject: { from: stream_key }
    app: live
    control: http://127.0.0.1:${port}${stub.base}
    control_auth: ${stub.auth}
    reconcile: 500ms
`,
    )
    const gate = await startServer({ data: join(folder, 'data'), servers })
    endings.push(() => gate.kill())
    return gate
  }

  for (const [kind, stub] of Object.entries(STUBS))
    it(`${kind}: within a second of its answer, by the session of the hook, and what is gone is on record as gone`, async () => {
      const live: Live = { name: '', on: false }
      const calls: string[] = []
      const gate = await startGate(kind, stub, await control(stub, live, calls))
      const asking = KINDS[kind]
      if (asking === undefined) throw new Error(kind)
      const body = { subject: 'u_1', facts: { created_at: '2020-01-01T00:00:00Z' } }
      const key = (await call(gate, 'POST', '/v1/stream-keys', body)).body as Key
      live.name = `live_${key.id.slice(3)}`
      const { query = '', headers, body: asked } = asking.ask(key, live.name, stub.session)
      const init = { method: 'POST', headers, body: asked }
      const response = await fetch(`${gate.url}/hooks/${kind}/one${query}`, init)
      expect(
        asking.yes({ status: response.status, body: await response.json().catch(() => ({})) }),
      ).toBe(true)
      live.on = true
      const broadcasts = async () => {
        const view = await call(gate, 'GET', '/v1/subjects/u_1')
        return (view.body as { broadcasts: unknown[] }).broadcasts
      }
      expect(await broadcasts()).toHaveLength(1)

      await call(gate, 'POST', '/v1/subjects/u_1/strikes', {
        id: 's_1',
        category: 'terrorism.link',
        severity: 'high',
        issued_at: new Date().toISOString(),
      })
      const struck = performance.now()
      await vi.waitFor(() => expect(live.on).toBe(false), WAIT)
      expect(performance.now() - struck).toBeLessThan(1_000)
      const cut = stub.cut === '' ? `DELETE ${stub.base}/apps/live/streams/${live.name}` : stub.cut
      expect(calls.filter((line) => /^(DELETE|POST)/.test(line))).toEqual([cut])
      await vi.waitFor(async () => expect(await broadcasts()).toEqual([]), WAIT)
    })
})
