/**
 * (G11) What a media server runs, seen from the edge host: the bundled Worker under plain workerd with its objects on disk,
 * and a real HTTP server that answers like the control interface of nginx-rtmp, or badly.
 *
 * Nobody calls the gate while these wait: what happens is done by the keeper of the server and that of the log, by alarm.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { aBroadcaster, type Broadcaster, nginxHook, strikeThem } from '../support/broadcasters.ts'
import { type ControlServer, type Manners, startControlServer } from '../support/control-server.ts'
import { type EdgeGate, edgeGate } from '../support/edge-gate.ts'
import { ADMIN_KEY, call, type ServerProcess } from '../support/server.ts'

const SECRET = 'c2VjcmV0IG9mIHRoZSBrZWVwZXI'
const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')
const WAIT = { timeout: 25_000, interval: 50 }
const POLICY = `livegate: policy/v1
name: keepers
rules:
  - { id: struck, ground: terms, count: { category: ["*"] }, ladder: { 1: 30d }, outcome: deny }
  - { id: small, ground: terms, when: "subject.followers < 10", outcome: deny }
  - { id: raid, ground: terms, when: 'incident.active && incident.scope == "raid"', outcome: deny }
default: allow
`

describe('a media server under the eye of the edge host', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-edge-keeper-'))
  let control: ControlServer
  let edge: EdgeGate
  let gate: ServerProcess
  let people = 0

  beforeAll(async () => {
    control = await startControlServer()
    const servers = `servers:
  - id: edge-1
    kind: nginx-rtmp
    secret_env: EDGE_1_SECRET
    subject: { from: stream_key }
    app: live
    control: ${control.url}
    reconcile: 1s
`
    edge = await edgeGate({ dir: folder, servers, env: { EDGE_1_SECRET: SECRET } })
    gate = await edge.start()
  }, 60_000)
  afterAll(async () => {
    await gate?.kill()
    await control?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const person = (followers = 100): Promise<Broadcaster> =>
    aBroadcaster(gate, `u_${++people}`, { followers })
  const strike = (subject: string): Promise<void> => strikeThem(gate, subject)
  const hook = (what: string, session: string, name: string): Promise<number> =>
    nginxHook(gate, { server: 'edge-1', secret: SECRET, what, session, name })

  /** Goes live as the server would have it, and is in its list. */
  async function live(session: string, followers = 100): Promise<Broadcaster> {
    const one = await person(followers)
    expect(await hook('publish', session, one.key)).toBe(302)
    control.publishers.set(session, { app: 'live', name: one.name })
    return one
  }

  async function running(subject: string): Promise<readonly { readonly id: string }[]> {
    const { body } = await call(gate, 'GET', `/v1/subjects/${subject}`)
    return (body as { broadcasts: { id: string }[] }).broadcasts
  }

  async function sample(name: string): Promise<number> {
    const text = String((await call(gate, 'GET', '/metrics')).body)
    const line = text.split('\n').find((one) => one.startsWith(`${name} `))
    return line === undefined ? 0 : Number(line.split(' ').at(-1))
  }

  /** Resolves after so many more lists were asked for. */
  async function looks(count: number): Promise<void> {
    const lists = (): number => control.calls.filter((one) => one === 'GET /stat').length
    const until = lists() + count
    await vi.waitFor(() => expect(lists()).toBeGreaterThanOrEqual(until), WAIT)
  }

  it('is listed by one object, however many requests there are', async () => {
    await Promise.all(Array.from({ length: 20 }, () => call(gate, 'GET', '/readyz')))
    await looks(1)
    const before = control.calls.length
    await looks(3)
    expect(control.calls.length - before).toBeLessThanOrEqual(4)
  })

  it('what nobody decided is decided within two lists, on record, and goes on when it may', async () => {
    const one = await person()
    control.publishers.set('11', { app: 'live', name: one.key })
    await vi.waitFor(async () => expect(await running(one.subject)).toHaveLength(1), WAIT)
    expect(control.publishers.has('11')).toBe(true)
    const ungated = 'livegate_ungated_total{server="edge-1",cause="unasked"}'
    await vi.waitFor(async () => expect(await sample(ungated)).toBe(1), WAIT)
    await looks(3)
    expect(await sample(ungated)).toBe(1)
    const covered = 'livegate_observed_stream_seconds_total{server="edge-1",covered="yes"}'
    expect(await sample(covered)).toBeGreaterThan(0)
    control.publishers.delete('11')
  })

  it('what nobody decided and nobody may is cut', async () => {
    const one = await person()
    await strike(one.subject)
    control.publishers.set('12', { app: 'live', name: one.key })
    await vi.waitFor(() => expect(control.publishers.has('12')).toBe(false), WAIT)
    await vi.waitFor(async () => expect(await running(one.subject)).toHaveLength(0), WAIT)
  })

  it('what is nobody’s is cut without an outcome', async () => {
    control.publishers.set('13', { app: 'live', name: 'whoever-this-is' })
    await vi.waitFor(() => expect(control.publishers.has('13')).toBe(false), WAIT)
    const strangers = 'livegate_ungated_total{server="edge-1",cause="unknown_key"}'
    await vi.waitFor(async () => expect(await sample(strangers)).toBe(1), WAIT)
  })

  it('a strike ends what runs, and what is listed again afterwards is cut again', async () => {
    const one = await live('14')
    await strike(one.subject)
    await vi.waitFor(() => expect(control.publishers.has('14')).toBe(false), WAIT)
    control.publishers.set('14', { app: 'live', name: one.name })
    await vi.waitFor(() => expect(control.publishers.has('14')).toBe(false), WAIT)
  })

  const hostile: readonly [string, Manners][] = [
    ['hangs', () => {}],
    [
      'sends a page of HTML',
      (_request, response) =>
        void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>busy</h1>'),
    ],
    [
      'says that nobody is there, in half a document',
      (_request, response) =>
        void response.writeHead(200, { 'content-type': 'text/xml' }).end('<rtmp><server>'),
    ],
    ['refuses', (_request, response) => void response.writeHead(403).end()],
  ]

  it('a server that hangs, lies or refuses ends nothing', async () => {
    const one = await live('15')
    for (const [how, manners] of hostile) {
      control.manners = manners
      await looks(2)
      control.manners = null
      expect([how, (await running(one.subject)).length]).toEqual([how, 1])
    }
    for (const fault of ['timeout', 'unreadable', 'refused']) {
      const name = `livegate_control_faults_total{server="edge-1",fault="${fault}"}`
      await vi.waitFor(async () => expect(await sample(name)).toBeGreaterThan(0), WAIT)
    }
    await looks(3)
    expect(await running(one.subject)).toHaveLength(1)
  })

  it('goes on after the runtime was killed, without anybody asking', async () => {
    const one = await person()
    await gate.kill()
    gate = await edge.start(Number(new URL(gate.url).port))
    await looks(2)
    control.publishers.set('16', { app: 'live', name: one.key })
    await vi.waitFor(async () => expect(await running(one.subject)).toHaveLength(1), WAIT)
    control.publishers.delete('16')
  })

  it('a session the server lost is ended, later than a start can take', async () => {
    const one = await live('17')
    control.publishers.delete('17')
    await looks(3)
    expect(await running(one.subject)).toHaveLength(1)
    await vi.waitFor(async () => expect(await running(one.subject)).toHaveLength(0), WAIT)
  })

  it('one the server itself asks about is not lost, whatever its list says', async () => {
    const one = await live('18')
    control.publishers.delete('18')
    const polls = setInterval(() => void hook('update_publish', '18', one.name), 1_000)
    await looks(14)
    clearInterval(polls)
    expect(await running(one.subject)).toHaveLength(1)
  })

  it('a policy that takes force and an incident end what runs at the server, long before a renewal', async () => {
    const [small, other] = [await live('19', 5), await live('20')]
    expect((await call(gate, 'PUT', '/v1/policies', { policy: POLICY })).status).toBe(201)
    await vi.waitFor(() => expect(control.publishers.has('19')).toBe(false), WAIT)
    expect(control.publishers.has('20')).toBe(true)
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    const raid = { scope: 'raid', reason: 'a drill', expires_at }
    expect((await call(gate, 'PUT', '/v1/incident', raid)).status).toBe(201)
    await vi.waitFor(() => expect(control.publishers.has('20')).toBe(false), WAIT)
    for (const { subject } of [small, other])
      await vi.waitFor(async () => expect(await running(subject)).toHaveLength(0), WAIT)
  })

  it('an audit of the log finds nothing, with every record disclosed', async () => {
    const cli = async (...args: readonly string[]): Promise<string> => {
      const env = { ...process.env, LIVEGATE_URL: gate.url, LIVEGATE_KEY: ADMIN_KEY }
      return (await promisify(execFile)(process.execPath, [MAIN, ...args], { env })).stdout
    }
    const disclosures = join(folder, 'disclosures.jsonl')
    const lines = await cli('log', 'disclosures')
    writeFileSync(disclosures, lines)
    const events = lines.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    expect(events.length).toBeGreaterThan(20)
    const vkey = (await (await fetch(`${gate.url}/log/vkey`)).text()).trim()
    const stdout = await cli(
      'log',
      'audit',
      `${gate.url}/log`,
      '--vkey',
      vkey,
      '--disclosures',
      disclosures,
    )
    expect(stdout).toMatch(/entries: no finding in what was checked/)
  })
})
