/**
 * Where an evidence bundle's pieces come from: entries out of a log's bundles, disclosures out of a file or of the gate.
 *
 * Entries are proven against the checkpoint as they are read; disclosures are checked with the file (evidence-export.ts).
 */
import { leafOf } from '../../core/record/hashing.ts'
import { parsePresentation } from '../../core/record/presentation.ts'
import { decodeBundle } from '../../core/tlog/bundle.ts'
import { sameHash } from '../../core/tlog/hash.ts'
import { TILE_WIDTH } from '../../core/tlog/tile.ts'
import { CliFailure, EXIT, incomplete } from '../failure.ts'
import type { GateClient } from '../gate-client.ts'
import { quote } from '../session.ts'
import { openIndex } from './disclosure-index.ts'
import { readDisclosures } from './disclosures.ts'
import { nodeHasher } from './ed25519.ts'
import { type LogSource, needTile, notABundle } from './source.ts'
import { hashIn, UNSIGNED, type VerifiedTiles } from './verified-tiles.ts'

export interface ProvenLog {
  readonly source: LogSource
  readonly size: number
  readonly tiles: VerifiedTiles
  readonly signal: AbortSignal
}

/**
 * Calls `use` with every entry of the bundles `wanted` names. Each entry hashes to its leaf in the proven tiles, so none that
 * was changed is passed over as unreadable; exit 4 otherwise.
 */
export async function eachEntry(
  log: ProvenLog,
  wanted: (first: number, after: number) => boolean,
  use: (index: number, bytes: Uint8Array) => void,
): Promise<void> {
  for (let first = 0; first < log.size; first += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, log.size - first)
    if (!wanted(first, first + width)) continue
    if (log.signal.aborted) throw incomplete('Cannot finish the export: it was interrupted')
    const index = first / TILE_WIDTH
    const ref = { kind: 'entries', index, width } as const
    const entries = decodeBundle(await needTile(log.source, ref), width)
    if (!entries.ok) throw notABundle(log.source, ref, entries.error)
    const leaves = await log.tiles.tile(0, index)
    for (const [i, entry] of entries.value.entries()) {
      if (!sameHash(leafOf(entry, nodeHasher), hashIn(leaves, i))) throw changed(log, first + i)
      use(first + i, entry)
    }
  }
}

function changed({ source }: ProvenLog, index: number): CliFailure {
  return new CliFailure(
    EXIT.verification,
    `Cannot trust entry ${index} of ${quote(source.name)}: it is not what the checkpoint covers`,
    UNSIGNED,
  )
}

/** The disclosures somebody has of an entry with exactly these bytes. */
export interface Opener {
  of(entry: Uint8Array): readonly string[] | undefined
  close(): void
}

/** Out of a file of JSON Lines. */
export async function openerOfFile(path: string): Promise<Opener> {
  const { index } = await readDisclosures(path)
  return index === null ? { of: () => undefined, close: () => undefined } : openIndex(index)
}

/** Most a gate gives at once. */
const PAGE = 500

/** Asks the gate for the decision, and, once that is needed, for the strikes and reversals of all chains. */
export async function openerOfGate(
  client: GateClient,
  request: { readonly decision: string; readonly shard: string | undefined },
): Promise<Opener & { fetchStrikes(): Promise<void> }> {
  const known = new Map<string, readonly string[]>()
  const path = `/v1/decisions/${encodeURIComponent(request.decision)}`
  keep(known, await client.json({ method: 'GET', path }, 'read the decision'))
  return {
    of: (entry) => known.get(Buffer.from(entry).toString('latin1')),
    close: () => undefined,
    async fetchStrikes() {
      const which = request.shard === undefined ? '' : `shard=${request.shard}&`
      for (let from: number | null = 0; from !== null; ) {
        const page: RecordsPage = (await client.json(
          { method: 'GET', path: `/v1/records?${which}from=${from}&limit=${PAGE}` },
          'read records',
        )) as RecordsPage
        for (const record of page.records ?? [])
          if (record.kind === 'strike' || record.kind === 'reversal') keep(known, record)
        const next: number | null = page.next ?? null
        if (next !== null && !(Number.isSafeInteger(next) && next > from))
          throw incomplete('Cannot read records: the answer is not in the order of the log')
        from = next
      }
    },
  }
}

interface RecordsPage {
  readonly records?: readonly { readonly kind?: unknown; readonly record?: unknown }[]
  readonly next?: number | null
}

function keep(known: Map<string, readonly string[]>, answer: unknown): void {
  const record = (answer as { readonly record?: unknown } | null)?.record
  const given = typeof record === 'string' ? parsePresentation(record) : null
  if (given?.ok !== true) throw incomplete('Cannot read a record of the gate: it is none')
  known.set(given.value.jws, given.value.disclosures)
}
