/**
 * Streams a log through core's audit: hash, read and verify on all cores, judge in order here.
 *
 * Bundles are read and scanned a few ahead; stored hash tiles are compared with the recomputed ones as they fill. A bundle that
 * is missing or cannot be taken apart is "could not finish": nobody has signed it.
 * From: commands/log-audit.ts. Core: core/audit/audit.ts.
 */
import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Audit, type AuditReport, createAudit } from '../../core/audit/audit.ts'
import type { LogBook } from '../../core/audit/replay/log-plans.ts'
import type { AuditState } from '../../core/audit/state.ts'
import type { PredecessorAudit } from '../../core/audit/succession.ts'
import type { SignedHead } from '../../core/audit/tree.ts'
import type { LogFile } from '../../core/tlog/grow.ts'
import { HASH_BYTES, sameBytes } from '../../core/tlog/hash.ts'
import { type Bundle, parseTilePath, TILE_WIDTH, tilePath } from '../../core/tlog/tile.ts'
import { incomplete } from '../failure.ts'
import { type AuditPool, createAuditPool, type ScannedBundle } from './audit-pool.ts'
import type { AuditToKeep } from './audit-state.ts'
import type { ChainsInFile } from './audit-state-read.ts'
import type { BundleResult } from './bundle-desk.ts'
import { type BundlePart, type PackedScan, tileRoot, unpackScan } from './bundle-scan.ts'
import type { Challenge } from './challenge.ts'
import type { Disclosures } from './disclosures.ts'
import { nodeHasher } from './ed25519.ts'
import { withSigners } from './head-signers.ts'
import { type LogSource, needTile, notABundle, readTile } from './source.ts'
import type { OutsideFinding, OutsideRecords, OutsideReport } from './witnessed-records.ts'

export interface AuditInput {
  readonly source: LogSource
  readonly origin: string
  readonly head: SignedHead
  readonly trusted: SignedHead | null
  readonly state: AuditState | null
  /** Chains of the state, where that comes without them. */
  readonly chains?: ChainsInFile | null
  /** May still be read while the threads start. */
  readonly disclosures: Disclosures | Promise<Disclosures>
  readonly outside: OutsideRecords
  /** Told of every entry; only of a log that is read from its first entry on. */
  readonly challenge?: Challenge
  readonly signatures: boolean
  /** False: decisions are not derived again. */
  readonly replay: boolean
  /** How many work at once; 0: this one alone. */
  readonly threads: number
  /** Seconds; null when nothing can be said about how old the head is. */
  readonly now_s: number | null
  /** The auditor's clock, seconds: nothing in a log is later. Not compared when absent. */
  readonly clock_s?: number
  /** The audit of the log this one goes on from; null without one. */
  readonly predecessor: PredecessorAudit | null
  readonly signal: AbortSignal
  readonly onProgress: (entries: number) => void
}

export interface AuditRun {
  readonly report: AuditReport
  readonly outside: OutsideReport
  /** Disclosures given that no record they came with commits to. */
  readonly unmatched: number
  /** The log and this clock disagree; null while they do not. */
  readonly future: FutureNotice | null
  /** What decisions follow from; null without replay. */
  readonly book: LogBook | null
  /** Null unless everything was clean and replayed as far as it could be: only then may an audit be resumed. */
  toKeep(): AuditToKeep | null
  /** Chains with records in this log, and the index of each one's first. */
  chainFirsts(): ReadonlyMap<string, number>
  /** What the audit of a successor needs of this one. */
  asPredecessor(vkey: string): PredecessorAudit
}

/** An entry is dated later than the auditor's clock can explain. */
export interface FutureNotice {
  readonly index: number
  readonly code: 'from_future'
  readonly message: string
}

/** Seconds by which clocks may differ. */
const CLOCK_SLACK_S = 600

/** Below this many entries, threads cost more than they bring. */
const WORTH_THREADS = 2048

