/**
 * One --state for all logs of a deployment: what is old is not looked at again, what only two runs together can show is
 * found, each log's state moves by its own merit, and nothing that is the matter with the file is held against a log.
 */
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { linesOf } from '../../src/cli/log/audit-state-form.ts'
import { openStateFile } from '../../src/cli/log/audit-state-read.ts'
import { createStateWriter } from '../../src/cli/log/audit-state-write.ts'
import type { World } from '../../src/cli/world.ts'
import type { ChainHead } from '../../src/core/audit/chains.ts'
import type { AuditState } from '../../src/core/audit/state.ts'
import type { SignedHead } from '../../src/core/audit/tree.ts'
import { fromUtf8, utf8 } from '../../src/core/encoding.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { ed25519Signer, signNote } from '../../src/core/tlog/note.ts'
import { formatVkey, NOTE_ED25519 } from '../../src/core/tlog/note-key.ts'
import {
  disclosureLine,
  keyOf,
  type LogOptions,
  makeEntries,
  ORIGIN,
  publish,
  RECORD_X,
  vkeyOf,
  writeFiles,
} from './a-log.ts'
import { aDirectory, noNetwork, type Ran, run } from './a-world.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const PAGE = join(ROOT, 'docs/cli.md')
const ZERO = 'gate.example/log/0'
const ONE = 'gate.example/log/1'
const KEYS = ['--vkey', vkeyOf(ZERO), '--vkey', vkeyOf(ONE)] as const

interface Told {
  readonly logs: readonly {
    readonly findings?: readonly { readonly code: string }[]
    readonly counts?: { readonly size: number; readonly entries: number }
    readonly error?: { readonly exit: number; readonly message: string }
  }[]
  readonly across: {
    readonly chains: number
    readonly total: number
    readonly findings: readonly { readonly code: string; readonly places: readonly object[] }[]
    readonly checked: readonly string[]
    readonly not_checked: readonly string[]
  }
  readonly predecessor?: object
}

type Tampered = NonNullable<LogOptions['tamper']>

/** Two shards that grow, and the file an auditor keeps of them. */
class Deployment {
  readonly dir = aDirectory()
  readonly state = join(this.dir, 'audit.json')
  readonly #entries = new Map<string, readonly IssuedRecord[]>()

  static async of(
    ...logs: readonly (Partial<LogOptions> & { origin: string })[]
  ): Promise<Deployment> {
    const deployment = new Deployment()
    for (const log of logs)
      deployment.#entries.set(log.origin, await makeEntries({ decisions: 6, silent: true, ...log }))
    return deployment
  }

  entries(origin: string): readonly IssuedRecord[] {
    return this.#entries.get(origin) ?? []
  }

  /** Publishes the first `size` entries of a log; the directory is the end of its name. */
  async grow(origin: string, size?: number): Promise<string> {
    const name = origin.slice(-1)
    rmSync(join(this.dir, name), { recursive: true, force: true })
    const files = await publish(this.entries(origin).slice(0, size), [], origin)
    await writeFiles(join(this.dir, name), files)
    return name
  }

  /** A file that discloses these entries of these logs. */
  disclosing(...entries: readonly (readonly IssuedRecord[])[]): readonly string[] {
    const lines = entries.flat().map((entry) => `${disclosureLine(entry)}\n`)
    writeFileSync(join(this.dir, 'new.jsonl'), lines.join(''))
    return ['--disclosures', 'new.jsonl']
  }

  audit(
    logs: readonly string[],
    more: readonly string[],
    world: Partial<World> = {},
  ): Promise<Ran> {
    return run(this.dir, ['log', 'audit', ...logs, '--state', 'audit.json', ...more], world)
  }

  /** Both, told to a program. */
  async told(
    ...more: readonly string[]
  ): Promise<Told & { readonly exit: number; readonly err: string }> {
    const { exit, out, err } = await this.audit(['0', '1'], [...KEYS, '--json', ...more])
    return { ...(out === '' ? ({} as Told) : (JSON.parse(out) as Told)), exit, err }
  }

