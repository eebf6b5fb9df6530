/**
 * Keys of a Node host: exchanged while it decides, every step broken every way, restarts in between. After each test the
 * whole log is audited: whatever went wrong, no record is signed by a key that was not in force at its place.
 */
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dataPaths } from '../../../src/adapters/node/data-dir.ts'
import { openKeyFiles } from '../../../src/adapters/node/key-files.ts'
import { createNodeKeys, type NodeKeys } from '../../../src/adapters/node/node-keys.ts'
import { openNodeStore } from '../../../src/adapters/node/store.ts'
import type { KeyUse } from '../../../src/core/record/key-history.ts'
import { parseNote } from '../../../src/core/tlog/note.ts'
import type { KeyChange, KeyView } from '../../../src/gate/key-desk.ts'
import { aNodeGate, type NodeGate } from '../../support/node-gate.ts'

let world: NodeGate
let keys: NodeKeys
/** What befalls the next writes, in their order. */
let fates: ('fails' | 'done but reported failed' | 'hangs' | 'crashes after')[]

function open(): NodeKeys {
  const { store, scribe, time } = world
  const broken = async (work: () => Promise<void>): Promise<void> => {
    const fate = fates.shift()
    if (fate === 'hangs') return new Promise(() => {})
    if (fate !== 'fails') await work()
    if (fate === 'crashes after') return new Promise(() => {})
    if (fate !== undefined) throw new Error(fate)
  }
  const { keyFiles } = store
  return createNodeKeys({
    store: {
      ...store,
      keyFiles: {
        ...keyFiles,
        prepare: async (use) => {
          if (keyFiles.held()[use].length < 2)
            await broken(async () => void (await keyFiles.prepare(use)))
          return keyFiles.prepare(use)
        },
        tidy: async (use, history) => {
          const paths = dataPaths(world.dir)
          const before = (await readdir(paths.keys)).length
          if (before === 3) return
          await broken(() => keyFiles.tidy(use, history))
        },
      },
    },
    scribe: { append: (drafts, requires) => broken(() => scribe.append(drafts, requires)) },
    clock: time,
    after: (_, fire) => {
      setImmediate(fire)
      return () => {}
    },
  })
}

async function restart(): Promise<void> {
  world = await world.restart()
  fates = []
  keys = open()
  await keys.resume()
}

beforeEach(async () => {
  world = await aNodeGate()
  fates = []
  keys = open()
})
afterEach(async () => {
  const report = await world.audit()
  const { signatures, entries } = report.counts
  await world.close()
  expect(report.findings).toEqual([])
  expect(signatures).toBe(entries)
})

const rotate = (use: KeyUse, step: 'begin' | 'finish' = 'begin'): Promise<KeyChange> =>
  keys.desk.change({ step, use, log: null })
const revoke = (kid: string, from: number | null = null): Promise<KeyChange> =>
  keys.desk.change({ step: 'revoke', kid, from, log: null })
const listed = async (use: KeyUse): Promise<readonly KeyView[]> =>
  (await keys.desk.list()).filter((key) => key.use === use)
const statuses = async (use: KeyUse): Promise<readonly string[]> =>
  (await listed(use)).map(({ status, signs }) => (signs ? `${status}, signs` : status))
const files = async (): Promise<readonly string[]> =>
  (await readdir(dataPaths(world.dir).keys)).sort()

async function decided(): Promise<string> {
  const { jws } = await world.gate.decide({
    ...{ subject: `u${world.store.log.size()}`, stream: { id: 'b' }, request: {}, facts: {} },
    ...{ supports: [], caller: 'k' },
  })
  const header = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()) as {
    kid: string
  }
  return header.kid
}

async function linesOnCheckpoint(): Promise<number> {
  while (await world.store.publish());
  const note = parseNote(await world.store.log.checkpoint())
  return note.ok ? note.value.signatures.length : 0
}

const PLAIN = ['checkpoint.key', 'pepper', 'record.key']