/** How many threads so many entries are worth. */
export function threadsFor(entries: number): number {
  return entries < WORTH_THREADS ? 0 : availableParallelism()
}

/** All findings of a run, in one list. */
export function findingsOf(
  run: AuditRun,
): readonly (AuditReport['findings'][number] | OutsideFinding)[] {
  return [...run.report.findings, ...run.outside.findings]
}

/** Opened decisions that could not be replayed, being made under semantics this version does not have. */
export function unknownEngines(run: AuditRun): number {
  return run.report.counts.replay?.other_engine ?? 0
}

/** Audits everything between the state and the head. */
export async function runAudit(input: AuditInput): Promise<AuditRun> {
  const tiles = createTileHasher()
  const left = chainsLeft(input)
  const audit = createAudit({
    origin: input.origin,
    seed: randomBytes(4).readInt32LE(),
    trusted: input.trusted,
    hasher: nodeHasher,
    hashTile: tiles.hash,
    replay: input.replay,
    chains_left: left,
    ...(input.state === null ? {} : { state: input.state }),
    ...(input.predecessor === null ? {} : { predecessor: input.predecessor }),
  })
  const from = audit.size()
  const { threads, signatures, replay } = input
  const onVerified = ({ range, replay: derived }: BundleResult): void => {
    if (range !== null) audit.signatures(range)
    audit.replayed(derived)
  }
  const pool = createAuditPool({ threads, signatures, replay, onVerified })
  try {
    if (left === 0)
      for await (const some of input.chains?.each() ?? [])
        for (const chain of some) audit.adopt(chain)
    pool.disclose((await input.disclosures).index)
    const unmatched = await stream(input, { audit, pool, tiles })
    await pool.drain()
    // Of a log that shrank there are none of this size.
    if (audit.size() <= input.head.size) await compareTiles(input, audit, audit.partialTiles())
    const { now_s, outside, head } = input
    const keys = audit.keys()
    const seen = { keys, from, size: audit.size(), now_s, newest_s: audit.newest() }
    const told = await outside.report(seen)
    const report = audit.finish(await withSigners(head, input.origin, audit.checkpointKeys()))
    const whole = (report.counts.replay?.other_engine ?? 0) === 0
    const clean = report.clean && told.findings.length === 0 && whole
    return {
      ...{
        report,
        outside: told,
        unmatched,
        future: futureOf(audit.latest(), input.clock_s),
        book: audit.book(),
      },
      toKeep: () => (clean ? toKeep(audit, report.counts.subjects) : null),
      chainFirsts: () => audit.chainFirsts(),
      asPredecessor: (vkey) => audit.asPredecessor(head, vkey),
    }
  } finally {
    await pool.close()
  }
}

/**
 * Chains nobody looks at: of the very checkpoint that was audited before nothing is new, and its state, written of an audit
 * of this kind, stays as it is.
 */
function chainsLeft({ chains = null, trusted, head, state, replay }: AuditInput): number {
  if (chains === null || trusted?.note !== head.note) return 0
  return (state?.replay !== undefined) === replay ? chains.count : 0
}

function toKeep(audit: Audit, count: number): AuditToKeep {
  return { state: audit.state({ chains: false }), chains: { count, each: audit.chains() } }
}

function futureOf(
  latest: { readonly index: number; readonly iat: number } | null,
  clock_s: number | undefined,
): FutureNotice | null {
  if (latest === null || clock_s === undefined || latest.iat <= clock_s + CLOCK_SLACK_S) return null
  const ahead = latest.iat - clock_s
  return {
    ...{ index: latest.index, code: 'from_future' },
    message: `It is dated ${ahead} s later than the clock here: the clock of the gate or this one is wrong`,
  }
}

