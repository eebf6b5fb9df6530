/** A real gate with real witnesses on ports: cosigned while it decides, watched from outside, set back and found out. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/program.ts'
import { epochMs } from '../../src/core/time.ts'
import { call, type ServerProcess, startServer } from '../support/server.ts'
import { createTestWitness, type TestWitness } from '../support/witness.ts'
import { serveWitness, type WitnessServer } from '../support/witness-server.ts'

let dir: string
let vkey: string
let policy: string
let witnesses: readonly TestWitness[]
let servers: readonly WitnessServer[]
const gates: ServerProcess[] = []

async function gate(data: string, port: number, ...args: string[]): Promise<ServerProcess> {
  const started = await startServer({ data, args, port })
  gates.push(started)
  return started
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'livegate-witness-'))
  const first = await gate(join(dir, 'data'), 0)
  vkey = String((await call(first, 'GET', '/log/vkey')).body).trim()
  expect((await call(first, 'GET', '/log/checkpoint.witnessed')).status).toBe(404)
  expect(await first.stop()).toBe(0)
  witnesses = [1, 2, 3].map((seed) =>
    createTestWitness({ ...{ name: `w${seed}.example`, seed, logs: [vkey] }, now: Date.now }),
  )
  servers = await Promise.all(witnesses.map((witness) => serveWitness(witness)))
  policy = join(dir, 'witnesses.txt')
  const lines = witnesses.map(
    (witness, i) => `witness w${i + 1} ${witness.vkey} ${servers[i]?.url}`,
  )
  await writeFile(policy, `${lines.join('\n')}\ngroup two 2 w1 w2 w3\nquorum two\n`)
})

afterAll(async () => {
  for (const one of gates) await one.kill()
  for (const server of servers) await server.close()
  await rm(dir, { recursive: true, force: true })
})

const sizeOf = (note: unknown): number => Number(String(note).split('\n')[1])

/** Asks until `good` says so; a test that waits for ever fails by its own limit. */
async function until<T>(ask: () => Promise<T>, good: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (good(answer)) return answer
    await new Promise<void>((go) => setImmediate(go))
  }
}

const witnessedBy = (one: ServerProcess, size: number) =>
  until(
    async () => call(one, 'GET', '/log/checkpoint.witnessed'),
    ({ status, body }) => status === 200 && sizeOf(body) >= size,
  )

async function decide(one: ServerProcess, subject: string): Promise<number> {
  const { body } = await call(one, 'POST', '/v1/decisions', { subject })
  return (body as { receipt: { index: number } }).receipt.index
}

async function monitor(url: string): Promise<{ exit: number; out: string }> {
  let out = ''
  const argv = ['log', 'monitor', `${url}/log`, '--vkey', vkey, '--state', 'm.json', '--once']
  const exit = await runCli([...argv, '--witness-policy', policy], {
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

describe('a gate with witnesses', () => {
  it('has what it decides cosigned, survives kill -9, and halts when an old backup is restored', async () => {
    const data = join(dir, 'data')
    await cp(data, join(dir, 'backup'), { recursive: true })
    const second = await gate(data, 0, '--witnesses', policy)
    const port = Number(new URL(second.url).port)
    const index = await decide(second, 'u_1')
    const { body } = await witnessedBy(second, index + 1)
    for (const { name } of witnesses) expect(String(body)).toContain(`\u2014 ${name} `)
    expect(await monitor(second.url)).toMatchObject({ exit: 0 })
    const { body: metrics } = await call(second, 'GET', '/metrics')
    expect(String(metrics)).toContain(`\nlivegate_witnessed_size ${sizeOf(body)}\n`)
    await second.kill()

    const third = await gate(data, port, '--witnesses', policy)
    await witnessedBy(third, (await decide(third, 'u_2')) + 1)
    expect((await monitor(third.url)).exit).toBe(0)
    expect(await third.stop()).toBe(0)

    const restored = await gate(join(dir, 'backup'), port, '--witnesses', policy)
    const ready = await call(restored, 'GET', '/readyz')
    expect(ready.status).toBe(503)
    expect(JSON.stringify(ready.body)).toMatch(
      /says that it has seen \d+ entries, but \d+ are signed here/,
    )
    expect((await call(restored, 'POST', '/v1/decisions', { subject: 'u_3' })).status).toBe(503)
    // From outside it shows less than before, without the tiles that would tell of which tree.
    const seen = await monitor(restored.url)
    expect([seen.exit, seen.out]).toEqual([
      1,
      expect.stringContaining('could not check: hash tiles are missing'),
    ])
  })

  it('does not start with a policy that is wrong, and says in which line', async () => {
    const wrong = join(dir, 'wrong.txt')
    await writeFile(wrong, 'quorum nobody\n')
    await expect(gate(join(dir, 'data'), 0, '--witnesses', wrong)).rejects.toThrow(
      /wrong\.txt:1: `nobody` is not defined above/,
    )
  })
})
