/**
 * Every step of a round, in its order, × {fails, done but reported failed, hangs, crash after} × {once, twice in a row}.
 *
 * Records are real ones. After each case an auditor who trusts the checkpoint from before runs over what is published:
 * consistent, clean, and every record that was acknowledged is there exactly once. The same steps on the edge:
 * workerd/round-steps.test.ts; other faults and storage that contradicts itself: round.test.ts. Erasures, exchanges of keys
 * and witnesses have tables of their own: erasure.test.ts, witness.test.ts, ../gate/key-rotation.test.ts.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type NodeSql, openNodeSql } from '../../src/adapters/node/node-sql.ts'
import { createEntries, type Entries, readEntries } from '../../src/adapters/sqlite/entries.ts'
import { extendFrom } from '../../src/adapters/sqlite/extend.ts'
import { createHalt, type Halt } from '../../src/adapters/sqlite/halt.ts'
import { insertLogState } from '../../src/adapters/sqlite/log-state.ts'
import { createRounds, type Rounds } from '../../src/adapters/sqlite/rounds.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import type { Mirror, Writer } from '../../src/adapters/sqlite/sql.ts'
import type { TileStore } from '../../src/adapters/sqlite/tile-store.ts'
import { equalBytes, fromUtf8, utf8 } from '../../src/core/encoding.ts'
import { LivegateError } from '../../src/core/errors.ts'
import type { IssuedRecord } from '../../src/core/record/issue.ts'
import { decodeBundle } from '../../src/core/tlog/bundle.ts'
import { ed25519Signer, signNote } from '../../src/core/tlog/note.ts'
import { TILE_WIDTH, tilePath } from '../../src/core/tlog/tile.ts'
import type { SignedRecord } from '../../src/ports.ts'
import { keyOf, makeEntries, ORIGIN, VKEY, writeFiles } from '../cli/a-log.ts'
import { aDirectory, run } from '../cli/a-world.ts'
import { FAULTS, type Fault, STEPS, type Step, stepOfFile } from '../support/round-steps.ts'

/** Published before anything goes wrong, and waiting then: full and partial files of both kinds, and two levels. */
const [BEFORE, WAITING] = [250, 12]
/** For rounds that follow. */
const MORE = 800

let records: readonly IssuedRecord[]
/** What an auditor remembers of the log of 250. */
let trusted: string

/** What survives a process. */
interface Disk {
  readonly sql: NodeSql
  readonly files: Map<string, Uint8Array>
  checkpoint: string | null
  /** What is still to happen, at its step. */
  plan: { readonly step: Step; readonly fault: Fault; left: number } | null
  /** Steps in their order. */
  readonly seen: Step[]
  /** Texts of records whose append was answered. */
  readonly acknowledged: string[]
}

interface Process {
  readonly rounds: Rounds
  readonly entries: Entries
  readonly halt: Halt
  /** It ended: whatever still moves in it changes nothing. */
  dead: boolean
  append(count: number): void
}

const never = new Promise<never>(() => {})
const open: NodeSql[] = []
afterEach(() => {
  for (const sql of open.splice(0)) sql.close()
})

function newDisk(): Disk {
  const sql = openNodeSql(':memory:')
  open.push(sql)
  migrate(sql)
  sql.transaction(() => insertLogState(sql, ORIGIN))
  return { sql, files: new Map(), checkpoint: null, plan: null, seen: [], acknowledged: [] }
}

/** What befalls the step; null: it is to be done and nothing more. */
function befalls(disk: Disk, process: Process, step: Step): Fault | 'over' | null {
  if (process.dead) return 'over'
  disk.seen.push(step)
  const { plan } = disk
  if (plan?.step !== step || plan.left === 0) return null
  plan.left--
  return plan.fault
}

async function meet<T>(
  disk: Disk,
  process: Process,
  step: Step,
  work: () => Promise<T> | T,
): Promise<T> {
  const fault = befalls(disk, process, step)
  if (fault === 'over' || fault === 'hangs') return never
  const failure = new LivegateError('log_unavailable', `Cannot ${step}`)
  if (fault === 'fails') throw failure
  const result = await work()
  if (fault === 'done but reported failed') throw failure
  if (fault !== 'crash after') return result
  process.dead = true
  return never
}

function start(disk: Disk): Process {
  const { sql, files } = disk
  const entries = createEntries(sql, ORIGIN)
  const mirrors: Mirror[] = [entries]
  const writer: Writer = {
    follow: (mirror) => void mirrors.push(mirror),
    write: (work) =>
      meet(disk, process, 'commit', () => {
        const result = sql.transaction(work)
        for (const mirror of mirrors) mirror.committed()
        return result
      }),
    writeLater: (work) => writer.write(work),
  }
  const put = (path: string, bytes: Uint8Array): void => {
    const there = files.get(path)
    if (there !== undefined && !equalBytes(there, bytes))
      throw new LivegateError('halted', `Cannot publish ${path}: other bytes`)
    files.set(path, bytes)
  }
  const tiles: TileStore = {
    async put(written) {
      for (const { path, bytes } of written)
        await meet(disk, process, stepOfFile(path), () => put(path, bytes))
    },
    get: (path) => meet(disk, process, 'prove', () => files.get(path) ?? null),
    putCheckpoint: (note) =>
      meet(disk, process, 'publish checkpoint', () => {
        disk.checkpoint = note
      }),
    getCheckpoint: () => meet(disk, process, 'compare', () => disk.checkpoint),
    dropPartials: (path) =>
      meet(disk, process, 'clear', () => {
        for (const name of files.keys()) if (name.startsWith(`${path}.p/`)) files.delete(name)
      }),
  }
  const signers = [ed25519Signer({ name: ORIGIN, ...keyOf(2) })]
  const halt = createHalt()
  const process: Process = {
    rounds: createRounds({
      ...{ sql, writer, entries, tiles, halt },
      signNote: (body) => meet(disk, process, 'sign', () => signNote({ body, signers })),
      extend: (edge, to) =>
        meet(disk, process, 'read', () =>
          extendFrom((stretch) => readEntries(sql, stretch), edge, to),
        ),
    }),
    ...{ entries, halt, dead: false },
    append(count) {
      const from = entries.next()
      const added = records.slice(from, from + count)
      sql.transaction(() => {
        for (const record of added) entries.append(signedOf(record))
      })
      entries.committed()
      disk.acknowledged.push(...added.map(({ jws }) => jws))
    },
  }
  return process
}

