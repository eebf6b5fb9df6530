/**
 * Copies a log into a directory, proving every file before it is written.
 *
 * Order: checkpoint (signature) → right edge (root) → consistency with the checkpoint already here → every other tile
 * by its parent → every bundle by its leaf hashes → the new checkpoint last. So at any instant the directory holds a
 * whole log under the checkpoint in it, and perhaps files of the next; a second run goes on where the first stopped.
 * What lies below the old checkpoint is not read again: that is what `log audit DIR` is for.
 * From: commands/log-mirror.ts. Uses: verified-tiles.ts.
 */
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SignedHead } from '../../core/audit/tree.ts'
import { fromUtf8 } from '../../core/encoding.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import { leafHash, sameHash } from '../../core/tlog/hash.ts'
import { hashesAt, newTiles, TILE_WIDTH, type TileRef, tilePath } from '../../core/tlog/tile.ts'
import { hashReaderOverTiles } from '../../core/tlog/tile-reader.ts'
import { proveConsistencyAsync } from '../../core/tlog/tree.ts'
import { verifyConsistency } from '../../core/tlog/verify.ts'
import { CliFailure, EXIT, incomplete } from '../failure.ts'
import { readIfThere, writeAtomic } from '../files.ts'
import { quote } from '../session.ts'
import { type LogKey, openHead, readHead } from './head.ts'
import { mirrorWitnessed } from './mirror-witnessed.ts'
import { type LogSource, needTile, notABundle } from './source.ts'
import { hashIn, openVerifiedTiles, UNSIGNED, type VerifiedTiles } from './verified-tiles.ts'

export interface MirrorInput {
  readonly source: LogSource
  /** Absolute path; created when it is not there. */
  readonly dir: string
  readonly key: LogKey
  /** False: hash tiles only, for logs whose entries one may not read. */
  readonly entries: boolean
  readonly signal: AbortSignal
  readonly onTile: (done: number, total: number) => void
}

export interface Mirrored {
  readonly from: number
  readonly to: number
  /** Files written in this run. */
  readonly written: number
  readonly head: SignedHead
}

const MAX_FILE_BYTES: number = 17 * 1024 * 1024

/** Brings the mirror to the log's present checkpoint. */
export async function mirrorLog(input: MirrorInput): Promise<Mirrored> {
  const { source, dir, key } = input
  await mkdir(dir, { recursive: true })
  const head = await readHead(source, key)
  const here = await localHead(dir, key)
  const tiles = await openVerifiedTiles(source, head)
  if (here !== null) await requireSuccessor(here, head, tiles)
  const whole = !input.entries || here === null || (await hasEntries(dir, here.size))
  const copy = new Copy(input, tiles)
  const written = await copy.run({ from: whole ? (here?.size ?? 0) : 0, to: head.size })
  await writeAtomic(join(dir, 'checkpoint'), head.note)
  await mirrorWitnessed(input, head, tiles)
  if (here !== null && here.size < head.size) await dropPartials(dir, here.size, head.size)
  return { from: here?.size ?? 0, to: head.size, written, head }
}

async function localHead(dir: string, key: LogKey): Promise<SignedHead | null> {
  const bytes = await readIfThere(join(dir, 'checkpoint'), MAX_FILE_BYTES)
  if (bytes === null) return null
  return openHead(fromUtf8(bytes) ?? '', key, dir)
}

/** The log must have grown out of what we hold; both notes are the proof when it has not. */
async function requireSuccessor(
  here: SignedHead,
  head: SignedHead,
  tiles: VerifiedTiles,
): Promise<void> {
  const notes = `the mirror holds:\n${here.note}\nthe log serves:\n${head.note}`
  if (head.size < here.size)
    throw new CliFailure(
      EXIT.verification,
      `Cannot mirror: the log serves an older checkpoint than it served before; ${notes}`,
      'a cache may be stale: try again later; a log that stays behind has been rolled back',
    )
  const reader = hashReaderOverTiles((tile) => tiles.tile(tile.level, tile.index), head.size)
  const proof = await proveConsistencyAsync({ from: here.size, to: head.size }, reader)
  const extends_ = verifyConsistency({
    from: here.size,
    from_root: here.root,
    to: head.size,
    to_root: head.root,
    proof,
  })
  if (!extends_.ok)
    throw new CliFailure(
      EXIT.verification,
      `Cannot mirror: the log has signed two histories that contradict each other; ${notes}`,
      'keep both notes: together they prove it to anybody',
    )
}

