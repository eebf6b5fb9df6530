/** An encoder that speaks WHIP, a real gate process, a WHIP server behind it: live, refused with a reason, cut by a strike. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { call, type ServerProcess, startServer } from '../support/server.ts'
import { BACKEND_TOKEN, startWhipBackend, type WhipBackend } from '../support/whip-backend.ts'

const OFFER = 'v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n'
const folder = mkdtempSync(join(tmpdir(), 'livegate-whip-'))
let backend: WhipBackend
let gate: ServerProcess

beforeAll(async () => {
  backend = await startWhipBackend()
  const servers = join(folder, 'servers.yaml')
  writeFileSync(
    servers,
    `servers:
  - id: studio
    kind: whip
    subject: { from: stream_key }
    control: ${backend.url}/whip/endpoint/{name}
    control_auth: { scheme: bearer, secret: ${BACKEND_TOKEN} }
`,
  )
  gate = await startServer({ data: join(folder, 'data'), servers })
})
afterAll(async () => {
  await gate?.kill()
  await backend?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function keyFor(subject: string): Promise<string> {
  const facts = { created_at: '2020-01-01T00:00:00Z' }
  const { body } = await call(gate, 'POST', '/v1/stream-keys', { subject, facts })
  return (body as { key: string }).key
}

const offer = (key: string): Promise<Response> =>
  fetch(new URL('/whip/studio', gate.url), {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', authorization: `Bearer ${key}` },
    body: OFFER,
  })

async function strike(subject: string): Promise<void> {
  const issued_at = new Date().toISOString()
  const body = { id: `s_${subject}`, category: 'terrorism.link', severity: 'high', issued_at }
  expect((await call(gate, 'POST', `/v1/subjects/${subject}/strikes`, body)).status).toBe(201)
}

it('goes live through the door and ends with DELETE', async () => {
  const key = await keyFor('u_1')
  const live = await offer(key)
  expect([live.status, live.headers.get('content-type')]).toEqual([201, 'application/sdp'])
  expect(Number(live.headers.get('content-length'))).toBe((await live.text()).length)
  expect(backend.sessions.size).toBe(1)
  const session = new URL(live.headers.get('location') ?? '', gate.url)
  const ended = await fetch(session, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${key}` },
  })
  expect(ended.status).toBe(200)
  expect(backend.sessions.size).toBe(0)
})

it('is cut by a strike, and told why when it comes back', async () => {
  const key = await keyFor('u_2')
  expect((await offer(key)).status).toBe(201)
  await strike('u_2')
  await vi.waitFor(() => expect(backend.sessions.size).toBe(0), { timeout: 5_000, interval: 10 })
  const refused = await offer(key)
  expect([refused.status, refused.headers.get('content-type')]).toEqual([
    403,
    'application/problem+json',
  ])
  expect(await refused.json()).toMatchObject({
    code: 'live_denied',
    detail: expect.stringContaining('Live is withdrawn until'),
    reasons: [{ appeal: { url: expect.any(String) } }],
  })
  expect(gate.stderr()).not.toContain(key)
})

it('kill -9 between the strike and the cut: what was ordered is cut after the restart', async () => {
  const key = await keyFor('u_3')
  expect((await offer(key)).status).toBe(201)
  backend.instead = (_request, response) => void response.writeHead(503).end()
  await strike('u_3')
  await gate.kill()
  backend.instead = null
  expect(backend.sessions.size).toBe(1)
  const port = Number(new URL(gate.url).port)
  gate = await startServer({
    data: join(folder, 'data'),
    servers: join(folder, 'servers.yaml'),
    port,
  })
  await vi.waitFor(() => expect(backend.sessions.size).toBe(0), { timeout: 10_000, interval: 10 })
  expect((await offer(key)).status).toBe(403)
})