  read(): string {
    return readFileSync(this.state, 'utf8')
  }

  /** Size of each log in the state. */
  sizes(): Readonly<Record<string, number>> {
    const lines = this.read().split('\n')
    const logs = lines.filter((line) => line.startsWith('{"log":'))
    return Object.fromEntries(
      logs.map((line) => {
        const { log, audit } = JSON.parse(line) as { log: string; audit: { size: number } }
        return [log, audit.size]
      }),
    )
  }
}

/** Clean up to 4 entries each, and audited so far; `one` and `zero` change the logs. */
async function begun(
  zero: Partial<LogOptions> = {},
  one: Partial<LogOptions> = {},
): Promise<Deployment> {
  const deployment = await Deployment.of(
    { origin: ZERO, ...zero },
    { origin: ONE, from: 3, ...one },
  )
  for (const origin of [ZERO, ONE]) await deployment.grow(origin, 4)
  const given = [ZERO, ONE].map((origin) => deployment.entries(origin).slice(0, 4))
  expect(await deployment.told(...deployment.disclosing(...given))).toMatchObject({ exit: 0 })
  return deployment
}

const late: Tampered = (entries) => {
  const entry = entries[6]
  if (entry !== undefined) entries.splice(6, 1, { ...entry, bytes: utf8('hello') })
}

/** What a subject with records in both logs would be found by: subject 2 begins in ZERO at 4, in ONE at 2. */
async function inTwo(first: { readonly zero: number; readonly one: number }): Promise<Deployment> {
  const deployment = await Deployment.of({ origin: ZERO }, { origin: ONE, from: 2 })
  await deployment.grow(ZERO, first.zero)
  await deployment.grow(ONE, first.one)
  const [zero, one] = [deployment.entries(ZERO), deployment.entries(ONE)]
  const given = deployment.disclosing(zero.slice(0, first.zero), one.slice(0, first.one))
  expect(await deployment.told(...given)).toMatchObject({ exit: 0, across: { total: 0 } })
  return deployment
}

const PLACES = [
  { origin: ZERO, index: 4 },
  { origin: ONE, index: 2 },
]

describe('a second run', () => {
  test('looks only at what is new in each log, and remembers how far it came', async () => {
    const deployment = await begun()
    expect(deployment.sizes()).toEqual({ [ZERO]: 4, [ONE]: 4 })
    await deployment.grow(ZERO)
    await deployment.grow(ONE, 6)
    const given = deployment.disclosing(deployment.entries(ZERO), deployment.entries(ONE))
    const { exit, err, logs, across } = await deployment.told(...given)
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(logs.map(({ counts }) => counts)).toMatchObject([
      { size: 8, entries: 4 },
      { size: 6, entries: 2 },
    ])
    expect(across).toMatchObject({ chains: 6, total: 0 })
    expect(deployment.sizes()).toEqual({ [ZERO]: 8, [ONE]: 6 })
    expect(readdirSync(deployment.dir).toSorted()).toEqual(['0', '1', 'audit.json', 'new.jsonl'])
  })

  const halves: readonly (readonly [string, { zero: number; one: number }, string])[] = [
    ['the second log', { zero: 8, one: 2 }, ONE],
    ['the first log', { zero: 4, one: 8 }, ZERO],
  ]
  test.each(halves)('finds a chain that goes on in %s since the first', async (_, first, grown) => {
    const deployment = await inTwo(first)
    const before = deployment.read()
    await deployment.grow(grown)
    const given = deployment.disclosing(deployment.entries(grown))
    const { exit, err, across } = await deployment.told(...given)
    expect({ exit, across }).toMatchObject({
      ...{ exit: 4, across: { chains: 5, total: 1 } },
    })
    expect(across.findings).toMatchObject([{ code: 'chain_in_two_logs', places: PLACES }])
    expect(err).toContain('the state is not updated: the logs do not hold together')
    // Nobody can make it go away by asking again.
    expect(deployment.read()).toBe(before)
    expect(await deployment.told(...given)).toMatchObject({ exit: 4, across: { total: 1 } })
    // It is the state that knows the other half.
    rmSync(deployment.state)
    expect(await deployment.told(...given)).toMatchObject({ exit: 0, across: { total: 0 } })
  })

  test('says how many records an earlier one passed over undisclosed', async () => {
    const deployment = await begun()
    rmSync(deployment.state)
    expect((await deployment.told()).exit).toBe(0)
    await deployment.grow(ZERO)
    const { across } = await deployment.told(...deployment.disclosing(deployment.entries(ZERO)))
    expect(across.not_checked).toContain(
      '4 records not disclosed to an earlier audit, which may be of a chain in another log.',
    )
  })

  test('without signatures looks, and remembers nothing', async () => {
    const deployment = await begun()
    const before = deployment.read()
    await deployment.grow(ZERO)
    const { exit, err, logs } = await deployment.told('--no-signatures')
    expect(exit).toBe(0)
    expect(err).toContain('the state is not updated: signatures were left out')
    expect(logs[0]?.counts?.entries).toBe(4)
    expect(deployment.read()).toBe(before)
  })
})

