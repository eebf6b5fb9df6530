/**
 * The edge host under plain workerd tells a real receiver: signed both ways, at least once, through a receiver that is down, a
 * runtime that is killed, answers of every kind; and no address of this machine that nobody said is private.
 */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { runCli } from '../../src/cli/program.ts'
import { fromBase64Url, toBase64 } from '../../src/core/encoding.ts'
import { epochMs } from '../../src/core/time.ts'
import { type EdgeGate, edgeGate } from '../support/edge-gate.ts'
import { freePorts } from '../support/ports.ts'
import { ADMIN_KEY, call, type ServerProcess } from '../support/server.ts'

const HMAC = `whsec_${toBase64(new Uint8Array(32).fill(3))}`
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const seed = fromBase64Url((privateKey.export({ format: 'jwk' }) as { d: string }).d)
const ED25519 = `whsk_${toBase64(seed ?? new Uint8Array())}`
const verifier = createPublicKey(publicKey.export({ format: 'pem', type: 'spki' }))

interface Message {
  readonly type: string
  readonly data: {
    readonly subject?: string
    readonly stage?: string
    readonly record: { readonly id: string; readonly origin: string }
  }
}

interface Received {
  readonly id: string
  readonly message: Message
}

let dir: string
let port: number
let gate: EdgeGate
let one: ServerProcess
let receiver: Server | null = null
let answer: (message: Message) => number
const received: Received[] = []
const forged: string[] = []
let refused = 0

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'livegate-edge-webhooks-'))
  ;[port = 0] = await freePorts(1)
  const types = '[decision.made, strike.recorded, strike.reversed, policy.activated, broadcast.cut]'
  const webhooks = [
    'endpoints:',
    '  - id: platform',
    `    url: http://127.0.0.1:${port}/live-events`,
    '    private: true',
    `    types: ${types}`,
    '    secrets: [{ env: HOOK_HMAC }, { env: "HOOK_ED25519" }]',
    '  - id: outside',
    // Addresses that are no secret and nobody said are private.
    `    url: https://localhost:${port}/live-events`,
    '    types: [strike.recorded]',
    '    secrets: [{ env: HOOK_HMAC }]',
    '  - id: written-out',
    `    url: https://[::ffff:127.0.0.1]:${port}/live-events`,
    '    types: [strike.recorded]',
    '    secrets: [{ env: HOOK_HMAC }]',
  ]
  gate = await edgeGate({
    dir,
    webhooks: `${webhooks.join('\n')}\n`,
    env: { LIVEGATE_SHARDS: '2', HOOK_HMAC: HMAC, HOOK_ED25519: ED25519 },
  })
  one = await gate.start()
  await listenAgain()
})

afterAll(async () => {
  await one?.stop()
  receiver?.close()
  await rm(dir, { recursive: true, force: true })
})

beforeEach(() => {
  answer = () => 204
})

async function listenAgain(): Promise<void> {
  receiver = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const headers = request.headers as Record<string, string>
      if (request.url !== '/live-events' || !isSigned(body, headers)) {
        forged.push(`${request.url} ${body}`)
        response.writeHead(500).end()
        return
      }
      const message = JSON.parse(body) as Message
      const status = answer(message)
      if (status < 300) received.push({ id: headers['webhook-id'] ?? '', message })
      else refused++
      response.writeHead(status, { location: `http://127.0.0.1:${port}/elsewhere` }).end()
    })
  })
  const server = receiver
  await new Promise<void>((up) => server.listen(port, '127.0.0.1', up))
}

function isSigned(body: string, headers: Record<string, string>): boolean {
  const said = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const signatures = (headers['webhook-signature'] ?? '').split(' ')
  const v1a = signatures.find((text) => text.startsWith('v1a,'))?.slice(4) ?? ''
  if (!verify(null, Buffer.from(said), verifier, Buffer.from(v1a, 'base64'))) return false
  try {
    new Webhook(HMAC).verify(body, headers)
    return true
  } catch {
    return false
  }
}

