/**
 * Sequencers for tests inside workerd: real storage of an object, a real bucket, and faults on order.
 *
 * A test runs inside one object (storage of one object must not be touched from another); a crash is a sequencer that is
 * dropped and opened again over the same storage and bucket.
 */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import {
  createCheckpointSigner,
  createRecordSigner,
} from '../../src/adapters/cloudflare/edge-keys.ts'
import type { Bucket } from '../../src/adapters/cloudflare/r2-tiles.ts'
import type { ChainEntry, ChainPlace } from '../../src/adapters/cloudflare/rpc.ts'
import {
  openSequencer,
  type Sequencer,
  type SequencerParts,
  type SequencerStorage,
} from '../../src/adapters/cloudflare/sequencer.ts'
import { fromUtf8, toBase64Url } from '../../src/core/encoding.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import { decodeBundle } from '../../src/core/tlog/bundle.ts'
import { openCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { emptyEdge } from '../../src/core/tlog/edge.ts'
import { grow } from '../../src/core/tlog/grow.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { ed25519Verifier, type NoteVerifier } from '../../src/core/tlog/note.ts'
import { TILE_WIDTH, tilePath, tilesOf } from '../../src/core/tlog/tile.ts'
import type { DecisionSearch } from '../../src/ports.ts'
import { aRecord } from '../contract/fixtures.ts'

export const ORIGIN = 'gate.example/log/edge'
export const SEED: string = toBase64Url(new Uint8Array(32).fill(7))
const T0 = Date.UTC(2026, 10, 20, 12)

/** One object's storage and one prefix of the bucket, as sequencers find them. */
export interface Place {
  readonly state: DurableObjectState
  readonly prefix: string
  readonly bucket: R2Bucket
  /** A clock that moves when told to. */
  readonly clock: { at: number; now(): EpochMs }
  /** The alarm as a sequencer has set it; it goes off when a test says so. */
  readonly alarm: { at: number | null }
  open(given?: Partial<SequencerParts>): Promise<Sequencer>
}

let places = 0

/** Runs `work` inside a new object with nothing in it, over a prefix with nothing under it. */
export async function inPlace<T>(work: (place: Place) => Promise<T>): Promise<T> {
  return twoPlaces()[0](work)
}

/** Two new objects over one prefix; each is only ever touched by work that runs inside it. */
export function twoPlaces(): readonly [Within, Within] {
  const prefix = `test-${++places}-${crypto.randomUUID()}/`
  return [within(prefix), within(prefix)]
}

/** Runs work inside one object, any number of times. */
export type Within = <T>(work: (place: Place) => Promise<T>) => Promise<T>

function within(prefix: string): Within {
  const stub = env.SEQUENCERS.get(env.SEQUENCERS.newUniqueId())
  let place: Place | null = null
  return (work) =>
    runInDurableObject(stub, (_object, state) => {
      place ??= placeOver(state, prefix)
      return work(place)
    })
}

function placeOver(state: DurableObjectState, prefix: string): Place {
  const clock = { at: T0, now: (): EpochMs => epochMs(clock.at) }
  const alarm: Place['alarm'] = { at: null }
  const bucket = env.LOG
  const storage = storageOf(state, alarm)
  return {
    ...{ state, prefix, bucket, clock, alarm },
    open: async (given = {}) =>
      openSequencer({ ...(await partsOf(storage, prefix, clock)), ...given }),
  }
}

/** Storage whose alarm is only noted: the object's own does not go off in the middle of a test. */
export function storageOf(state: DurableObjectState, alarm: Place['alarm']): SequencerStorage {
  const { storage } = state
  return {
    sql: storage.sql,
    transactionSync: (work) => storage.transactionSync(work),
    sync: () => storage.sync(),
    async setAlarm(time) {
      alarm.at = Number(time)
    },
    async deleteAlarm() {
      alarm.at = null
    },
  }
}

async function partsOf(
  storage: SequencerStorage,
  prefix: string,
  clock: Place['clock'],
): Promise<SequencerParts> {
  const [record, checkpoint] = await Promise.all([
    createRecordSigner(SEED),
    createCheckpointSigner(SEED, ORIGIN),
  ])
  return {
    ...{ storage, bucket: env.LOG, prefix, clock, record, checkpoint },
    ...{ origin: ORIGIN, issuer: 'https://gate.example', create: true },
    random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
  }
}

/** Entries of a chain from `first` on; the same object and place give the same record within a test run. */
export function chain(object: string, first: number, count = 1): ChainEntry[] {
  return Array.from({ length: count }, (_, i) => link(object, first + i))
}

const links = new Map<string, ChainEntry>()

function link(object: string, seq: number): ChainEntry {
  const key = `${object} ${seq}`
  const known = links.get(key)
  if (known !== undefined) return known
  const { openings: _, ...record } = aRecord({ kind: 'decision' })
  const decision = { outcome: 'allow', mode: null, rules: ['default'], strikes: [] } as const
  const made: ChainEntry = { object, seq, at: epochMs(T0 + seq), record, decision }
  links.set(key, made)
  return made
}

/** Every record of a chain as a walk over the index finds them, `limit` a page. */
export async function placesOf(
  log: Pick<Sequencer, 'records'>,
  limit = 500,
): Promise<readonly ChainPlace[]> {
  const all: ChainPlace[] = []
  for (let from: number | null = 0; from !== null; ) {
    const page: Awaited<ReturnType<Sequencer['records']>> = await log.records({ from, limit })
    all.push(...page.places)
    from = page.next
  }
  return all
}

/** Indexes of every decision a search finds, page after page. */
export async function indexesFound(
  log: Pick<Sequencer, 'searchDecisions'>,
  search: DecisionSearch,
): Promise<readonly number[]> {
  const all: number[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await log.searchDecisions({ ...search, ...(cursor === '' ? {} : { cursor }) })
    all.push(...page.places.map(({ index }) => index))
    if (page.next === cursor) throw new Error('a search does not get on')
    cursor = page.next
  }
  return all
}

/** Verifier of the checkpoints of `ORIGIN`. */
export async function verifier(
  seed: string = SEED,
  origin: string = ORIGIN,
): Promise<NoteVerifier> {
  const { vkey } = await createCheckpointSigner(seed, origin)
  const read = ed25519Verifier(vkey, async (publicKey, message, signature) => {
    const key = await crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, [
      'verify',
    ])
    return crypto.subtle.verify({ name: 'Ed25519' }, key, signature, message)
  })
  if (!read.ok) throw new Error('not a verifier key')
  return read.value
}

