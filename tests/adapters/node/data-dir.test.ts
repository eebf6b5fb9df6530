/** When a data directory is created, opened, refused, or opened halted. */
import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { generateKeys } from '../../../src/adapters/node/keys.ts'
import { initNodeStore, openNodeStore } from '../../../src/adapters/node/store.ts'
import { SCHEMA_VERSION } from '../../../src/adapters/sqlite/schema.ts'
import { aDecision, aRecord, commitTo, ORIGIN } from '../../contract/fixtures.ts'
import { bootstrap, type DataDir, fail, newDataDir, openStore } from '../../contract/node-store.ts'

let data: DataDir
beforeEach(async () => {
  data = await newDataDir()
})
afterEach(() => data.remove())

async function decide(dir: string, count: number): Promise<void> {
  const store = await openStore({ dir })
  for (let i = 0; i < count; i++)
    await commitTo(store.ledger, `u_${i}`, (state) => aDecision(`u_${i}`, state))
  await store.close()
}

describe('a new data directory', () => {
  it('holds secrets for its owner alone, and a log that begins with its record key', async () => {
    const keys = ['keys/record.key', 'keys/checkpoint.key', 'keys/pepper']
    for (const name of [...keys, 'livegate.db', 'lock.db'])
      expect((await stat(join(data.path, name))).mode & 0o777, name).toBe(0o600)
    for (const name of ['', 'keys'])
      expect((await stat(join(data.path, name))).mode & 0o777, name).toBe(0o700)
    const store = await openStore({ dir: data.path, origin: ORIGIN })
    expect(store.status()).toEqual({
      halted: null,
      queued: 0,
      entries: 1,
      published: 1,
      successors: null,
      witnesses: null,
    })
    expect(store.log.has(store.signer.kid)).toBe(true)
    expect(store.recordKeys()).toEqual([store.recordJwk])
    expect(store.vkey).toMatch(/^gate\.example\/log\/contract\+[0-9a-f]{8}\+A/)
    await store.close()
  })

  it('is not created over one that is there', async () => {
    const again = initNodeStore({ dir: data.path, origin: ORIGIN, bootstrap })
    await expect(again).rejects.toThrow('Cannot open data directory: there is one already')
    await (await openStore({ dir: data.path })).close()
  })

  const failing = [
    {
      name: 'its first records cannot be made',
      origin: ORIGIN,
      begin: () => Promise.reject(new Error('no')),
      message: 'no',
    },
    {
      name: 'its first record is not the key',
      origin: ORIGIN,
      begin: async ({ log }: Parameters<typeof bootstrap>[0]) => {
        await log.append([aRecord({ kind: 'incident' })], [])
      },
      message: 'its first entry is not the record key',
    },
    {
      name: 'its origin cannot sign notes',
      origin: 'a log+of mine',
      begin: bootstrap,
      message: 'its origin is not a name',
    },
  ]
  for (const { name, origin, begin, message } of failing)
    it(`leaves nothing behind when ${name}`, async () => {
      const dir = join(data.path, 'another')
      await expect(initNodeStore({ dir, origin, bootstrap: begin })).rejects.toThrow(message)
      expect(await readdir(dir).catch(() => [])).toEqual([])
    })
})

describe('the lock of a data directory', () => {
  it('is its owner’s alone again, whoever could read it before', async () => {
    const lock = join(data.path, 'lock.db')
    await chmod(lock, 0o644)
    const store = await openStore({ dir: data.path })
    expect((await stat(lock)).mode & 0o777).toBe(0o600)
    await store.close()
  })
})

describe('a data directory is refused', () => {
  const cases: readonly {
    readonly name: string
    readonly spoil: (dir: string) => Promise<unknown>
    readonly origin?: string
    readonly message: string
  }[] = [
    {
      name: 'when there is none',
      spoil: (dir) => rm(dir, { recursive: true }),
      message: 'there is none',
    },
    {
      name: 'when only the keys are there',
      spoil: async (dir) => {
        await rm(join(dir, 'livegate.db'))
        await rm(join(dir, 'log'), { recursive: true })
      },
      message: 'there are keys, but no log',
    },
    {
      name: 'when the keys are missing',
      spoil: (dir) => rm(join(dir, 'keys'), { recursive: true }),
      message: 'a key file is missing',
    },
    {
      name: 'when the log files are missing',
      spoil: (dir) => rm(join(dir, 'log'), { recursive: true }),
      message: 'there is a database, but no published log',
    },
    {
      name: 'when the database is missing',
      spoil: (dir) => rm(join(dir, 'livegate.db')),
      message: 'there are log files, but no database',
    },
    {
      name: 'when it holds another log',
      spoil: async () => {},
      origin: 'other.example/log',
      message: 'it holds the log `gate.example/log/contract`, expected `other.example/log`',
    },
    {
      name: 'when others can read a key',
      spoil: (dir) => chmod(join(dir, 'keys', 'pepper'), 0o640),
      message: 'keys can be read by others (mode 640), expected mode 600',
    },
    {
      name: 'when its schema is newer than this program',
      spoil: async (dir) => {
        const database = new DatabaseSync(join(dir, 'livegate.db'))
        database.exec('INSERT INTO schema (version) VALUES (99)')
        database.close()
      },
      message: `its schema has version 99, expected at most ${SCHEMA_VERSION}`,
    },
    {
      name: 'when its record key is of another log',
      spoil: (dir) => writeFile(join(dir, 'keys', 'record.key'), generateKeys(ORIGIN).record),
      message: 'its record key is not in its log',
    },
    {
      name: 'when its checkpoint key is of another origin',
      spoil: (dir) =>
        writeFile(join(dir, 'keys', 'checkpoint.key'), generateKeys('other.example').checkpoint),
      message: 'Cannot read keys/checkpoint.key: it is not the key of `gate.example/log/contract`',
    },
    {
      name: 'when a key file is cut short',
      spoil: (dir) => writeFile(join(dir, 'keys', 'pepper'), 'abc'),
      message: 'Cannot read keys/pepper: it is not 64 hexadecimal digits',
    },
  ]
  for (const { name, spoil, origin, message } of cases)
    it(`${name}, with a hint and without leaving a lock`, async () => {
      await spoil(data.path)
      const options = origin === undefined ? {} : { origin }
      for (let attempt = 0; attempt < 2; attempt++)
        await expect(openStore({ dir: data.path, ...options })).rejects.toMatchObject({
          message: expect.stringContaining(message) as string,
          hint: expect.stringMatching(/./) as string,
        })
    })

  it('while another store has it open', async () => {
    const store = await openStore({ dir: data.path })
    const second = openStore({ dir: data.path })
    await expect(second).rejects.toThrow('another process has it open')
    await store.close()
    await (await openStore({ dir: data.path })).close()
  })
})

