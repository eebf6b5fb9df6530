/**
 * `livegate export`, `livegate import` and `livegate log audit --predecessor` over real data directories: what is whole
 * arrives whole, what is not writes nothing, and an auditor follows every chain from the old log into the new one.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createNodeImporter } from '../../src/adapters/node/import.ts'
import { openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { putIncidents } from '../../src/adapters/sqlite/incidents.ts'
import type { World } from '../../src/cli/world.ts'
import type { MoveLine } from '../../src/core/move/lines.ts'
import { presentation } from '../../src/core/record/presentation.ts'
import { epochMs } from '../../src/core/time.ts'
import type { Directory } from '../../src/ports.ts'
import { aFixture } from '../support/http.ts'
import {
  anOldHouse,
  decide,
  happen,
  NEW,
  OLD,
  openHouse,
  openStore,
  scribeOf,
} from '../support/moving.ts'
import { aTime, ISSUER } from '../support/node-gate.ts'
import { aDirectory, type Ran, run } from './a-world.ts'

describe('while an incident runs', () => {
  async function inIncident(until: number): Promise<string> {
    const root = mkdtempSync(join(tmpdir(), 'livegate-incident-'))
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    const house = await anOldHouse(root)
    const end = epochMs(until)
    const change = { change: 1, active: true, id: 'inc_1', scope: 'public', at: epochMs(1) }
    const more = { until: end, expires_at: end, confirmed: false, by: 'k1', reason: 'a test' }
    await putIncidents(house.scribe, house.store.signer, [{ ...change, ...more }])
    await house.close()
    return root
  }
  const CLOSE = ['export', '--data', 'old', '--close', '--successor', NEW, '--out', 'file.jsonl']
  const HOUR = 3_600_000

  test('the log is not closed, because nobody would go on with it, unless that is said', async () => {
    const root = await inIncident(Date.now() + HOUR)
    const refused = await run(root, CLOSE)
    expect(refused.exit).toBe(1)
    expect(refused.err).toContain('Cannot close the log: incident inc_1 runs until ')
    expect(refused.err).toContain('--despite-incident')
    expect(existsSync(join(root, 'file.jsonl'))).toBe(false)
    const store = await openStore(join(root, 'old'))
    expect(store.status().successors).toBeNull()
    await store.close()
    expect(await run(root, [...CLOSE, '--despite-incident'])).toMatchObject({ exit: 0, err: '' })
  })

  test('one that is over is no reason', async () => {
    const root = await inIncident(Date.now() - HOUR)
    expect(await run(root, CLOSE)).toMatchObject({ exit: 0, err: '' })
  })

  test('--despite-incident alone is a mistake', async () => {
    const given = ['export', '--data', 'old', '--out', 'file.jsonl', '--despite-incident']
    const { exit, err } = await run('/', given)
    expect([exit, err]).toEqual([2, expect.stringContaining('expected --close')])
  })
})

/** A closed deployment and its file, made once. */
interface Moved {
  readonly root: string
  readonly old: string
  readonly file: string
  readonly vkey: string
}
let moved: Moved

beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), 'livegate-moved-'))
  const time = aTime()
  const house = await anOldHouse(root, time)
  await happen(house.gate, time, [
    { do: 'facts', subject: 'u_3', followers: 3 },
    { do: 'decide', subject: 'u_1', stream: 'b_1' },
    { do: 'decide', subject: 'u_2', stream: 'b_2', session: 'live/2' },
    { do: 'strike', subject: 'u_1', id: 's_1', category: 'terrorism.content' },
    { do: 'decide', subject: 'u_1', stream: 'b_3' },
  ])
  const at = time.now()
  const key_hash = house.store.pepper.hash('stream_key', 'secret')
  await house.store.streamKeys.bind({
    ...{ id: 'sk_1', subject: 'u_2', key_hash, created_at: at, revoked_at: null },
  })
  await house.store.apiKeys.create({
    ...{ id: 'k1', secret_hash: 'A'.repeat(43), scopes: ['decide'], owner: 'backend' },
    ...{ audience: OLD, created_at: at, revoked_at: null },
  })
  writeFileSync(join(root, 'old.jsonl'), await disclosuresOf(house.store.directory))
  const { vkey } = house.store
  await house.close()
  const file = join(root, 'file.jsonl')
  const out = await run(root, [
    'export',
    '--data',
    'old',
    '--close',
    '--successor',
    NEW,
    '--out',
    file,
  ])
  expect(out).toMatchObject({ exit: 0, err: '' })
  expect(out.out).toContain('3 subjects, 1 strike, 5 records, 1 stream key, 1 API key, 1 policy')
  moved = { root, old: house.dir, file, vkey }
})