describe('a log that has halted', () => {
  it('refuses every change of keys as halted, and makes none', async () => {
    const { store, scribe, time } = world
    const halted = { ...store.status(), halted: 'the disk is full' }
    const after = (): (() => void) => () => {}
    const { desk } = createNodeKeys({
      ...{ store: { ...store, status: () => halted }, scribe, clock: time, after },
    })
    const [{ kid = '' } = {}] = await desk.list()
    const log = null
    for (const wish of [
      { step: 'begin', use: 'record', log },
      { step: 'finish', use: 'checkpoint', log },
      { step: 'revoke', kid, from: null, log },
    ] as const)
      await expect(desk.change(wish)).rejects.toMatchObject({ code: 'halted' })
    expect(await files()).toEqual(PLAIN)
  })
})

describe('the record key', () => {
  it('is exchanged while the gate decides, and the old one stays in the set of public keys', async () => {
    const before = await decided()
    expect((await rotate('record')).changed).toBe(true)
    const after = await decided()
    expect(after).not.toBe(before)
    expect(await statuses('record')).toEqual(['retired', 'active, signs'])
    expect((await listed('record')).map(({ kid }) => kid)).toEqual([before, after])
    expect(world.store.recordKeys()).toHaveLength(2)
    expect(await files()).toEqual(PLAIN)
    await restart()
    expect(await decided()).toBe(after)
    expect(world.store.recordKeys()).toHaveLength(2)
  })

  it('is exchanged under load without a decision that is refused', async () => {
    const asked = Array.from({ length: 40 }, (_, i) =>
      world.gate.decide({
        ...{ subject: `s${i}`, stream: { id: 'b' }, request: {}, facts: {} },
        ...{ supports: [], caller: 'k' },
      }),
    )
    await rotate('record')
    expect(await Promise.all(asked)).toHaveLength(40)
  })

  it('is exchanged again and again', async () => {
    for (let i = 0; i < 3; i++) await rotate('record')
    expect(await statuses('record')).toEqual(['retired', 'retired', 'retired', 'active, signs'])
  })

  it('lies in a file of its owner alone, before and after', async () => {
    fates = ['done but reported failed']
    await expect(rotate('record')).rejects.toThrow('reported failed')
    expect(await files()).toContain('record.next.key')
    for (const name of await files()) {
      const { mode } = await stat(join(dataPaths(world.dir).keys, name))
      expect([name, mode & 0o777]).toEqual([name, 0o600])
    }
  })

  it('that has ended does not open a gate', async () => {
    const kept = world
    try {
      world = await aNodeGate()
      keys = open()
      const { recordKey } = dataPaths(world.dir)
      const [{ kid } = { kid: '' }] = await listed('record')
      const old = await readFile(recordKey)
      await rotate('record')
      await writeFile(recordKey, old)
      await expect(world.restart()).rejects.toThrow(
        `Cannot open data directory: its record key ${kid} was retired at index `,
      )
      await rm(dirname(world.dir), { recursive: true })
    } finally {
      world = kept
    }
  })

  it('to come must be its owner’s alone, too', async () => {
    fates = ['done but reported failed']
    await expect(rotate('record')).rejects.toThrow('reported failed')
    await chmod(dataPaths(world.dir).recordNextKey, 0o644)
    await expect(openNodeStore({ dir: world.dir })).rejects.toThrow('keys can be read by others')
  })
})

