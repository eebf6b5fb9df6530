/**
 * Streams a log through core's audit: read, hash and check in order here, verify signatures on the other cores.
 *
 * Bundles are read a few ahead; stored hash tiles are compared with the recomputed ones as they fill. A bundle that
 * cannot be taken apart is a finding and the end of the stream, a missing one is "could not finish".
 * From: commands/log-audit.ts. Core: core/audit/audit.ts.
 */
import {
  type Audit,
  type AuditEntry,
  type AuditReport,
  createAudit,
} from '../../core/audit/audit.ts'
import type { AuditState } from '../../core/audit/state.ts'
import type { SignedHead } from '../../core/audit/tree.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import type { LogFile } from '../../core/tlog/grow.ts'
import { parseTilePath, TILE_WIDTH, tilePath } from '../../core/tlog/tile.ts'
import { incomplete } from '../failure.ts'
import type { Disclosures } from './disclosures.ts'
import { nodeHasher } from './ed25519.ts'
import { createSignaturePool, type SignaturePool } from './signature-pool.ts'
import { type LogSource, needTile, readTile } from './source.ts'
import type { OutsideFinding, OutsideRecords, OutsideReport } from './witnessed-records.ts'

export interface AuditInput {
  readonly source: LogSource
  readonly origin: string
  readonly head: SignedHead
  readonly trusted: SignedHead | null
  readonly state: AuditState | null
  readonly disclosures: Disclosures
  readonly outside: OutsideRecords
  /** Null: signatures are not verified. */
  readonly threads: number | null
  /** Seconds; null when nothing can be said about how old the head is. */
  readonly now_s: number | null
  readonly signal: AbortSignal
  readonly onProgress: (entries: number) => void
}

/** What a bundle's bytes alone can get wrong. */
export interface BundleFinding {
  readonly index: number
  readonly code: 'bundle'
  readonly message: string
}

export interface AuditRun {
  readonly report: AuditReport
  readonly outside: OutsideReport
  readonly bundle: BundleFinding | null
  /** Null unless everything was clean: only then may an audit be resumed. */
  readonly state: AuditState | null
}

/** All findings of a run, in one list. */
export function findingsOf(
  run: AuditRun,
): readonly (AuditReport['findings'][number] | OutsideFinding | BundleFinding)[] {
  const bundle = run.bundle === null ? [] : [run.bundle]
  return [...bundle, ...run.report.findings, ...run.outside.findings]
}

/** Audits everything between the state and the head. */
export async function runAudit(input: AuditInput): Promise<AuditRun> {
  const audit = createAudit({
    origin: input.origin,
    trusted: input.trusted,
    hasher: nodeHasher,
    ...(input.state === null ? {} : { state: input.state }),
  })
  const from = audit.size()
  const pool =
    input.threads === null
      ? null
      : createSignaturePool({
          threads: input.threads,
          onResult: (result) => audit.signatures(result),
        })
  try {
    const bundle = await stream(input, audit, pool)
    await pool?.drain()
    if (bundle === null) await compareTiles(input, audit, audit.partialTiles())
    const { now_s, outside, head } = input
    const keys = audit.keys()
    const told = await outside.report({ keys, from, size: audit.size(), now_s })
    const report = audit.finish(head)
    const clean = report.clean && bundle === null && told.findings.length === 0
    return { report, outside: told, bundle, state: clean ? audit.state() : null }
  } finally {
    await pool?.close()
  }
}

async function stream(
  input: AuditInput,
  audit: Audit,
  pool: SignaturePool | null,
): Promise<BundleFinding | null> {
  for await (const { index, width, bytes } of bundlesAhead(input, audit.size())) {
    const first = index * TILE_WIDTH
    const decoded = decodeBundle(bytes, width)
    if (!decoded.ok)
      return {
        index: first,
        code: 'bundle',
        message: `\`${tilePath({ kind: 'entries', index, width })}\` is not ${width} entries: ${decoded.error.replaceAll('_', ' ')}; what follows was not looked at`,
      }
    const skip = Math.max(0, audit.size() - first)
    const entries = decoded.value.slice(skip)
    const batch = entries.map((entry, i) => entryOf(input, entry, first + skip + i))
    await compareTiles(input, audit, audit.entries(batch))
    input.onProgress(audit.size())
    if (pool !== null)
      await pool.submit({
        ...{ first_index: first + skip, bundle: bytes, width, skip },
        keys: audit.keys(),
      })
  }
  return null
}

function entryOf(input: AuditInput, bytes: Uint8Array, index: number): AuditEntry {
  const { disclosures, outside } = input
  if (disclosures.records === 0 && outside.empty) return { bytes }
  const jws = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  outside.seen(jws, index)
  const opened = disclosures.of(jws)
  return opened === undefined ? { bytes } : { bytes, disclosures: opened }
}

interface ReadBundle {
  readonly index: number
  readonly width: number
  readonly bytes: Uint8Array
}

/** Reads that run while earlier bundles are hashed. */
const READ_AHEAD = 8

async function* bundlesAhead(input: AuditInput, from: number): AsyncGenerator<ReadBundle> {
  const { size } = input.head
  const coming: Promise<ReadBundle>[] = []
  let next = Math.floor(from / TILE_WIDTH)
  const begin = (): void => {
    const index = next++
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
    const ref = { kind: 'entries', index, width } as const
    const read = needTile(input.source, ref).then((bytes) => ({ index, width, bytes }))
    // Handled when its turn comes; until then a rejection must not end the process.
    read.catch(() => undefined)
    coming.push(read)
  }
  while (from < size) {
    while (coming.length < READ_AHEAD && next * TILE_WIDTH < size) begin()
    const bundle = coming.shift()
    if (bundle === undefined) return
    if (input.signal.aborted) throw incomplete('Cannot finish audit: it was interrupted')
    yield await bundle
  }
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
