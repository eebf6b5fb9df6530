/**
 * (G5, G11) What runs on a real nginx-rtmp ends when it must: strikes, crashes of either side, fail-open starts, lost messages.
 *
 * Real encoders, real nginx in the configuration of docs/media/nginx-rtmp.md, a real gate process under
 * policies/default.yaml, everything learnt over HTTP. Without any of them: tests/adapters/media/keeper.test.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type Broadcast, recording, replay } from '../support/ffmpeg.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { pageConfig } from '../support/nginx-page.ts'
import { freePorts } from '../support/ports.ts'
import { describeWithMedia } from '../support/programs.ts'
import { call, type ServerProcess, startServer } from '../support/server.ts'
import { type SwitchableProxy, startProxy } from '../support/switchable-proxy.ts'

const SECRETS = [
  'Zmlyc3Qgc2VjcmV0IG9mIGN1dHM',
  'c2Vjb25kIHNlY3JldCBvZiBjdXRz',
  'dGhpcmQgc2VjcmV0IG9mIGN1dHM',
]
const WAIT = { timeout: 10_000, interval: 20 }
const YEARS_AGO = '2020-01-01T00:00:00Z'

interface Key {
  readonly subject: string
  readonly key: string
  /** Name viewers use. */
  readonly name: string
}

