/**
 * Whole chains of a real gate: with all of them opened a dropped record is a gap, and a clean audit leaves none unopened.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dataPaths, readKeyTexts } from '../../src/adapters/node/data-dir.ts'
import { readKeys } from '../../src/adapters/node/keys.ts'
import type { AuditCounts } from '../../src/core/audit/report.ts'
import { epochMs } from '../../src/core/time.ts'
import { decodeBundle } from '../../src/core/tlog/bundle.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { emptyEdge } from '../../src/core/tlog/edge.ts'
import { grow } from '../../src/core/tlog/grow.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { signNote } from '../../src/core/tlog/note.ts'
import { ADMIN_KEY, call, type ServerProcess, startServer } from '../support/server.ts'
import { writeFiles } from './a-log.ts'
import { aDirectory, run } from './a-world.ts'

const SECRET = 'edge-secret-0123456789'
const SERVERS = `servers:
  - { id: edge-1, kind: nginx-rtmp, secret: ${SECRET}, subject: { from: stream_key } }
`
const FACTS = { created_at: '2020-01-01T00:00:00Z' }

async function hook(server: ServerProcess, kind: string, key: string): Promise<number> {
  const connection =
    'app=live&flashver=FMLE/3.0&swfurl=&tcurl=rtmp://127.0.0.1/live&pageurl=&addr=203.0.113.9&clientid=7'
  const { status } = await fetch(new URL('/hooks/nginx-rtmp/edge-1', server.url), {
    method: 'POST',
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${SECRET}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: `${connection}&call=${kind}&name=${key}${kind === 'publish' ? '&type=live' : ''}`,
  })
  return status
}

/** A broadcast that runs and ends, a strike, a refusal, a reversal, an allow: one chain of every kind there is. */
async function live(server: ServerProcess): Promise<void> {
  const key = await call(server, 'POST', '/v1/stream-keys', { subject: 'u_1', facts: FACTS })
  const { key: secret } = key.body as { key: string }
  expect(await hook(server, 'publish', secret)).toBeLessThan(400)
  expect(await hook(server, 'publish_done', secret)).toBeLessThan(400)
  const strike = {
    ...{ id: 's_1', category: 'terrorism.link', severity: 'high' },
    issued_at: new Date().toISOString(),
  }
  expect((await call(server, 'POST', '/v1/subjects/u_1/strikes', strike)).status).toBe(201)
  const denied = await call(server, 'POST', '/v1/decisions', { subject: 'u_1' })
  expect(denied.body).toMatchObject({ outcome: 'deny' })
  const reversed = await call(server, 'POST', '/v1/strikes/s_1/reversal', { reason: 'appeal' })
  expect(reversed.body).toMatchObject({ decisions: [{ outcome: 'deny' }] })
  const allowed = await call(server, 'POST', '/v1/decisions', { subject: 'u_1' })
  expect(allowed.body).toMatchObject({ outcome: 'allow' })
}

/** The same log without the entry at `dropped`, signed as only its operator can. */
async function without(data: string, log: string, dropped: number): Promise<string> {
  const origin = readFileSync(join(log, 'checkpoint'), 'utf8').split('\n')[0] ?? ''
  const size = Number(readFileSync(join(log, 'checkpoint'), 'utf8').split('\n')[1])
  const bundle = readFileSync(join(log, `tile/entries/000.p/${size}`))
  const decoded = decodeBundle(new Uint8Array(bundle), size)
  if (!decoded.ok) throw new Error(decoded.error)
  const added = decoded.value.filter((_entry, index) => index !== dropped)
  const entries = { unfinished: [], added }
  const grown = grow({ edge: emptyEdge(), leaves: added.map(leafHash), entries })
  const { checkpointSigner } = readKeys(await readKeyTexts(dataPaths(data)), origin)
  const body = formatCheckpoint({ origin, size: added.length, root: grown.root })
  const note = await signNote({ body, signers: [checkpointSigner] })
  const files = new Map(grown.tiles.map(({ path, bytes }) => [path, bytes]))
  const copy = aDirectory()
  await writeFiles(copy, files.set('checkpoint', new TextEncoder().encode(note)))
  return copy
}

interface Line {
  readonly index: number
  readonly kind: string
}

interface Report {
  readonly findings: readonly { readonly code: string; readonly index: number }[]
  readonly counts: Pick<AuditCounts, 'chain_opened' | 'chain_unopened' | 'enforcers' | 'accesses'>
}

