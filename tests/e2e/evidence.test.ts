/**
 * Evidence from a real gate on Node: a person is struck, refused, and cleared on appeal; one file tells all of it to
 * somebody who has only the verifier key. Once asked of the gate, once out of a mirror and exported disclosures.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ran, run } from '../cli/a-world.ts'
import { ADMIN_KEY, call, type ServerProcess, startServer } from '../support/server.ts'

const root = mkdtempSync(join(tmpdir(), 'livegate-evidence-'))
let server: ServerProcess
let decision = ''
let vkey = ''
let key = ''

const cli = (...words: string[]): Promise<Ran> =>
  run(root, words, {
    fetch: (url, init) => fetch(url, init),
    sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
    now: () => Date.now() as never,
    env: { LIVEGATE_URL: server.url, LIVEGATE_KEY: key },
  })

interface Told {
  readonly verdict: string
  readonly faults: readonly object[]
  readonly replayed: boolean
  readonly proves: readonly string[]
  readonly decision: { readonly claims: { readonly outcome: string }; readonly disclosed: object }
}

async function told(file: string): Promise<Told & { readonly exit: number }> {
  const { exit, out } = await cli('log', 'verify', file, '--vkey', vkey, '--json')
  return { exit, ...(JSON.parse(out) as Told) }
}

/** Waits until the checkpoint covers an index. */
async function published(index: number): Promise<void> {
  for (;;) {
    const { body } = await call(server, 'GET', '/log/checkpoint')
    if (Number(String(body).split('\n')[1]) > index) return
    await new Promise((done) => setTimeout(done, 50))
  }
}

beforeAll(async () => {
  server = await startServer({ data: join(root, 'data') })
  key = ADMIN_KEY
  const answers = [
    await call(server, 'POST', '/v1/subjects/u_81f/strikes', {
      ...{ id: 's_1', category: 'terrorism.link', severity: 'high' },
      issued_at: new Date(Date.now() - 60_000).toISOString(),
    }),
    await call(server, 'POST', '/v1/decisions', {
      ...{ subject: 'u_81f', stream: { id: 'b_1' } },
      facts: { created_at: '2020-01-01T00:00:00Z' },
    }),
    await call(server, 'POST', '/v1/strikes/s_1/reversal', { reason: 'a documentary' }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([201, 200, 201])
  decision = String((answers[1]?.body as { readonly id: string } | undefined)?.id)
  const after =
    (answers[2]?.body as { readonly receipt: { readonly index: number } } | undefined)?.receipt
      .index ?? 0
  await published(after)
  vkey = String((await call(server, 'GET', '/log/vkey')).body).trim()
}, 30_000)

afterAll(async () => {
  await server.stop()
  rmSync(root, { recursive: true, force: true })
})

describe('one decision in one file', () => {
  it('asked of the gate is derived again by who has only the key', async () => {
    const made = await cli(
      ...['log', 'evidence', '--decision', decision, '--vkey', vkey],
      ...['--open', 'chain,result,facts', '--out', 'asked.json'],
    )
    expect(made).toMatchObject({ exit: 0, err: '' })
    const read = await told('asked.json')
    expect(read).toMatchObject({ exit: 0, verdict: 'holds', faults: [], replayed: true })
    expect(read.decision.claims.outcome).toBe('deny')
    expect(read.proves).toContain('1 strike it relied on was reversed since.')
    expect(Object.keys(read.decision.disclosed).toSorted()).toEqual(['chain', 'facts', 'result'])
  })

  it('out of a mirror and exported disclosures says the same', async () => {
    const mirrored = await cli('log', 'mirror', `${server.url}/log`, 'mirror', '--vkey', vkey)
    expect(mirrored.exit).toBe(0)
    const disclosed = await cli('log', 'disclosures')
    writeFileSync(join(root, 'disclosures.jsonl'), disclosed.out)
    const made = await cli(
      ...['log', 'evidence', '--decision', decision, '--vkey', vkey, '--log', 'mirror'],
      ...[
        '--disclosures',
        'disclosures.jsonl',
        '--open',
        'chain,result,facts',
        '--out',
        'kept.json',
      ],
    )
    expect(made).toMatchObject({ exit: 0, err: '' })
    const [kept, asked] = [await told('kept.json'), await told('asked.json')]
    expect(kept).toMatchObject({ exit: 0, verdict: 'holds', replayed: true })
    expect(kept.decision).toEqual(asked.decision)
  })

  it('names nobody unless it is asked to', async () => {
    const disclosed = (name: string): string =>
      (
        JSON.parse(readFileSync(join(root, name), 'utf8')) as { entries: { record: string }[] }
      ).entries
        .flatMap(({ record }) => record.split('~').slice(1))
        .map((text) => Buffer.from(text, 'base64url').toString())
        .join('\n')
    expect(disclosed('asked.json')).toContain('s_1')
    expect(disclosed('asked.json')).not.toContain('u_81f')
    const made = await cli(
      ...['log', 'evidence', '--decision', decision, '--vkey', vkey],
      ...['--open', 'chain,subject', '--out', 'named.json'],
    )
    expect(made.exit).toBe(0)
    expect(disclosed('named.json')).toContain('u_81f')
  })

  it('with one character changed proves nothing', async () => {
    const file = readFileSync(join(root, 'asked.json'), 'utf8')
    const at = file.indexOf('"record"') + 300
    const flipped = file.charAt(at) === 'A' ? 'B' : 'A'
    writeFileSync(join(root, 'changed.json'), file.slice(0, at) + flipped + file.slice(at + 1))
    expect(await told('changed.json')).toMatchObject({ exit: 4, verdict: 'altered', proves: [] })
  })
})
