/**
 * G6: every write of a round × what can become of it → does the log go on, does it halt, is anything there twice?
 *
 * The store under the round is real SQL in memory; files are a map that fails when told to. After each fault the log is
 * opened anew, as after a crash, and must be the log that would have been without it.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { createEntries, type Entries } from '../../src/adapters/sqlite/entries.ts'
import { createHalt, type Halt } from '../../src/adapters/sqlite/halt.ts'
import { insertLogState } from '../../src/adapters/sqlite/log-state.ts'
import { createRounds, type Rounds } from '../../src/adapters/sqlite/rounds.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import type { Mirror, Writer } from '../../src/adapters/sqlite/sql.ts'
import type { TileStore } from '../../src/adapters/sqlite/tile-store.ts'
import { equalBytes } from '../../src/core/encoding.ts'
import { LivegateError } from '../../src/core/errors.ts'
import { signNote } from '../../src/core/tlog/note.ts'
import { parseTilePath } from '../../src/core/tlog/tile.ts'
import type { SignedRecord } from '../../src/ports.ts'
import { aRecord, noteKey, ORIGIN } from '../contract/fixtures.ts'

/** `lost`: it never happened. `reported-lost`: it did, but the caller is told otherwise. `crash`: it did, then the end. */
type Fault = 'lost' | 'reported-lost' | 'crash'
const FAULTS: readonly Fault[] = ['lost', 'reported-lost', 'crash']

class Crash extends Error {}

interface Disk {
  readonly sql: NodeSql
  readonly files: Map<string, Uint8Array>
  checkpoint: string | null
  /** Names of writes in their order. */
  readonly writes: string[]
  /** Counted down by each write; the one at zero meets its fault. */
  plan: { at: number; fault: Fault }[]
}

interface Process {
  readonly entries: Entries
  readonly rounds: Rounds
  readonly halt: Halt
  append(count: number): void
}

const key = noteKey()
const disks: Disk[] = []

function newDisk(): Disk {
  const sql = openNodeSql(':memory:')
  migrate(sql)
  sql.transaction(() => insertLogState(sql, ORIGIN))
  const disk: Disk = { sql, files: new Map(), checkpoint: null, writes: [], plan: [] }
  disks.push(disk)
  return disk
}

afterEach(() => {
  for (const disk of disks.splice(0)) disk.sql.close()
})

/** Runs one write of the disk under the plan. */
function faulty<T>(disk: Disk, name: string, write: () => T): T {
  const at = disk.writes.push(name) - 1
  const fault = disk.plan.find((planned) => planned.at === at)?.fault
  const lost = new LivegateError('log_unavailable', `Cannot write ${name}`)
  if (fault === 'lost') throw lost
  const result = write()
  if (fault === 'reported-lost') throw lost
  if (fault === 'crash') throw new Crash(name)
  return result
}

/** A process over what is on the disk: memory begins empty. */
function start(disk: Disk): Process {
  const { sql, files } = disk
  const entries = createEntries(sql, ORIGIN)
  const halt = createHalt()
  const mirrors: Mirror[] = [entries]
  const writer: Writer = {
    follow: (mirror) => void mirrors.push(mirror),
    async write(work) {
      return faulty(disk, 'commit', () => {
        const result = sql.transaction(work)
        for (const mirror of mirrors) mirror.committed()
        return result
      })
    },
    writeLater: (work) => writer.write(work),
  }
  const tiles: TileStore = {
    async put(written) {
      for (const { path, bytes } of written)
        faulty(disk, path, () => {
          const there = files.get(path)
          if (there !== undefined && !equalBytes(there, bytes))
            throw new LivegateError('halted', `Cannot publish ${path}: other bytes`)
          files.set(path, bytes)
        })
    },
    get: async (path) => files.get(path) ?? null,
    async putCheckpoint(note) {
      faulty(disk, 'checkpoint', () => {
        disk.checkpoint = note
      })
    },
    getCheckpoint: async () => disk.checkpoint,
    dropPartials: async () => {},
  }
  const signers = [key.signer]
  const signNoteOver = (body: string): Promise<string> => signNote({ body, signers })
  const rounds = createRounds({ sql, writer, entries, tiles, halt, signNote: signNoteOver })
  return {
    entries,
    rounds,
    halt,
    append(count) {
      sql.transaction(() => {
        for (let i = 0; i < count; i++) entries.append(heartbeat(entries.next()))
      })
      entries.committed()
    },
  }
}