describe('the chains of a real gate', () => {
  test('open whole, and a record that was dropped from them is found', async () => {
    const dir = aDirectory()
    const data = join(dir, 'data')
    writeFileSync(join(dir, 'servers.yaml'), SERVERS)
    const server = await startServer({ data, servers: join(dir, 'servers.yaml') })
    const real = {
      fetch: (url: string, init: RequestInit) => fetch(url, init),
      now: () => epochMs(Date.now()),
    }
    const gate = ['--url', server.url, '--key', ADMIN_KEY]
    let vkey: string
    let lines: readonly Line[]
    try {
      await live(server)
      vkey = String((await call(server, 'GET', '/log/vkey')).body).trim()
      const exported = await run(dir, ['log', 'disclosures', ...gate], real)
      expect(exported.exit).toBe(0)
      writeFileSync(join(dir, 'all.jsonl'), exported.out)
      lines = exported.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      const second = lines[1]?.index ?? 0
      const rest = await run(dir, ['log', 'disclosures', '--from', `${second}`, ...gate], real)
      expect(rest.out).toBe(exported.out.split('\n').slice(1).join('\n'))
      const end = /--from (\d+)/.exec(exported.err)?.[1] ?? ''
      const none = await run(dir, ['log', 'disclosures', '--from', end, ...gate], real)
      expect(none).toEqual({ exit: 0, out: '', err: `0 records; what follows: --from ${end}\n` })
      const { decisions } = (await call(server, 'GET', '/v1/decisions?limit=1')).body as {
        readonly decisions: readonly { readonly id: string }[]
      }
      await call(server, 'GET', `/v1/decisions/${decisions[0]?.id}/proof?wait=10s`)
      const log = [
        'log',
        'audit',
        `${server.url}/log`,
        '--vkey',
        vkey,
        '--key',
        ADMIN_KEY,
        '--json',
      ]
      const asked = ['--challenge', '100', '--seed', '5e'.repeat(16), '--gate', server.url]
      const challenged = await run(dir, [...log, ...asked], real)
      const { tally } = JSON.parse(challenged.out).challenge
      expect([challenged.exit, tally]).toMatchObject([0, { opened: 6, refused: 0, false: 0 }])
    } finally {
      await server.stop()
    }
    expect(lines.map(({ kind }) => kind)).toEqual([
      ...['decision', 'broadcast', 'strike', 'decision', 'reversal', 'decision'],
    ])

    const log = join(dir, 'log')
    cpSync(dataPaths(data).log, log, { recursive: true })
    const audit = async (where: string): Promise<{ exit: number; report: Report }> => {
      const words = ['log', 'audit', where, '--vkey', vkey, '--disclosures', 'all.jsonl', '--json']
      const ran = await run(dir, words, real)
      return { exit: ran.exit, report: JSON.parse(ran.out) as Report }
    }
    const clean = await audit(log)
    expect(clean.exit).toBe(0)
    expect(clean.report.counts).toMatchObject({ chain_opened: 6, chain_unopened: 0 })
    expect(clean.report.counts.enforcers).toEqual({ instances: 1, records: 1 })
    const [admin] = clean.report.counts.accesses.callers
    expect(admin).toMatchObject({ via: ['records', 'challenge'], records: 17 })

    for (const [i, { index, kind }] of lines.slice(0, -1).entries()) {
      const cut = await audit(await without(data, log, index))
      expect(cut.exit, kind).toBe(4)
      const found = cut.report.findings.filter(({ code }) => code === 'chain_gap')
      expect(found.map((finding) => finding.index)).toEqual([(lines[i + 1]?.index ?? 0) - 1])
    }
  })
})

describe('an export', () => {
  const cases = [
    { name: 'leads back', answer: { records: [], next: 0 } },
    { name: 'repeats an index', answer: { records: [{ index: 3 }, { index: 3 }], next: null } },
    { name: 'begins before what was asked', answer: { records: [{ index: 1 }], next: null } },
    { name: 'holds no records', answer: {} },
  ]
  for (const { name, answer } of cases)
    test(`ends without a verdict when the answer ${name}`, async () => {
      const words = ['log', 'disclosures', '--from', '2', '--url', 'http://127.0.0.1']
      const fetch = (): Promise<Response> => Promise.resolve(Response.json(answer))
      const ran = await run(aDirectory(), words, { fetch })
      expect(ran).toMatchObject({ exit: 1, out: '' })
      expect(ran.err).toContain('Cannot read records: the answer is not in the order of the log')
    })

  test('of one log of several asks for that one', async () => {
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = async (url) => {
      asked.push(String(url))
      return Response.json({ records: [], next: null })
    }
    const words = ['log', 'disclosures', '--shard', '1', '--url', 'http://127.0.0.1']
    expect(await run(aDirectory(), words, { fetch })).toMatchObject({ exit: 0 })
    expect(asked).toEqual(['http://127.0.0.1/v1/records?shard=1&from=0&limit=500'])
    const wrong = await run(aDirectory(), [
      'log',
      'disclosures',
      '--shard',
      'b',
      '--url',
      'http://x',
    ])
    expect([wrong.exit, wrong.err]).toEqual([2, expect.stringContaining('Cannot export shard `b`')])
  })

  test('of some groups asks for those only', async () => {
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = async (url) => {
      asked.push(String(url))
      return Response.json({ records: [], next: null })
    }
    const words = ['log', 'disclosures', '--groups', 'chain,result', '--url', 'http://127.0.0.1']
    expect(await run(aDirectory(), words, { fetch })).toMatchObject({ exit: 0 })
    expect(asked).toEqual(['http://127.0.0.1/v1/records?groups=chain%2Cresult&from=0&limit=500'])
  })

  test('from anything but an index is wrong usage', async () => {
    const words = ['log', 'disclosures', '--from', '2026-11-20T00:00:00Z', '--url', 'http://x']
    const ran = await run(aDirectory(), words)
    expect(ran.exit).toBe(2)
    expect(ran.err).toContain('Cannot export from `2026-11-20T00:00:00Z`')
  })
})
