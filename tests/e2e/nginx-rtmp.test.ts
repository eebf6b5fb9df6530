/**
 * The whole: a real encoder publishes to a real nginx-rtmp, which asks a real gate process under policies/default.yaml.
 *
 * Everything the test knows it learns over the HTTP API with the admin key. The adapter alone, with every way a gate can
 * misbehave, is tests/adapters/media/real-nginx.test.ts.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type Broadcast, broadcast, canPlay } from '../support/ffmpeg.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { pageConfig } from '../support/nginx-page.ts'
import { describeWithMedia } from '../support/programs.ts'
import { ADMIN_KEY, call, type ServerProcess, startServer } from '../support/server.ts'

const SECRET_1 = 'Zmlyc3Qgc2VjcmV0IG9mIHRoZSB0ZXN0'
const SECRET_2 = 'c2Vjb25kIHNlY3JldCBvZiB0aGUgdGVzdA'
const SERVERS = `servers:
  - id: edge-1
    kind: nginx-rtmp
    secret_env: EDGE_1_SECRET
    subject: { from: stream_key }
    app: live
  - id: edge-2
    kind: nginx-rtmp
    secret: ${SECRET_2}
    subject: { from: stream_key }
    when_down: allow
`
const WAIT = { timeout: 10_000, interval: 50 }
const YEARS_AGO = '2020-01-01T00:00:00Z'

interface StreamKeyAnswer {
  readonly id: string
  readonly key: string
}

interface Found {
  readonly id: string
  readonly outcome: string
  readonly disclosed: {
    readonly result: Readonly<Record<string, unknown>>
    readonly request: Readonly<Record<string, unknown>>
    readonly subject: { readonly subject: string }
  }
}

describeWithMedia('a broadcast through nginx-rtmp, nginx and the gate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livegate-e2e-'))
  const keys: string[] = []
  let gate: ServerProcess
  let nginx: Nginx
  let open: Nginx
  let running: Broadcast[] = []

  beforeAll(async () => {
    gate = await startGate()
    nginx = await startNginx((ports) =>
      pageConfig({ ...ports, gate: gate.url, secret: SECRET_1, when_down: 'deny' }),
    )
    open = await startNginx((ports) =>
      pageConfig({
        ...ports,
        gate: gate.url,
        secret: SECRET_2,
        when_down: 'allow',
        replace: [['/nginx-rtmp/edge-1', '/nginx-rtmp/edge-2']],
      }),
    )
  })
  afterEach(async () => {
    for (const on of running.splice(0)) await on.stop()
    running = []
  })
  afterAll(async () => {
    await nginx?.stop()
    await open?.stop()
    await gate?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  function startGate(port = 0): Promise<ServerProcess> {
    const servers = join(folder, 'servers.yaml')
    writeFileSync(servers, SERVERS)
    const env = { EDGE_1_SECRET: SECRET_1 }
    return startServer({ data: join(folder, 'data'), servers, port, env })
  }

  async function keyFor(subject: string, facts?: object): Promise<StreamKeyAnswer> {
    const body = { subject, ...(facts === undefined ? {} : { facts }) }
    const answer = await call(gate, 'POST', '/v1/stream-keys', body)
    expect(answer.status).toBe(201)
    const made = answer.body as StreamKeyAnswer
    keys.push(made.key)
    return made
  }

  function go(name: string, server: Nginx = nginx): Broadcast {
    const on = broadcast(`${server.rtmp}/live/${name}`)
    running.push(on)
    return on
  }

  /** The newest decision, as an auditor reads it. */
  async function newest(): Promise<Found> {
    const list = await call(gate, 'GET', '/v1/decisions?limit=1')
    const [first] = (list.body as { decisions: { id: string }[] }).decisions
    const one = await call(gate, 'GET', `/v1/decisions/${first?.id}`)
    return one.body as Found
  }

  async function decisions(): Promise<number> {
    const list = await call(gate, 'GET', '/v1/decisions?limit=200')
    return (list.body as { decisions: unknown[] }).decisions.length
  }

  async function broadcastsOf(subject: string): Promise<unknown[]> {
    const view = await call(gate, 'GET', `/v1/subjects/${subject}`)
    return (view.body as { broadcasts: unknown[] }).broadcasts
  }

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

  it('a clean key with stored facts is allowed, media flows under the public name, the record is in the log', async () => {
    const key = await keyFor('u_clean', { created_at: YEARS_AGO })
    const on = go(key.key)
    expect(await on.live).toBe(true)
    const name = `live_${key.id.slice(3)}`
    expect(await nginx.names()).toEqual([name])
    expect(await canPlay(`${nginx.rtmp}/live/${name}`)).toBe(true)
    const decision = await newest()
    expect(decision).toMatchObject({
      outcome: 'allow',
      disclosed: {
        subject: { subject: 'u_clean' },
        request: { caller: 'hook:edge-1', stream: key.id, ingest: 'rtmp', server: 'edge-1' },
      },
    })
    const proof = await call(gate, 'GET', `/v1/decisions/${decision.id}/proof?wait=10s`)
    expect(proof.status).toBe(200)
    expect(await broadcastsOf('u_clean')).toMatchObject([{ id: decision.id, server: 'edge-1' }])
    await on.stop()
    await vi.waitFor(async () => expect(await broadcastsOf('u_clean')).toEqual([]), WAIT)
  })

  it('a key whose subject has no stored facts is refused as unknown, and the record says which fact', async () => {
    const key = await keyFor('u_unknown')
    expect(await go(key.key).live).toBe(false)
    expect(await newest()).toMatchObject({
      outcome: 'delay',
      disclosed: {
        subject: { subject: 'u_unknown' },
        result: {
          mode: 'retry',
          unknown: [{ rule: 'new-account', facts: ['subject.created_at'] }],
        },
      },
    })
  })

  it('an account of today is held, and asking again neither shortens the hold nor floods the log', async () => {
    const key = await keyFor('u_new', { created_at: new Date().toISOString() })
    expect(await go(key.key).live).toBe(false)
    const first = await newest()
    expect(first).toMatchObject({
      outcome: 'delay',
      disclosed: { subject: { subject: 'u_new' }, result: { mode: 'hold' } },
    })
    expect(await go(key.key).live).toBe(false)
    const before = await decisions()
    for (let i = 0; i < 3; i++) expect(await go(key.key).live).toBe(false)
    expect(await decisions()).toBe(before)
    const { not_before } = first.disclosed.result
    expect(not_before).toBeGreaterThan(Date.now() + 13 * 60_000)
    expect((await newest()).disclosed.result.not_before).toBe(not_before)
  })

  it('a struck subject is denied before any media, and a reversal lets the next start through', async () => {
    const key = await keyFor('u_struck', { created_at: YEARS_AGO })
    await strike('u_struck', 's_e2e_1')
    expect(await go(key.key).live).toBe(false)
    expect(await newest()).toMatchObject({
      outcome: 'deny',
      disclosed: { subject: { subject: 'u_struck' }, result: { rules: ['gravest-violations'] } },
    })
    const reversal = { reason: 'the link led to a news report' }
    const reversed = await call(gate, 'POST', '/v1/strikes/s_e2e_1/reversal', reversal)
    expect(reversed.status).toBe(201)
    expect(await go(key.key).live).toBe(true)
  })

  it('an unknown key, a revoked key and a foreign application are refused and decide nothing', async () => {
    const key = await keyFor('u_revoked', { created_at: YEARS_AGO })
    expect((await call(gate, 'DELETE', `/v1/stream-keys/${key.id}`)).status).toBe(204)
    const before = await decisions()
    for (const name of ['no-such-key', key.key, 'sk_AAAAAAAAAAAAAAAAAAAAAA'])
      expect(await go(name).live).toBe(false)
    expect(await decisions()).toBe(before)
  })

  it('an injected name cannot change whose broadcast it is', async () => {
    const struck = await keyFor('u_injector', { created_at: YEARS_AGO })
    const clean = await keyFor('u_victim', { created_at: YEARS_AGO })
    await strike('u_injector', 's_e2e_2')
    const before = await decisions()
    for (const args of [`?name=${clean.key}&call=publish`, `?a=1&name=${clean.key}`])
      expect(await go(`${struck.key}${args}`).live).toBe(false)
    expect(await go(`${clean.key}?name=${struck.key}`).live).toBe(false)
    expect(await decisions()).toBe(before)
  })

  it('no spelling of the hook address and no stranger gets an answer nginx-rtmp takes for yes', async () => {
    const key = await keyFor('u_doors', { created_at: YEARS_AGO })
    const body = `app=live&flashver=&swfurl=&tcurl=&pageurl=&addr=203.0.113.9&clientid=900001&call=publish&name=${key.key}&type=live`
    const before = await decisions()
    const doors = [
      ['/hooks/nginx-rtmp/edge-1/', SECRET_1],
      ['/hooks/nginx-rtmp//edge-1', SECRET_1],
      ['/hooks/nginx-rtmp/EDGE-1', SECRET_1],
      ['/hooks/nginx-rtmp/edge-2', SECRET_1],
      ['/hooks/srs/edge-1', SECRET_1],
      ['/hooks/nginx-rtmp', SECRET_1],
      ['/hooks/nginx-rtmp/edge-1', SECRET_2],
      ['/hooks/nginx-rtmp/edge-1', ADMIN_KEY],
    ] as const
    for (const [path, secret] of doors) {
      const response = await fetch(gate.url + path, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          authorization: `Bearer ${secret}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body,
      })
      expect(`${path} ${String(response.status)[0]}`).toBe(`${path} 4`)
    }
    expect(await decisions()).toBe(before)
  })

  it('a gate that was killed means what each deployment chose, running streams go on, and it still knows them afterwards', async () => {
    const clean = await keyFor('u_outage', { created_at: YEARS_AGO })
    const other = await keyFor('u_outage_2', { created_at: YEARS_AGO })
    const before = go(clean.key)
    expect(await before.live).toBe(true)
    await gate.kill()
    expect(await go(other.key).live).toBe(false)
    expect(await go(other.key, open).live).toBe(true)
    expect(await nginx.names()).toEqual([`live_${clean.id.slice(3)}`])
    // What was admitted undecided runs under its own name: only the gate knows the public one.
    expect(await open.names()).toEqual([other.key])

    gate = await startGate(Number(new URL(gate.url).port))
    expect(await broadcastsOf('u_outage')).toHaveLength(1)
    await before.stop()
    await vi.waitFor(async () => expect(await broadcastsOf('u_outage')).toEqual([]), WAIT)
    expect(await go(other.key).live).toBe(true)
  })

  it('no key and no secret stands in what gate and nginx have written', () => {
    const written = [
      gate.stderr(),
      nginx.written().replaceAll(`"Bearer ${SECRET_1}"`, ''),
      ...(readdirSync(join(folder, 'data'), { recursive: true }) as string[])
        .map((file) => join(folder, 'data', file))
        .filter((file) => statSync(file).isFile())
        .map((file) => readFileSync(file, 'latin1')),
    ].join('\n')
    expect(keys.length).toBeGreaterThan(5)
    for (const secret of [...keys, SECRET_1, SECRET_2]) expect(written).not.toContain(secret)
  })
})
