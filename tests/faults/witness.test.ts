/**
 * Witnesses behind a log: every step × what can become of it × once and twice in a row → is the quorum reached, is
 * anything worse than late, do rounds go on?
 *
 * Steps: the question (also over real ports in the contract), writing down what was acknowledged, writing the file.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { createEntries } from '../../src/adapters/sqlite/entries.ts'
import { createHalt, type Halt } from '../../src/adapters/sqlite/halt.ts'
import { insertLogState } from '../../src/adapters/sqlite/log-state.ts'
import { createRounds, type Rounds } from '../../src/adapters/sqlite/rounds.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import type { Mirror, Writer } from '../../src/adapters/sqlite/sql.ts'
import type { TileStore } from '../../src/adapters/sqlite/tile-store.ts'
import { verifyEd25519 } from '../../src/adapters/sqlite/witness-ed25519.ts'
import { acknowledged } from '../../src/adapters/sqlite/witness-rows.ts'
import { createWitnesses, type Witnesses } from '../../src/adapters/sqlite/witnesses.ts'
import { LivegateError } from '../../src/core/errors.ts'
import { epochMs } from '../../src/core/time.ts'
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { ed25519Signer, parseNote, signNote } from '../../src/core/tlog/note.ts'
import { formatVkey } from '../../src/core/tlog/note-key.ts'
import { parseAskedPolicy } from '../../src/core/tlog/witness.ts'
import { aRecord, ORIGIN, T0 } from '../contract/fixtures.ts'
import { keyFromSeed, must } from '../core/tlog/support.ts'
import { createTestWitness, type TestWitness } from '../support/witness.ts'

/** `crash-after`: it happened, and the process ends. */
type Fault = 'fails' | 'reported-failed' | 'hangs' | 'crash-after'
const FAULTS: readonly Fault[] = ['fails', 'reported-failed', 'hangs', 'crash-after']
type Step = 'ask' | 'keep' | 'file'

const LOG = keyFromSeed(new Uint8Array(32).fill(9))
const LOG_VKEY = formatVkey({ name: ORIGIN, type: 1, publicKey: LOG.publicKey })

/** What survives a crash. */
interface Disk {
  readonly sql: NodeSql
  readonly files: Map<string, Uint8Array>
  checkpoint: string | null
  witnessed: string | null
  /** Every file ever written there, in order. */
  readonly writtenSizes: number[]
  readonly witnesses: readonly TestWitness[]
  /** Faults that wait, by step: each is met once. */
  readonly plan: Record<Step, Fault[]>
  at: number
  readonly errors: unknown[]
}

interface Process {
  readonly rounds: Rounds
  readonly halt: Halt
  readonly witnesses: Witnesses
  readonly timers: Set<() => void>
  /** Ended: whatever still moves in it changes nothing any more. */
  dead: boolean
  grow(count: number): Promise<void>
}

const disks: Disk[] = []
afterEach(() => {
  for (const { sql } of disks.splice(0)) sql.close()
})

function newDisk(count = 2): Disk {
  const sql = openNodeSql(':memory:')
  migrate(sql)
  sql.transaction(() => insertLogState(sql, ORIGIN))
  const disk: Disk = {
    ...{ sql, files: new Map(), checkpoint: null, witnessed: null, writtenSizes: [] },
    witnesses: Array.from({ length: count }, (_, i) =>
      createTestWitness({
        ...{ name: `w${i + 1}.example`, seed: i + 1, logs: [LOG_VKEY], now: () => disk.at },
      }),
    ),
    plan: { ask: [], keep: [], file: [] },
    ...{ at: T0, errors: [] },
  }
  disks.push(disk)
  return disk
}

const never = new Promise<never>(() => {})

/** Does the work, or what the plan says. */
async function meet<T>(
  disk: Disk,
  process: Process,
  step: Step,
  work: () => Promise<T> | T,
): Promise<T> {
  if (process.dead) return never
  const fault = disk.plan[step].shift()
  const failure = new LivegateError('log_unavailable', `Cannot ${step}`)
  if (fault === 'hangs') return never
  if (fault === 'fails') throw failure
  const result = await work()
  if (fault === 'reported-failed') throw failure
  if (fault === 'crash-after') {
    process.dead = true
    return never
  }
  return result
}