describe('a log that', () => {
  test('lies keeps its state; the others move, and the lie is found again', async () => {
    const deployment = await begun({ tamper: late })
    await deployment.grow(ZERO)
    await deployment.grow(ONE)
    for (const entries of [4, 0]) {
      const { exit, err, logs } = await deployment.told()
      expect(exit).toBe(4)
      expect(err).toContain(`the state of \`${ZERO}\` stays where it was: its audit was not clean`)
      expect(logs[0]?.findings).toMatchObject([{ code: 'malformed', index: 6 }])
      expect(logs[1]).toMatchObject({ findings: [], counts: { entries } })
      expect(deployment.sizes()).toEqual({ [ZERO]: 4, [ONE]: 8 })
    }
  })

  test('shrank is exit 4 with both checkpoints, and keeps its state', async () => {
    const deployment = await begun()
    await deployment.grow(ZERO, 3)
    await deployment.grow(ONE)
    const { exit, logs } = await deployment.told()
    expect(exit).toBe(4)
    expect(logs[0]?.findings?.map(({ code }) => code)).toEqual(['rollback'])
    expect(JSON.stringify(logs[0])).toContain('The checkpoint is older than the trusted one')
    expect(deployment.sizes()).toEqual({ [ZERO]: 4, [ONE]: 8 })
  })

  test('has another history since is exit 4, and keeps its state', async () => {
    const deployment = await begun()
    const entries = deployment.entries(ZERO)
    await writeFiles(
      join(deployment.dir, '0'),
      await publish([...entries.slice(0, 3), ...entries.slice(4)], [], ZERO),
    )
    const { exit, logs } = await deployment.told()
    expect(exit).toBe(4)
    expect(logs[0]?.findings?.map(({ code }) => code)).toContain('root')
    expect(deployment.sizes()).toEqual({ [ZERO]: 4, [ONE]: 4 })
  })

  test('cannot be reached keeps its state, and its chains are compared as far as they are known', async () => {
    const deployment = await inTwo({ zero: 8, one: 2 })
    await deployment.grow(ONE, 4)
    const where = ['http://127.0.0.1:1/log/0', '1']
    const other = await Deployment.of({ origin: ONE, from: 3 })
    const honest = [...KEYS, '--json', ...deployment.disclosing()]
    const lying = [...KEYS, '--json', ...deployment.disclosing(deployment.entries(ONE))]
    const found = await deployment.audit(where, lying)
    expect(found.exit).toBe(4)
    const { across } = JSON.parse(found.out) as Told
    expect(across.findings).toMatchObject([{ places: [PLACES[1], PLACES[0]] }])
    expect(across.not_checked).toContain(`Chains of \`${ZERO}\` after its first 8 entries.`)
    expect(deployment.sizes()).toEqual({ [ZERO]: 8, [ONE]: 2 })

    deployment.disclosing(other.entries(ORIGIN))
    const clean = await deployment.audit(where, honest)
    expect(clean.exit).toBe(1)
    expect(clean.err).toContain('stays where it was: its audit could not be finished')
    expect(deployment.sizes()).toEqual({ [ZERO]: 8, [ONE]: 4 })
  })

  test('is new begins at its first entry, which is said', async () => {
    const deployment = await Deployment.of({ origin: ZERO }, { origin: ONE, from: 2 })
    await deployment.grow(ZERO)
    await deployment.grow(ONE)
    const disclosed = deployment.disclosing(deployment.entries(ZERO))
    const alone = await deployment.audit(['0'], ['--vkey', vkeyOf(ZERO), ...disclosed])
    expect(alone.exit).toBe(0)
    const both = deployment.disclosing(deployment.entries(ZERO), deployment.entries(ONE))
    const { exit, err, logs, across } = await deployment.told(...both)
    expect(err).toContain(`\`${ONE}\` is new in `)
    expect(logs.map(({ counts }) => counts?.entries)).toEqual([0, 8])
    expect({ exit, total: across.total }).toEqual({ exit: 4, total: 1 })
  })
})