afterAll(() => rmSync(moved.root, { recursive: true, force: true }))

async function disclosuresOf(directory: Directory): Promise<string> {
  const groups = ['chain', 'result', 'subject', 'request', 'facts'] as const
  const { records } = await directory.records({ from: 0, limit: 500 })
  return records
    .map(
      ({ jws, openings }) => `${JSON.stringify({ record: presentation(jws, openings, groups) })}\n`,
    )
    .join('')
}

const INIT = ['--init', '--origin', NEW, '--issuer', ISSUER] as const

function importInto(dir: string, file: string, ...more: string[]): Promise<Ran> {
  const pepper = join(moved.old, 'keys', 'pepper')
  return run(dir, ['import', file, '--data', 'new', ...INIT, '--pepper', pepper, ...more])
}

const linesOf = (): string[] => readFileSync(moved.file, 'utf8').trimEnd().split('\n')

describe('livegate export', () => {
  test('is refused while the log is open, and says what to do', async () => {
    const root = aDirectory()
    await (await anOldHouse(root)).close()
    const ran = await run(root, ['export', '--data', 'old', '--out', 'f'])
    expect(ran).toMatchObject({ exit: 1, out: '' })
    expect(ran.err).toMatch(/the log is open[\s\S]*hint: .*--close/)
    expect(existsSync(join(root, 'f'))).toBe(false)
  })

  test.each([
    [['--close'], /expected --successor/],
    [['--successor', NEW], /with --close/],
  ])('%j is wrong usage', async (more, message) => {
    const ran = await run(moved.root, ['export', '--data', 'old', '--out', 'f', ...more])
    expect(ran.exit).toBe(2)
    expect(ran.err).toMatch(message)
  })

  test('again gives the same file, readable by its owner alone', async () => {
    const again = join(aDirectory(), 'again')
    const ran = await run(moved.root, ['export', '--data', 'old', '--out', again, '--json'])
    expect(JSON.parse(ran.out)).toMatchObject({ origin: OLD, successors: [NEW], lines: 14 })
    expect(readFileSync(again)).toEqual(readFileSync(moved.file))
    expect(statSync(again).mode & 0o777).toBe(0o600)
  })
})

/** Everything a deployment is, as rows; the entries of the new log itself are signed anew each time. */
function rowsOf(dir: string): unknown {
  const sql = openNodeSql(join(dir, 'livegate.db'))
  try {
    const tables = ['subjects', 'strikes', 'records', 'reliance', 'sessions', 'stream_keys']
    const rows = [...tables, 'api_keys', 'predecessors', 'moves'].map((table) => [
      table,
      sql.all(`SELECT * FROM ${table}`),
    ])
    return [...rows, sql.all('SELECT * FROM entries WHERE idx < 0 ORDER BY idx')]
  } finally {
    sql.close()
  }
}