export interface Published {
  readonly size: number
  /** Every entry, as the bundles have it. */
  readonly entries: readonly string[]
}

/**
 * Reads the whole published log out of the bucket and checks it with nothing but core: signature, every file of the tree
 * of the checkpoint's size, every leaf, the root.
 */
export async function verifyPublished(bucket: Bucket, prefix: string): Promise<Published> {
  const read = async (path: string): Promise<Uint8Array | null> => {
    const object = await bucket.get(prefix + path)
    return object === null ? null : new Uint8Array(await object.arrayBuffer())
  }
  const note = fromUtf8((await read('checkpoint')) ?? new Uint8Array(0)) ?? ''
  const opened = await openCheckpoint({ note, origin: ORIGIN, verifiers: [await verifier()] })
  if (!opened.ok) throw new Error(`the checkpoint does not open: ${opened.error}`)
  const { size, root } = opened.value
  const entries: Uint8Array[] = []
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
    const path = tilePath({ kind: 'entries', index, width })
    const bundle = decodeBundle((await read(path)) ?? new Uint8Array(0), width)
    if (!bundle.ok) throw new Error(`${path} is not a bundle of ${width}`)
    entries.push(...bundle.value)
  }
  const leaves = entries.map((entry) => leafHash(entry))
  const whole = grow({ edge: emptyEdge(), leaves, entries: { unfinished: [], added: entries } })
  if (toBase64Url(whole.root) !== toBase64Url(root)) throw new Error('the root is another one')
  const expected = new Map(whole.tiles.map(({ path, bytes }) => [path, toBase64Url(bytes)]))
  for (const ref of tilesOf(size)) {
    const path = tilePath(ref)
    if (toBase64Url((await read(path)) ?? new Uint8Array(0)) !== expected.get(path))
      throw new Error(`${path} is not what it should be`)
  }
  return { size, entries: entries.map((entry) => fromUtf8(entry) ?? '') }
}

