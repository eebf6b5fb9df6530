/**
 * What only a process can show: exit codes, streams, a reader that goes away, a terminal's colours, a real gate.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { epochMs } from '../../src/core/time.ts'
import { ADMIN_KEY, call, startServer } from '../support/server.ts'
import { aDirectory, run } from './a-world.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const MAIN = join(ROOT, 'src/cli/main.ts')

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly out: string
  readonly err: string
}

function livegate(
  words: readonly string[],
  options: { readonly closeOut?: boolean; readonly timeout?: number } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process that waits in open() hears no other signal.
    ...(options.timeout === undefined ? {} : { timeout: options.timeout, killSignal: 'SIGKILL' }),
  })
  if (options.closeOut === true) child.stdout.destroy()
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return new Promise((done) =>
    child.once('close', (code, signal) => done({ code, signal, out, err })),
  )
}

describe('the process', () => {
  test('ends with the exit code of the command, results and talk apart', async () => {
    const clean = await livegate(['policy', 'lint', 'policies/default.yaml'])
    expect(clean).toMatchObject({ code: 0, err: '', out: '1 file: 0 errors, 0 warnings\n' })
    expect(await livegate(['policy', 'lnt'])).toMatchObject({ code: 2, out: '' })
  })

  test('whose reader has gone ends quietly, and not as if all were well', async () => {
    const ended = await livegate(['policy', 'test', 'policies'], { closeOut: true })
    expect(ended).toMatchObject({ code: 1, err: '' })
  })

  test.each(['lint', 'test', 'prove'])(
    'that walks a folder waits for no pipe there: policy %s',
    async (verb) => {
      const dir = aDirectory()
      mkdirSync(join(dir, 'old.yaml'))
      execFileSync(
        'mkfifo',
        ['a.yaml', 'a.test.yaml', 'p.test.yaml'].map((name) => join(dir, name)),
      )
      const rule = '{ id: a, outcome: deny, count: { category: spam.* }, ladder: { 1: 7d } }'
      writeFileSync(join(dir, 'p.yaml'), `livegate: policy/v1\nname: p\nrules: [${rule}]\n`)
      const ended = await livegate(['policy', verb, dir], { timeout: 20_000 })
      expect(ended).toMatchObject({ code: verb === 'test' ? 1 : 0, signal: null })
    },
  )

  test.each(['lint', 'prove'])(
    'that does not come to a pause is ended by Ctrl-C: policy %s',
    async (verb) => {
      const pipe = join(aDirectory(), 'p.yaml')
      execFileSync('mkfifo', [pipe])
      const child = spawn(process.execPath, [MAIN, 'policy', verb, pipe], {
        stdio: 'ignore',
        timeout: 10_000,
        killSignal: 'SIGKILL',
      })
      const ended = new Promise((done) => child.once('close', (_, signal) => done(signal)))
      // Opens as soon as the other end does; from then on the command waits for what never comes.
      const end = await open(pipe, 'w')
      child.kill('SIGINT')
      expect(await ended).toBe('SIGINT')
      await end.close()
    },
  )

  test('colours for a terminal, not for a pipe, not under NO_COLOR', async () => {
    const dir = aDirectory()
    writeFileSync(join(dir, 'p.yaml'), 'livegate: policy/v1\nname: p\nrules: 7\n')
    const words = ['policy', 'lint', 'p.yaml']
    expect((await run(dir, words)).out).not.toContain('\u001b')
    expect((await run(dir, words, { out_tty: true })).out).toContain(
      '\u001b[31mwrong-type\u001b[39m',
    )
    const env = { NO_COLOR: '1' }
    expect((await run(dir, words, { out_tty: true, env })).out).not.toContain('\u001b')
    const json = await run(dir, [...words, '--json'], { out_tty: true })
    expect(json.out).not.toContain('\u001b')
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'that is a link of a pipe hands bytes on later, and at %s what it holds goes nowhere',
    async (signal) => {
      const child = spawn(process.execPath, [MAIN, 'media', 'delay', '--seconds', '1'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const closed = new Promise<number | null>((done) => child.once('close', done))
      const from = performance.now()
      const bytes = Buffer.from([0, 255, 10, 128])
      child.stdin.write(bytes)
      const first = await new Promise<Buffer>((came) => child.stdout.once('data', came))
      expect(performance.now() - from).toBeGreaterThanOrEqual(1_000)
      expect(first).toEqual(bytes)
      let more = 0
      child.stdout.on('data', () => more++)
      await new Promise((written) => child.stdin.write(bytes, written))
      child.kill(signal)
      expect([await closed, more]).toEqual([0, 0])
    },
  )

  test('draws a bar on a terminal and wipes it', async () => {
    const dir = aDirectory()
    writeFileSync(
      join(dir, 'm.yaml'),
      'livegate: import/v1\nfields: { subject: u, followers: f }\n',
    )
    writeFileSync(join(dir, 'f.csv'), 'u,f\nu_1,1\n')
    let seconds = 0
    const changes = { talk_tty: true, now: () => epochMs(1000 * seconds++) }
    const ran = await run(
      dir,
      ['facts', 'import', 'f.csv', '--map', 'm.yaml', '--dry-run'],
      changes,
    )
    expect(ran.err).toContain(`\rreading [${'#'.repeat(24)}] 100% 10/10`)
    expect(ran.err.endsWith('\r\u001b[K')).toBe(true)
  })
})

describe('a real gate', () => {
  test('takes an import, and everything it logged can be mirrored, audited, proven and verified', async () => {
    const dir = aDirectory()
    const server = await startServer({ data: join(dir, 'data') })
    try {
      const gate = ['--url', server.url, '--key', ADMIN_KEY]
      const map =
        'livegate: import/v1\nfields: { id: id, subject: u, category: { constant: terrorism.link }, severity: { constant: high }, issued_at: { column: at, format: epoch_ms } }\n'
      writeFileSync(join(dir, 'm.yaml'), map)
      const rows = Array.from(
        { length: 12 },
        (_, i) => `s_${i},u_${i % 5},${Date.now() - 1000 - i}`,
      )
      writeFileSync(join(dir, 's.csv'), ['id,u,at', ...rows, ''].join('\n'))
      const real = {
        fetch: (url: string, init: RequestInit) => fetch(url, init),
        now: () => epochMs(Date.now()),
      }
      const go = (...words: string[]): ReturnType<typeof run> => run(dir, words, real)
      const imported = await go('strike', 'import', 's.csv', '--map', 'm.yaml', ...gate)
      expect(imported.err).toBe('')
      expect(imported.out).toContain('12 strikes acknowledged (12 new, 0 there already), 0 refused')

      const decided = await call(server, 'POST', '/v1/decisions', {
        subject: 'u_1',
        facts: { created_at: '2020-01-01T00:00:00Z' },
      })
      const answer = decided.body as { id: string; outcome: string }
      expect(answer.outcome).toBe('deny')
      writeFileSync(join(dir, 'answer.json'), JSON.stringify(answer))
      const explained = await go('policy', 'explain', '--subject', 'u_1', ...gate)
      expect(explained.out).toMatch(/^deny until /)

      const vkey = String((await call(server, 'GET', '/log/vkey')).body).trim()
      const proof = await go('log', 'proof', answer.id, ...gate)
      expect(proof).toMatchObject({ exit: 0, err: '' })
      writeFileSync(join(dir, 'proof'), proof.out)
      const verified = await go('log', 'verify', 'answer.json', '--vkey', vkey, '--url', server.url)
      expect(verified.out).toContain('nothing contradicts this record')
      expect(verified.out).toContain('It stands at index')
      expect(
        (await go('log', 'verify', 'answer.json', '--vkey', vkey, '--proof', 'proof')).exit,
      ).toBe(0)

      const key = ['--key', ADMIN_KEY]
      const mirrored = await go(
        'log',
        'mirror',
        `${server.url}/log`,
        'mirror',
        '--vkey',
        vkey,
        ...key,
      )
      expect(mirrored).toMatchObject({ exit: 0, err: '' })
      const audited = await go(
        'log',
        'audit',
        'mirror',
        '--vkey',
        vkey,
        '--disclosures',
        'answer.json',
        '--records',
        'answer.json',
      )
      expect(audited.out).toContain('no finding in what was checked')
      expect(audited.out).toContain('1 of 1 records given with --records are in the log.')
      expect(audited.exit).toBe(0)
      expect((await go('log', 'audit', `${server.url}/log`, '--vkey', vkey, ...key)).exit).toBe(0)
      expect((await go('log', 'audit', `${server.url}/log`, '--vkey', vkey)).exit).toBe(1)

      const exported = await go('log', 'disclosures', ...gate)
      expect(exported.exit).toBe(0)
      expect(exported.err).toMatch(/^13 records; what follows: --from \d+\n$/)
      expect(exported.out.match(/"kind":"strike"/g)).toHaveLength(12)
      writeFileSync(join(dir, 'disclosures.jsonl'), exported.out)
      const chained = await go(
        'log',
        'audit',
        'mirror',
        '--vkey',
        vkey,
        '--disclosures',
        'disclosures.jsonl',
      )
      expect(chained.out).toContain('13 records in the chains of 5 subjects')
      expect(chained.out).not.toContain('not disclosed to this audit')

      const copy = readFileSync(join(dir, 'mirror/checkpoint'), 'utf8')
      expect(copy.split('\n')[0]).toBe(vkey.split('+')[0])
    } finally {
      await server.stop()
    }
  })
})