describe('livegate import', () => {
  test('a dry run looks at everything and writes nothing', async () => {
    const dir = aDirectory()
    const ran = await importInto(dir, moved.file, '--dry-run')
    expect(ran).toMatchObject({ exit: 0, err: '' })
    expect(ran.out).toContain('nothing was written')
    expect(existsSync(join(dir, 'new'))).toBe(false)
  })

  test('brings everything, and again is nothing new', async () => {
    const dir = aDirectory()
    expect(await importInto(dir, moved.file)).toMatchObject({ exit: 0, err: '' })
    const again = await importInto(dir, moved.file)
    expect(again.out).toContain('all of it is there already')
    const house = await openHouse(join(dir, 'new'))
    expect((await decide(house.gate, { subject: 'u_1', stream: 'b_9' })).outcome).toBe('deny')
    expect((await decide(house.gate, { subject: 'u_2', stream: 'b_9' })).outcome).toBe('allow')
    expect(await house.store.apiKeys.list()).toMatchObject([{ id: 'k1', audience: NEW }])
    await house.close()
  })

  test('writes API keys as the secret of an edge host', async () => {
    const dir = aDirectory()
    const ran = await run(dir, ['import', moved.file, '--dry-run', '--api-keys', 'keys.json'])
    expect(ran.exit).toBe(0)
    expect(JSON.parse(readFileSync(join(dir, 'keys.json'), 'utf8'))).toMatchObject([
      { id: 'k1', secret_hash: 'A'.repeat(43), audience: NEW },
    ])
    expect(statSync(join(dir, 'keys.json')).mode & 0o777).toBe(0o600)
  })

  const edits: readonly (readonly [name: string, edit: (lines: string[]) => string])[] = [
    ['cut in the middle of a line', (lines) => lines.join('\n').slice(0, -200)],
    ['cut between two lines', (lines) => `${lines.slice(0, -3).join('\n')}\n`],
    ['without its end', (lines) => `${lines.slice(0, -1).join('\n')}\n`],
    [
      'with one number changed',
      (lines) => `${lines.join('\n').replace('"value":3', '"value":4')}\n`,
    ],
    ['with a line twice', (lines) => `${[...lines.slice(0, 3), ...lines.slice(2)].join('\n')}\n`],
    ['with a line missing', (lines) => `${lines.filter((_, i) => i !== 3).join('\n')}\n`],
    [
      'with lines in another order',
      ([a = '', b = '', c = '', ...rest]) => `${[a, c, b, ...rest].join('\n')}\n`,
    ],
    ['with more after the end', (lines) => `${[...lines, lines.at(-1)].join('\n')}\n`],
    [
      'with another header',
      (lines) => `${lines.join('\n').replace(OLD, 'gate.example/log/0ld')}\n`,
    ],
    ['of a later version', (lines) => `${lines.join('\n').replace('move/v1', 'move/v2')}\n`],
    [
      'whose checkpoint somebody else has signed',
      (lines) => `${lines.join('\n').replace(/(\u2014 [^ ]+ .{12})(.{4})/, '$1AAAA')}\n`,
    ],
    [
      'with a line of a kind unknown',
      (lines) => `${[lines[0], '{"pardon":{}}', ...lines.slice(1)].join('\n')}\n`,
    ],
    ['that is empty', () => ''],
    ['that is no export', () => 'subject,strike\nu_1,s_1\n'],
  ]
  test.each(edits)('a file %s is refused before anything is written', async (_name, edit) => {
    const dir = aDirectory()
    const text = edit(linesOf())
    expect(text).not.toBe(readFileSync(moved.file, 'utf8'))
    writeFileSync(join(dir, 'bad.jsonl'), text)
    const ran = await importInto(dir, 'bad.jsonl')
    expect(ran.exit).toBe(1)
    expect(ran.err).toMatch(
      /^error: Cannot import `.*bad.jsonl`: .+\nhint: .*nothing was written\n$/,
    )
    expect(existsSync(join(dir, 'new'))).toBe(false)
  })

  test.each([
    ['another origin', ['--origin', 'edge.example/log/else'], /was closed in favour of/],
    ['another pepper', ['--pepper', 'other'], /pepper here is another one/],
  ])('%s is refused, and leaves no directory', async (_name, more, message) => {
    const dir = aDirectory()
    writeFileSync(join(dir, 'other'), `${'ab'.repeat(32)}\n`)
    const ran = await importInto(dir, moved.file, ...more)
    expect(ran.exit).toBe(1)
    expect(ran.err).toMatch(message)
    expect(existsSync(join(dir, 'new', 'livegate.db'))).toBe(false)
  })

  test('a deployment that has begun by itself takes none in', async () => {
    const root = aDirectory()
    const house = await anOldHouse(root)
    await decide(house.gate, { subject: 'u_7', stream: 'b_1' })
    await house.close()
    const ran = await run(root, ['import', moved.file, '--data', 'old'])
    expect(ran.exit).toBe(1)
    expect(ran.err).toMatch(/have a history here already, expected a fresh log/)
  })

  test('interrupted after any line, the gate decides nothing until the same command has finished', async () => {
    const values = linesOf().map((line) => JSON.parse(line) as MoveLine & { header: never })
    const [{ header } = { header: null as never }, ...rest] = values
    const other = aDirectory()
    expect((await importInto(other, moved.file)).exit).toBe(0)
    const uninterrupted = rowsOf(join(other, 'new'))
    const dir = aDirectory()
    // Nothing has arrived but the header.
    const controller = new AbortController()
    controller.abort()
    const pepper = join(moved.old, 'keys', 'pepper')
    const cut = await run(
      dir,
      ['import', moved.file, '--data', 'new', ...INIT, '--pepper', pepper],
      {
        signal: controller.signal,
      },
    )
    expect(cut).toMatchObject({ exit: 1, err: 'error: Cannot finish import: it was interrupted\n' })
    for (let i = 0; i < rest.length; i++) {
      const house = await openHouse(join(dir, 'new'))
      expect(house.store.status().halted).toBe('a deployment is moving in')
      await expect(decide(house.gate, { subject: 'u_1', stream: 'b_1' })).rejects.toMatchObject({
        code: 'halted',
      })
      await house.store.close()
      const copy = join(aDirectory(), 'new')
      cpSync(join(dir, 'new'), copy, { recursive: true })
      expect(await run(join(copy, '..'), ['import', moved.file, '--data', 'new'])).toMatchObject({
        exit: 0,
      })
      expect(rowsOf(copy)).toEqual(uninterrupted)
      const whole = await openHouse(copy)
      expect((await decide(whole.gate, { subject: 'u_1', stream: 'b_9' })).outcome).toBe('deny')
      expect(await whole.store.streamKeys.byId('sk_1')).toMatchObject({ subject: 'u_2' })
      await whole.close()
      const store = await openStore(join(dir, 'new'), true)
      const importer = createNodeImporter({ store, scribe: scribeOf(store) })
      const from = i + 1
      await expect(
        importer.put({ header, from: from + 1, lines: rest.slice(from) }),
      ).rejects.toMatchObject({ code: 'conflict' })
      // A line that comes twice is passed over.
      const lines = rest.slice(Math.max(0, i - 1), i + 1)
      await importer.put({ header, from: from + 1 - lines.length, lines })
      await store.close()
    }
    expect(await importInto(dir, moved.file)).toMatchObject({
      exit: 0,
      out: expect.stringContaining('already') as string,
    })
  }, 60_000)

  test('reaches a running gate over HTTP, which says how far it is after every interruption', async () => {
    const dir = aDirectory()
    const controller = new AbortController()
    controller.abort()
    const pepper = join(moved.old, 'keys', 'pepper')
    const begin = ['import', moved.file, '--data', 'new', ...INIT, '--pepper', pepper]
    await run(dir, begin, { signal: controller.signal })
    const store = await openStore(join(dir, 'new'), true)
    const importer = createNodeImporter({ store, scribe: scribeOf(store) })
    const { app, token } = aFixture({ deps: { importer } })
    let lost = 0
    const url = 'https://edge.example'
    const fetched: World['fetch'] = async (address, init) => {
      const answer = await app.request(address.replace(url, ''), init)
      // Every other answer is lost on its way, with what it said already done.
      if (lost++ % 2 === 0) throw new TypeError('fetch failed')
      return answer
    }
    const argv = ['import', moved.file, '--url', url, '--key', token('admin')]
    expect(await run(dir, argv, { fetch: fetched })).toMatchObject({
      ...{ exit: 0, err: '', out: expect.stringContaining('all of it is there now') as string },
    })
    expect(store.moves.progress()).toMatchObject({ lines: linesOf().length, finished: true })
    await store.close()
    const refused = await run(dir, [...argv.slice(0, -1), token('decide')], { fetch: fetched })
    expect(refused.err).toMatch(/Cannot import: the gate answered 403 forbidden/)
    const node = aFixture({ deps: { importer: undefined as never } })
    const elsewhere = await run(dir, [...argv.slice(0, -1), node.token('admin')], {
      fetch: async (address, init) => node.app.request(address.replace(url, ''), init),
    })
    expect(elsewhere.err).toMatch(/404 not_found: .*takes nothing in while it runs/)
  })

  test('another file cannot go on with what one has begun', async () => {
    const dir = aDirectory()
    expect((await importInto(dir, moved.file)).exit).toBe(0)
    const root = aDirectory()
    await (await anOldHouse(root)).close()
    const other = join(dir, 'other.jsonl')
    await run(root, ['export', '--data', 'old', '--close', '--successor', NEW, '--out', other])
    const ran = await importInto(dir, other)
    expect(ran.err).toMatch(/another deployment has moved in/)
  })
})

