/**
 * The whole on the edge host: a real encoder, a real nginx-rtmp with the configuration of docs/media/nginx-rtmp.md, and
 * the bundled Worker under plain workerd with its objects and its bucket on disk.
 *
 * workerd never closes an HTTP/1.0 connection after its answer; the page's proxy speaks 1.1 to it, so no hook may take
 * the seconds nginx-rtmp would otherwise wait.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type EdgeGate, edgeGate } from '../support/edge-gate.ts'
import { type Broadcast, broadcast, canPlay } from '../support/ffmpeg.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { pageConfig } from '../support/nginx-page.ts'
import { freePorts } from '../support/ports.ts'
import { describeWithMedia } from '../support/programs.ts'
import { ADMIN_KEY, call, type ServerProcess } from '../support/server.ts'

const SECRET = 'Zmlyc3Qgc2VjcmV0IG9mIHRoZSB0ZXN0'
const serversFile = (control: string): string => `servers:
  - id: edge-1
    kind: nginx-rtmp
    secret_env: EDGE_1_SECRET
    subject: { from: stream_key }
    app: live
    control: ${control}
`
const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')
const WAIT = { timeout: 10_000, interval: 50 }
const YEARS_AGO = '2020-01-01T00:00:00Z'
/** An encoder needs about a second; a hook that waits for a connection to close adds five. */
const AT_ONCE_MS = 4_000

interface StreamKey {
  readonly id: string
  readonly key: string
}

describeWithMedia('a broadcast through nginx-rtmp, nginx and the edge host', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-edge-rtmp-'))
  const keys: string[] = []
  const running: Broadcast[] = []
  let edge: EdgeGate
  let gate: ServerProcess
  let nginx: Nginx

  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    nginx = await startNginx((ports) =>
      pageConfig({
        ...{ ...ports, gate: `http://127.0.0.1:${port}`, secret: SECRET, when_down: 'deny' },
      }),
    )
    const servers = serversFile(nginx.http)
    edge = await edgeGate({ dir: folder, servers, env: { EDGE_1_SECRET: SECRET } })
    gate = await edge.start(port)
  })
  afterEach(async () => {
    for (const on of running.splice(0)) await on.stop()
  })
  afterAll(async () => {
    await nginx?.stop()
    await gate?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  async function keyFor(subject: string): Promise<StreamKey> {
    const body = { subject, facts: { created_at: YEARS_AGO } }
    const answer = await call(gate, 'POST', '/v1/stream-keys', body)
    expect(answer.status).toBe(201)
    const made = answer.body as StreamKey
    keys.push(made.key)
    return made
  }

  async function go(name: string): Promise<{ on: Broadcast; live: boolean; took_ms: number }> {
    const began = performance.now()
    const on = broadcast(`${nginx.rtmp}/live/${name}`)
    running.push(on)
    const live = await on.live
    return { on, live, took_ms: performance.now() - began }
  }

  async function broadcastsOf(subject: string): Promise<readonly { readonly id: string }[]> {
    const view = await call(gate, 'GET', `/v1/subjects/${subject}`)
    return (view.body as { broadcasts: { id: string }[] }).broadcasts
  }

  async function strike(subject: string, id: string): Promise<void> {
    const issued_at = new Date().toISOString()
    const body = { id, category: 'terrorism.link', severity: 'high', issued_at }
    expect((await call(gate, 'POST', `/v1/subjects/${subject}/strikes`, body)).status).toBe(201)
  }

  it('an allowed broadcast is live at once under its public name, recorded, and ended with its stream', async () => {
    const key = await keyFor('u_clean')
    const { on, live, took_ms } = await go(key.key)
    expect(live).toBe(true)
    expect(took_ms).toBeLessThan(AT_ONCE_MS)
    const name = `live_${key.id.slice(3)}`
    expect(await nginx.names()).toEqual([name])
    expect(await canPlay(`${nginx.rtmp}/live/${name}`)).toBe(true)
    const [open] = await broadcastsOf('u_clean')
    const proof = await call(gate, 'GET', `/v1/decisions/${open?.id}/proof?wait=10s`)
    expect(proof.status).toBe(200)
    await on.stop()
    const stopped = performance.now()
    await vi.waitFor(async () => expect(await broadcastsOf('u_clean')).toEqual([]), WAIT)
    expect(performance.now() - stopped).toBeLessThan(AT_ONCE_MS)
  })

  it('a struck subject is denied at once, before any media, and a reversal lets the next start through', async () => {
    const key = await keyFor('u_struck')
    await strike('u_struck', 's_edge_1')
    const denied = await go(key.key)
    expect(denied.live).toBe(false)
    expect(denied.took_ms).toBeLessThan(AT_ONCE_MS)
    const reversal = { reason: 'the link led to a news report' }
    const reversed = await call(gate, 'POST', '/v1/strikes/s_edge_1/reversal', reversal)
    expect(reversed.status).toBe(201)
    expect((await go(key.key)).live).toBe(true)
  })

  it('a strike ends the running stream, the next start is refused, and what was ordered and confirmed is on record', async () => {
    const key = await keyFor('u_cut')
    const { on, live } = await go(key.key)
    expect(live).toBe(true)
    const [open] = await broadcastsOf('u_cut')
    await strike('u_cut', 's_edge_cut')
    const answered = performance.now()
    await on.ended
    expect(performance.now() - answered).toBeLessThan(AT_ONCE_MS)
    expect((await go(key.key)).live).toBe(false)
    const ended = async (): Promise<number> =>
      (await call(gate, 'GET', `/v1/broadcasts/${open?.id}`)).status
    await vi.waitFor(async () => expect(await ended()).toBe(404), WAIT)
  })

  it('an unknown key is refused', async () => {
    expect((await go('no-such-key')).live).toBe(false)
  })

  it('kill -9 of the runtime: no new start, the running one goes on, and it is still known afterwards', async () => {
    const clean = await keyFor('u_outage')
    const other = await keyFor('u_outage_2')
    const before = await go(clean.key)
    expect(before.live).toBe(true)
    await gate.kill()
    expect((await go(other.key)).live).toBe(false)
    expect(await nginx.names()).toEqual([`live_${clean.id.slice(3)}`])
    gate = await edge.start(Number(new URL(gate.url).port))
    expect(await broadcastsOf('u_outage')).toHaveLength(1)
    await before.on.stop()
    await vi.waitFor(async () => expect(await broadcastsOf('u_outage')).toEqual([]), WAIT)
    expect((await go(other.key)).live).toBe(true)
  })

  it('an audit of the log finds nothing', async () => {
    const vkey = await (await fetch(`${gate.url}/log/vkey`)).text()
    const args = [MAIN, 'log', 'audit', `${gate.url}/log`, '--vkey', vkey.trim()]
    const env = { ...process.env, LIVEGATE_URL: gate.url, LIVEGATE_KEY: ADMIN_KEY }
    const { stdout } = await promisify(execFile)(process.execPath, args, { env })
    expect(stdout).toMatch(/entries: no finding in what was checked/)
  })

  it('no key and no secret stands in what the runtime and nginx have written', () => {
    const data = join(folder, 'data')
    const written = [
      gate.stderr(),
      nginx.written().replaceAll(`"Bearer ${SECRET}"`, ''),
      ...readdirSync(data, { recursive: true, encoding: 'utf8' })
        .map((file) => join(data, file))
        .filter((file) => statSync(file).isFile())
        .map((file) => readFileSync(file, 'latin1')),
    ].join('\n')
    expect(keys.length).toBeGreaterThan(3)
    for (const secret of [...keys, SECRET]) expect(written).not.toContain(secret)
  })
})