/** What may become of a write, to storage or to the bucket. */
export type Fault =
  /** It never happened. */
  | 'lost'
  /** It did, but the caller is told otherwise. */
  | 'reported-lost'
  /** The process ends before it. */
  | 'crash-before'
  /** It did, then the process ends. */
  | 'crash-after'
  /** The process ends, and the write takes effect when everything is over. */
  | 'late'

export class Crash extends Error {}

/** Writes of every process that runs over a place, numbered from 0, and what shall become of some of them. */
export interface World {
  /** Names of writes in their order: keys without the prefix, `segment`, and `commit`. */
  readonly writes: string[]
  plan: readonly { readonly at: number; readonly fault: Fault }[]
  /** True when the newest process has crashed. */
  process: Process
  /** Writes that are late. */
  readonly late: (() => Promise<unknown>)[]
}

export function newWorld(): World {
  return { writes: [], plan: [], late: [], process: { ended: false } }
}

/** Opens a process over the place, whose writes meet their faults; once it has crashed it writes nothing any more. */
export function openIn(
  world: World,
  place: Place,
  given: Partial<SequencerParts> = {},
): Promise<Sequencer> {
  const process = { ended: false }
  world.process = process
  const bucket = faultyBucket(world, place, process)
  const storage = faultyStorage(world, storageOf(place.state, place.alarm), process)
  return place.open({ bucket, storage, ...given })
}

export interface Process {
  ended: boolean
}

/** Numbers a write; the fault it meets. */
function meet(world: World, name: string, process: Process): Fault | undefined {
  if (process.ended) throw new Crash(name)
  const at = world.writes.push(name) - 1
  const fault = world.plan.find((planned) => planned.at === at)?.fault
  process.ended = fault === 'crash-before' || fault === 'crash-after' || fault === 'late'
  return fault
}

function faultyBucket(world: World, { bucket, prefix }: Place, process: Process): Bucket {
  return {
    get: bucket.get.bind(bucket),
    list: bucket.list.bind(bucket),
    delete: bucket.delete.bind(bucket),
    async put(key: string, value: Uint8Array, options: R2PutOptions) {
      const name = key.startsWith(prefix) ? key.slice(prefix.length) : 'segment'
      const fault = meet(world, name, process)
      if (fault === 'late') world.late.push(() => bucket.put(key, value, options))
      if (fault === 'lost' || fault === 'crash-before' || fault === 'late') throw new Crash(key)
      const put = await bucket.put(key, value, options)
      if (fault !== undefined) throw new Crash(key)
      return put
    },
  } as Bucket
}

function faultyStorage(
  world: World,
  storage: SequencerStorage,
  process: Process,
): SequencerStorage {
  let unheard = false
  return {
    ...storage,
    transactionSync(work) {
      const fault = meet(world, 'commit', process)
      unheard = fault === 'reported-lost' || fault === 'crash-after'
      return storage.transactionSync(() => {
        const result = work()
        if (fault !== undefined && !unheard) throw new Crash('commit')
        return result
      })
    },
    async sync() {
      await storage.sync()
      if (unheard) throw new Crash('sync')
    },
  }
}
