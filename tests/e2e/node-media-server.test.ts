/**
 * A real encoder publishes to a real node-media-server, which notifies a real gate process under policies/default.yaml.
 *
 * Its hook is late: media flows while the gate decides, so what is measured is when it stops.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type ControlAccess, createControlAccess } from '../../src/adapters/media/control.ts'
import { ControlAuth } from '../../src/adapters/media/control-auth.ts'
import { nmsControl, withLogin } from '../../src/adapters/media/nms-control.ts'
import { after } from '../../src/adapters/node/system.ts'
import { epochMs } from '../../src/core/time.ts'
import { type Broadcast, broadcast, canPlay } from '../support/ffmpeg.ts'
import { NMS_PASSWORD, NMS_USER, type Nms, startNms } from '../support/nms.ts'
import { freePorts } from '../support/ports.ts'
import { describeWithMedia } from '../support/programs.ts'
import { call, type ServerProcess, startServer } from '../support/server.ts'

const SECRET = 'c2VjcmV0IG9mIG5vZGUtbWVkaWEtc2VydmVy'
const WAIT = { timeout: 10_000, interval: 50 }
const YEARS_AGO = '2020-01-01T00:00:00Z'

interface StreamKeyAnswer {
  readonly id: string
  readonly key: string
}

/** As the gate reaches it; ten logins a minute are the server's limit, so there is one. */
function accessTo(base: string, password = NMS_PASSWORD): ControlAccess {
  const plain = createControlAccess({ base, authorization: null, fetch, after })
  const auth = new ControlAuth('login', NMS_USER, password)
  return withLogin(plain, auth, { now: () => epochMs(Date.now()) })
}