const heartbeats: SignedRecord[] = []

/** The same record at the same index in every log: making them is what costs time here. */
function heartbeat(index: number): SignedRecord {
  heartbeats[index] ??= aRecord({ kind: 'heartbeat', claims: { index } })
  return heartbeats[index]
}

/** The log as it stands when nothing went wrong: what every faulty run must come to. */
async function settle(process: Process): Promise<void> {
  while (await process.rounds.run());
}

function expectWhole(disk: Disk, process: Process): void {
  expect(process.halt.why()).toBeNull()
  expect(process.rounds.published()?.size).toBe(process.entries.size())
  expect(disk.checkpoint).toBe(process.rounds.published()?.note)
  for (const path of disk.files.keys()) expect(parseTilePath(path), path).not.toBeNull()
}

/** A log of 300 entries with 200 more waiting: full and partial files of both kinds and two levels. */
async function readyForFaults(): Promise<{ disk: Disk; process: Process }> {
  const disk = newDisk()
  const process = start(disk)
  process.append(300)
  await settle(process)
  process.append(280)
  disk.writes.length = 0
  return { disk, process }
}

const writesOfARound = await (async () => {
  const { disk, process } = await readyForFaults()
  await settle(process)
  return [...disk.writes]
})()

describe('a round', () => {
  it('commits first, writes files then, publishes last, and no more than that', () => {
    expect(writesOfARound).toEqual([
      'commit',
      'tile/entries/001',
      'tile/entries/002.p/68',
      'tile/0/001',
      'tile/0/002.p/68',
      'tile/1/000.p/2',
      'checkpoint',
    ])
  })

  for (const fault of FAULTS)
    for (const [at, name] of writesOfARound.entries())
      it(`finishes after ${name} (write ${at}) is ${fault}, with nothing there twice`, async () => {
        const { disk, process } = await readyForFaults()
        disk.plan = [{ at, fault }]
        await expect(process.rounds.run()).rejects.toThrow()
        disk.plan = []
        const next = fault === 'crash' ? start(disk) : process
        await settle(next)
        expectWhole(disk, next)
        // More must go on top of it, and a third process must agree.
        next.append(1)
        await settle(next)
        const third = start(disk)
        await third.rounds.load()
        expectWhole(disk, third)
      })

  for (const first of FAULTS)
    for (const second of FAULTS)
      it(`survives two failures in a row: ${first}, then ${second}, at every pair of writes`, async () => {
        for (const at of writesOfARound.keys())
          for (let again = at + 1; again < at + 4; again++) {
            const { disk, process } = await readyForFaults()
            disk.plan = [
              { at, fault: first },
              { at: again, fault: second },
            ]
            let current = process
            for (let attempt = 0; attempt < 2; attempt++)
              await current.rounds.run().catch((error) => {
                if (error instanceof Crash) current = start(disk)
              })
            disk.plan = []
            await settle(current)
            expectWhole(disk, current)
          }
      })

  it('publishes nothing and signs nothing visible when the commit point is never reached', async () => {
    const { disk, process } = await readyForFaults()
    const { checkpoint, files } = { checkpoint: disk.checkpoint, files: new Map(disk.files) }
    disk.plan = [{ at: 0, fault: 'lost' }]
    await expect(process.rounds.run()).rejects.toMatchObject({ code: 'log_unavailable' })
    expect(disk.checkpoint).toBe(checkpoint)
    expect(disk.files).toEqual(files)
  })

  it('takes at most 4,096 entries', async () => {
    const disk = newDisk()
    const process = start(disk)
    process.append(4_100)
    await process.rounds.run()
    expect(process.rounds.published()?.size).toBe(4_096)
    await process.rounds.run()
    expect(process.rounds.published()?.size).toBe(4_100)
    expect(await process.rounds.run()).toBe(false)
  })

  it('is one at a time: a second call joins the first', async () => {
    const { disk, process } = await readyForFaults()
    await Promise.all([process.rounds.run(), process.rounds.run(), process.rounds.run()])
    expect(disk.writes).toEqual(writesOfARound)
  })
})

