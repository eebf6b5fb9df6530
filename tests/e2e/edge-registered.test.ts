/**
 * Media servers that register themselves on the edge host: the bundled Worker under plain workerd with its objects on disk, and
 * a real HTTP server that answers like the control interface of nginx-rtmp. What follows is done by objects and their alarms.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { aBroadcaster, type Broadcaster, nginxHook, strikeThem } from '../support/broadcasters.ts'
import { type ControlServer, startControlServer } from '../support/control-server.ts'
import { type EdgeGate, edgeGate } from '../support/edge-gate.ts'
import { call, type ServerProcess } from '../support/server.ts'

const SECRET = 'c2VjcmV0IG9mIGFsbCBvcmlnaW5z'
const WAIT = { timeout: 25_000, interval: 50 }

describe('a media server that registers itself with the edge host', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-edge-registered-'))
  let control: ControlServer
  let edge: EdgeGate
  let gate: ServerProcess
  let people = 0
  const heartbeats = new Map<string, NodeJS.Timeout>()

  beforeAll(async () => {
    control = await startControlServer()
    const servers = `servers:
  - { id: edge-1, kind: srs, secret_env: EDGE_SECRET, subject: { from: stream_key } }
  - id: origins
    kind: nginx-rtmp
    secret_env: ORIGINS_SECRET
    subject: { from: stream_key }
    app: live
    control: "http://{host}:${new URL(control.url).port}"
    reconcile: 1s
    register: { hosts: [127.0.0.1/32], max: 2, ttl: 10s }
`
    const env = { ORIGINS_SECRET: SECRET, EDGE_SECRET: `${SECRET}x` }
    edge = await edgeGate({ dir: folder, servers, env })
    gate = await edge.start()
  }, 60_000)
  afterAll(async () => {
    for (const timer of heartbeats.values()) clearInterval(timer)
    await gate?.kill()
    await control?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const put = (id: string, host = '127.0.0.1', template = 'origins') =>
    call(gate, 'PUT', `/v1/servers/${id}`, { template, host })

  /** Registers until it is quiet. */
  async function register(id: string): Promise<number> {
    const { status } = await put(id)
    heartbeats.set(
      id,
      setInterval(() => void put(id).catch(() => {}), 2_000),
    )
    return status
  }

  function quiet(id: string): void {
    clearInterval(heartbeats.get(id))
  }

  async function states(): Promise<Record<string, string>> {
    const { body } = await call(gate, 'GET', '/v1/servers')
    const { servers } = body as { servers: { id: string; state: string }[] }
    return Object.fromEntries(servers.map(({ id, state }) => [id, state]))
  }

  const person = (): Promise<Broadcaster> => aBroadcaster(gate, `u_${++people}`)
  const strike = (subject: string): Promise<void> => strikeThem(gate, subject)
  const hook = (
    server: string,
    what: string,
    given: { readonly session: string; readonly name: string },
  ): Promise<number> => nginxHook(gate, { server, secret: SECRET, what, ...given })

  /** Goes live as the server would have it, and is in its list. */
  async function live(id: string, session: string): Promise<Broadcaster> {
    const one = await person()
    await vi.waitFor(
      async () => expect(await hook(id, 'publish', { session, name: one.key })).toBe(302),
      WAIT,
    )
    control.publishers.set(session, { app: 'live', name: one.name })
    return one
  }

  async function running(subject: string): Promise<readonly unknown[]> {
    const { body } = await call(gate, 'GET', `/v1/subjects/${subject}`)
    return (body as { broadcasts: unknown[] }).broadcasts
  }

  const lists = (): number => control.calls.filter((one) => one === 'GET /stat').length

  /** Resolves after so many more lists were asked for. */
  async function looks(count: number): Promise<void> {
    const until = lists() + count
    await vi.waitFor(() => expect(lists()).toBeGreaterThanOrEqual(until), WAIT)
  }

  it('is a stranger before, then lets in and is looked at by an object of its own', async () => {
    const one = await person()
    expect(await hook('origin-7', 'publish', { session: '1', name: one.key })).toBe(401)
    expect(await states()).toEqual({ 'edge-1': 'fixed' })
    expect(await register('origin-7')).toBe(201)
    expect((await put('origin-7')).status).toBe(200)
    expect(await states()).toEqual({ 'edge-1': 'fixed', 'origin-7': 'live' })
    await live('origin-7', '2')
    await looks(3)
    expect(control.publishers.has('2')).toBe(true)
    const { body } = await call(gate, 'GET', '/metrics')
    expect(String(body)).toContain('livegate_media_servers{template="origins",state="live"} 1')
    expect(JSON.stringify(await call(gate, 'GET', '/v1/servers'))).not.toContain(SECRET)
    control.publishers.delete('2')
    expect(await hook('origin-7', 'publish_done', { session: '2', name: one.key })).toBe(200)
  })

  const refused: readonly (readonly [string, string, string, string, number])[] = [
    ['an id of the file', 'edge-1', '127.0.0.1', 'origins', 409],
    ['another host for a live id', 'origin-7', '127.0.0.2', 'origins', 400],
    ['the address of another', 'origin-8', '127.0.0.1', 'origins', 409],
    ['a host outside', 'origin-8', '127.0.0.2', 'origins', 400],
    ['an unknown template', 'origin-8', '127.0.0.1', 'origin', 400],
  ]
  for (const [what, id, host, template, status] of refused)
    it(`refuses ${what} with ${status}`, async () => {
      const answer = await put(id, host, template)
      expect(answer.status).toBe(status)
      expect(await states()).toEqual({ 'edge-1': 'fixed', 'origin-7': 'live' })
    })

  it('what runs on it undecided is decided, and a strike ends what runs', async () => {
    const one = await person()
    control.publishers.set('3', { app: 'live', name: one.key })
    await vi.waitFor(async () => expect(await running(one.subject)).toHaveLength(1), WAIT)
    await strike(one.subject)
    await vi.waitFor(() => expect(control.publishers.has('3')).toBe(false), WAIT)
    await vi.waitFor(async () => expect(await running(one.subject)).toHaveLength(0), WAIT)
  })

  it('a gate that was killed knows it again, and goes on looking', async () => {
    const one = await live('origin-7', '4')
    await gate.kill()
    gate = await edge.start()
    await looks(2)
    expect(await states()).toMatchObject({ 'origin-7': 'live' })
    await strike(one.subject)
    await vi.waitFor(() => expect(control.publishers.has('4')).toBe(false), WAIT)
  })

  it('that goes quiet starts nothing, keeps what runs and is cut there, and is forgotten with it', async () => {
    const [one, two] = [await live('origin-7', '5'), await person()]
    quiet('origin-7')
    await vi.waitFor(
      async () => expect(await states()).toMatchObject({ 'origin-7': 'leaving' }),
      WAIT,
    )
    await vi.waitFor(
      async () =>
        expect(await hook('origin-7', 'publish', { session: '6', name: two.key })).toBe(503),
      WAIT,
    )
    await looks(2)
    expect(control.publishers.has('5')).toBe(true)
    await strike(one.subject)
    await vi.waitFor(() => expect(control.publishers.has('5')).toBe(false), WAIT)
    await vi.waitFor(async () => expect(await states()).toEqual({ 'edge-1': 'fixed' }), WAIT)
    await vi.waitFor(
      async () =>
        expect(await hook('origin-7', 'publish', { session: '7', name: two.key })).toBe(401),
      WAIT,
    )
  })

  it('once it is gone is looked at by nobody; another has its address, and its id is free', async () => {
    expect(await register('origin-8')).toBe(201)
    await looks(2)
    const before = lists()
    const from = Date.now()
    await looks(3)
    // One keeper and not two: three looks of a second each.
    expect(lists() - before).toBeLessThanOrEqual((Date.now() - from) / 1_000 + 2)
    expect((await call(gate, 'DELETE', '/v1/servers/origin-8')).status).toBe(204)
    quiet('origin-8')
    expect(await states()).toEqual({ 'edge-1': 'fixed' })
    expect((await call(gate, 'DELETE', '/v1/servers/origin-8')).status).toBe(404)
    expect((await call(gate, 'DELETE', '/v1/servers/edge-1')).status).toBe(409)
    expect(await register('origin-7')).toBe(201)
  })

  it('whose address another takes while it leaves is not called there, and its cut is confirmed by nobody', async () => {
    await live('origin-7', '8')
    const two = await live('origin-7', '9')
    control.manners = (request, response, honest) => {
      if (request.url?.includes('/control/drop') !== true) return honest(request, response)
      response.writeHead(500).end()
    }
    await strike(two.subject)
    quiet('origin-7')
    expect((await call(gate, 'DELETE', '/v1/servers/origin-7')).status).toBe(204)
    control.publishers.clear()
    control.manners = null
    expect(await register('origin-9')).toBe(201)
    const { body } = await call(gate, 'GET', `/v1/broadcasts?server=origin-7`)
    await vi.waitFor(async () => {
      const { broadcasts } = (await call(gate, 'GET', '/v1/broadcasts?server=origin-7')).body as {
        broadcasts: { subject: string; cutting: unknown }[]
      }
      expect(
        broadcasts.map(({ subject }) => subject),
        JSON.stringify(body),
      ).toEqual([two.subject])
    }, WAIT)
    await looks(8)
    const after = (await call(gate, 'GET', '/v1/broadcasts?server=origin-7')).body as {
      broadcasts: { cutting: unknown }[]
    }
    expect(after.broadcasts).toMatchObject([{ cutting: { cause: 'strike' } }])
    expect(await states()).toMatchObject({ 'origin-7': 'leaving', 'origin-9': 'live' })
  }, 60_000)
})