describe('a state that is not of the logs of the run', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[], RegExp])[] = [
    ['of one log too many', ['0'], [ZERO], /it also holds `gate.example\/log\/1`, expected all/],
    [
      'of another deployment',
      ['t'],
      [ORIGIN],
      /it is of another deployment, of `gate.example\/log\/0`, `gate.example\/log\/1`/,
    ],
  ]
  test.each(cases)('but %s is wrong usage', async (_, which, keys, message) => {
    const deployment = await begun()
    const before = deployment.read()
    await writeFiles(join(deployment.dir, 't'), await publish(await makeEntries({ decisions: 1 })))
    const ran = await deployment.audit(
      which,
      keys.flatMap((key) => ['--vkey', vkeyOf(key)]),
    )
    expect(ran).toMatchObject({ exit: 2, out: '' })
    expect(ran.err).toMatch(message)
    expect(deployment.read()).toBe(before)
    expect(readdirSync(deployment.dir).some((name) => name.endsWith('.tmp'))).toBe(false)
  })

  test('but of others of the same names is wrong usage, no lie', async () => {
    const deployment = await begun()
    const key = keyOf(7)
    const vkey = formatVkey({ name: ZERO, type: NOTE_ED25519, publicKey: key.publicKey })
    const head = { origin: ZERO, size: 0, root: Buffer.from(EMPTY, 'hex') }
    const signers = [ed25519Signer({ name: ZERO, ...key })]
    const note = await signNote({ body: formatCheckpoint(head), signers })
    await writeFiles(join(deployment.dir, '0'), new Map([['checkpoint', utf8(note)]]))
    const keys = ['--vkey', vkey, '--vkey', vkeyOf(ONE)]
    const ran = await deployment.audit(['0', '1'], keys)
    expect(ran).toMatchObject({ exit: 2, out: '' })
    expect(ran.err).toContain(`its checkpoint of \`${ZERO}\` is not signed by the key in --vkey`)
  })
})

/** `then` for all but the checkpoint, which is asked for before a state is opened. */
function once(then: World['fetch'], files: ReadonlyMap<string, Uint8Array>): World['fetch'] {
  return async (url, init) =>
    String(url).endsWith('/checkpoint')
      ? new Response(Buffer.from(files.get('checkpoint') ?? []))
      : then(url, init)
}

