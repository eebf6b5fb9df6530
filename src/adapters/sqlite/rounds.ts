/**
 * The sequencer: turns entries that wait into a signed, published tree, round by round.
 *
 *     read entries → check edge and leaves → grow → sign → compare-and-swap (the commit point)
 *       → write files → publish the checkpoint, last → prove the last entry
 *
 * Whatever fails, memory is dropped and the next call starts from storage: a signed round whose files are missing is
 * computed again and written through the same function that writes it the first time. Nothing is repaired in place.
 * On doubt (checkpoint ahead of the database, another root, other bytes under a name) it halts, read-only.
 * When to run is the host's (adapters/node/round-timer.ts). Spec: docs/spec/log.md, "Rounds". Next stop: log.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { formatCheckpoint, parseCheckpoint } from '../../core/tlog/checkpoint.ts'
import type { Grown } from '../../core/tlog/grow.ts'
import { sameHash } from '../../core/tlog/hash.ts'
import { parseNote } from '../../core/tlog/note.ts'
import { parseTilePath, TILE_WIDTH, tilePath } from '../../core/tlog/tile.ts'
import { hashReaderOverTiles } from '../../core/tlog/tile-reader.ts'
import { proveInclusionAsync } from '../../core/tlog/tree.ts'
import { verifyInclusion } from '../../core/tlog/verify.ts'
import type { Observe } from '../../ports.ts'
import { type Entries, type ReadEntries, readEntries } from './entries.ts'
import { type Extend, extendFrom } from './extend.ts'
import type { Halt } from './halt.ts'
import { advanceLogState, type LogState, readLogState, type SignedTree } from './log-state.ts'
import type { Sql, Writer } from './sql.ts'
import type { TileStore } from './tile-store.ts'

export interface RoundParts {
  readonly sql: Sql
  readonly writer: Writer
  readonly entries: Entries
  readonly tiles: TileStore
  readonly halt: Halt
  /** Signs a checkpoint's body; what it gives never leaves memory before the commit point. */
  readonly signNote: (body: string) => Promise<string>
  /** Where entries are read; from their table unless given. */
  readonly read?: ReadEntries
  /** Computes a round; here and now unless given. */
  readonly extend?: Extend
  readonly observe?: Observe
  /** Milliseconds from anywhere, for `took_ms`. */
  readonly elapsed?: () => number
}

/** A tree everybody can read. */
export interface Published {
  readonly size: number
  readonly root: Uint8Array
  readonly note: string
}

export interface Rounds {
  /**
   * Compares storage with the published checkpoint and finishes a round that was cut short. Rejects with `halted` (and
   * halts) when they contradict each other. `run` calls it when it has to.
   */
  load(): Promise<Published>
  /**
   * One round; false when nothing waited. Never two at a time: a second call joins the first. A rejection means that the
   * next call starts over from storage.
   */
  run(): Promise<boolean>
  /** Newest tree known to be published; null before `load`. */
  published(): Published | null
  /** Called after each publication. */
  onPublished(listener: (published: Published) => void): void
}

export function createRounds(parts: RoundParts): Rounds {
  const extend: Extend = parts.extend ?? ((edge, to) => extendFrom(readerOf(parts), edge, to))
  const listeners: ((published: Published) => void)[] = []
  let state: LogState | null = null
  let published: Published | null = null
  let running: Promise<boolean> | null = null

  function announce(next: LogState): Published {
    state = next
    const { now, note } = next
    published = { size: now.edge.size, root: now.root, note }
    for (const listener of listeners) listener(published)
    return published
  }

  async function load(): Promise<Published> {
    const checkpoint = await parts.tiles.getCheckpoint()
    // Whatever is found below: what was published stays readable.
    published ??= publishedIn(checkpoint)
    const stored = readLogState(parts.sql)
    const { note, replay } = compare(stored, checkpoint)
    if (parts.entries.size() < stored.now.edge.size)
      throw doubt(
        `the database has ${parts.entries.size()} entries, but ${stored.now.edge.size} are signed`,
      )
    if (replay) {
      const { before, now } = stored
      const grown = await extend(before.edge, now.edge.size)
      if (!sameHash(grown.root, now.root))
        throw doubt('the signed root does not follow from the stored entries')
      await publish(parts, grown, stored.note)
    }
    return announce({ ...stored, note })
  }

  async function round(): Promise<boolean> {
    if (parts.halt.why() !== null) throw parts.halt.error()
    if (state === null) await load()
    const from = state as LogState | null
    if (from === null || parts.entries.size() === from.now.edge.size) return false
    const began = parts.elapsed?.() ?? 0
    // From here on memory is worth nothing until everything is published.
    state = null
    const grown = await extend(from.now.edge, parts.entries.size())
    const to: SignedTree = { edge: grown.edge, root: grown.root }
    const { origin } = from
    const size = to.edge.size
    const note = await parts.signNote(formatCheckpoint({ origin, size, root: to.root }))
    const step = { from: from.now, to, note }
    if (!(await parts.writer.write(() => advanceLogState(parts.sql, step), 64 * 1024)))
      throw new LivegateError('log_unavailable', 'Cannot sign: another round has moved the log')
    await publish(parts, grown, note)
    announce({ origin, now: to, note, before: from.now })
    const took_ms = (parts.elapsed?.() ?? 0) - began
    parts.observe?.({ type: 'round', size, entries: size - from.now.edge.size, took_ms })
    return true
  }

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      state = null
      if (error instanceof LivegateError && error.code === 'halted') parts.halt.halt(error.message)
      throw error
    }
  }

  return {
    load: () => guarded(load),
    run() {
      running ??= guarded(round).finally(() => {
        running = null
      })
      return running
    },
    published: () => published,
    onPublished: (listener) => {
      listeners.push(listener)
    },
  }
}

