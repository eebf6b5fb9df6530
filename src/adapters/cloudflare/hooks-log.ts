/**
 * One log as webhooks read it: the published entries in the bucket, opened by the objects of those they are about.
 *
 * The kind of an entry says whether anything is told of it, so objects are asked about what an endpoint wants and about nothing
 * else: the sequencer where a record's chain is, the subject's object for its openings. What an object does not have was
 * erased; one that does not answer makes its entry `shut`, and stops no other. Port: gate/webhooks/port.ts.
 */
import { fromAscii, textFromBase64Url } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import { isChainKind, kindOfTyp, type RecordKind } from '../../core/record/kinds.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import { parseCheckpoint } from '../../core/tlog/checkpoint.ts'
import { parseNote } from '../../core/tlog/note.ts'
import { TILE_WIDTH, tilePath } from '../../core/tlog/tile.ts'
import { typeOfKind } from '../../gate/webhooks/messages.ts'
import type { OpenEntry, ShutEntry, WebhookLog, WebhookType } from '../../gate/webhooks/port.ts'
import { readPublished } from '../sqlite/log.ts'
import type { TileStore } from '../sqlite/tile-store.ts'
import { charsOf, recordsOf } from './kept-records.ts'
import { type ChainPlace, opened, type SequencerRpc, type Stubs } from './rpc.ts'

export interface HooksLog extends WebhookLog {
  /** Entries up to here are published. */
  learn(size: number): void
  /** Learns it from the bucket. */
  refresh(): Promise<void>
}

export interface HooksLogParts {
  readonly tiles: Pick<TileStore, 'get' | 'getCheckpoint'>
  readonly sequencer: Pick<SequencerRpc, 'records'>
  readonly subject: (object: string) => Pick<ReturnType<Stubs['subject']>, 'records'>
  /** Entries up to an index say that a subject was erased. */
  readonly onErasure: () => void
}

/** Bundles one reading looks through: some milliseconds each. */
const MAX_BUNDLES = 16
/** Bundles kept as read: half a megabyte each. */
const REMEMBERED = 4
/** Objects asked at once, and characters after which no more are: a record may have 2 MB, and an object 128 for everything. */
const OPENED_AT_ONCE = 10
const MAX_CHARS = 8 * 1024 * 1024
/** Records a log is asked about in one call. */
const SPAN = 64

interface Wanted {
  readonly index: number
  readonly jws: string
  readonly kind: RecordKind
}

type Found = OpenEntry | ShutEntry

export function createHooksLog(parts: HooksLogParts): HooksLog {
  const bundles = createBundles(parts)
  const kinds = createKinds()
  let size = 0

  async function wantedFrom(
    from: number,
    limit: number,
    types: ReadonlySet<WebhookType>,
  ): Promise<{ readonly wanted: readonly Wanted[]; readonly next: number }> {
    const wanted: Wanted[] = []
    let [next, read] = [from, 0]
    for (; next < size && wanted.length < limit && read < MAX_BUNDLES; read++) {
      const { first, entries } = await bundles.at(next, size)
      for (; next - first < entries.length && wanted.length < limit; next++) {
        const jws = entries[next - first] ?? ''
        const kind = kinds(jws)
        if (kind === 'erasure') parts.onErasure()
        const type = kind === undefined ? null : typeOfKind(kind)
        if (kind !== undefined && type !== null && types.has(type))
          wanted.push({ index: next, jws, kind })
      }
    }
    return { wanted, next }
  }

  return {
    size: () => size,
    learn(published) {
      size = Math.max(size, published)
    },
    async refresh() {
      const note = parseNote((await parts.tiles.getCheckpoint()) ?? '')
      const head = note.ok ? parseCheckpoint(note.value.body) : note
      if (head.ok) size = Math.max(size, head.value.size)
    },
    async read(from, limit, types) {
      const { wanted, next } = await wantedFrom(from, limit, types)
      const { entries, taken } = await openAll(parts, wanted)
      return { entries, next: wanted[taken]?.index ?? next }
    },
    async entry(index) {
      if (index >= size) return null
      const { first, entries } = await bundles.at(index, size)
      const jws = entries[index - first] ?? ''
      const kind = kinds(jws)
      if (kind === undefined || typeOfKind(kind) === null) return null
      return (await openAll(parts, [{ index, jws, kind }])).entries[0] ?? null
    },
  }
}

interface Bundle {
  readonly first: number
  readonly entries: readonly string[]
}