/** SHA-256 of nothing: the root of an empty log. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

describe('a damaged state', () => {
  test('is exit 1 wherever a bit changed or it was cut, and no log is blamed', async () => {
    const deployment = await begun()
    const whole = readFileSync(deployment.state)
    const spoilt: Buffer[] = []
    for (let at = 0; at < whole.length; at += 97) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 1
      spoilt.push(changed)
    }
    const lines = whole.toString().split('\n')
    for (let n = 0; n < lines.length - 1; n++)
      spoilt.push(Buffer.from([...lines.slice(0, n), ...lines.slice(n + 1)].join('\n')))
    for (const length of [0, 10, 31, 500, whole.length - 2, whole.length - 1])
      spoilt.push(whole.subarray(0, length))
    spoilt.push(Buffer.concat([whole, Buffer.from('\n')]), Buffer.concat([whole, whole]))
    for (const bytes of spoilt) {
      writeFileSync(deployment.state, bytes)
      const ran = await deployment.audit(['0', '1'], KEYS)
      expect(ran).toMatchObject({ exit: 1, out: '' })
      expect(ran.err).toMatch(
        /Cannot resume audit from .* (is damaged or was cut|not the state of)/,
      )
    }
    writeFileSync(deployment.state, whole)
    expect((await deployment.told()).exit).toBe(0)
  })
})

/** A state whose chains have `leaves` last records each. */
function aState(chains: number, { leaves, long }: { leaves: number; long: boolean }): AuditState {
  const big = Number.MAX_SAFE_INTEGER
  const most = { seq: 999_999_999_999_999, at: 99_999_999_999_999, unopened: big, first: big }
  const head: ChainHead = {
    ...(long ? most : { seq: leaves, at: 1_769_817_600_000, unopened: 0, first: 123_456 }),
    leaves: Array.from({ length: leaves }, () => 'l'.repeat(43)),
  }
  const name = (n: number): string => String(n).padStart(long ? 64 : 22, 'A')
  const heads = Array.from({ length: chains }, (_, n) => [name(n), head] as const)
  return {
    ...{ version: 1, origin: ZERO, size: 0, keys: [], recent: [] },
    // The tree without entries.
    tree: { root: '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU', edge: 'AAAAAAAAAAA' },
    policies: { texts: {}, parts: [] },
    chains: { heads: Object.fromEntries(heads), unopened: 0 },
    time: { latest: 0, elapsed: 0 },
    heartbeats: { next: 0, runs: [] },
  }
}

const HEAD: SignedHead = { size: 0, root: new Uint8Array(32), note: 'note' }

describe('the size of a state', () => {
  test.each([
    ['of one record', { leaves: 1, long: false }, 90, 110],
    ['of sixteen records or more', { leaves: 16, long: false }, 740, 780],
    ['at its longest', { leaves: 16, long: true }, 830, 840],
  ] as const)('for a chain %s is what the page says', (_, shape, least, most) => {
    const [, line = ''] = [...linesOf(HEAD, aState(1, shape))]
    expect(line.length + 1).toBeGreaterThanOrEqual(least)
    expect(line.length + 1).toBeLessThanOrEqual(most)
  })

  test('comes back whole, over many pieces of the file', async () => {
    const path = join(aDirectory(), 'state')
    const state = aState(5000, { leaves: 16, long: true })
    const writer = await createStateWriter(path, { bytes: 2 ** 32, line_bytes: 1024 })
    await writer.add(HEAD, state)
    await writer.commit()
    const file = await openStateFile(path)
    onTestFinished(() => file?.close())
    const loaded = await file?.logs.get(ZERO)?.load()
    expect(loaded && [...linesOf(HEAD, loaded)]).toEqual([...linesOf(HEAD, state)])
  })

  test.each([
    ['the file', { bytes: 1_000_000, line_bytes: 1024 }],
    ['a line', { bytes: 2 ** 32, line_bytes: 500 }],
  ])('beyond what %s may have is not written', async (_, limits) => {
    const dir = aDirectory()
    const writer = await createStateWriter(join(dir, 'state'), limits)
    const added = writer.add(HEAD, aState(5000, { leaves: 16, long: false }))
    await expect(added).rejects.toThrow(/Cannot write .*: the state is too large, expected at most/)
    await writer.abandon()
    expect(readdirSync(dir)).toEqual([])
  })

  test('does not grow with runs', async () => {
    const deployment = await begun()
    const before = deployment.read()
    expect((await deployment.told()).exit).toBe(0)
    expect(deployment.read()).toBe(before)
  })

  test('is not written again when nothing is new', async () => {
    const deployment = await begun()
    const path = deployment.state
    const before = statSync(path)
    expect((await deployment.told()).exit).toBe(0)
    expect(statSync(path).ino).toBe(before.ino)
    await deployment.grow(ZERO, 6)
    expect((await deployment.told()).exit).toBe(0)
    expect(statSync(path).ino).not.toBe(before.ino)
  })
})