function start(disk: Disk): Process {
  const { sql, files } = disk
  const entries = createEntries(sql, ORIGIN)
  const mirrors: Mirror[] = [entries]
  const halt = createHalt()
  const commit = <T>(work: () => T): T => {
    const result = sql.transaction(work)
    for (const mirror of mirrors) mirror.committed()
    return result
  }
  const writer: Writer = {
    follow: (mirror) => void mirrors.push(mirror),
    write: async (work) => commit(work),
    writeLater: (work) => writer.write(work),
  }
  const tiles: TileStore = {
    async put(written) {
      for (const { path, bytes } of written) files.set(path, bytes)
    },
    get: async (path) => files.get(path) ?? null,
    async putCheckpoint(note) {
      disk.checkpoint = note
    },
    getCheckpoint: async () => disk.checkpoint,
    dropPartials: async () => {},
  }
  const signers = [ed25519Signer({ name: ORIGIN, ...LOG })]
  const rounds = createRounds({
    ...{ sql, writer, entries, tiles, halt },
    signNote: (body) => signNote({ body, signers }),
  })
  const timers = new Set<() => void>()
  const policy = disk.witnesses.map(
    ({ vkey, name }, i) => `witness w${i + 1} ${vkey} https://${name}/w`,
  )
  const names = disk.witnesses.map((_, i) => `w${i + 1}`).join(' ')
  const text = `${policy.join('\n')}\ngroup all-of-them all ${names}\nquorum all-of-them\n`
  const process: Process = {
    ...{ rounds, halt, timers, dead: false },
    witnesses: createWitnesses({
      ...{ origin: ORIGIN, vkeys: () => [LOG_VKEY], sql, rounds, tiles, halt, verifyEd25519 },
      policy: must(parseAskedPolicy(text)),
      writer: { write: (work) => meet(disk, process, 'keep', () => commit(work)) },
      file: {
        get: async () => disk.witnessed,
        put: (note) =>
          meet(disk, process, 'file', () => {
            disk.witnessed = note
            disk.writtenSizes.push(sizeOf(note))
          }),
      },
      fetch: async (url, { method, body = '' }) => {
        const witness = disk.witnesses.find(({ name }) => url.includes(name))
        const {
          status,
          headers,
          body: said,
        } = await meet(
          disk,
          process,
          'ask',
          async () =>
            (await witness?.handle({ method, path: new URL(url).pathname, body })) ?? never,
        )
        return new Response(said, { status, headers })
      },
      clock: { now: () => epochMs(disk.at) },
      after(_, fire) {
        timers.add(fire)
        return () => timers.delete(fire)
      },
      jitter: () => 0,
      observe: () => {},
      onError: (error) => void disk.errors.push(error),
    }),
    async grow(count) {
      sql.transaction(() => {
        for (let i = 0; i < count; i++) entries.append(aRecord({ kind: 'heartbeat' }))
      })
      entries.committed()
      await rounds.run()
    },
  }
  return process
}

const sizeOf = (note: string | null): number =>
  note === null ? 0 : must(parseCheckpoint(must(parseNote(note)).body)).size

/** Lets time pass until nothing moves: budgets run out where something hangs, pauses are over. */
async function settle(disk: Disk, process: Process): Promise<void> {
  for (let turn = 0; turn < 30; turn++) {
    const state = { moving: true }
    void process.witnesses.settled().then(() => {
      state.moving = false
    })
    const began = performance.now()
    // A crash leaves something that never moves again, as does what hangs.
    for (let tick = 0; state.moving && (tick < 200 || performance.now() < began + 40); tick++)
      await new Promise<void>((go) => setImmediate(go))
    if (process.dead || (!state.moving && process.timers.size === 0)) return
    disk.at += 400_000
    for (const fire of [...process.timers]) {
      process.timers.delete(fire)
      fire()
    }
  }
}

function expectWitnessed(disk: Disk, process: Process): void {
  expect(process.halt.why()).toBeNull()
  expect(sizeOf(disk.witnessed)).toBe(sizeOf(disk.checkpoint))
  expect(disk.writtenSizes).toEqual([...disk.writtenSizes].sort((a, b) => a - b))
  for (const { vkey } of disk.witnesses)
    expect(acknowledged(disk.sql, vkey)).toBe(sizeOf(disk.checkpoint))
}

describe('a checkpoint on its way to the quorum', () => {
  for (const step of ['ask', 'keep'] as const)
    for (const fault of FAULTS)
      for (const times of [1, 2])
        it(`arrives after ${step} ${fault}, ${times} in a row, and rounds go on meanwhile`, async () => {
          const disk = newDisk()
          let process = start(disk)
          await process.grow(3)
          await settle(disk, process)
          for (let time = 0; time < times; time++) {
            disk.plan[step].push(fault)
            await process.grow(2)
            if (fault === 'crash-after') {
              await settle(disk, process)
              process = start(disk)
              await process.rounds.load()
            } else await process.grow(1)
          }
          await settle(disk, process)
          expect(disk.plan[step]).toEqual([])
          await settle(disk, process)
          expectWitnessed(disk, process)
        })

  for (const fault of ['fails', 'reported-failed', 'crash-after'] as const)
    for (const times of [1, 2])
      it(`is published after the file ${fault}, ${times} in a row`, async () => {
        const disk = newDisk()
        let process = start(disk)
        await process.grow(3)
        await settle(disk, process)
        for (let time = 0; time < times; time++) {
          disk.plan.file.push(fault)
          await process.grow(2)
          if (fault !== 'crash-after') continue
          await settle(disk, process)
          process = start(disk)
          await process.rounds.load()
        }
        await settle(disk, process)
        expect(disk.plan.file).toEqual([])
        expectWitnessed(disk, process)
      })

  it('waits for a file that hangs, and rounds do not wait for it', async () => {
    const disk = newDisk()
    const process = start(disk)
    disk.plan.file.push('hangs')
    await process.grow(3)
    await settle(disk, process)
    for (let i = 0; i < 3; i++) await process.grow(1)
    expect(sizeOf(disk.checkpoint)).toBe(6)
    const again = start(disk)
    await again.rounds.load()
    await settle(disk, again)
    expectWitnessed(disk, again)
  })

  it('is sent once to everybody, though rounds come faster than answers', async () => {
    const disk = newDisk()
    const process = start(disk)
    await Promise.all([process.grow(1), process.grow(1)])
    for (let i = 0; i < 5; i++) await process.grow(1)
    await settle(disk, process)
    expectWitnessed(disk, process)
    for (const { asked } of disk.witnesses) {
      expect(asked.every((line) => line.endsWith(': 200'))).toBe(true)
      expect(new Set(asked).size).toBe(asked.length)
    }
  })
})

