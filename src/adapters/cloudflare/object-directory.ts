/**
 * The Directory port as the gate inside a subject's object sees it: its own strikes, records and broadcasts.
 *
 * Who was not known was found before the object was asked (edge-gate.ts). Only the decisions that rely on a strike are
 * everybody's, and the logs know them. Searches over all subjects are not for an object: the Worker asks the logs.
 */
import { LivegateError } from '../../core/errors.ts'
import { MAX_RELYING } from '../../core/limits.ts'
import type { Directory, StoredRecord } from '../../ports.ts'
import { createSqlDirectory } from '../sqlite/directory.ts'
import { placeIn } from '../sqlite/predecessors.ts'
import { recordAt, secondOf } from '../sqlite/records.ts'
import { integer, type Sql } from '../sqlite/sql.ts'
import type { Chain, ChainStore } from './chain-store.ts'
import { type ChainPlace, opened, type SequencerRpc } from './rpc.ts'

/** Characters of openings in one answer: a call carries at most 32 MiB, and who asks has 128 MB for everything. */
export const MAX_REPLY_CHARS: number = 4 * 1024 * 1024

export interface ObjectDirectoryParts {
  readonly sql: Sql
  readonly store: ChainStore
  readonly origin: string
  /** Every log of the deployment. */
  readonly logs: readonly Pick<SequencerRpc, 'decisionsRelyingOn'>[]
}

/** A chain has no index over ids: what is asked for by id is nearly always among its newest, so the look ends soon. */
const NEWEST_FIRST = 'SELECT idx FROM records WHERE second = ? AND id = ? ORDER BY idx DESC LIMIT 1'

export function createObjectDirectory(parts: ObjectDirectoryParts): Directory {
  const { sql, store, origin, logs } = parts
  const own = (): Directory | null => {
    const chain = store.peek()
    return chain && createSqlDirectory({ sql, subjects: chain.subjects, origin })
  }
  return {
    subjectOfStrike: (strike) => own()?.subjectOfStrike(strike) ?? null,
    async record(id) {
      const chain = store.peek()
      const row = chain === null ? undefined : sql.get(NEWEST_FIRST, secondOf(id), id)
      const record = row === undefined ? null : recordAt(sql, origin, integer(row, 'idx'))
      return chain === null || record === null ? null : placed({ sql, chain, origin }, record)
    },
    searchDecisions: () => Promise.reject(notHere()),
    records: () => Promise.reject(notHere()),
    async decisionsRelyingOn(strike) {
      const found = await Promise.all(logs.map((log) => opened(log.decisionsRelyingOn(strike))))
      const all = found.flat()
      // Each log gives its newest first, and sorting keeps the order of what is equal.
      return all.toSorted((a, b) => b.at - a.at).slice(0, MAX_RELYING)
    },
    broadcastOfSession: async (server, session) =>
      (await own()?.broadcastOfSession(server, session)) ?? null,
  }
}

/** Records of this chain by their place on it, as the log has them: `SubjectRpc.records`. */
export async function recordsOfChain(
  { sql, store, origin }: Omit<ObjectDirectoryParts, 'logs'>,
  seqs: readonly number[],
  places: readonly ChainPlace[] = [],
): Promise<readonly StoredRecord[]> {
  const chain = store.peek()
  if (chain === null) return []
  const records: StoredRecord[] = []
  let chars = 0
  for (const seq of seqs) {
    const record = recordAt(sql, origin, seq - 1)
    if (record === null) continue
    chars += JSON.stringify(record.openings).length
    if (records.length > 0 && chars > MAX_REPLY_CHARS) return records
    const told = places.find((place) => place.seq === seq)
    const found = await placedIfLogged({ sql, chain, origin }, record, told)
    if (found !== null) records.push(found)
  }
  return records
}

/**
 * Null for what the log contradicts: other records of the page are not to be withheld for that. `told`: what the log said
 * is at its place, so that a log which takes nothing any more need not be asked to take it again.
 */
async function placedIfLogged(
  from: { readonly sql: Sql; readonly chain: Chain; readonly origin: string },
  record: StoredRecord,
  told: ChainPlace | undefined,
): Promise<StoredRecord | null> {
  if (told?.leaf !== undefined && from.chain.places.of(record.receipt.index) === null)
    return told.leaf === record.receipt.leaf ? at(from, record, told.index) : null
  try {
    return await placed(from, record)
  } catch (error) {
    if (from.chain.outbox.contradicted()) return null
    throw error
  }
}

/** With the place the log gave it; asks the log when that was lost. */
async function placed(
  { sql, chain, origin }: { readonly sql: Sql; readonly chain: Chain; readonly origin: string },
  record: StoredRecord,
): Promise<StoredRecord> {
  const { index: idx } = record.receipt
  if (chain.places.of(idx) === null) await chain.outbox.drain()
  const index = chain.places.of(idx)
  if (index === null)
    throw new LivegateError('internal', 'Cannot show the record: it has no place in the log')
  return at({ sql, origin }, record, index)
}

function at(
  { sql, origin }: { readonly sql: Sql; readonly origin: string },
  record: StoredRecord,
  index: number,
): StoredRecord {
  return { ...record, receipt: { ...record.receipt, ...placeIn(sql, origin, index) } }
}

function notHere(): LivegateError {
  return new LivegateError('internal', 'Cannot search: one subject knows only itself')
}
