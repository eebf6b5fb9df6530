/**
 * Tape delay, shown working: the recipe of docs/media/tape.md with a real nginx-rtmp, real ffmpeg, a real gate.
 *
 * What is measured is when bytes reach a viewer, against the instant of the decision: nothing can be sent before that.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { readStatistics } from '../../src/adapters/media/nginx-rtmp-control.ts'
import { type Broadcast, recording, replay } from '../support/ffmpeg.ts'
import { policyOf, STRIKE_RULE } from '../support/gate.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { pageConfig } from '../support/nginx-page.ts'
import { freePorts } from '../support/ports.ts'
import { describeWithMedia, programPath } from '../support/programs.ts'
import { call, type ServerProcess, startServer } from '../support/server.ts'
import { withTape } from '../support/tape-page.ts'

const SECRET = 'c2VjcmV0IG9mIHRoZSB0YXBlIHRlc3Q'
const SECONDS = 6
const WAIT = { timeout: 25_000, interval: 20 }
const POLICY = policyOf(
  `  - { id: small, ground: terms, when: subject.followers < 10, outcome: delay, broadcast_delay: ${SECONDS}s }
  - { id: tiny, ground: terms, when: subject.followers < 3, outcome: delay, broadcast_delay: 8s }
${STRIKE_RULE}`,
)

interface Person {
  readonly subject: string
  readonly key: string
  /** Name viewers use. */
  readonly name: string
}

interface Viewer {
  /** When the first byte of media came, ms since 1970; rejects when the viewer ended before. */
  readonly first: Promise<number>
  bytes(): number
  last(): number
}

interface Decided {
  readonly decided_at: string
  readonly outcome: string
  readonly disclosed: { readonly result: Readonly<Record<string, unknown>> }
}

