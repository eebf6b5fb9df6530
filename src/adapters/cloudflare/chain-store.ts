/**
 * What a subject's object holds: the shared tables with one subject in them, and the way of its records into the log.
 *
 * The same code as on Node keeps subjects, records and a little log of this chain alone, whose places are local; which
 * place the big log gave them is places.ts's. Nothing is made until something is written. Next stop: edge-ledger.ts.
 */
import { DECISION_BUDGET_MS } from '../../core/limits.ts'
import type { Observe, StoredRecord } from '../../ports.ts'
import { createEntries, type Entries } from '../sqlite/entries.ts'
import { recordAt } from '../sqlite/records.ts'
import { integer, type Sql, type Writer } from '../sqlite/sql.ts'
import { createSubjects, type Subjects } from '../sqlite/subjects.ts'
import { shorten } from '../sqlite/unconfirmed.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { createPlaces, type Places } from './places.ts'
import type { SequencerRpc } from './rpc.ts'
import { hasSubjectTables, makeSubjectTables } from './subject-schema.ts'

/** The tables, open. */
export interface Chain {
  readonly entries: Entries
  readonly subjects: Subjects
  readonly places: Places
  readonly outbox: Outbox
}

export interface ChainStore {
  /** Null while nothing was ever written. */
  peek(): Chain | null
  /** Makes the tables if need be: with the first write, in its turn of the event loop. */
  open(): Chain
}

export interface ChainStoreParts {
  readonly sql: Sql
  readonly writer: Writer
  /** Name of this subject's object. */
  readonly object: string
  /** Name of the log its records go to. */
  readonly origin: string
  readonly log: Pick<SequencerRpc, 'append'>
  readonly observe: Observe
  /** Told of the decisions that may have died with their answers, once, when storage is opened after that. */
  readonly onUnheard: (decisions: readonly StoredRecord[]) => void
}

export function createChainStore(parts: ChainStoreParts): ChainStore {
  const { sql, origin, onUnheard } = parts
  let chain: Chain | null = null
  const open = (): Chain => {
    if (chain !== null) return chain
    makeSubjectTables(sql)
    const unheard = unheardDecisions(sql, origin)
    if (unheard.length > 0) sql.transaction(() => shortenAll(sql, unheard))
    chain = openChain(parts)
    if (unheard.length > 0) onUnheard(unheard)
    return chain
  }
  return { open, peek: () => chain ?? (hasSubjectTables(sql) ? open() : null) }
}

function openChain({ sql, writer, object, origin, log, observe }: ChainStoreParts): Chain {
  const entries = createEntries(sql, origin)
  const subjects = createSubjects(sql)
  const places = createPlaces(sql)
  for (const mirror of [entries, subjects, places]) writer.follow(mirror)
  const outbox = createOutbox({ sql, object, size: entries.size, places, log, observe })
  return { entries, subjects, places, outbox }
}

const UNPLACED = `SELECT idx FROM records
  WHERE idx >= (SELECT coalesce(max(idx) + 1, 0) FROM places) AND outcome IS NOT NULL
    AND at >= (SELECT max(at) FROM records) - ${DECISION_BUDGET_MS}`

/**
 * When the object wakes: a decision without a place may have died with its answer. As on Node, only those that could
 * still have been under way when the newest record was written.
 */
function unheardDecisions(sql: Sql, origin: string): readonly StoredRecord[] {
  return sql.all(UNPLACED).flatMap((row) => recordAt(sql, origin, integer(row, 'idx')) ?? [])
}

/** What they opened; where that has ended, or was shortened before, nothing changes. */
function shortenAll(sql: Sql, decisions: readonly StoredRecord[]): void {
  for (const { subject: whose, id } of decisions) shorten(sql, 'subject', { whose, id })
}