/** Bundles of a published log, the last few remembered. */
function createBundles({ tiles }: HooksLogParts): {
  at(index: number, size: number): Promise<Bundle>
} {
  const known = new Map<string, Bundle>()
  return {
    async at(index, size) {
      const number = Math.floor(index / TILE_WIDTH)
      const width = Math.min(TILE_WIDTH, size - number * TILE_WIDTH)
      const path = tilePath({ kind: 'entries', index: number, width })
      const there = known.get(path)
      if (there !== undefined) return there
      const bytes = await readPublished(tiles, path, size)
      const decoded = bytes === null ? null : decodeBundle(bytes, width)
      if (decoded?.ok !== true) throw missing(path)
      const entries = decoded.value.map((entry) => fromAscii(entry) ?? '')
      const bundle = { first: number * TILE_WIDTH, entries }
      known.set(path, bundle)
      for (const oldest of known.keys()) if (known.size > REMEMBERED) known.delete(oldest)
      return bundle
    },
  }
}

/** Kinds by the header of a record: the same for all a key has signed of a kind. */
function createKinds(): (jws: string) => RecordKind | undefined {
  const known = new Map<string, RecordKind | undefined>()
  return (jws) => {
    const header = jws.slice(0, jws.indexOf('.'))
    if (known.has(header)) return known.get(header)
    const kind = kindOfTyp(typIn(header))
    if (known.size > 1_000) known.clear()
    known.set(header, kind)
    return kind
  }
}

function typIn(header: string): string {
  const { typ } = JSON.parse(textFromBase64Url(header) ?? '{}') as { readonly typ?: unknown }
  return String(typ)
}

/** Opens the first of them, until that is much; how many were looked at. */
async function openAll(
  parts: HooksLogParts,
  wanted: readonly Wanted[],
): Promise<{ readonly entries: readonly Found[]; readonly taken: number }> {
  const chained = wanted.filter(({ kind }) => isChainKind(kind))
  const places = await placesOf(
    parts.sequencer,
    chained.map(({ index }) => index),
  )
  const entries: Found[] = []
  let [taken, chars] = [0, 0]
  while (taken < wanted.length && chars < MAX_CHARS) {
    const some = wanted.slice(taken, taken + OPENED_AT_ONCE)
    const found = await openSome(parts, some, places)
    for (const entry of found) chars += 'shut' in entry ? 0 : charsOf(entry)
    entries.push(...found)
    taken += some.length
  }
  return { entries, taken }
}

/** Where records of chains are; absent where their subject was erased. */
async function placesOf(
  sequencer: HooksLogParts['sequencer'],
  indexes: readonly number[],
): Promise<ReadonlyMap<number, ChainPlace>> {
  const found = new Map<number, ChainPlace>()
  const all = new Set(indexes)
  let i = 0
  for (let from = indexes[i]; from !== undefined; from = indexes[i]) {
    const end = from + SPAN
    const last = indexes.findLast((index) => index < end) ?? from
    const page = await opened(sequencer.records({ from, limit: last - from + 1 }))
    for (const place of page.places) if (all.has(place.index)) found.set(place.index, place)
    const next = page.next ?? Number.POSITIVE_INFINITY
    while ((indexes[i] ?? Number.POSITIVE_INFINITY) < next) i++
  }
  return found
}

/** In their order; without what was erased. */
async function openSome(
  { subject }: HooksLogParts,
  some: readonly Wanted[],
  places: ReadonlyMap<number, ChainPlace>,
): Promise<readonly Found[]> {
  const asked = some.flatMap(({ index }) => places.get(index) ?? [])
  const openings = new Map<number, Found>()
  await Promise.all(
    [...Map.groupBy(asked, ({ object }) => object)].map(async ([object, mine]) => {
      const records = await recordsOf(subject(object), mine).catch(() => null)
      for (const { seq, index } of mine) {
        const record = records?.find((one) => one.seq === seq)
        if (record !== undefined)
          openings.set(index, { index, jws: record.jws, openings: record.openings })
        if (records === null) openings.set(index, { index, shut: true })
      }
    }),
  )
  return some.flatMap(({ index, jws, kind }): readonly Found[] => {
    if (!isChainKind(kind)) return [{ index, jws, openings: {} }]
    const found = openings.get(index)
    if (found === undefined) return []
    // Openings of another record are nobody's to tell.
    return 'shut' in found || found.jws === jws ? [found] : [{ index, shut: true }]
  })
}

function missing(path: string): LivegateError {
  return new LivegateError(
    'log_unavailable',
    `Cannot read the log: \`${path}\` is not in the bucket as it was published`,
  )
}