describeWithMedia('tape delay through nginx-rtmp', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-tape-'))
  const file = join(folder, 'pictures.flv')
  let gate: ServerProcess
  let nginx: Nginx
  let running: Broadcast[] = []
  let viewers: ChildProcess[] = []
  let people = 0

  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    await recording(file)
    nginx = await startNginx((ports) => {
      const at = { ...ports, gate: `http://127.0.0.1:${port}`, secret: SECRET }
      return withTape(pageConfig({ ...at, when_down: 'deny' }), folder, ports.rtmp)
    })
    const [policy, servers] = [join(folder, 'policy.yaml'), join(folder, 'servers.yaml')]
    writeFileSync(policy, POLICY)
    writeFileSync(
      servers,
      `servers:
  - { id: edge-1, kind: nginx-rtmp, secret: ${SECRET}, subject: { from: stream_key }, app: live, control: '${nginx.http}',
      reconcile: 15s, delayed: { app: live_delayed, up_to: ${SECONDS}s } }
`,
    )
    gate = await startServer({ data: join(folder, 'data'), policy, servers, port })
  })
  afterEach(async () => {
    for (const one of viewers.splice(0)) one.kill('SIGKILL')
    for (const on of running.splice(0)) await on.stop()
    viewers = []
    running = []
  })
  afterAll(async () => {
    await nginx?.stop()
    await gate?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  async function someone(followers: number): Promise<Person> {
    const subject = `u_tape_${++people}`
    const answer = await call(gate, 'POST', '/v1/stream-keys', { subject, facts: { followers } })
    expect(answer.status).toBe(201)
    const { id, key } = answer.body as { id: string; key: string }
    return { subject, key, name: `live_${id.slice(3)}` }
  }

  function go(path: string): Broadcast {
    const on = replay(file, `${nginx.rtmp}/${path}`)
    running.push(on)
    return on
  }

  /** Waits for the stream from now on, as somebody does who came early. */
  function watch(path: string): Viewer {
    const quick = '-nostdin -v error -fpsprobesize 0 -i'
    const arguments_ = [...quick.split(' '), `${nginx.rtmp}/${path}`, '-c', 'copy', '-f', 'h264']
    const child = spawn(programPath('ffmpeg') ?? 'ffmpeg', [...arguments_, '-an', 'pipe:1'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    viewers.push(child)
    const seen = { bytes: 0, last: 0 }
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
    const first = new Promise<number>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        if (seen.bytes === 0) resolve(Date.now())
        seen.bytes += chunk.length
        seen.last = Date.now()
      })
      child.once('close', () => reject(new Error(`the viewer ended: ${log}`)))
    })
    first.catch(() => {})
    return { first, bytes: () => seen.bytes, last: () => seen.last }
  }

  /** `application/name` of all that is sent; viewers that wait make no stream. */
  async function publishers(): Promise<string[]> {
    const list = readStatistics(await (await fetch(`${nginx.http}/stat`)).text())
    if (!list.ok) throw new Error(list.error)
    return list.value.map((one) => `${one.app}/${one.name}`).sort()
  }

  async function newest(): Promise<Decided> {
    const list = await call(gate, 'GET', '/v1/decisions?limit=1')
    const [one] = (list.body as { decisions: { id: string }[] }).decisions
    return (await call(gate, 'GET', `/v1/decisions/${one?.id}`)).body as Decided
  }

  async function strike(subject: string): Promise<void> {
    const answer = await call(gate, 'POST', `/v1/subjects/${subject}/strikes`, {
      ...{ id: `s_${subject}`, category: 'terrorism.link', severity: 'high' },
      issued_at: new Date().toISOString(),
    })
    expect(answer.status).toBe(201)
  }

  it('an ordinary allow is seen at once, in the application of always', async () => {
    const { key, name } = await someone(100)
    const viewer = watch(`live/${name}`)
    expect(await go(`live/${key}`).live).toBe(true)
    const { decided_at, outcome } = await newest()
    expect(outcome).toBe('allow')
    expect((await viewer.first) - Date.parse(decided_at)).toBeLessThan(SECONDS * 1000)
    expect(await publishers()).toEqual([`live/${name}`])
  }, 30_000)

  it('a delayed broadcast is seen so much later, under its public name, and nowhere before', async () => {
    const { subject, key, name } = await someone(5)
    const viewer = watch(`live_delayed/${name}`)
    const early = watch(`live/${name}`)
    expect(await go(`live/${key}`).live).toBe(true)
    const { decided_at, outcome, disclosed } = await newest()
    expect([outcome, disclosed.result]).toMatchObject([
      'delay',
      { mode: 'broadcast', broadcast_delay_s: SECONDS },
    ])
    const later = (await viewer.first) - Date.parse(decided_at)
    expect(later).toBeGreaterThanOrEqual(SECONDS * 1000)
    expect(early.bytes()).toBe(0)
    const tape = expect.stringMatching(new RegExp(`^live/tape_${SECONDS}_${name.slice(5)}_.{22}$`))
    expect(await publishers()).toEqual([tape, `live_delayed/${name}`])
    // Somebody else with the key, whom nginx turns away, takes nothing with him.
    const twin = go(`live/${key}`)
    expect(await twin.live).toBe(false)
    expect((await twin.ended).log).toMatch(/Already publishing|Operation not permitted/)
    const shown = viewer.bytes()
    await vi.waitFor(() => expect(viewer.bytes()).toBeGreaterThan(shown), WAIT)
    expect(await publishers()).toEqual([tape, `live_delayed/${name}`])
    const broadcasts = async (): Promise<unknown[]> => {
      const view = await call(gate, 'GET', `/v1/subjects/${subject}`)
      return (view.body as { broadcasts: unknown[] }).broadcasts
    }
    await vi.waitFor(async () => expect(await broadcasts()).toHaveLength(1), WAIT)
  }, 60_000)

  it('a strike ends publisher and copy, and what was held back is never shown', async () => {
    const { subject, key, name } = await someone(5)
    const viewer = watch(`live_delayed/${name}`)
    const on = go(`live/${key}`)
    await viewer.first
    await strike(subject)
    const struck = Date.now()
    expect((await on.ended).log).toContain('Broken pipe')
    await vi.waitFor(async () => expect(await publishers()).toEqual([]), WAIT)
    const shown = viewer.bytes()
    // As long as all that was held back would have taken.
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000))
    expect(viewer.bytes()).toBe(shown)
    expect(viewer.last() - struck).toBeLessThan(1_500)
    expect(await go(`live/${key}`).live).toBe(false)
  }, 60_000)

  it('a broadcast that ends by itself takes with it what was held back', async () => {
    const { subject, key, name } = await someone(5)
    const viewer = watch(`live_delayed/${name}`)
    const on = go(`live/${key}`)
    await viewer.first
    await on.stop()
    const ended = Date.now()
    await vi.waitFor(async () => expect(await publishers()).toEqual([]), WAIT)
    const shown = viewer.bytes()
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000))
    expect(viewer.bytes()).toBe(shown)
    // Sooner than the gate looks: the recipe alone does it.
    expect(viewer.last() - ended).toBeLessThan(1_500)
    const view = await call(gate, 'GET', `/v1/subjects/${subject}`)
    expect((view.body as { broadcasts: unknown[] }).broadcasts).toEqual([])
  }, 60_000)

  it('a delay longer than the server can make is refused', async () => {
    const { key } = await someone(2)
    expect(await go(`live/${key}`).live).toBe(false)
    expect(await newest()).toMatchObject({
      outcome: 'delay',
      disclosed: { result: { mode: 'hold' } },
    })
  })

  it('a copy that belongs to no broadcast is dropped', async () => {
    const { name } = await someone(5)
    const on = go(`live_delayed/${name}`)
    expect(await on.live).toBe(true)
    expect((await on.ended).log).toContain('Broken pipe')
  }, 30_000)
})
