/**
 * What a subject's object holds: the shared tables with one subject in them, and the way of its records into the log.
 *
 * The same code as on Node keeps subjects, records and a little log of this chain alone, whose places are local; which
 * place the big log gave them is places.ts's. Nothing is made until something is written. Next stop: edge-ledger.ts.
 */
import { DECISION_BUDGET_MS } from '../../core/limits.ts'
import type { Observe, StoredRecord } from '../../ports.ts'
import type { Entries } from '../sqlite/entries.ts'
import { type InsertRow, insertRecordSql, recordAt } from '../sqlite/records.ts'
import { integer, type Mirror, type Sql, type Writer } from '../sqlite/sql.ts'
import { createSubjects, DEFAULT_CACHE_WEIGHT, type Subjects } from '../sqlite/subjects.ts'
import { suppressionsUnder } from '../sqlite/suppressions.ts'
import { shorten } from '../sqlite/unconfirmed.ts'
import { createChainEntries } from './chain-entries.ts'
import type { Late, LateSql } from './late-row.ts'
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
  /** Writes a record's row, its bytes and the place of the record before with it. Inside a transaction only. */
  readonly insertRow: InsertRow
}

export interface ChainStore {
  /** Null while nothing was ever written. */
  peek(): Chain | null
  /** Makes the tables if need be: with the first write, in its turn of the event loop. */
  open(): Chain
  /** All tables are gone. */
  vacated(): void
  /** The rows were written by somebody else: whatever is in memory of them is read again, also for who has it at hand. */
  reread(): void
}

export interface ChainStoreParts {
  readonly sql: LateSql
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
  const mirrors = (): readonly Mirror[] =>
    chain === null ? [] : [chain.entries, chain.subjects, chain.places]
  parts.writer.follow({
    committed: () => {
      for (const mirror of mirrors()) mirror.committed()
    },
    aborted: () => {
      for (const mirror of mirrors()) mirror.aborted()
    },
  })
  const open = (): Chain => {
    if (chain !== null) return chain
    makeSubjectTables(sql)
    const opened = openChain(parts)
    const unheard = unheardDecisions(sql, origin, opened)
    if (unheard.length > 0) sql.transaction(() => shortenAll(sql, unheard))
    chain = opened
    if (unheard.length > 0) onUnheard(unheard)
    return chain
  }
  return {
    open,
    peek: () => chain ?? (hasSubjectTables(sql) ? open() : null),
    vacated() {
      chain = null
      sql.forget()
    },
    reread() {
      for (const mirror of mirrors()) mirror.aborted()
    },
  }
}

const INSERT = insertRecordSql(
  ...['leaf', 'jws', 'openings', 'prev_place', 'late_version', 'late_doc'],
)

/** As `InsertRow`, in the one table for both, with what is known of the record before. */
export function insertWhole(
  sql: Sql,
  [values, { leaf, jws, openings }]: Parameters<InsertRow>,
  prev_place: number | null,
  late: Late = [null, null],
): void {
  const disclosures = JSON.stringify(openings)
  sql.run(
    INSERT,
    ...values,
    leaf,
    jws,
    disclosures === '{}' ? null : disclosures,
    prev_place,
    ...late,
  )
}

function openChain({ sql, object, origin, log, observe }: ChainStoreParts): Chain {
  const entries = createChainEntries(sql, origin)
  const subjects = createSubjects(
    sql,
    DEFAULT_CACHE_WEIGHT,
    {
      suppressionsOf: () => suppressionsUnder(sql, object),
      // The storage of whoever was here before is gone.
      lastRid: () => 0,
    },
    sql.carry,
  )
  const places = createPlaces(sql)
  const outbox = createOutbox({ sql, object, size: entries.size, places, log, observe })
  // Its own place on the chain is handed out already.
  const insertRow: InsertRow = (...row) =>
    insertWhole(sql, row, places.carry(entries.next() - 1), sql.take())
  return { entries, subjects, places, outbox, insertRow }
}

/** Records looked at: what a subject is hardly ever asked about within the budget of a decision. */
const MAX_UNHEARD = 64
/** Of a place that only the record behind tells, nobody wrote down that the answer left: `placed` says that. */
const UNHEARD = `SELECT idx FROM records WHERE outcome IS NOT NULL
    AND idx > max(?1 - ${MAX_UNHEARD}, coalesce((SELECT placed FROM subjects), -1))
    AND at >= (SELECT max(at) FROM records WHERE idx >= ?1) - ${DECISION_BUDGET_MS}`

/**
 * When the object wakes: the newest record without a place shows that it died before that answer, and with it any other
 * that was under way. As on Node, only those that could still have been when the newest record was written.
 */
function unheardDecisions(
  sql: Sql,
  origin: string,
  { entries, places }: Chain,
): readonly StoredRecord[] {
  if (places.known() >= entries.size()) return []
  return sql
    .all(UNHEARD, places.known())
    .flatMap((row) => recordAt(sql, origin, integer(row, 'idx')) ?? [])
}

/** What they opened; where that has ended, or was shortened before, nothing changes. */
function shortenAll(sql: Sql, decisions: readonly StoredRecord[]): void {
  for (const { subject: whose, id } of decisions) shorten(sql, 'subject', { whose, id })
}