/** How many disclosures no record commits to. */
async function stream(
  input: AuditInput,
  parts: { readonly audit: Audit; readonly pool: AuditPool; readonly tiles: TileHasher },
): Promise<number> {
  const { audit, pool, tiles } = parts
  let unmatched = 0
  for await (const bundle of bundlesAhead(input, audit.size(), pool)) {
    const { scan, verify } = bundle.scanned
    unmatched += scan.unmatched
    if (scan.fault !== null)
      throw notABundle(input.source, refOf(bundle.index, input.head.size), scan.fault)
    lookOutside(input.outside, bundle)
    input.challenge?.look(bundle.part.first_index, scan)
    tiles.expect(scan)
    await compareTiles(input, audit, audit.entries(unpackScan(scan)))
    input.onProgress(audit.size())
    verify({ keys: audit.keys(), book: audit.book() })
  }
  return unmatched
}

interface TileHasher {
  /** The bundle whose leaves come next; its thread has hashed the tile they fill. */
  expect(scan: PackedScan): void
  readonly hash: (tile: Uint8Array) => Uint8Array
}

function createTileHasher(): TileHasher {
  let next: PackedScan | null = null
  return {
    expect: (scan) => {
      next = scan
    },
    hash: (tile) =>
      next?.tile_root && sameBytes(next.leaves, tile) ? next.tile_root : tileRoot(tile),
  }
}

/** Records somebody was handed are looked for by their leaf. */
function lookOutside(outside: OutsideRecords, { part, scanned }: ReadBundle): void {
  if (outside.empty) return
  const { leaves } = scanned.scan
  for (let i = 0; i < leaves.length; i += HASH_BYTES)
    outside.seen(leaves.subarray(i, i + HASH_BYTES), part.first_index + i / HASH_BYTES)
}

interface ReadBundle {
  readonly index: number
  readonly part: BundlePart
  readonly scanned: ScannedBundle
}

/** Bundles read and scanned while earlier ones are judged. */
const READ_AHEAD = 16

async function* bundlesAhead(
  input: AuditInput,
  from: number,
  pool: AuditPool,
): AsyncGenerator<ReadBundle> {
  const { size } = input.head
  const coming: Promise<ReadBundle>[] = []
  let next = Math.floor(from / TILE_WIDTH)
  while (from < size) {
    while (coming.length < READ_AHEAD && next * TILE_WIDTH < size) {
      const read = readBundle(input, { index: next++, from, pool })
      // Handled when its turn comes; until then a rejection must not end the process.
      read.catch(() => undefined)
      coming.push(read)
    }
    const bundle = coming.shift()
    if (bundle === undefined) return
    if (input.signal.aborted) throw incomplete('Cannot finish audit: it was interrupted')
    yield await bundle
  }
}

async function readBundle(
  input: AuditInput,
  {
    index,
    from,
    pool,
  }: { readonly index: number; readonly from: number; readonly pool: AuditPool },
): Promise<ReadBundle> {
  const first = index * TILE_WIDTH
  const ref = refOf(index, input.head.size)
  const skip = Math.max(0, from - first)
  const part = { first_index: first + skip, width: ref.width, skip }
  const { directory } = input.source
  if (directory !== undefined) {
    const scanned = await pool.scan({ ...part, bundle: join(directory, tilePath(ref)) })
    if (scanned !== null) return { index, part, scanned }
  }
  // From afar, or the file is not simply there: what is the matter is said here.
  const scanned = await pool.scan({ ...part, bundle: await needTile(input.source, ref) })
  if (scanned === null) throw incomplete('Cannot audit: a thread did not take a bundle')
  return { index, part, scanned }
}

function refOf(index: number, size: number): Bundle {
  return { kind: 'entries', index, width: Math.min(TILE_WIDTH, size - index * TILE_WIDTH) }
}

async function compareTiles(
  input: AuditInput,
  audit: Audit,
  tiles: readonly LogFile[],
): Promise<void> {
  for (const tile of tiles) {
    const ref = parseTilePath(tile.path)
    if (ref !== null) audit.tile(tile, await readTile(input.source, ref))
  }
}
