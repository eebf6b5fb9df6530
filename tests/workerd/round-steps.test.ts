/**
 * Every step of a round on the edge × {fails, done but reported failed, hangs, crash after} × {once, twice in a row}: the
 * list of faults/round-steps.test.ts over an object's storage and a bucket.
 *
 * After each case the published log is checked with core alone: whole, consistent with the checkpoint before, and every entry
 * that was acknowledged in it once, at its index. Entries are read synchronously here, with the storage that is committed to.
 * Other faults, and pairs of different ones: sequencer-faults.test.ts.
 */
import { describe, expect, it } from 'vitest'
import { createCheckpointSigner } from '../../src/adapters/cloudflare/edge-keys.ts'
import type { Bucket } from '../../src/adapters/cloudflare/r2-tiles.ts'
import type { Sequencer, SequencerStorage } from '../../src/adapters/cloudflare/sequencer.ts'
import { toBase64, utf8 } from '../../src/core/encoding.ts'
import { emptyEdge } from '../../src/core/tlog/edge.ts'
import { grow } from '../../src/core/tlog/grow.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import type { NoteSigner } from '../../src/core/tlog/note.ts'
import { FAULTS, type Fault, STEPS, type Step, stepOfFile } from '../support/round-steps.ts'
import {
  chain,
  inPlace,
  ORIGIN,
  type Place,
  SEED,
  storageOf,
  verifyPublished,
} from './sequencers.ts'

const EDGE_STEPS = STEPS.filter((step) => step !== 'read')
/** The two keys a log begins with. */
const FIRST = 2
const [BEFORE, WAITING] = [248, 12]
/** So that a round lets go of what is published. */
const SMALL = { segmentEntries: 200 }

interface Process {
  dead: boolean
  /** It ends with what is under way. */
  dying?: true
}

interface World {
  readonly place: Place
  plan: { readonly step: Step; readonly fault: Fault; left: number } | null
  /** Records whose append was answered. */
  acknowledged: number
  process: Process
  /** Patience of whoever waits. */
  readonly timers: Set<() => void>
}

const never = (): Promise<never> => new Promise(() => {})

/** What befalls a step; null for nothing. */
function befalls({ plan }: World, process: Process, step: Step): Fault | 'over' | null {
  if (process.dead) return 'over'
  if (plan?.step !== step || plan.left === 0) return null
  plan.left--
  if (plan.fault === 'crash after') process.dying = true
  return plan.fault
}

async function meet<T>(
  world: World,
  process: Process,
  step: Step,
  work: () => Promise<T>,
): Promise<T> {
  const fault = befalls(world, process, step)
  if (fault === 'over' || fault === 'hangs') return never()
  if (fault === 'fails') throw new Error(`cannot ${step}`)
  const result = await work()
  if (fault === 'done but reported failed') throw new Error(`cannot ${step}`)
  if (fault !== 'crash after') return result
  process.dead = true
  return never()
}

/** Opens a process; the one before is over. */
async function open(world: World): Promise<Sequencer> {
  world.process.dead = true
  const process: Process = { dead: false }
  world.process = process
  const { place, timers } = world
  const { vkey, signer } = await createCheckpointSigner(SEED, ORIGIN)
  const sign: NoteSigner['sign'] = (bytes) =>
    meet(world, process, 'sign', async () => signer.sign(bytes))
  return place.open({
    ...SMALL,
    bucket: bucketOf(world, process),
    storage: storageIn(world, process),
    checkpoint: { vkey, signer: { ...signer, sign } } as never,
    after(_, fire) {
      timers.add(fire)
      return () => timers.delete(fire)
    },
  })
}

function bucketOf(world: World, process: Process): Bucket {
  const { bucket, prefix } = world.place
  const stepOf = (key: string): Step => {
    if (key === `${prefix}checkpoint`) return 'publish checkpoint'
    return key.startsWith(`${prefix}tile/`) ? stepOfFile(key.slice(prefix.length)) : 'clear'
  }
  return {
    get: (key: string) => {
      const step = key === `${prefix}checkpoint` ? 'compare' : 'prove'
      return meet(world, process, step, () => bucket.get(key))
    },
    put: (key: string, value: Uint8Array, options: R2PutOptions) =>
      meet(world, process, stepOf(key), () => bucket.put(key, value, options)),
    list: bucket.list.bind(bucket),
    delete: (keys: string[]) => meet(world, process, 'clear', () => bucket.delete(keys)),
  } as Bucket
}