describeWithMedia('cutting through nginx-rtmp', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-cuts-'))
  const file = join(folder, 'pictures.flv')
  let gate: ServerProcess
  /** Fail-closed, its control interface behind a proxy that can be shut. */
  let closed: Nginx
  /** Fail-open. */
  let open: Nginx
  /** Without a control interface: only its polls can end something. */
  let polled: Nginx
  let control: SwitchableProxy
  let running: Broadcast[] = []
  let subjects = 0
  const keys: string[] = []
  /** What gates of this test wrote before they ended. */
  const written: string[] = []

  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    await recording(file)
    const at = `http://127.0.0.1:${port}`
    const start = (n: number, when_down: 'deny' | 'allow', more: [string, string][] = []) =>
      startNginx((ports) =>
        pageConfig({
          ...{ ...ports, gate: at, secret: SECRETS[n - 1] ?? '', when_down },
          replace: [
            ['/nginx-rtmp/edge-1', `/nginx-rtmp/edge-${n}`],
            ['notify_update_timeout 15s', 'notify_update_timeout 1s'],
            ...more,
          ],
        }),
      )
    closed = await start(1, 'deny')
    open = await start(2, 'allow')
    polled = await start(3, 'deny')
    control = await startProxy(() => closed.http)
    writeFileSync(join(folder, 'servers.yaml'), serversFile())
    gate = await startGate(port)
  })
  afterEach(async () => {
    for (const on of running.splice(0)) await on.stop()
    running = []
  })
  afterAll(async () => {
    for (const nginx of [closed, open, polled]) await nginx?.stop()
    await control?.stop()
    await gate?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  function serversFile(): string {
    const server = (n: number, more: string): string =>
      `  - { id: edge-${n}, kind: nginx-rtmp, secret: ${SECRETS[n - 1]}, subject: { from: stream_key }, app: live, ${more} }`
    return [
      'servers:',
      server(1, `reconcile: 1s, control: "${control.url}"`),
      server(2, `when_down: allow, reconcile: 5s, control: "${open.http}"`),
      server(3, 'when_down: deny'),
    ].join('\n')
  }

  function startGate(port: number): Promise<ServerProcess> {
    return startServer({ data: join(folder, 'data'), servers: join(folder, 'servers.yaml'), port })
  }

  async function startAgain(): Promise<void> {
    written.push(gate.stderr())
    gate = await startGate(Number(new URL(gate.url).port))
  }

  async function someone(): Promise<Key> {
    const subject = `u_cut_${++subjects}`
    const body = { subject, facts: { created_at: YEARS_AGO } }
    const answer = await call(gate, 'POST', '/v1/stream-keys', body)
    expect(answer.status).toBe(201)
    const { id, key } = answer.body as { id: string; key: string }
    keys.push(key)
    return { subject, key, name: `live_${id.slice(3)}` }
  }

  function go(nginx: Nginx, name: string): Broadcast {
    const on = replay(file, `${nginx.rtmp}/live/${name}`)
    running.push(on)
    return on
  }

  /** Somebody is live; resolves once his media flows. */
  async function live(nginx: Nginx): Promise<Key & { readonly on: Broadcast }> {
    const one = await someone()
    const on = go(nginx, one.key)
    expect(await on.live).toBe(true)
    return { ...one, on }
  }

  async function strike(subject: string): Promise<void> {
    const answer = await call(gate, 'POST', `/v1/subjects/${subject}/strikes`, {
      ...{ id: `s_${subject}`, category: 'terrorism.link', severity: 'high' },
      issued_at: new Date().toISOString(),
    })
    expect(answer.status).toBe(201)
  }

  async function broadcastsOf(subject: string): Promise<unknown[]> {
    const view = await call(gate, 'GET', `/v1/subjects/${subject}`)
    return (view.body as { broadcasts: unknown[] }).broadcasts
  }

  /** Sum of a metric over its series, those with `label` if given. */
  async function counted(name: string, label = ''): Promise<number> {
    const { body } = await call(gate, 'GET', '/metrics')
    return String(body)
      .split('\n')
      .filter((line) => line.startsWith(name) && line.includes(label))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  it('a strike ends the stream within a second of its answer, and every attempt to come back is denied', async () => {
    const { subject, key, name, on } = await live(closed)
    const { on: other, name: otherName } = await live(closed)
    await strike(subject)
    const from = performance.now()
    await vi.waitFor(async () => expect(await closed.names()).not.toContain(name), WAIT)
    expect(performance.now() - from).toBeLessThan(1_000)
    expect((await on.ended).log).toContain('Broken pipe')
    await vi.waitFor(async () => expect(await broadcastsOf(subject)).toEqual([]), WAIT)
    const confirmed =
      (await counted('livegate_cuts_total', 'dropped')) +
      (await counted('livegate_cuts_total', 'reported'))
    expect(confirmed).toBe(1)
    for (let attempt = 0; attempt < 3; attempt++) expect(await go(closed, key).live).toBe(false)
    expect(await closed.names()).toEqual([otherName])
    await other.stop()
  })

  it('of two publishers of one key the second is turned away, and a strike ends the first', async () => {
    const { subject, key, name, on } = await live(closed)
    const twin = go(closed, key)
    expect(await twin.live).toBe(false)
    expect((await twin.ended).log).toMatch(/Already publishing|Operation not permitted/)
    expect(await closed.names()).toEqual([name])
    await vi.waitFor(async () => expect(await broadcastsOf(subject)).toHaveLength(1), WAIT)
    await strike(subject)
    expect((await on.ended).log).toContain('Broken pipe')
    expect(await closed.names()).toEqual([])
  })

  it('a gate that restarts finds what runs under its lease, keeps it, and can still end it', async () => {
    const { subject, name, on } = await live(closed)
    expect(await gate.stop()).toBe(0)
    await startAgain()
    await vi.waitFor(
      async () =>
        expect(
          await counted('livegate_observed_stream_seconds_total', 'covered="yes"'),
        ).toBeGreaterThan(1),
      WAIT,
    )
    expect(await closed.names()).toEqual([name])
    expect(await counted('livegate_observed_stream_seconds_total', 'covered="no"')).toBe(0)
    await strike(subject)
    expect((await on.ended).log).toContain('Broken pipe')
  })

  it('a gate that was killed between the strike and the cut cuts when it is back', async () => {
    const { subject, name, on } = await live(closed)
    control.open = false
    const before = control.refused()
    await strike(subject)
    await vi.waitFor(() => expect(control.refused()).toBeGreaterThan(before), WAIT)
    await gate.kill()
    control.open = true
    expect(await closed.names()).toEqual([name])
    await startAgain()
    expect((await on.ended).log).toContain('Broken pipe')
    await vi.waitFor(async () => expect(await broadcastsOf(subject)).toEqual([]), WAIT)
    expect(await counted('livegate_cuts_total')).toBe(1)
  })

  it('twenty streams a fail-open proxy let in are decided within ten seconds of the gate, and the denied ones end', async () => {
    const people = await Promise.all(Array.from({ length: 20 }, someone))
    for (const { subject } of people.slice(0, 10)) await strike(subject)
    await gate.kill()
    const streams = people.map(({ key }) => go(open, key))
    expect(await Promise.all(streams.map(({ live }) => live))).toEqual(people.map(() => true))
    await startAgain()
    const from = performance.now()
    await vi.waitFor(
      async () => expect(await counted('livegate_ungated_total', 'gate_unreachable')).toBe(20),
      WAIT,
    )
    await Promise.all(streams.slice(0, 10).map(({ ended }) => ended))
    expect(performance.now() - from).toBeLessThan(10_000)
    expect((await open.names()).sort()).toEqual(
      people
        .slice(10)
        .map(({ key }) => key)
        .sort(),
    )
    const { body } = await call(gate, 'GET', '/v1/decisions?limit=200')
    const { decisions } = body as { decisions: { outcome: string }[] }
    const newest = decisions.slice(0, 20).map(({ outcome }) => outcome)
    expect(newest.filter((outcome) => outcome === 'deny')).toHaveLength(10)
    expect(newest.filter((outcome) => outcome === 'allow')).toHaveLength(10)
    for (const { subject } of people.slice(10)) expect(await broadcastsOf(subject)).toHaveLength(1)
  })

  it('polls cut nothing while the gate is away, whatever starts would mean then', async () => {
    const [one, two] = [await live(closed), await live(open)]
    await gate.kill()
    const over = Promise.race([one.on.ended, two.on.ended]).then(() => 'ended')
    const polls = new Promise((resolve) => setTimeout(resolve, 3_500, 'three polls later'))
    expect(await Promise.race([over, polls])).toBe('three polls later')
    expect([await closed.names(), await open.names()]).toEqual([[one.name], [two.name]])
    await startAgain()
  })

  it('without a control interface the next poll ends what was struck', async () => {
    const { subject, on } = await live(polled)
    await strike(subject)
    expect((await on.ended).log).toContain('Broken pipe')
    await vi.waitFor(async () => expect(await broadcastsOf(subject)).toEqual([]), WAIT)
  })

  it('after a reload what an old worker carries keeps its lease, and its next poll can end it', async () => {
    const { subject, name, on } = await live(closed)
    closed.reload()
    await vi.waitFor(async () => expect(await closed.names()).not.toContain(name), WAIT)
    // Later than a lease is lost that is in no list: the time of a start, and two lists.
    const long = new Promise((resolve) => setTimeout(resolve, 14_000, 'still live'))
    expect(await Promise.race([on.ended, long])).toBe('still live')
    expect(await broadcastsOf(subject)).toHaveLength(1)
    await strike(subject)
    expect((await on.ended).log).toContain('Broken pipe')
    await vi.waitFor(async () => expect(await broadcastsOf(subject)).toEqual([]), WAIT)
  }, 40_000)

  it('what an nginx that crashed can no longer tell is noticed, and its numbers mean others afterwards', async () => {
    const before = await live(closed)
    await closed.restart()
    await before.on.ended
    expect(await broadcastsOf(before.subject)).toHaveLength(1)
    const after = await live(closed)
    await vi.waitFor(async () => expect(await broadcastsOf(before.subject)).toEqual([]), {
      ...WAIT,
      timeout: 20_000,
    })
    expect(await closed.names()).toEqual([after.name])
    expect(await broadcastsOf(after.subject)).toHaveLength(1)
  }, 40_000)

  it('no key and no secret stands in what the gate has written', () => {
    const all = [...written, gate.stderr()].join('\n')
    expect(all).toContain('"cut"')
    expect(keys.length).toBeGreaterThan(20)
    for (const secret of [...keys, ...SECRETS]) expect(all).not.toContain(secret)
  })
})