describe('a state of before', () => {
  /** What livegate wrote of one log. */
  async function old(
    change: (head: Record<string, unknown>) => void = () => undefined,
  ): Promise<Deployment> {
    const deployment = await begun()
    const lines = deployment.read().split('\n')
    const { checkpoint, audit } = JSON.parse(lines[1] ?? '') as {
      readonly checkpoint: string
      readonly audit: { readonly chains: { heads: object }; replay?: object }
    }
    delete audit.replay
    const rows = lines.slice(2, 4).map((line) => JSON.parse(line) as [string, ...unknown[]])
    audit.chains.heads = Object.fromEntries(
      rows.map(([sub, seq, at, unopened, first, leaves]) => {
        const head = { seq, at, unopened, leaves: String(leaves).split('.'), first }
        change(head)
        return [sub, head]
      }),
    )
    const document = { livegate: 'audit-state/v1', checkpoint, audit }
    writeFileSync(deployment.state, `${JSON.stringify(document)}\n`)
    return deployment
  }

  test('of one log is read, alone and with others', async () => {
    for (const several of [false, true]) {
      const deployment = await old()
      await deployment.grow(ZERO)
      const logs = several ? ['0', '1'] : ['0']
      const keys = several ? KEYS : ['--vkey', vkeyOf(ZERO)]
      const given = deployment.disclosing(deployment.entries(ZERO), deployment.entries(ONE))
      const ran = await deployment.audit(logs, [...keys, ...given, '--json'])
      expect(ran.exit).toBe(0)
      expect(ran.out).toContain('"entries": 4')
      expect(deployment.sizes()).toEqual({ [ZERO]: 8, ...(several ? { [ONE]: 4 } : {}) })
    }
  })

  test('that does not say where chains begin serves one log, and is refused for several', async () => {
    const deployment = await old((head) => {
      delete head.first
    })
    const before = deployment.read()
    const { exit, logs } = await deployment.told()
    expect(exit).toBe(1)
    expect(logs[0]?.error?.message).toContain('does not say where they begin')
    expect(deployment.read()).toBe(before)
    expect((await deployment.audit(['0'], ['--vkey', vkeyOf(ZERO)])).exit).toBe(0)
  })
})