/** Asks until it is so; a test that waits for ever fails by its own limit. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise<void>((go) => setImmediate(go))
}

const timesArrived = (id: string) =>
  received.filter(({ message }) => message.data.record.id === id).length
const hasArrived = (id: string) => timesArrived(id) > 0

async function decide(subject: string): Promise<string> {
  const { status, body } = await call(one, 'POST', '/v1/decisions', {
    subject,
    stream: { id: `live-${subject}` },
    facts: { created_at: '2020-01-01T00:00:00Z' },
  })
  expect(status).toBe(200)
  return (body as { id: string }).id
}

async function cli(...argv: string[]): Promise<{ exit: number; out: string }> {
  let out = ''
  const exit = await runCli([...argv, '--url', one.url, '--key', ADMIN_KEY], {
    out: (text) => {
      out += text
    },
    talk: () => {},
    ...{ out_tty: false, talk_tty: false, columns: 80, env: {}, cwd: dir },
    now: () => epochMs(Date.now()),
    fetch: (address, init) => fetch(address, init),
    sleep: async () => undefined,
    watch: () => () => undefined,
    pipe: () => ({ input: process.stdin, output: process.stdout }),
    signal: new AbortController().signal,
  })
  return { exit, out }
}

const standings = async () =>
  (JSON.parse((await cli('webhook', 'list', '--json')).out) as { endpoints: Standing[] }).endpoints
interface Standing {
  readonly id: string
  readonly behind: number
  readonly waiting: number
  readonly dead: number
  readonly logs: readonly object[]
}
const standingOf = async (id: string) => (await standings()).find((endpoint) => endpoint.id === id)

it('what happens in either log is told, signed with HMAC and Ed25519', async () => {
  const subjects = Array.from({ length: 6 }, (_, i) => `u_${i}`)
  const decided = await Promise.all(subjects.map(decide))
  const strike = { id: 's_1', category: 'terrorism.link', severity: 'high' }
  const issued_at = new Date(Date.now() - 1_000).toISOString()
  const path = '/v1/subjects/u_1/strikes'
  expect((await call(one, 'POST', path, { ...strike, issued_at })).status).toBe(201)
  const reversal = { reason: 'wrong person' }
  expect((await call(one, 'POST', '/v1/strikes/s_1/reversal', reversal)).status).toBe(201)
  await until(() => decided.every(hasArrived))
  const types = () => new Set(received.map(({ message }) => message.type))
  await until(() => types().has('strike.recorded') && types().has('strike.reversed'))
  await until(() => types().has('policy.activated'))
  // What the strike takes away from the broadcast that runs.
  await until(() => received.some(({ message }) => message.data.stage === 'ordered'))
  const origins = new Set(received.map(({ message }) => message.data.record.origin))
  expect([...origins].sort()).toEqual(['edge.example/log/0', 'edge.example/log/1'])
  expect(forged).toEqual([])
}, 60_000)

it('nothing is lost while the receiver is down and the runtime is killed', async () => {
  receiver?.closeAllConnections()
  await new Promise((down) => receiver?.close(down))
  const unheard = [await decide('u_20'), await decide('u_21')]
  await one.kill()
  one = await gate.start()
  unheard.push(await decide('u_22'))
  await listenAgain()
  await until(() => unheard.every(hasArrived))
  await until(async () => (await standingOf('platform'))?.behind === 0)
}, 60_000)

it('an endpoint that said it is gone is told everything once somebody says so', async () => {
  answer = () => 410
  const late = await decide('u_30')
  await until(async () => (await cli('webhook', 'list')).out.includes('gone since'))
  answer = () => 204
  const replayed = await cli('webhook', 'replay', 'platform')
  expect(replayed).toEqual({ exit: 0, out: expect.stringContaining('sent to again') })
  await until(() => hasArrived(late))
}, 60_000)

it('follows no redirect, and lays aside what is refused without keeping others back', async () => {
  const poison = `u_40`
  answer = ({ data }) => (data.subject === poison ? 307 : 204)
  const bad = await decide(poison)
  const good = await Promise.all(['u_41', 'u_42', 'u_43', 'u_44'].map(decide))
  await until(() => good.every(hasArrived))
  await until(async () => ((await standingOf('platform'))?.waiting ?? 0) > 0)
  expect(hasArrived(bad)).toBe(false)
  expect(forged, 'nothing at the address the redirect names').toEqual([])
  answer = () => 204
  await until(() => hasArrived(bad))
  const activations = received.filter(({ message }) => message.type === 'policy.activated')
  expect(new Set(activations.map(({ id }) => id)).size, 'though both logs have it').toBe(1)
}, 120_000)

it('goes to no address of this machine that is not said to be private', async () => {
  await until(async () => {
    const [outside, written] = [await standingOf('outside'), await standingOf('written-out')]
    return (outside?.waiting ?? 0) > 0 && (written?.waiting ?? 0) > 0
  })
  expect(forged).toEqual([])
  expect((await standingOf('outside'))?.logs).toHaveLength(2)
  expect(await cli('webhook', 'dead', 'outside')).toEqual({ exit: 0, out: '0 dead letters\n' })
  expect((await cli('webhook', 'dead', 'nobody')).exit).toBe(1)
  const metrics = await (await fetch(`${one.url}/metrics`)).text()
  expect(metrics).toMatch(/^livegate_webhooks_waiting\{endpoint="outside"\} [1-9]/m)
  for (const secret of [HMAC, ED25519]) expect(one.stderr()).not.toContain(secret)
  expect(refused).toBeGreaterThan(0)
}, 60_000)

it('a deployment whose webhooks file is wrong answers nothing, and says every fault without a secret', async () => {
  const text = [
    'endpoints:',
    '  - id: A',
    '    url: http://x.example',
    '    types: [nope]',
    `    secrets: [{ env: ${HMAC} }]`,
  ].join('\n')
  const broken = await edgeGate({ dir: join(dir, 'broken'), env: { LIVEGATE_WEBHOOKS: text } })
  const other = await broken.start()
  try {
    expect((await call(other, 'POST', '/v1/decisions', { subject: 'u_1' })).status).toBe(503)
    const said = other.stderr()
    for (const place of [2, 4]) expect(said).toContain(`LIVEGATE_WEBHOOKS:${place}:`)
    expect(said).not.toContain(HMAC.slice(6))
  } finally {
    await other.stop()
  }
}, 60_000)