function signedOf({ jti, kind, jws, leaf, openings }: IssuedRecord): SignedRecord {
  return { id: jti, kind: kind as SignedRecord['kind'], jws, leaf, openings }
}

/** A log of 250 that is published, with 12 more waiting. */
async function ready(): Promise<{ disk: Disk; process: Process }> {
  const disk = newDisk()
  const process = start(disk)
  process.append(BEFORE)
  await settle(process)
  process.append(WAITING)
  disk.seen.length = 0
  return { disk, process }
}

async function settle({ rounds }: Process): Promise<void> {
  while (await rounds.run());
}

/** The round under the plan, as often as it is left; another process where one has ended or hangs. */
async function afflicted(disk: Disk, first: Process): Promise<Process> {
  let current = first
  for (let attempt = 0; disk.plan !== null && disk.plan.left > 0; attempt++) {
    const { step } = disk.plan
    if (attempt > 3) throw new Error(`${step} was not met`)
    // A round that got so far is not taken twice: the next one is. Only full tiles leave something to clear.
    if (attempt > 0) current.append(step === 'clear' ? TILE_WIDTH : 1)
    const outcome = current.rounds.run().then(
      () => 'settled',
      () => 'settled',
    )
    if ((await Promise.race([outcome, turned()])) === 'settled') continue
    // What is written meanwhile is written, whatever a round does.
    if (!current.dead) current.append(1)
    current.dead = true
    current = start(disk)
  }
  return current
}

/** Resolves when nothing that can go on without timers does. */
async function turned(): Promise<string> {
  for (let turn = 0; turn < 60; turn++) await new Promise<void>((go) => setImmediate(go))
  return 'hangs'
}

/** Every text in the published files, by index. */
function publishedIn({ files }: Disk, size: number): readonly string[] {
  return Array.from({ length: Math.ceil(size / TILE_WIDTH) }, (_, index) => {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
    const path = tilePath({ kind: 'entries', index, width })
    const bundle = decodeBundle(files.get(path) ?? new Uint8Array(0), width)
    if (!bundle.ok) throw new Error(`${path} is not a bundle of ${width}`)
    return bundle.value.map((entry) => fromUtf8(entry) ?? '')
  }).flat()
}

async function audited(
  { files, checkpoint }: Disk,
  remembered: string | null,
  dir: string = aDirectory(),
): Promise<string> {
  await writeFiles(dir, new Map([...files, ['checkpoint', utf8(checkpoint ?? '')]]))
  const state = join(dir, 'audit.json')
  if (remembered !== null) copyFileSync(remembered, state)
  const ran = await run(dir, ['log', 'audit', dir, '--vkey', VKEY, '--state', state])
  expect(ran).toMatchObject({ exit: 0 })
  return state
}

/** As if nothing had happened: acknowledged once, published once, and an auditor from before goes on. */
async function expectWhole(disk: Disk, process: Process): Promise<void> {
  expect(process.halt.why()).toBeNull()
  const size = disk.acknowledged.length
  expect(process.rounds.published()?.size).toBe(size)
  expect(disk.checkpoint).toBe(process.rounds.published()?.note)
  expect(publishedIn(disk, size)).toEqual(disk.acknowledged)
  await audited(disk, trusted)
}

const memory = mkdtempSync(join(tmpdir(), 'livegate-round-'))
afterAll(() => rmSync(memory, { recursive: true, force: true }))

let steps: readonly Step[]
beforeAll(async () => {
  records = await makeEntries({ decisions: BEFORE + WAITING + MORE, silent: true })
  const disk = newDisk()
  const process = start(disk)
  process.append(BEFORE)
  await settle(process)
  trusted = join(memory, 'state.json')
  copyFileSync(await audited(disk, null, memory), trusted)
  const { disk: other, process: next } = await ready()
  await settle(next)
  steps = [...new Set(other.seen)]
})

describe('a round', () => {
  it('takes these steps and no others, in this order', () => {
    expect(steps).toEqual(STEPS.filter((step) => step !== 'compare'))
  })

  for (const step of STEPS)
    for (const fault of FAULTS)
      for (const times of [1, 2])
        it(`is done all the same (${step}: ${fault}, ${times === 1 ? 'once' : 'twice in a row'})`, async () => {
          const { disk, process } = await ready()
          disk.plan = { step, fault, left: times }
          // Only whoever opens a log compares.
          const current = await afflicted(disk, step === 'compare' ? start(disk) : process)
          await settle(current)
          await expectWhole(disk, current)
          current.append(1)
          await settle(current)
          const third = start(disk)
          await third.rounds.load()
          await expectWhole(disk, third)
        })
})