describe('the file', () => {
  test('is as it was when the run is killed between two logs', async () => {
    const deployment = await begun()
    const before = deployment.read()
    await deployment.grow(ZERO)
    const files = await publish(deployment.entries(ONE), [], ONE)
    const child: { kill?: () => void } = {}
    const server = createServer((request, response) => {
      const path = String(request.url).slice('/log/1/'.length)
      if (path !== 'checkpoint') child.kill?.()
      else response.end(Buffer.from(files.get(path) ?? []))
    })
    onTestFinished(() => void server.close())
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const words = ['log', 'audit', '0', `http://127.0.0.1:${port}/log/1`, ...KEYS]
    const main = join(ROOT, 'src/cli/main.ts')
    const killed = spawn(process.execPath, [main, ...words, '--state', 'audit.json'], {
      ...{ cwd: deployment.dir, stdio: 'ignore' },
    })
    child.kill = () => killed.kill('SIGKILL')
    const signal = await new Promise((done) => killed.once('close', (_, name) => done(name)))
    expect(signal).toBe('SIGKILL')
    expect(deployment.read()).toBe(before)
    const { exit, logs } = await deployment.told()
    expect(exit).toBe(0)
    expect(logs.map(({ counts }) => counts?.entries)).toEqual([4, 0])
  })

  test('keeps what was clean when the run is interrupted in a later log', async () => {
    const deployment = await begun()
    await deployment.grow(ZERO)
    const files = await publish(deployment.entries(ONE), [], ONE)
    const stop = new AbortController()
    const fetch: World['fetch'] = async (url) => {
      const path = String(url).replace('https://gate.example/log/1/', '')
      if (path !== 'checkpoint') stop.abort()
      return new Response(Buffer.from(files.get(path) ?? []))
    }
    const world = { fetch, signal: stop.signal }
    const ran = await deployment.audit(['0', 'https://gate.example/log/1'], KEYS, world)
    expect(ran.exit).toBe(1)
    expect(deployment.sizes()).toEqual({ [ZERO]: 8, [ONE]: 4 })
  })

  test('that another run replaces meanwhile does not mix with the one this run began with', async () => {
    const deployment = await begun()
    await deployment.grow(ZERO)
    const files = await publish(deployment.entries(ONE).slice(0, 4), [], ONE)
    const other = join(deployment.dir, 'other')
    const fetch: World['fetch'] = async (url) => {
      writeFileSync(other, 'something else')
      renameSync(other, deployment.state)
      const bytes = files.get(String(url).replace('https://gate.example/log/1/', ''))
      return new Response(Buffer.from(bytes ?? []))
    }
    const where = ['0', 'https://gate.example/log/1']
    const given = deployment.disclosing(deployment.entries(ZERO))
    const ran = await deployment.audit(where, [...KEYS, ...given], { fetch: once(fetch, files) })
    expect(ran.exit).toBe(0)
    expect(deployment.sizes()).toEqual({ [ZERO]: 8, [ONE]: 4 })
  })

  test('that cannot be made is said before anything is audited', async () => {
    const deployment = await begun()
    const words = ['log', 'audit', '0', '1', ...KEYS, '--state', 'gone/audit.json']
    const ran = await run(deployment.dir, words)
    expect(ran).toMatchObject({ exit: 1, out: '' })
    expect(ran.err).toContain('there is no such file or directory')
  })

  test.each([
    ['clean', {}, 1],
    ['a lie', { tamper: late }, 4],
  ] as const)('that cannot be put in its place hides nothing: %s', async (_, zero, expected) => {
    const deployment = await Deployment.of({ origin: ZERO, ...zero }, { origin: ONE, from: 3 })
    await deployment.grow(ZERO)
    const files = await publish(deployment.entries(ONE), [], ONE)
    const fetch: World['fetch'] = async (url, init) => {
      if (!existsSync(deployment.state)) mkdirSync(deployment.state)
      const bytes = files.get(String(url).replace('https://gate.example/log/1/', ''))
      return bytes === undefined ? noNetwork(url, init) : new Response(Buffer.from(bytes))
    }
    // The name is taken only after the run began: until then the file could still be made.
    const world = { fetch: once(fetch, files) }
    const ran = await deployment.audit(['0', 'https://gate.example/log/1'], KEYS, world)
    expect(ran.exit).toBe(expected)
    expect(ran.out).toContain(`${ONE}:\n`)
    expect(ran.err).toContain('warning: the state is not updated: Cannot ')
    expect(readdirSync(deployment.dir).some((name) => name.endsWith('.tmp'))).toBe(false)
  })
})

