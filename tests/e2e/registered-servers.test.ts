/**
 * Media servers that register themselves, end to end: a real nginx-rtmp that is in no servers file, real encoders, a real
 * gate process, and everything learnt over HTTP. What is not about a real server: tests/adapters/media/registrations.test.ts.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type Broadcast, recording, replay } from '../support/ffmpeg.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { pageConfig } from '../support/nginx-page.ts'
import { freePorts } from '../support/ports.ts'
import { describeWithMedia } from '../support/programs.ts'
import { ADMIN_KEY, call, type ServerProcess, startServer } from '../support/server.ts'

const SECRET = 'c2VjcmV0IG9mIGFsbCBvcmlnaW5z'
const WAIT = { timeout: 10_000, interval: 20 }
const ID = 'origin-7'
const PAGE = readFileSync(new URL('../../docs/media/registering.md', import.meta.url), 'utf8')

interface Shown {
  readonly id: string
  readonly state: string
  readonly host: string
  readonly expires_at: string | null
}

describeWithMedia('an nginx-rtmp that registers itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-registered-'))
  const file = join(folder, 'pictures.flv')
  let gate: ServerProcess
  let nginx: Nginx
  let running: Broadcast[] = []
  let subjects = 0
  let heartbeat: NodeJS.Timeout | undefined

  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    await recording(file)
    nginx = await startNginx((ports) =>
      pageConfig({
        ...{ ...ports, gate: `http://127.0.0.1:${port}`, secret: SECRET, when_down: 'deny' },
        replace: [
          ['/nginx-rtmp/edge-1', `/nginx-rtmp/${ID}`],
          ['notify_update_timeout 15s', 'notify_update_timeout 1s'],
        ],
      }),
    )
    writeFileSync(
      join(folder, 'servers.yaml'),
      `servers:
  - id: origins
    kind: nginx-rtmp
    secret: ${SECRET}
    subject: { from: stream_key }
    app: live
    reconcile: 1s
    control: "http://{host}:${new URL(nginx.http).port}"
    register: { hosts: [127.0.0.1/32], ttl: 10s }
`,
    )
    gate = await startGate(port)
  })
  afterEach(async () => {
    clearInterval(heartbeat)
    for (const on of running.splice(0)) await on.stop()
    running = []
  })
  afterAll(async () => {
    await nginx?.stop()
    await gate?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  function startGate(port: number): Promise<ServerProcess> {
    return startServer({ data: join(folder, 'data'), servers: join(folder, 'servers.yaml'), port })
  }

  const put = (body: object = { template: 'origins', host: '127.0.0.1' }) =>
    call(gate, 'PUT', `/v1/servers/${ID}`, body)

  async function register(): Promise<void> {
    expect([200, 201]).toContain((await put()).status)
    heartbeat = setInterval(() => void put().catch(() => {}), 2_000)
  }

  async function shown(): Promise<Shown | null> {
    const { body } = await call(gate, 'GET', '/v1/servers')
    return (body as { servers: Shown[] }).servers.find(({ id }) => id === ID) ?? null
  }

  function go(name: string): Broadcast {
    const on = replay(file, `${nginx.rtmp}/live/${name}`)
    running.push(on)
    return on
  }

  async function someone(): Promise<{ subject: string; key: string; name: string }> {
    const subject = `u_reg_${++subjects}`
    const facts = { created_at: '2020-01-01T00:00:00Z' }
    const answer = await call(gate, 'POST', '/v1/stream-keys', { subject, facts })
    const { id, key } = answer.body as { id: string; key: string }
    return { subject, key, name: `live_${id.slice(3)}` }
  }

  async function strike(subject: string): Promise<void> {
    const answer = await call(gate, 'POST', `/v1/subjects/${subject}/strikes`, {
      ...{ id: `s_${subject}`, category: 'terrorism.link', severity: 'high' },
      issued_at: new Date().toISOString(),
    })
    expect(answer.status).toBe(201)
  }

  it('is a stranger before it does, then lets in and refuses, and a strike ends what runs on it', async () => {
    const { subject, key } = await someone()
    expect(await go(key).live).toBe(false)
    const first = await put()
    expect(first).toMatchObject({
      status: 201,
      body: { id: ID, kind: 'nginx-rtmp', state: 'live', hook: `/hooks/nginx-rtmp/${ID}` },
    })
    await register()
    const on = go(key)
    expect(await on.live).toBe(true)
    await strike(subject)
    const from = performance.now()
    expect((await on.ended).log).toContain('Broken pipe')
    expect(performance.now() - from).toBeLessThan(1_000)
    expect(await nginx.names()).toEqual([])
    expect(await go(key).live).toBe(false)
    const { body } = await call(gate, 'GET', '/metrics')
    expect(String(body)).toContain('livegate_media_servers{template="origins",state="live"} 1')
    expect(JSON.stringify(await call(gate, 'GET', '/v1/servers'))).not.toContain(SECRET)
  })

  it('a gate that was killed knows it again without another word, and cuts what was struck in between', async () => {
    await register()
    clearInterval(heartbeat)
    const { subject, key, name } = await someone()
    const on = go(key)
    expect(await on.live).toBe(true)
    await gate.kill()
    gate = await startGate(Number(new URL(gate.url).port))
    expect(await shown()).toMatchObject({ state: 'live', host: '127.0.0.1' })
    const other = go((await someone()).key)
    expect(await other.live).toBe(true)
    expect(await nginx.names()).toContain(name)
    await strike(subject)
    expect((await on.ended).log).toContain('Broken pipe')
  })

  it('once deregistered it starts nothing; what runs goes on under the gate, and is forgotten with its end', async () => {
    await register()
    const [one, two] = [await someone(), await someone()]
    const on = go(one.key)
    expect(await on.live).toBe(true)
    clearInterval(heartbeat)
    expect((await call(gate, 'DELETE', `/v1/servers/${ID}`)).status).toBe(204)
    expect(await shown()).toMatchObject({ state: 'leaving', expires_at: null })
    expect(await go(two.key).live).toBe(false)
    expect(await nginx.names()).toEqual([one.name])
    await strike(one.subject)
    expect((await on.ended).log).toContain('Broken pipe')
    await vi.waitFor(async () => expect(await shown()).toBeNull(), WAIT)
    expect((await call(gate, 'DELETE', `/v1/servers/${ID}`)).status).toBe(404)
  })

  it('the loop of the page registers it, repeats that, and says good-bye when it is stopped', async () => {
    const { port } = new URL(gate.url)
    const [, script = ''] = /```sh\n(#!\/bin\/sh\n[\s\S]*?)```/.exec(PAGE) ?? []
    const program = join(folder, 'livegate-register')
    writeFileSync(program, script, { mode: 0o700 })
    const loop = spawn(program, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...{ PATH: process.env.PATH, ID, TEMPLATE: 'origins', HOST: '127.0.0.1', EVERY: '0.2' },
        ...{ LIVEGATE_URL: `http://127.0.0.1:${port}`, LIVEGATE_KEY: ADMIN_KEY },
      },
    })
    let said = ''
    loop.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString()
    })
    const ended = once(loop, 'exit')
    await vi.waitFor(() => expect(said).toMatch(/^PUT 20[01]\n(PUT 200\n){3}/), WAIT)
    expect(await shown()).toMatchObject({ state: 'live' })
    loop.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(said).toMatch(/DELETE 204\n$/)
    await vi.waitFor(async () => expect(await shown()).toBeNull(), WAIT)
  })

  it('one that is not heard of for its ttl starts nothing until it is, and keeps what runs', async () => {
    await register()
    const [one, two] = [await someone(), await someone()]
    const on = go(one.key)
    expect(await on.live).toBe(true)
    clearInterval(heartbeat)
    await vi.waitFor(async () => expect(await shown()).toMatchObject({ state: 'leaving' }), {
      ...WAIT,
      timeout: 15_000,
    })
    expect(await go(two.key).live).toBe(false)
    expect(await nginx.names()).toEqual([one.name])
    await register()
    expect(await go(two.key).live).toBe(true)
    expect((await nginx.names()).sort()).toEqual([one.name, two.name].sort())
  })
})
