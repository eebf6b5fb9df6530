/**
 * How records get into a log on the edge: chains from subjects' objects, records of the deployment from the log itself.
 *
 * What a transaction refuses leaves nothing behind and is thrown here; a record the head of its chain has come past is looked
 * for outside of any transaction. What is written: sequencer-chains.ts. From: sequencer.ts.
 */
import { toBase64Url } from '../../core/encoding.ts'
import { LivegateError } from '../../core/errors.ts'
import type { Receipt, SignedRecord } from '../../ports.ts'
import { CLOSING, type Entries } from '../sqlite/entries.ts'
import type { Halt } from '../sqlite/halt.ts'
import type { Sql } from '../sqlite/sql.ts'
import type { GroupWriter } from './group-writer.ts'
import type { LogMoves } from './import-log.ts'
import type { ChainEntry } from './rpc.ts'
import {
  type Appended,
  appendChains,
  appendOthers,
  type ChainLog,
  knownAs,
  type Refused,
  requireChainEntries,
  requireLeaf,
  weightOf,
} from './sequencer-chains.ts'
import { headOf } from './sequencer-heads.ts'
import type { Room } from './sequencer-room.ts'
import { findRecord, type Searched } from './sequencer-search.ts'

/** Where records are put. */
export interface AppendParts extends ChainLog {
  readonly sql: Sql
  readonly entries: Entries
  readonly writer: Pick<GroupWriter, 'writeEntries' | 'requireRoom'>
  readonly halt: Halt
  readonly moves: Pick<LogMoves, 'requireOpen'>
  readonly room: Room
  readonly searched: Searched
}

/** Whoever asks first need not write what would be refused then. */
export function requireRoom({
  entries,
  room,
  writer,
}: Pick<AppendParts, 'entries' | 'room' | 'writer'>): void {
  if (entries.hasNow(CLOSING)) taken(CLOSED)
  room.require()
  writer.requireRoom()
}

/** Records of chains; their indexes, in their order. */
export async function append(
  composed: AppendParts,
  chains: readonly ChainEntry[],
): Promise<readonly number[]> {
  const { writer, entries, halt, moves, room } = composed
  if (halt.why() !== null) throw halt.error()
  moves.requireOpen()
  requireChainEntries(chains)
  if (chains.length === 0) return []
  // Who only sends again what is here learns where it is, also from a log that takes nothing any more.
  const bringsNew = (): boolean =>
    chains.some(({ object, seq }) => seq > headOf(composed.sql, object).seq)
  if (room.why() !== null && bringsNew()) room.require()
  const bytes = chains.reduce((sum, entry) => sum + weightOf(entry), 0)
  const known = new Map<string, number | null>()
  for (;;) {
    const result = await writer.writeEntries(
      () =>
        entries.hasNow(CLOSING) && bringsNew() ? CLOSED : appendChains(composed, chains, known),
      bytes,
    )
    if (!('older' in result)) return appended(composed, result)
    // Each time around they are fewer: what is known stays known.
    await lookFor(composed.searched, result.older, known)
  }
}

/** Finds out where records behind the head of their chain are: most often whoever sends them lost its memory. */
async function lookFor(
  searched: Searched,
  older: readonly ChainEntry[],
  known: Map<string, number | null>,
): Promise<void> {
  for (const entry of older) {
    const { object, seq, record } = entry
    const { chain } = headOf(searched.sql, object)
    const found = await findRecord(searched, record.id)
    const same = found !== null && found.chain === chain && found.seq === seq
    const leaf = same && found.leaf === toBase64Url(record.leaf)
    known.set(knownAs(entry), leaf ? found.index : null)
  }
}

function appended(
  { halt }: AppendParts,
  result: Exclude<Appended, { readonly older: unknown }>,
): readonly number[] {
  if ('ended' in result) throw ended(result.ended)
  if (!('lost' in result)) return taken(result)
  halt.halt(
    `its storage was set back: ${result.lost}`,
    'Restore the storage of its object forward, to its newest state.',
  )
  throw halt.error()
}

/** It was never acknowledged, so nobody was promised anything; its object signs it anew (outbox-renewal.ts). */
function ended(kid: string): LivegateError {
  return new LivegateError(
    'log_unavailable',
    `Cannot log: the record is signed by key ${kid}, which has ended`,
    { retry_after_s: 1, hint: 'Its object signs it anew once it has heard that the key ended.' },
  )
}

/** Records of the deployment. */
export async function appendDeployment(
  { sql, writer, entries }: Pick<AppendParts, 'sql' | 'writer' | 'entries'>,
  records: readonly SignedRecord[],
  requires: readonly string[],
): Promise<readonly Receipt[]> {
  for (const record of records) requireLeaf(record)
  const bytes = records.reduce((sum, { jws }) => sum + jws.length + 512, 0)
  const receipts = await writer.writeEntries(() => {
    if (entries.hasNow(CLOSING)) return CLOSED
    if (!requires.every(entries.hasNow))
      return { refused: 'a policy or key it needs is not in the log' }
    return appendOthers(sql, entries, records)
  }, bytes)
  return taken(receipts)
}

const CLOSED: Refused = { refused: 'the log is closed' }

/** What was appended; a refusal, which leaves nothing behind, is thrown here. */
function taken<T>(result: readonly T[] | Refused): readonly T[] {
  if (!('refused' in result)) return result
  const code = result === CLOSED ? 'halted' : 'conflict'
  throw new LivegateError(code, `Cannot append: ${result.refused}`)
}