describe('a log whose storage was tampered with or rolled back', () => {
  const cases: readonly {
    readonly name: string
    readonly tamper: (disk: Disk) => Promise<void> | void
    readonly why: string
  }[] = [
    {
      name: 'the database is older than the published checkpoint',
      tamper: (disk) => {
        disk.sql.run(
          'UPDATE log_state SET size = prev_size, root = prev_root, edge = prev_edge, note = ?',
          'x',
        )
      },
      why: 'the published checkpoint is at 580, the database behind it at 300',
    },
    {
      name: 'the published files are more than one round older than the database',
      tamper: async (disk) => {
        const old = disk.checkpoint
        const process = start(disk)
        for (const count of [1, 1]) {
          process.append(count)
          await settle(process)
        }
        disk.checkpoint = old
      },
      why: 'the published files end at 580, the database is ahead at 582',
    },
    {
      name: 'the published files are gone',
      tamper: (disk) => {
        disk.checkpoint = null
        disk.files.clear()
      },
      why: 'no checkpoint is published, but 580 entries are signed',
    },
    {
      name: 'another root is published at the same size',
      tamper: async (disk) => {
        const other = newDisk()
        const process = start(other)
        process.append(579)
        other.sql.transaction(() => process.entries.append(aRecord({ kind: 'incident' })))
        process.entries.committed()
        await settle(process)
        disk.checkpoint = other.checkpoint
      },
      why: 'the published checkpoint has another root at size 580',
    },
    {
      name: 'the published checkpoint is of another log',
      tamper: (disk) => {
        disk.checkpoint = disk.checkpoint?.replaceAll(ORIGIN, 'other.example/log') ?? null
      },
      why: 'is not one of `gate.example/log/contract`',
    },
    {
      name: 'a bit of the stored edge has flipped',
      tamper: (disk) => {
        const edge = disk.sql.get('SELECT edge FROM log_state')?.edge as Uint8Array
        edge[40] = (edge[40] ?? 0) ^ 1
        disk.sql.run('UPDATE log_state SET edge = ?', edge)
      },
      why: 'the stored edge does not have the stored root',
    },
    {
      name: 'entries that were signed are missing from the database',
      tamper: (disk) => disk.sql.run('DELETE FROM entries WHERE idx >= 500'),
      why: 'the database has 500 entries, but 580 are signed',
    },
  ]
  for (const { name, tamper, why } of cases)
    it(`halts, writes nothing and says why when ${name}`, async () => {
      const { disk, process } = await readyForFaults()
      await settle(process)
      await tamper(disk)
      disk.writes.length = 0
      const next = start(disk)
      await expect(next.rounds.load()).rejects.toMatchObject({ code: 'halted' })
      expect(next.halt.why()).toContain(why)
      await expect(next.rounds.run()).rejects.toMatchObject({ code: 'halted' })
      expect(disk.writes).toEqual([])
    })

  const later: readonly {
    readonly name: string
    readonly tamper: (disk: Disk) => void
    readonly why: string
  }[] = [
    {
      name: 'a waiting entry does not hash to its leaf',
      tamper: (disk) => disk.sql.run("UPDATE entries SET jws = jws || 'x' WHERE idx = 400"),
      why: 'entry 400 does not hash to its leaf',
    },
    {
      name: 'a waiting entry is missing',
      tamper: (disk) => disk.sql.run('DELETE FROM entries WHERE idx = 400'),
      why: 'entry 400 is missing',
    },
    {
      name: 'a file is there with other bytes',
      tamper: (disk) => void disk.files.set('tile/0/001', new Uint8Array(8192)),
      why: 'Cannot publish tile/0/001: other bytes',
    },
  ]
  for (const { name, tamper, why } of later)
    it(`halts in the round when ${name}`, async () => {
      const { disk, process } = await readyForFaults()
      const before = disk.checkpoint
      tamper(disk)
      await expect(process.rounds.run()).rejects.toMatchObject({ code: 'halted' })
      expect(process.halt.why()).toContain(why)
      expect(disk.checkpoint).toBe(before)
    })

  it('halts when the files of a signed round cannot be made again from the entries', async () => {
    const { disk, process } = await readyForFaults()
    disk.plan = [{ at: 1, fault: 'crash' }]
    await expect(process.rounds.run()).rejects.toThrow(Crash)
    disk.plan = []
    const { leaf, jws } = aRecord({ kind: 'heartbeat', claims: { forged: true } })
    disk.sql.run('UPDATE entries SET leaf = ?, jws = ? WHERE idx = 310', leaf, jws)
    const next = start(disk)
    await expect(next.rounds.load()).rejects.toMatchObject({ code: 'halted' })
    expect(next.halt.why()).toContain('the signed root does not follow from the stored entries')
  })
})
