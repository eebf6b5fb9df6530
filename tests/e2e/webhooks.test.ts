/** A real gate tells a real receiver: signed, at least once, through a receiver that is down and a gate that is killed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../../src/cli/program.ts'
import { toBase64 } from '../../src/core/encoding.ts'
import { epochMs } from '../../src/core/time.ts'
import { freePorts } from '../support/ports.ts'
import { ADMIN_KEY, call, type ServerProcess, startServer } from '../support/server.ts'

const SECRET = `whsec_${toBase64(new Uint8Array(32).fill(3))}`

interface Message {
  readonly type: string
  readonly data: { readonly subject?: string; readonly record: { readonly id: string } }
}

let dir: string
let port: number
let receiver: Server | null = null
/** What the receiver says to the next messages. */
let answer = 204
const received: { readonly id: string; readonly message: Message }[] = []
const forged: string[] = []
const gates: ServerProcess[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'livegate-webhooks-'))
  ;[port = 0] = await freePorts(1)
  const file = [
    'endpoints:',
    '  - id: platform',
    `    url: http://127.0.0.1:${port}/live-events`,
    '    private: true',
    '    types: [decision.made, strike.recorded, strike.reversed, policy.activated, broadcast.cut]',
    '    secrets: [{ env: HOOK_SECRET }]',
  ]
  await writeFile(join(dir, 'webhooks.yaml'), `${file.join('\n')}\n`)
  await listenAgain()
})

afterAll(async () => {
  for (const gate of gates) await gate.kill()
  receiver?.close()
  await rm(dir, { recursive: true, force: true })
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
      try {
        new Webhook(SECRET).verify(body, headers)
        if (answer < 300)
          received.push({ id: headers['webhook-id'] ?? '', message: JSON.parse(body) as Message })
      } catch {
        forged.push(body)
      }
      response.writeHead(answer).end()
    })
  })
  const server = receiver
  await new Promise<void>((up) => server.listen(port, '127.0.0.1', up))
}

async function gate(): Promise<ServerProcess> {
  const started = await startServer({
    data: join(dir, 'data'),
    args: ['--webhooks', join(dir, 'webhooks.yaml')],
    env: { HOOK_SECRET: SECRET },
  })
  gates.push(started)
  return started
}

/** Asks until it is so; a test that waits for ever fails by its own limit. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise<void>((go) => setImmediate(go))
}

const hasArrived = (id: string) => received.some((one) => one.message.data.record.id === id)

async function decide(one: ServerProcess, subject: string): Promise<string> {
  const { status, body } = await call(one, 'POST', '/v1/decisions', { subject })
  expect(status).toBe(200)
  return (body as { id: string }).id
}

async function cli(url: string, ...argv: string[]): Promise<{ exit: number; out: string }> {
  let out = ''
  const exit = await runCli([...argv, '--url', url, '--key', ADMIN_KEY], {
    out: (text) => {
      out += text
    },
    talk: () => {},
    ...{ out_tty: false, talk_tty: false, columns: 80, env: {}, cwd: dir },
    pipe: () => ({ input: process.stdin, output: process.stdout }),
    now: () => epochMs(Date.now()),
    fetch: (address, init) => fetch(address, init),
    sleep: async () => undefined,
    watch: () => () => undefined,
    signal: new AbortController().signal,
  })
  return { exit, out }
}

it('what happens is told, signed; nothing is lost while the receiver is down and the gate dies', async () => {
  const first = await gate()
  const allowed = await decide(first, 'u_1')
  const strike = { id: 's_1', category: 'terrorism.link', severity: 'high' }
  const issued_at = new Date(Date.now() - 1_000).toISOString()
  expect(
    (await call(first, 'POST', '/v1/subjects/u_1/strikes', { ...strike, issued_at })).status,
  ).toBe(201)
  await until(() => received.some(({ message }) => message.type === 'strike.recorded'))
  expect(hasArrived(allowed)).toBe(true)

  receiver?.closeAllConnections()
  await new Promise((down) => receiver?.close(down))
  const unheard = [await decide(first, 'u_2'), await decide(first, 'u_3')]
  await first.kill()
  const second = await gate()
  unheard.push(await decide(second, 'u_4'))
  await listenAgain()
  await until(() => unheard.every(hasArrived))

  answer = 410
  const late = await decide(second, 'u_5')
  await until(async () => (await cli(second.url, 'webhook', 'list')).out.includes('gone since'))
  answer = 204
  const replayed = await cli(second.url, 'webhook', 'replay', 'platform')
  expect(replayed).toEqual({ exit: 0, out: expect.stringContaining('sent to again') })
  await until(() => hasArrived(late))
  await until(async () => (await cli(second.url, 'webhook', 'list')).out.includes('up to date'))
  expect(await cli(second.url, 'webhook', 'dead', 'platform')).toEqual({
    exit: 0,
    out: '0 dead letters\n',
  })
  expect((await cli(second.url, 'webhook', 'dead', 'nobody')).exit).toBe(1)
  expect(forged).toEqual([])
  expect(second.stderr()).not.toContain(SECRET)
  expect(await second.stop()).toBe(0)
}, 60_000)

it('a gate whose webhooks file is wrong does not start, and says every fault without a secret', async () => {
  const broken = join(dir, 'broken.yaml')
  await writeFile(
    broken,
    `endpoints:\n  - id: A\n    url: http://x.example\n    types: [nope]\n    secrets: [{ env: ${SECRET} }]\n`,
  )
  const started = startServer({ data: join(dir, 'other'), args: ['--webhooks', broken] })
  const failure = await started.then(
    () => 'started',
    (error: Error) => error.message,
  )
  for (const place of ['broken.yaml:2:', 'broken.yaml:4:']) expect(failure).toContain(place)
  expect(failure).not.toContain(SECRET.slice(6))
})