describeWithMedia('a broadcast through node-media-server and the gate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-e2e-'))
  const keys: string[] = []
  const running: Broadcast[] = []
  let gate: ServerProcess
  let nms: Nms
  let ports: readonly number[]
  let access: ControlAccess

  beforeAll(async () => {
    ports = await freePorts(2)
    gate = await startGate()
    nms = await startNms(`${gate.url}/hooks/node-media-server/nms-1?secret=${SECRET}`, ports)
    access = accessTo(nms.http)
  })
  afterEach(async () => {
    for (const on of running.splice(0)) await on.stop()
  })
  afterAll(async () => {
    await nms?.stop()
    await gate?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  function startGate(port = 0): Promise<ServerProcess> {
    const servers = join(folder, 'servers.yaml')
    writeFileSync(
      servers,
      `servers:
  - id: nms-1
    kind: node-media-server
    secret: ${SECRET}
    subject: { from: stream_key }
    app: live
    control: http://127.0.0.1:${ports[1]}
    control_auth: { scheme: login, user: ${NMS_USER}, secret_env: NMS_PASSWORD }
    reconcile: 1s
`,
    )
    return startServer({ data: join(folder, 'data'), servers, port, env: { NMS_PASSWORD } })
  }

  async function keyFor(subject: string): Promise<StreamKeyAnswer> {
    const body = { subject, facts: { created_at: YEARS_AGO } }
    const answer = await call(gate, 'POST', '/v1/stream-keys', body)
    expect(answer.status).toBe(201)
    const made = answer.body as StreamKeyAnswer
    keys.push(made.key)
    return made
  }

  const nameOf = ({ id }: StreamKeyAnswer) => `live_${id.slice(3)}`

  function go(name: string, key: string | null): Broadcast {
    const on = broadcast(`${nms.rtmp}/live/${name}${key === null ? '' : `?key=${key}`}`)
    running.push(on)
    return on
  }

  async function broadcastsOf(subject: string): Promise<readonly { readonly server?: string }[]> {
    const view = await call(gate, 'GET', `/v1/subjects/${subject}`)
    return (view.body as { broadcasts: { server?: string }[] }).broadcasts
  }

  async function decisions(): Promise<number> {
    const list = await call(gate, 'GET', '/v1/decisions?limit=200')
    return (list.body as { decisions: unknown[] }).decisions.length
  }

  async function live(): Promise<readonly (string | null)[]> {
    const list = await nmsControl.list(access)
    if (!list.ok) throw new Error(list.error)
    return list.value.map(({ name }) => name)
  }

  /** Ends within ten seconds, without being told to here. */
  async function isCut(on: Broadcast): Promise<boolean> {
    const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), 10_000))
    return Promise.race([on.ended.then(() => true as const), late])
  }

  it('an allowed publisher stays, under the public name, and his key plays nothing', async () => {
    const key = await keyFor('u_clean')
    const on = go(nameOf(key), key.key)
    expect(await on.live).toBe(true)
    await vi.waitFor(async () => expect(await broadcastsOf('u_clean')).toHaveLength(1), WAIT)
    expect(await live()).toEqual([nameOf(key)])
    expect(await canPlay(`${nms.rtmp}/live/${nameOf(key)}`)).toBe(true)
    expect(await canPlay(`${nms.rtmp}/live/${key.key}`)).toBe(false)
  })

  async function strike(subject: string, id: string): Promise<void> {
    const body = {
      id,
      category: 'terrorism.link',
      severity: 'high',
      issued_at: new Date().toISOString(),
    }
    const answer = await call(gate, 'POST', `/v1/subjects/${subject}/strikes`, body)
    expect(answer.status).toBe(201)
  }

  it('a struck one is thrown out, soon after his first pictures', async () => {
    const key = await keyFor('u_struck')
    await strike('u_struck', 's_nms_1')
    const on = go(nameOf(key), key.key)
    expect(await isCut(on)).toBe(true)
    expect(await broadcastsOf('u_struck')).toEqual([])
    expect(await live()).not.toContain(nameOf(key))
  })

  it('a strike ends what runs, and the encoder that comes back is thrown out again', async () => {
    const key = await keyFor('u_running')
    const on = go(nameOf(key), key.key)
    expect(await on.live).toBe(true)
    await vi.waitFor(async () => expect(await broadcastsOf('u_running')).toHaveLength(1), WAIT)
    await strike('u_running', 's_nms_2')
    expect(await isCut(on)).toBe(true)
    expect(await isCut(go(nameOf(key), key.key))).toBe(true)
    await vi.waitFor(async () => expect(await broadcastsOf('u_running')).toEqual([]), WAIT)
  })

  it('an unknown key, none, and the key of another name are thrown out, and decide nothing', async () => {
    const [one, other] = [await keyFor('u_one'), await keyFor('u_other')]
    const before = await decisions()
    for (const on of [
      go(nameOf(one), 'guess'),
      go(nameOf(one), null),
      go(nameOf(other), one.key),
      go(one.key, one.key),
    ])
      expect(await isCut(on)).toBe(true)
    expect(await decisions()).toBe(before)
  })

  it('the list names the session of the hook, and a cut by it ends that publisher and no other', async () => {
    const [one, other] = [await keyFor('u_cut'), await keyFor('u_stays')]
    const [on, stays] = [go(nameOf(one), one.key), go(nameOf(other), other.key)]
    expect([await on.live, await stays.live]).toEqual([true, true])
    await vi.waitFor(async () => expect(await live()).toHaveLength(2), WAIT)
    const list = await nmsControl.list(access)
    const listed = list.ok ? list.value.find(({ name }) => name === nameOf(one)) : undefined
    if (listed === undefined) throw new Error('not listed')
    expect(listed).toMatchObject({ app: 'live', client_ip: '127.0.0.1' })
    expect(await nmsControl.cut(access, listed)).toEqual({ ok: true, value: { dropped: 1 } })
    expect(await isCut(on)).toBe(true)
    expect(await nmsControl.cut(access, listed)).toEqual({ ok: true, value: { dropped: 0 } })
    expect(await live()).toEqual([nameOf(other)])
  })

  it('a wrong password is refused, and says nothing of what is live', async () => {
    const wrong = accessTo(nms.http, 'guess')
    expect(await nmsControl.list(wrong)).toEqual({ ok: false, error: 'refused' })
  })

  it('a second publisher on a live name is turned away, and the first stays', async () => {
    const key = await keyFor('u_twin')
    const first = go(nameOf(key), key.key)
    expect(await first.live).toBe(true)
    expect(await isCut(go(nameOf(key), key.key))).toBe(true)
    expect(await live()).toEqual([nameOf(key)])
  })

  it('a gate that is gone admits everybody; when it is back, what nobody can vouch for is thrown out', async () => {
    const [key, kept] = [await keyFor('u_gone'), await keyFor('u_kept')]
    const before = go(nameOf(kept), kept.key)
    expect(await before.live).toBe(true)
    await vi.waitFor(async () => expect(await broadcastsOf('u_kept')).toHaveLength(1), WAIT)
    await gate.kill()
    const on = go(nameOf(key), key.key)
    expect(await on.live).toBe(true)
    gate = await startGate(Number(new URL(gate.url).port))
    // The list shows a public name, which is no proof of whose it is.
    expect(await isCut(on)).toBe(true)
    expect(await live()).toEqual([nameOf(kept)])
    expect(await broadcastsOf('u_kept')).toHaveLength(1)
  })

  it('no key stands in what the gate has written', () => {
    const written = [
      gate.stderr(),
      ...(readdirSync(join(folder, 'data'), { recursive: true }) as string[])
        .map((file) => join(folder, 'data', file))
        .filter((file) => statSync(file).isFile())
        .map((file) => readFileSync(file, 'latin1')),
    ].join('\n')
    expect(keys.length).toBeGreaterThan(5)
    for (const secret of [...keys, SECRET, NMS_PASSWORD]) expect(written).not.toContain(secret)
  })
})