describe('the checkpoint key', () => {
  it('overlaps with its successor until the operator ends it', async () => {
    expect(await linesOnCheckpoint()).toBe(1)
    await rotate('checkpoint')
    expect(await linesOnCheckpoint()).toBe(2)
    expect(world.store.vkeys()).toHaveLength(2)
    await restart()
    await decided()
    expect(await linesOnCheckpoint()).toBe(2)
    expect((await rotate('checkpoint')).changed).toBe(false)
    await rotate('checkpoint', 'finish')
    expect(await linesOnCheckpoint()).toBe(1)
    expect(await statuses('checkpoint')).toEqual(['retired', 'active, signs'])
    expect(world.store.vkeys()).toEqual([world.store.vkey])
    expect(await files()).toEqual(PLAIN)
    await restart()
    await decided()
    expect(await linesOnCheckpoint()).toBe(1)
  })

  it('that nobody began to exchange is not ended', async () => {
    expect((await rotate('checkpoint', 'finish')).changed).toBe(false)
    expect(await statuses('checkpoint')).toEqual(['active, signs'])
  })
})

describe('a compromised key', () => {
  it('that signs gives way to another and proves nothing from an index on', async () => {
    const bad = await decided()
    const from = world.store.log.size()
    await decided()
    await revoke(bad, from)
    expect(await statuses('record')).toEqual(['revoked', 'active, signs'])
    expect((await listed('record'))[0]?.until).toBe(from)
    expect(world.store.recordKeys()).toHaveLength(1)
    expect(await decided()).not.toBe(bad)
    expect(await files()).toEqual(PLAIN)
    const report = await world.audit()
    expect(report.notices).toMatchObject([{ code: 'key_revoked' }])
    // Entries in doubt verify no more.
    world.audit = async () => ({
      ...report,
      counts: { ...report.counts, entries: 0, signatures: 0 },
    })
  })

  it('that was retired long ago is revoked without another taking its place', async () => {
    const old = await decided()
    await rotate('record')
    await revoke(old)
    expect(await statuses('record')).toEqual(['revoked', 'active, signs'])
    expect((await revoke(old)).changed).toBe(false)
  })

  it('of checkpoints is gone from notes and verifier keys', async () => {
    const [{ kid } = { kid: '' }] = await listed('checkpoint')
    await revoke(kid)
    expect(await statuses('checkpoint')).toEqual(['revoked', 'active, signs'])
    expect(await linesOnCheckpoint()).toBe(1)
    expect(world.store.vkeys()).toHaveLength(1)
  })

  it.each([{ name: 'nobody knows', kid: 'A'.repeat(43), from: null, says: /no log knows it/ }])(
    'that $name is refused',
    async ({ kid, from, says }) => {
      await expect(revoke(kid, from)).rejects.toThrow(says)
    },
  )

  it('cannot be revoked from an index that is not there yet', async () => {
    const kid = await decided()
    await expect(revoke(kid, 1_000_000)).rejects.toThrow('expected an index of the log as `from`')
    expect(await statuses('record')).toEqual(['active, signs'])
  })
})

describe('a step of a rotation that', () => {
  const STEPS = ['the new file', 'the active record', 'the retired record', 'the rename']
  const cases = STEPS.flatMap((step, index) =>
    (['fails', 'done but reported failed', 'hangs'] as const).flatMap((fate) =>
      ([1, 2] as const).map((times) => ({ step, index, fate, times })),
    ),
  )
  it.each(cases)(
    'is $step and $fate, $times times in a row, is gone on with',
    async ({ index, fate, times }) => {
      const before = await decided()
      for (let attempt = 0; attempt < times; attempt++) {
        // Steps that are done are not done again, so the fate meets the first that is left.
        const passed = attempt === 0 ? index : 0
        fates = [...Array.from({ length: passed }, () => undefined as never), fate]
        const outcome = rotate('record').then(
          () => 'done',
          () => 'failed',
        )
        const hung = new Promise((resolve) => setTimeout(() => resolve('hung'), 60))
        const seen = await Promise.race([outcome, hung])
        if (fate === 'hangs') {
          expect(['hung', 'done']).toContain(seen)
          await restart()
        }
        await decided()
      }
      fates = []
      await rotate('record')
      expect(await decided()).not.toBe(before)
      const found = await statuses('record')
      expect(found.slice(0, -1).every((status) => status === 'retired')).toBe(true)
      expect(found.at(-1)).toBe('active, signs')
      expect(await files()).toEqual(PLAIN)
    },
  )

  it.each(STEPS.map((step, index) => ({ step, index })))(
    'crashed after $step is gone on with at the next start',
    async ({ index }) => {
      const before = await decided()
      // The step after it never begins; after the last nothing is left.
      fates = [...Array.from({ length: index + 1 }, () => undefined as never), 'fails']
      await rotate('record').catch(() => {})
      await restart()
      const found = await statuses('record')
      // A file alone changes nothing: the log does not know of it.
      expect(found).toEqual(index === 0 ? ['active, signs'] : ['retired', 'active, signs'])
      expect((await decided()) === before).toBe(index === 0)
      if (index > 0) expect(await files()).toEqual(PLAIN)
    },
  )
})