describe('a log that was closed into shards', () => {
  async function aFamily(): Promise<{
    readonly deployment: Deployment
    readonly old: readonly string[]
  }> {
    const heads: NonNullable<LogOptions['heads']> = new Map()
    const before = await makeEntries({ decisions: 6, heads, successors: [ZERO, ONE] })
    const files = await publish(before)
    const follows = {
      ...{ predecessor: ORIGIN, vkey: vkeyOf(ORIGIN), keys: [RECORD_X] },
      checkpoint: fromUtf8(files.get('checkpoint') ?? new Uint8Array()) ?? '',
    }
    const go = { follows, after: 6, heads }
    const deployment = await Deployment.of(
      { ...go, origin: ZERO, subjects: 2, heads: new Map(heads) },
      { ...go, origin: ONE, subjects: 2, from: 1, heads: new Map(heads) },
    )
    await writeFiles(join(deployment.dir, 'old'), files)
    deployment.disclosing(before, deployment.entries(ZERO), deployment.entries(ONE))
    return { deployment, old: ['--predecessor', 'old', '--disclosures', 'new.jsonl'] }
  }

  test('is audited once; what went on since in two of them is found in the run after', async () => {
    const { deployment, old } = await aFamily()
    // Subject 1 goes on in ZERO at 4, in ONE at 3.
    await deployment.grow(ZERO, 4)
    await deployment.grow(ONE)
    const first = await deployment.told(...old)
    expect(first).toMatchObject({ exit: 0, across: { total: 0 }, predecessor: {} })
    await deployment.grow(ZERO)
    const { exit, err, across, predecessor } = await deployment.told(...old)
    expect(err).toContain('the predecessor was compared by an earlier audit')
    expect(predecessor).toBeUndefined()
    expect({ exit, across }).toMatchObject({ exit: 4, across: { total: 1 } })
  })

  test('is audited again for a shard that is new', async () => {
    const { deployment, old } = await aFamily()
    await deployment.grow(ZERO, 4)
    const alone = await deployment.audit(['0'], ['--vkey', vkeyOf(ZERO), ...old])
    expect(alone.exit).toBe(0)
    await deployment.grow(ONE)
    const { exit, logs, predecessor } = await deployment.told(...old)
    expect({ exit, predecessor }).toMatchObject({ exit: 0, predecessor: { findings: [] } })
    expect(logs.map(({ counts }) => counts?.entries)).toEqual([0, 9])
  })

  test('that was left out when a state began cannot be made up for', async () => {
    const { deployment, old } = await aFamily()
    await deployment.grow(ZERO, 4)
    await deployment.grow(ONE)
    expect((await deployment.told(...old.slice(2))).exit).toBe(0)
    const { exit, err } = await deployment.told(...old)
    expect(exit).toBe(1)
    expect(err).toContain('went past their beginning without the predecessor')
  })

  test('given as one of them is not compared with them, and nothing is remembered', async () => {
    const { deployment, old } = await aFamily()
    await deployment.grow(ZERO, 4)
    await deployment.grow(ONE)
    const keys = [...KEYS, '--vkey', vkeyOf(ORIGIN), ...old.slice(2)]
    const { exit, err } = await deployment.audit(['old', '0', '1'], keys)
    expect(exit).toBe(1)
    expect(err).toContain('the state is not updated: the chains were not compared')
    expect(existsSync(deployment.state)).toBe(false)
  })

  test('and lies keeps every state where it is', async () => {
    const { deployment, old } = await aFamily()
    await deployment.grow(ZERO, 4)
    await deployment.grow(ONE)
    rmSync(join(deployment.dir, 'old/tile/0/000.p/10'))
    const { exit, err } = await deployment.told(...old)
    expect(exit).toBe(4)
    expect(err).toContain('the state is not updated: the audit of the predecessor was not clean')
    expect(existsSync(deployment.state)).toBe(false)
  })
})

test('docs/cli.md shows what a second run prints', async () => {
  const deployment = await inTwo({ zero: 8, one: 2 })
  await deployment.grow(ONE)
  deployment.disclosing(deployment.entries(ONE))
  const page = readFileSync(PAGE, 'utf8')
  const [, command = '', count = '', shown = ''] =
    /```console\n(\$ livegate log audit 0 1 .* \| tail -n (\d+))\n([\s\S]*?)```/.exec(page) ?? []
  expect(command).toContain('--state audit.json')
  const { exit, out, err } = await deployment.audit(
    ['0', '1'],
    [...KEYS, '--disclosures', 'new.jsonl'],
  )
  expect(exit).toBe(4)
  const printed = `${err}${out
    .split('\n')
    .slice(-1 - Number(count))
    .join('\n')}`
  if (process.env.UPDATE_SCRIPTS === '1')
    writeFileSync(
      PAGE,
      page.replace(`${command}\n${shown}`, () => `${command}\n${printed}`),
    )
  else expect(shown).toBe(printed)
})