describe('livegate log audit --predecessor', () => {
  interface Found {
    readonly code: string
  }
  interface Report {
    readonly clean: boolean
    readonly findings: readonly Found[]
    readonly notices: readonly Found[]
    readonly checked: readonly string[]
    readonly predecessor?: Report
  }
  let dir: string
  let vkey: string

  beforeAll(async () => {
    dir = join(moved.root, 'audited')
    mkdirSync(dir)
    expect((await importInto(dir, moved.file)).exit).toBe(0)
    const time = aTime()
    const house = await openHouse(join(dir, 'new'), time)
    await happen(house.gate, time, [
      { do: 'decide', subject: 'u_1', stream: 'b_9' },
      { do: 'decide', subject: 'u_4', stream: 'b_9' },
      { do: 'decide', subject: 'u_2', stream: 'b_9' },
    ])
    const old = readFileSync(join(moved.root, 'old.jsonl'), 'utf8')
    writeFileSync(join(dir, 'all.jsonl'), old + (await disclosuresOf(house.store.directory)))
    vkey = house.store.vkey
    await house.close()
  })

  async function audit(...more: string[]): Promise<Ran & { readonly report: Report }> {
    const argv = ['log', 'audit', 'new/log', '--vkey', vkey, '--json', ...more]
    // The new log begins at the time of the machine, whatever that is.
    const ran = await run(dir, argv, { now: () => epochMs(Date.UTC(2100, 0)) })
    return { ...ran, report: JSON.parse(ran.out || 'null') as Report }
  }
  const BOTH = ['--disclosures', 'all.jsonl', '--predecessor', '../old/log'] as const

  test('the two together are clean, and every chain is followed across', async () => {
    const { exit, err, report } = await audit(...BOTH, '--predecessor-vkey', moved.vkey)
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(report.notices).toEqual([])
    expect(report.checked).toContain(
      `That \`${OLD}\` ended in favour of this log, with the checkpoint named here.`,
    )
    expect(report.predecessor?.checked).toContain(`The log is closed and goes on in \`${NEW}\`.`)
  })

  test('without its key, the key the new log names is taken, and that is said', async () => {
    const { exit, err } = await audit(...BOTH)
    expect(exit).toBe(0)
    expect(err).toMatch(/warning: the key of the predecessor is the one the new log names/)
  })

  test('alone, the new log is clean and says where its chains come from', async () => {
    const { exit, report } = await audit('--disclosures', 'all.jsonl')
    expect(exit).toBe(0)
    expect(report.notices.map(({ code }) => code)).toEqual([
      'predecessor_unchecked',
      'chain_elsewhere',
      'chain_elsewhere',
    ])
  })

  test('a state remembers that the two were compared, and not that they were not', async () => {
    expect((await audit(...BOTH, '--state', 'state.json')).exit).toBe(0)
    const again = await audit(...BOTH, '--state', 'state.json')
    expect(again).toMatchObject({ exit: 0, report: { notices: [] } })
    expect(again.report.predecessor).toBeUndefined()
    expect((await audit('--disclosures', 'all.jsonl', '--state', 'alone.json')).exit).toBe(0)
    const late = await audit(...BOTH, '--state', 'alone.json')
    expect(late.exit).toBe(1)
    expect(late.err).toMatch(/audit anew, with another --state/)
  })

  test('an old log that went on after its final checkpoint was taken is found out', async () => {
    // The old database as it was before it closed, closed again in favour of the same log, with other records.
    const root = aDirectory()
    const time = aTime()
    const house = await anOldHouse(root, time)
    await decide(house.gate, { subject: 'u_9', stream: 'b_1' })
    const { vkey: other } = house.store
    await house.close()
    await run(root, ['export', '--data', 'old', '--close', '--successor', NEW, '--out', 'f'])
    const ran = await audit('--predecessor', join(root, 'old/log'), '--predecessor-vkey', other)
    expect(ran.exit).toBe(4)
    expect(ran.report.findings.map(({ code }) => code)).toContain('predecessor_false')
  })

  test('an old log that lies by itself ends with 4 as well', async () => {
    const copy = join(aDirectory(), 'log')
    cpSync(join(moved.old, 'log'), copy, { recursive: true })
    const [newest = ''] = readdirSync(join(copy, 'tile/entries/000.p')).sort(
      (a, b) => Number(b) - Number(a),
    )
    const bundle = join(copy, 'tile/entries/000.p', newest)
    const bytes = readFileSync(bundle)
    bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 1
    rmSync(bundle)
    writeFileSync(bundle, bytes)
    const ran = await audit('--predecessor', copy, '--predecessor-vkey', moved.vkey)
    expect(ran.exit).toBe(4)
    expect(ran.report.predecessor?.findings.length).toBeGreaterThan(0)
  })
})