/** Writes a signed round: files first, the checkpoint last. Any number of times, with the same effect. */
async function publish(parts: RoundParts, grown: Grown, note: string): Promise<void> {
  const { tiles } = parts
  await tiles.put(grown.tiles)
  await tiles.putCheckpoint(note)
  await proveLast(parts, grown)
  for (const { path } of grown.tiles)
    if (parseTilePath(path)?.width === TILE_WIDTH) await tiles.dropPartials(path)
}

function readerOf({ sql, read }: RoundParts): ReadEntries {
  return read ?? ((stretch) => readEntries(sql, stretch))
}

/** Whoever asks for a proof next must get one that holds: try with the newest entry, from the files as published. */
async function proveLast(parts: RoundParts, grown: Grown): Promise<void> {
  const { tiles } = parts
  const { edge, root } = grown
  const [size, index] = [edge.size, edge.size - 1]
  const [last] = readerOf(parts)({ from: index, to: size })
  const reader = hashReaderOverTiles((tile) => tiles.get(tilePath(tile)), size)
  const proof = await proveInclusionAsync({ index, size }, reader)
  const held =
    last !== undefined && verifyInclusion({ leaf: last.leaf, index, size, proof, root }).ok
  if (!held) throw doubt(`entry ${index} cannot be proven from the published files`)
}

/** What the published checkpoint says about the stored state, and whether a round has to be finished. */
function compare(
  stored: LogState,
  checkpoint: string | null,
): { readonly note: string; readonly replay: boolean } {
  const { now, before, note } = stored
  if (checkpoint === null) {
    if (before.edge.size === 0) return { note, replay: now.edge.size > 0 }
    throw doubt(`no checkpoint is published, but ${now.edge.size} entries are signed`)
  }
  if (checkpoint === note) return { note, replay: false }
  const head = headOf(checkpoint)
  if (head === null || head.origin !== stored.origin)
    throw doubt(`the published checkpoint is not one of \`${stored.origin}\``)
  if (isHeadOf(head, now)) return { note: checkpoint, replay: false }
  if (isHeadOf(head, before)) return { note, replay: true }
  if (head.size > now.edge.size)
    throw doubt(
      `the published checkpoint is at ${head.size}, the database behind it at ${now.edge.size}`,
    )
  throw doubt(
    head.size === now.edge.size || head.size === before.edge.size
      ? `the published checkpoint has another root at size ${head.size}`
      : `the published files end at ${head.size}, the database is ahead at ${now.edge.size}`,
  )
}

function headOf(checkpoint: string): { origin: string; size: number; root: Uint8Array } | null {
  const parsed = parseNote(checkpoint)
  const head = parsed.ok ? parseCheckpoint(parsed.value.body) : parsed
  return head.ok ? head.value : null
}

function publishedIn(checkpoint: string | null): Published | null {
  const head = checkpoint === null ? null : headOf(checkpoint)
  return head === null ? null : { size: head.size, root: head.root, note: checkpoint ?? '' }
}

function isHeadOf(
  head: { readonly size: number; readonly root: Uint8Array },
  tree: SignedTree,
): boolean {
  return head.size === tree.edge.size && sameHash(head.root, tree.root)
}

function doubt(why: string): LivegateError {
  return new LivegateError('halted', `Cannot go on with the log: ${why}`, {
    hint: 'Database and log files belong together; restore both from the same moment.',
  })
}
