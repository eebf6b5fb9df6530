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
import type { ChainEntry } from '../../src/adapters/cloudflare/rpc.ts'
import {
  openSequencer,
  type Sequencer,
  type SequencerParts,
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
  open(given?: Partial<SequencerParts>): Promise<Sequencer>
}

let places = 0

/** Runs `work` inside a new object with nothing in it, over a prefix with nothing under it. */
export async function inPlace<T>(work: (place: Place) => Promise<T>): Promise<T> {
  const stub = env.SEQUENCERS.get(env.SEQUENCERS.newUniqueId())
  const prefix = `test-${++places}-${crypto.randomUUID()}/`
  return runInDurableObject(stub, async (_object, state) => {
    try {
      return await work(placeOver(state, prefix))
    } finally {
      await state.storage.deleteAlarm()
    }
  })
}

function placeOver(state: DurableObjectState, prefix: string): Place {
  const clock = { at: T0, now: (): EpochMs => epochMs(clock.at) }
  const bucket = env.LOG
  return {
    ...{ state, prefix, bucket, clock },
    open: async (given = {}) =>
      openSequencer({ ...(await partsOf(state, prefix, clock)), ...given }),
  }
}

async function partsOf(
  state: DurableObjectState,
  prefix: string,
  clock: Place['clock'],
): Promise<SequencerParts> {
  const [record, checkpoint] = await Promise.all([
    createRecordSigner(SEED),
    createCheckpointSigner(SEED, ORIGIN),
  ])
  return {
    ...{ storage: state.storage, bucket: env.LOG, prefix, clock, record, checkpoint },
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

/** What may become of a write to the bucket. */
export type Fault =
  /** It never happened. */
  | 'lost'
  /** It did, but the caller is told otherwise. */
  | 'reported-lost'
  /** The process ends before it. */
  | 'crash-before'
  /** It did, then the process ends. */
  | 'crash-after'

export class Crash extends Error {}

export interface FaultyBucket extends Bucket {
  /** Keys written, in their order, without the prefix. */
  readonly writes: string[]
  /** The write of this number, from 0, meets the fault. */
  plan: readonly { readonly at: number; readonly fault: Fault }[]
}

/** A bucket whose writes fail as planned. After a crash nothing of that process is written any more. */
export function faulty(bucket: R2Bucket, prefix: string): FaultyBucket {
  let ended = false
  const self: FaultyBucket = {
    writes: [],
    plan: [],
    get: (...args: Parameters<R2Bucket['get']>) => bucket.get(...args),
    list: (...args) => bucket.list(...args),
    delete: (...args) => bucket.delete(...args),
    async put(key: string, value: Uint8Array, options: R2PutOptions) {
      if (ended) throw new Crash(key)
      const at = self.writes.push(key.slice(prefix.length)) - 1
      const fault = self.plan.find((planned) => planned.at === at)?.fault
      if (fault === 'crash-before' || fault === 'crash-after') ended = true
      if (fault === 'lost' || fault === 'crash-before') throw new Crash(key)
      const put = await bucket.put(key, value, options)
      if (fault !== undefined) throw new Crash(key)
      return put
    },
  } as FaultyBucket
  return self
}