describe('a process that ends', () => {
  const STEPS = ['the new file', 'the active record', 'the retired record', 'the rename']
  const cases = STEPS.flatMap((step, index) => [1, 2].map((times) => ({ step, index, times })))

  /** True when nothing comes of it: the process that did it is gone. */
  async function isCutShort(work: Promise<unknown>): Promise<boolean> {
    const done = work.then(() => false)
    const cut = new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 60))
    return Promise.race([done, cut])
  }

  it.each(cases)(
    'after $step, $times times in a row, leaves nothing that another cannot go on with',
    async ({ index, times }) => {
      const before = await decided()
      fates = [...Array.from({ length: index }, () => undefined as never), 'crashes after']
      expect(await isCutShort(rotate('record'))).toBe(true)
      if (times === 2) {
        world = await world.restart()
        fates = ['crashes after']
        keys = open()
        // What is left it goes on with by itself; else whoever asks again is cut short.
        if (!(await isCutShort(keys.resume())))
          expect(await isCutShort(rotate('record'))).toBe(true)
      }
      await restart()
      const found = await statuses('record')
      expect(found.slice(0, -1).every((status) => status === 'retired')).toBe(true)
      expect(found.at(-1)).toBe('active, signs')
      await decided()
      await rotate('record')
      expect(await decided()).not.toBe(before)
      expect(await files()).toEqual(PLAIN)
    },
  )

  it('while it writes a key leaves a half-written file, which is gone at the next start', async () => {
    const { keys: dir } = dataPaths(world.dir)
    for (const name of ['record.next.key', 'checkpoint.key', 'pepper'])
      await writeFile(join(dir, `${name}.0123456789ab.tmp`), 'half', { mode: 0o600 })
    await writeFile(join(dir, 'mine.tmp'), 'an operator put it there')
    await restart()
    expect(await files()).toEqual(['checkpoint.key', 'mine.tmp', 'pepper', 'record.key'])
  })
})

describe('a disk that takes no file', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EROFS'])(
    'refuses a new key as unavailable (%s), and nothing has changed',
    async (code) => {
      const paths = dataPaths(world.dir)
      const write = (): Promise<never> =>
        Promise.reject(Object.assign(new Error(`${code}: write`), { code }))
      const die = (): never => expect.unreachable()
      const { origin } = world.store
      const keyFiles = await openKeyFiles({ paths, origin, die, write })
      const kids = (): readonly string[] => keyFiles.held().record.map(({ kid }) => kid)
      const held = kids()
      const { scribe, time } = world
      const after = (): (() => void) => () => {}
      const { desk } = createNodeKeys({
        ...{ store: { ...world.store, keyFiles }, scribe, clock: time, after },
      })
      const size = world.store.log.size()
      await expect(desk.change({ step: 'begin', use: 'record', log: null })).rejects.toMatchObject({
        code: 'log_unavailable',
        retry_after_s: 30,
        message: `Cannot write keys/record.next.key: the disk did not take it (${code}), expected room and a directory that can be written`,
      })
      expect(kids()).toEqual(held)
      expect(world.store.log.size()).toBe(size)
      expect(await files()).toEqual(PLAIN)
    },
  )
})
