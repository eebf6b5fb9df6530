/**
 * The Node host as a process: what it counts and says while it runs, how it ends, and when it refuses to begin.
 * G1 (no outcome while halted), G6 (halts and says why), G9 (sheds with Retry-After and counts it).
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataPaths } from '../../src/adapters/node/data-dir.ts'
import { generateKeys } from '../../src/adapters/node/keys.ts'
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { ADMIN_KEY, call, type ServerProcess, startServer } from '../support/server.ts'

const POLICY = resolve(import.meta.dirname, '../../policies/default.yaml')
const HOOK_SECRET = 'aG9vay1zZWNyZXQtb2YtdGhpcy10ZXN0'
const FACTS = { created_at: '2020-01-01T00:00:00Z' }
const root = mkdtempSync(join(tmpdir(), 'livegate-node-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const entriesIn = (data: string): number => {
  const sql = openNodeSql(dataPaths(data).database)
  try {
    return Number(sql.get('SELECT COUNT(*) AS size FROM entries')?.size)
  } finally {
    sql.close()
  }
}
const publishedIn = (data: string): number =>
  Number(readFileSync(dataPaths(data).checkpoint, 'utf8').split('\n')[1])

const decide = (
  server: ServerProcess,
  subject: string,
  facts: object = FACTS,
): ReturnType<typeof call> =>
  call(server, 'POST', '/v1/decisions', { subject, stream: { id: 'stream-of-a-test' }, facts })

describe('a gate that runs', () => {
  const data = join(root, 'running')
  const policy = join(root, 'policy.yaml')
  const good = readFileSync(POLICY, 'utf8')
  let server: ServerProcess
  let streamKey = ''
  let shed = 0

  const metrics = async (): Promise<string> => String((await call(server, 'GET', '/metrics')).body)
  const problems = async (): Promise<unknown> => {
    const { status, body } = await call(server, 'GET', '/readyz')
    expect(status).toBe(200)
    return (body as { policy: { problems: unknown } }).policy.problems
  }
  const publish = (key: string): Promise<Response> =>
    fetch(new URL('/hooks/nginx-rtmp/edge-1', server.url), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${HOOK_SECRET}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: `call=publish&app=live&name=${key}&addr=192.0.2.7&clientid=1&type=live&flashver=x&swfurl=&tcurl=rtmp%3A%2F%2Fx%2Flive&pageurl=`,
    })

  beforeAll(async () => {
    copyFileSync(POLICY, policy)
    const servers = join(root, 'servers.yaml')
    writeFileSync(
      servers,
      'servers:\n  - { id: edge-1, kind: nginx-rtmp, secret_env: EDGE_SECRET, subject: { from: stream_key }, app: live, when_down: deny, control: "http://127.0.0.1:9/control" }\n',
    )
    const env = { EDGE_SECRET: HOOK_SECRET }
    server = await startServer({ data, policy, servers, env, args: ['--rate', '40'] })
    expect((await decide(server, 'subject-of-an-allow')).body).toMatchObject({ outcome: 'allow' })
    await call(server, 'POST', '/v1/subjects/subject-of-a-deny/strikes', {
      ...{ id: 'strike-of-a-test', category: 'terrorism.link', severity: 'high' },
      issued_at: new Date().toISOString(),
    })
    expect((await decide(server, 'subject-of-a-deny')).body).toMatchObject({ outcome: 'deny' })
    await decide(server, 'subject-without-facts', {})
    const bound = await call(server, 'POST', '/v1/stream-keys', { subject: 'subject-of-a-key' })
    streamKey = (bound.body as { key: string }).key
    expect(streamKey.length).toBeGreaterThan(16)
    await publish(streamKey)
    expect((await publish('a-key-nobody-bound')).ok).toBe(false)
    const stranger = { authorization: `Bearer lg_stranger_${'x'.repeat(43)}` }
    expect((await call(server, 'GET', '/v1/policies', undefined, stranger)).status).toBe(401)
    const flood = await Promise.all(
      Array.from({ length: 200 }, () => call(server, 'GET', '/v1/policies')),
    )
    const refused = flood.filter(({ status }) => status === 429)
    shed = refused.length
    expect(shed).toBeGreaterThan(0)
    expect(refused[0]?.headers.get('retry-after')).toMatch(/^\d+$/)
  })
  afterAll(() => server.kill())

  it('counts decisions by outcome, unknown rules, strikes, refused hooks and what it shed', async () => {
    const lines = (await metrics()).split('\n')
    const value = (series: string): number =>
      Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length))
    expect(value('livegate_decisions_total{outcome="deny",mode="none",repeated="false"}')).toBe(1)
    const allowed = 'livegate_decisions_total{outcome="allow",mode="none",repeated="false"}'
    expect(value(allowed)).toBeGreaterThanOrEqual(1)
    expect(value('livegate_strikes_total{category="terrorism.link"}')).toBe(1)
    expect(
      lines.filter((line) => line.startsWith('livegate_unknown_total{')).length,
    ).toBeGreaterThan(0)
    expect(value('livegate_hooks_refused_total{server="edge-1",why="unknown_key"}')).toBe(1)
    expect(value('livegate_shed_total{code="rate_limited"}')).toBe(shed)
    expect(value('livegate_shed_total{code="overloaded"}')).toBe(0)
    expect(value('livegate_halted')).toBe(0)
    expect(lines.some((line) => line.startsWith('livegate_policy_info{name="'))).toBe(true)
    expect(value('livegate_decision_seconds_count')).toBeGreaterThanOrEqual(4)
  })

  it('publishes what it logged within seconds, and says how far behind it is', async () => {
    await expect
      .poll(metrics, { timeout: 20_000 })
      .toMatch(/\nlivegate_log_lag_entries 0\n[\s\S]*\nlivegate_log_lag_seconds 0\n/)
    const [, size] = /\nlivegate_log_size (\d+)\n/.exec(await metrics()) ?? []
    expect(Number(size)).toBe(entriesIn(data))
  })

  it('stays ready with a policy file that is broken, says what is wrong, and forgets it after the repair', async () => {
    expect(await problems()).toEqual([])
    writeFileSync(policy, good.replace(/^default: .*$/m, 'default: perhaps'))
    await expect
      .poll(problems, { timeout: 20_000 })
      .toEqual([expect.stringMatching(/^policy\.yaml:\d+:\d+ [a-z-]+: /)])
    expect(await metrics()).toMatch(/\nlivegate_policy_rejected_total [1-9]/)
    writeFileSync(policy, good)
    await expect.poll(problems, { timeout: 20_000 }).toEqual([])
  })

  it('never says a subject, a stream, a key or a token, in log lines or metrics', async () => {
    const said = `${server.stderr()}\n${await metrics()}`
    expect(server.stderr()).toContain('"msg":"shed"')
    expect(server.stderr()).toContain('"msg":"strike_recorded"')
    const secrets = [
      ...['subject-of-an-allow', 'subject-of-a-deny', 'subject-without-facts', 'subject-of-a-key'],
      ...['stream-of-a-test', 'strike-of-a-test', 'a-key-nobody-bound', 'stranger', '192.0.2.7'],
      ...[streamKey, HOOK_SECRET, ADMIN_KEY, ADMIN_KEY.slice(-20)],
    ]
    for (const secret of secrets) expect(said).not.toContain(secret)
  })

  it('numbers the records of a second, so that each is found at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => decide(server, `numbered_${i}`)),
    )
    const heads = answers.map(({ body }) => String((body as { id?: string }).id).slice(0, 8))
    expect(new Set(heads).size).toBe(10)
    for (const head of heads)
      expect(Buffer.from(head, 'base64url').readUInt16BE(4)).toBeLessThan(1_000)
  })

  it('answers SIGTERM by publishing everything and ending with 0', async () => {
    await decide(server, 'one-more')
    expect(await server.stop()).toBe(0)
    expect(publishedIn(data)).toBe(entriesIn(data))
  })
})

describe('a gate on a directory that does not fit', () => {
  const template = join(root, 'template')
  const older = join(root, 'older.db')

  beforeAll(async () => {
    const first = await startServer({ data: template })
    await decide(first, 'u1')
    expect(await first.stop()).toBe(0)
    copyFileSync(dataPaths(template).database, older)
    const second = await startServer({ data: template })
    for (let i = 0; i < 3; i++) await decide(second, `v${i}`)
    expect(await second.stop()).toBe(0)
  })

  it('halts on a database older than its log: not ready, with why; reads, and decides nothing', async () => {
    const data = join(root, 'rolled-back')
    cpSync(template, data, { recursive: true })
    copyFileSync(older, dataPaths(data).database)
    const server = await startServer({ data })
    const ready = await call(server, 'GET', '/readyz')
    expect(ready.status).toBe(503)
    expect(ready.body).toMatchObject({
      code: 'halted',
      detail: expect.stringContaining('the published checkpoint is at') as string,
    })
    const asked = await decide(server, 'u1')
    expect([asked.status, asked.body]).toMatchObject([503, { code: 'halted' }])
    expect(asked.body).not.toHaveProperty('outcome')
    expect((await call(server, 'GET', '/log/checkpoint')).status).toBe(200)
    expect(String((await call(server, 'GET', '/metrics')).body)).toContain('\nlivegate_halted 1\n')
    expect(await server.stop()).toBe(1)
    expect(server.stderr()).toContain('error: Cannot publish the last round')
  })

  const misfits: readonly {
    readonly name: string
    readonly spoil: (data: string) => void
    readonly args?: readonly string[]
    readonly says: string
  }[] = [
    {
      name: 'without its database',
      spoil: (data) => rmSync(dataPaths(data).database),
      says: 'there are log files, but no database',
    },
    {
      name: 'without its published log',
      spoil: (data) => rmSync(dataPaths(data).log, { recursive: true }),
      says: 'there is a database, but no published log',
    },
    {
      name: 'without its keys',
      spoil: (data) => rmSync(dataPaths(data).keys, { recursive: true }),
      says: 'a key file is missing',
    },
    {
      name: 'with keys others can read',
      spoil: (data) => chmodSync(dataPaths(data).pepper, 0o644),
      says: 'keys can be read by others (mode 644)',
    },
    {
      name: 'with the keys of another log',
      spoil: (data) =>
        writeFileSync(dataPaths(data).recordKey, generateKeys('livegate.local/log').record),
      says: 'its record key is not in its log',
    },
    {
      name: 'of another origin',
      spoil: () => {},
      args: ['--origin', 'other.example/log'],
      says: 'it holds the log `livegate.local/log`, expected `other.example/log`',
    },
    {
      name: 'that is missing, unless it may create one',
      spoil: (data) => rmSync(data, { recursive: true }),
      args: ['--init', 'false'],
      says: 'there is none',
    },
    {
      name: 'whose admin key of that id has another secret',
      spoil: () => {},
      args: ['--admin-key', `lg_test_${'z'.repeat(43)}`],
      says: 'its id exists with another secret',
    },
  ]
  for (const [i, { name, spoil, args = [], says }] of misfits.entries())
    it.concurrent(`does not start on one ${name}, and says what to do`, async () => {
      const data = join(root, `misfit-${i}`)
      cpSync(template, data, { recursive: true })
      spoil(data)
      const ended = await startServer({ data, args }).then(
        (server) => server.kill().then(() => 'it started'),
        (error: Error) => error.message,
      )
      expect(ended).toMatch(/^livegate exited with 1:\nerror: Cannot /)
      expect(ended).toContain(says)
      expect(ended).toMatch(/\nhint: /)
    })

  it('does not start beside another one on the same directory, nor on a taken port', async () => {
    const data = join(root, 'shared')
    cpSync(template, data, { recursive: true })
    const server = await startServer({ data })
    await expect(startServer({ data })).rejects.toThrow(
      /exited with 1:\nerror: Cannot open data directory: another process has it open\nhint: /,
    )
    const port = Number(new URL(server.url).port)
    mkdirSync(join(root, 'elsewhere'))
    await expect(startServer({ data: join(root, 'elsewhere', 'data'), port })).rejects.toThrow(
      /exited with 1:\n[\s\S]*error: Cannot listen on 127\.0\.0\.1 port \d+: the address is taken\nhint: /,
    )
    expect((await decide(server, 'u9')).status).toBe(200)
    expect(await server.stop()).toBe(0)
  })
})