/** False for a mirror that was made without entries so far. */
async function hasEntries(dir: string, size: number): Promise<boolean> {
  if (size === 0) return true
  const width = Math.min(size, TILE_WIDTH)
  const first = tilePath({ kind: 'entries', index: 0, width })
  return (await readIfThere(join(dir, first), MAX_FILE_BYTES)) !== null
}

class Copy {
  readonly #input: MirrorInput
  readonly #tiles: VerifiedTiles
  #written = 0

  constructor(input: MirrorInput, tiles: VerifiedTiles) {
    this.#input = input
    this.#tiles = tiles
  }

  /** The files a tree of `to` leaves has beyond one of `from`. */
  async run(growth: { readonly from: number; readonly to: number }): Promise<number> {
    const total = Math.ceil(growth.to / TILE_WIDTH)
    let done = Math.floor(growth.from / TILE_WIDTH)
    for (const ref of newTiles(growth)) {
      if (this.#input.signal.aborted)
        throw incomplete('Cannot finish mirror: it was interrupted', 'run it again to continue')
      if (ref.kind === 'entries') {
        // Beside its bundle, while the leaves are at hand: each tile is fetched once.
        await this.#tile({ ...ref, kind: 'tile', level: 0 })
        if (this.#input.entries) await this.#bundle(ref)
        this.#input.onTile(++done, total)
      } else if (ref.level > 0) await this.#tile(ref)
    }
    return this.#written
  }

  async #tile(ref: TileRef & { readonly kind: 'tile' }): Promise<void> {
    const proven = await this.#tiles.tile(ref.level, ref.index)
    const there = await this.#there(ref)
    if (there !== null && Buffer.compare(there, proven) === 0) return
    if (there !== null) throw this.#changed(ref)
    await this.#write(ref, proven)
  }

  async #bundle(ref: TileRef): Promise<void> {
    const leaves = await this.#tiles.tile(0, ref.index)
    const there = await this.#there(ref)
    if (there !== null) {
      if (isBundleOf(there, ref.width, leaves)) return
      throw this.#changed(ref)
    }
    const bytes = await needTile(this.#input.source, ref)
    const entries = decodeBundle(bytes, ref.width)
    if (!entries.ok) throw notABundle(this.#input.source, ref, entries.error)
    if (!isBundleOf(bytes, ref.width, leaves))
      throw new CliFailure(
        EXIT.verification,
        `Cannot trust \`${tilePath(ref)}\` of ${quote(this.#input.source.name)}: its entries are not what the checkpoint covers`,
        UNSIGNED,
      )
    await this.#write(ref, bytes)
  }

  #there(ref: TileRef): Promise<Uint8Array | null> {
    return readIfThere(join(this.#input.dir, tilePath(ref)), MAX_FILE_BYTES)
  }

  async #write(ref: TileRef, bytes: Uint8Array): Promise<void> {
    const path = join(this.#input.dir, tilePath(ref))
    await mkdir(dirname(path), { recursive: true })
    await writeAtomic(path, bytes)
    this.#written++
  }

  /** Somebody changed the mirror: it is not repaired in silence. */
  #changed(ref: TileRef): CliFailure {
    return new CliFailure(
      EXIT.verification,
      `Cannot continue mirror: its file \`${tilePath(ref)}\` is not what the checkpoint covers`,
      'the disk or somebody has changed it; remove the file to fetch it again',
    )
  }
}

function isBundleOf(bytes: Uint8Array, width: number, leaves: Uint8Array): boolean {
  const entries = decodeBundle(bytes, width)
  if (!entries.ok) return false
  return entries.value.every((entry, i) => sameHash(leafHash(entry), hashIn(leaves, i)))
}

/** Partial files of the old size, each now covered by a full or wider one. */
async function dropPartials(dir: string, from: number, to: number): Promise<void> {
  const drop = (ref: TileRef): Promise<void> => rm(join(dir, tilePath(ref)), { force: true })
  for (let level = 0; hashesAt(level, from) > 0; level++) {
    const before = hashesAt(level, from)
    const width = before % TILE_WIDTH
    if (width === 0 || before === hashesAt(level, to)) continue
    const index = Math.floor(before / TILE_WIDTH)
    await drop({ kind: 'tile', level, index, width })
    if (level === 0) await drop({ kind: 'entries', index, width })
  }
}