describe('a log whose storage was set back', () => {
  /** A log of 5, known to its witnesses; then storage of 3, which grows on without them having been asked. */
  async function setBack(
    grows: number,
    prepare: (disk: Disk) => void,
  ): Promise<{ disk: Disk; process: Process }> {
    const old = newDisk()
    const first = start(old)
    await first.grow(3)
    await settle(old, first)
    const kept = { checkpoint: old.checkpoint, files: new Map(old.files), witnessed: old.witnessed }
    const rows = old.sql.all('SELECT idx, leaf, jws FROM entries')
    const state = old.sql.get('SELECT * FROM log_state')
    await first.grow(2)
    await settle(old, first)
    first.dead = true
    const disk: Disk = { ...newDisk(0), witnesses: old.witnesses, ...kept, at: old.at }
    for (const { idx = 0, leaf = null, jws = '' } of rows)
      disk.sql.run('INSERT INTO entries VALUES (?, ?, ?, NULL)', idx, leaf, jws)
    disk.sql.run('DELETE FROM log_state')
    const { origin = '', size = 0, root = null, edge = null, note = '' } = state ?? {}
    const { prev_size = 0, prev_root = null, prev_edge = null } = state ?? {}
    disk.sql.run(
      'INSERT INTO log_state VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[origin, size, root, edge, note, prev_size, prev_root, prev_edge],
    )
    prepare(disk)
    const process = start(disk)
    if (grows > 0) await process.grow(grows)
    else await process.rounds.load()
    await settle(disk, process)
    return { disk, process }
  }
  const shows = ({ witnesses }: Disk): void => {
    for (const witness of witnesses) witness.shows = true
  }

  it('halts when it is opened: witnesses have seen more, and say so', async () => {
    const { process } = await setBack(0, () => {})
    expect(process.halt.why()).toMatch(
      /^the witness w\d says that it has seen 5 entries, but 3 are signed here$/,
    )
    await expect(process.grow(1)).rejects.toMatchObject({ code: 'halted' })
  })

  it('halts with the note it has signed itself, where a witness shows it', async () => {
    const { process } = await setBack(0, shows)
    const why = process.halt.why() ?? ''
    expect(why).toMatch(
      /^the witness w\d holds a checkpoint this log has signed at 5 entries, but 3 are signed here:\n/,
    )
    expect(why).toContain(`\n\u2014 ${ORIGIN} `)
  })

  it('halts at the same size under another root', async () => {
    const { process } = await setBack(2, () => {})
    // The witness has 5 and is told of 5 by way of 3: first its size, then the root.
    expect(process.halt.why()).toMatch(
      /^the witness w\d says that it has seen another tree of 5 entries$/,
    )
  })

  it('halts when it has grown past them, if they show what it has signed', async () => {
    const { process } = await setBack(6, shows)
    expect(process.halt.why()).toMatch(
      /^the witness w\d holds a checkpoint this log has signed over another tree of 5 entries:\n/,
    )
  })

  it('goes on unwitnessed when they only refuse, and names what they refuse', async () => {
    const { disk, process } = await setBack(6, () => {})
    expect(process.halt.why()).toBeNull()
    expect(sizeOf(disk.witnessed)).toBe(3)
    expect(process.witnesses.status().errors).toEqual([
      expect.objectContaining({ witness: 'w1', fault: 'proof_refused' }),
      expect.objectContaining({ witness: 'w2', fault: 'proof_refused' }),
    ])
  })

  it('finds out from its own witnessed checkpoint, should that be newer than the rest', async () => {
    const other = newDisk()
    const first = start(other)
    await first.grow(9)
    await settle(other, first)
    const disk = newDisk()
    disk.witnessed = other.witnessed
    const process = start(disk)
    await process.grow(3)
    await settle(disk, process)
    expect(process.halt.why()).toBe('`checkpoint.witnessed` is over another tree, of 9 entries')
  })
})