describe('a data directory that contradicts itself opens halted', () => {
  async function expectHalted(dir: string, why: string): Promise<void> {
    const store = await openNodeStore({ dir, die: fail })
    expect(store.status().halted).toContain(why)
    expect((await store.ledger.load('u_0')).seq).toBeGreaterThan(0)
    expect(await store.log.checkpoint()).toContain(ORIGIN)
    expect(await store.log.proof(0, 0)).toContain('index 0')
    const refused = commitTo(store.ledger, 'u_0', (state) => aDecision('u_0', state))
    await expect(refused).rejects.toMatchObject({ code: 'halted' })
    expect(await store.close()).toBe(false)
  }

  it('when the database was restored from before the published log', async () => {
    await decide(data.path, 3)
    const saved = join(data.path, '..', 'saved.db')
    await cp(join(data.path, 'livegate.db'), saved)
    await decide(data.path, 5)
    await cp(saved, join(data.path, 'livegate.db'))
    await expectHalted(data.path, 'the published checkpoint is at 9, the database behind it at 4')
  })

  it('when the log files were restored from long before the database', async () => {
    await decide(data.path, 3)
    const saved = join(data.path, '..', 'saved-log')
    await cp(join(data.path, 'log'), saved, { recursive: true })
    await decide(data.path, 2)
    await decide(data.path, 2)
    await rm(join(data.path, 'log'), { recursive: true })
    await cp(saved, join(data.path, 'log'), { recursive: true })
    await expectHalted(data.path, 'the published files end at 4, the database is ahead at 8')
  })
})

describe('a data directory of one round ago', () => {
  it('has the missing files written again, byte for byte', async () => {
    await decide(data.path, 3)
    const saved = join(data.path, '..', 'saved-log')
    await cp(join(data.path, 'log'), saved, { recursive: true })
    const first = await openStore({ dir: data.path })
    await first.log.append(
      Array.from({ length: 300 }, () => aRecord({ kind: 'heartbeat' })),
      [],
    )
    await first.close()
    const before = await treeOf(join(data.path, 'log'))
    await rm(join(data.path, 'log'), { recursive: true })
    await cp(saved, join(data.path, 'log'), { recursive: true })
    const store = await openStore({ dir: data.path })
    expect(store.status()).toMatchObject({ halted: null, entries: 304, published: 304 })
    await store.close()
    expect(await treeOf(join(data.path, 'log'))).toEqual(before)
  })
})

async function treeOf(root: string): Promise<Record<string, number>> {
  const names = await readdir(root, { recursive: true })
  const files: Record<string, number> = {}
  for (const name of names.sort()) {
    const { size, mode } = await stat(join(root, name))
    if (size > 0 && (mode & 0o100000) !== 0) files[name] = size
  }
  return files
}

describe('a process that is killed', () => {
  it('loses nothing it acknowledged, and leaves the directory free', async () => {
    const script = join(import.meta.dirname, 'commit-forever.ts')
    const node = join(import.meta.dirname, '../../../node_modules/.bin/node')
    const child = spawn(node, [script, data.path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const acknowledged = new Set<string>()
    let rest = ''
    for await (const chunk of child.stdout) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) acknowledged.add(line)
      if (acknowledged.size > 400) child.kill('SIGKILL')
    }
    const store = await openStore({ dir: data.path })
    expect(store.status().halted).toBeNull()
    for (const id of acknowledged) expect(await store.directory.record(id), id).not.toBeNull()
    await store.publish()
    expect(store.status().published).toBe(store.status().entries)
    expect(await store.close()).toBe(true)
  })
})

describe('the lock', () => {
  it('is no obstacle when its file is left over from a process that is gone', async () => {
    const root = await mkdtemp(join(tmpdir(), 'livegate-'))
    await mkdir(join(root, 'copy'))
    await cp(data.path, join(root, 'copy', 'data'), { recursive: true })
    await (await openStore({ dir: join(root, 'copy', 'data') })).close()
    await rm(root, { recursive: true })
  })
})