function storageIn(world: World, process: Process): SequencerStorage {
  const storage = storageOf(world.place.state, world.place.alarm)
  let unheard: Fault | null = null
  return {
    ...storage,
    transactionSync(work) {
      const fault = befalls(world, process, 'commit')
      if (fault === 'over') throw new Error('the process has ended')
      unheard = fault
      return storage.transactionSync(() => {
        const result = work()
        if (fault === 'fails') throw new Error('cannot commit')
        return result
      })
    },
    async sync() {
      const fault = unheard
      unheard = null
      await storage.sync()
      if (fault === 'hangs') return never()
      if (fault === 'done but reported failed') throw new Error('cannot sync')
      if (fault !== 'crash after') return
      process.dead = true
      return never()
    },
  }
}

/** Does it with nothing befalling it. */
async function unharmed<T>(world: World, work: () => Promise<T>): Promise<T> {
  const { plan } = world
  world.plan = null
  try {
    return await work()
  } finally {
    world.plan = plan
  }
}

/** Appends more of one chain. */
async function append(world: World, log: Sequencer, count: number): Promise<void> {
  await unharmed(world, () => log.append(chain('a', world.acknowledged + 1, count)))
  world.acknowledged += count
}

/** Rounds under the plan for as long as there is one; whoever hangs is given up, whoever has ended is opened again. */
async function afflicted(world: World, first: Sequencer): Promise<Sequencer> {
  let log = first
  for (let attempt = 0; world.plan !== null && world.plan.left > 0; attempt++) {
    const { step } = world.plan
    if (attempt > 5) throw new Error(`${step} was not met`)
    if (world.process.dead)
      // Opening commits and clears too, but that is no part of a round.
      log = await (step === 'commit' || step === 'clear'
        ? unharmed(world, () => open(world))
        : reopened(world))
    // What a round has behind it is not done twice: the next round does it.
    if (attempt > 0) await append(world, log, step === 'clear' ? 256 : 1)
    await whole(world, async () => {
      await log.publish()
      // Nobody waits for what is moved after a round.
      await log.publish()
    })
    for (let turn = 0; world.process.dying && !world.process.dead && turn < 500; turn++)
      await scheduler.wait(1)
  }
  world.plan = null
  return world.process.dead ? open(world) : log
}

/** What comes of it; null when it failed or hangs even though everybody's patience is over: then the process ends. */
async function whole<T>(world: World, work: () => Promise<T>): Promise<T | null> {
  let settled = false
  const done = work().then(
    (value) => {
      settled = true
      return value
    },
    () => {
      settled = true
      return null
    },
  )
  for (let turn = 0; turn < 40 && !settled; turn++) {
    await scheduler.wait(1)
    if (turn > 10) for (const fire of [...world.timers]) if (world.timers.delete(fire)) fire()
  }
  if (settled) return done
  world.process.dead = true
  return null
}

/** As the checkpoint has it. */
async function publishedRoot({ bucket, prefix }: Place): Promise<string> {
  const note = await (await bucket.get(`${prefix}checkpoint`))?.text()
  return note?.split('\n')[2] ?? ''
}

/** In base64, as in checkpoints. */
function rootOf(entries: readonly string[]): string {
  const leaves = entries.map((entry) => leafHash(utf8(entry)))
  return toBase64(grow({ edge: emptyEdge(), leaves }).root)
}

async function expectWhole(world: World, log: Sequencer, before: string): Promise<void> {
  const { place, acknowledged } = world
  const all = chain('a', 1, acknowledged)
  while (await log.publish());
  expect(await log.append(all)).toEqual(all.map((_, i) => i + FIRST))
  expect(await log.status()).toMatchObject({ halted: null, published: acknowledged + FIRST })
  const { size, entries } = await verifyPublished(place.bucket, place.prefix)
  expect(size).toBe(acknowledged + FIRST)
  expect(entries.slice(FIRST)).toEqual(all.map(({ record }) => record.jws))
  expect(rootOf(entries.slice(0, FIRST + BEFORE))).toBe(before)
}

describe('a round on the edge', () => {
  for (const step of EDGE_STEPS)
    for (const fault of FAULTS)
      for (const times of [1, 2])
        it(`is done all the same (${step}: ${fault}, ${times === 1 ? 'once' : 'twice in a row'})`, () =>
          inPlace(async (place) => {
            const world: World = {
              ...{ place, plan: null, acknowledged: 0, process: { dead: false } },
              timers: new Set(),
            }
            const log = await open(world)
            await append(world, log, BEFORE)
            while (await log.publish());
            const before = await publishedRoot(place)
            await append(world, log, WAITING)
            world.plan = { step, fault, left: times }
            if (step === 'compare') world.process.dead = true
            const first = step === 'compare' ? await whole(world, () => open(world)) : log
            const current = await afflicted(world, first ?? (await reopened(world)))
            await append(world, current, 1)
            await expectWhole(world, current, before)
          }))
})

/** Until it opens. */
async function reopened(world: World): Promise<Sequencer> {
  for (let attempt = 0; attempt < 6; attempt++) {
    const log = await whole(world, () => open(world))
    if (log !== null) return log
  }
  throw new Error('the log does not open')
}
