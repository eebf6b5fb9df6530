/**
 * The Sql port over node:sqlite: one connection, write-ahead log, every commit synced.
 *
 * Statements are compiled once and kept. Checkpoints of the write-ahead log are taken off this thread
 * (background.ts). On a full disk node:sqlite rolls back by itself: a transaction that is gone is never continued.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { LivegateError } from '../../core/errors.ts'
import { type Row, requireBindable, type Sql, type SqlValue } from '../sqlite/sql.ts'

/** A statement to run later. */
export interface Statement {
  readonly text: string
  readonly values: readonly SqlValue[]
  /** It must change exactly one row. */
  readonly swaps: boolean
}

export interface NodeSql extends Sql {
  /** Collects what `work` would `run` and `swap` instead of doing it; reads see the database as it is. */
  collect<T>(work: () => T): { readonly result: T; readonly statements: readonly Statement[] }
  /** Moves the write-ahead log into the database as far as readers allow; true when all of it was. */
  checkpoint(): boolean
  /**
   * As `checkpoint`, then the write-ahead log is emptied on disk. False, after a moment, when a reader or writer was in
   * the way. Outside transactions.
   */
  truncate(): boolean
  close(): void
}

export interface NodeSqlOptions {
  /** Page cache, KiB; 16 MiB unless given: the system's own cache is behind it. */
  readonly cacheKib?: number
  /** Pages of the write-ahead log after which a commit checkpoints by itself; 0, the default, is never. */
  readonly autocheckpoint?: number
  /** Largest database, pages: tests fill the "disk" with it. */
  readonly maxPages?: number
}

/** How long a statement waits for another connection, and how long decisions may wait for an emptied log. */
const BUSY_TIMEOUT_MS = 5_000
const TRUNCATE_WAIT_MS = 20

export const DEFAULT_CACHE_KIB: number = 16 * 1024

/** Opens or creates a database file. */
export function openNodeSql(path: string, options: NodeSqlOptions = {}): NodeSql {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  const { cacheKib = DEFAULT_CACHE_KIB, autocheckpoint = 0, maxPages } = options
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  database.exec(`PRAGMA cache_size = -${cacheKib}`)
  database.exec(`PRAGMA wal_autocheckpoint = ${autocheckpoint}`)
  database.exec('PRAGMA temp_store = MEMORY')
  database.exec('PRAGMA trusted_schema = OFF')
  // What is deleted is overwritten, in rows and in pages that become free: erasing means the bytes.
  database.exec('PRAGMA secure_delete = ON')
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`)
  return nodeSqlOver(database)
}

/** The port over a connection somebody else has set up. */
export function nodeSqlOver(database: DatabaseSync): NodeSql {
  const statements = new Map<string, StatementSync>()
  let collected: Statement[] | null = null

  function prepared(text: string): StatementSync {
    const known = statements.get(text)
    if (known !== undefined) return known
    const statement = database.prepare(text)
    statements.set(text, statement)
    return statement
  }

  return {
    run(text, ...values) {
      requireBindable(values)
      if (collected !== null) collected.push({ text, values, swaps: false })
      else prepared(text).run(...bindable(values))
    },
    swap(text, ...values) {
      requireBindable(values)
      if (collected !== null) collected.push({ text, values, swaps: true })
      else requireOneRow(Number(prepared(text).run(...bindable(values)).changes))
    },
    collect(work) {
      const mine: Statement[] = []
      collected = mine
      try {
        return { result: work(), statements: mine }
      } finally {
        collected = null
      }
    },
    get(text, ...values) {
      requireBindable(values)
      return prepared(text).get(...bindable(values)) as Row | undefined
    },
    all(text, ...values) {
      requireBindable(values)
      return prepared(text).all(...bindable(values)) as Row[]
    },
    transaction: (work) => transact(database, prepared, work),
    checkpoint() {
      const [row] = database.prepare('PRAGMA wal_checkpoint(PASSIVE)').all()
      return row?.busy === 0 && row.log === row.checkpointed
    },
    truncate() {
      database.exec(`PRAGMA busy_timeout = ${TRUNCATE_WAIT_MS}`)
      try {
        const [row] = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all()
        return row?.busy === 0
      } finally {
        database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
      }
    },
    close: () => database.close(),
  }
}

function requireOneRow(changes: number): void {
  if (changes === 1) return
  throw new LivegateError(
    'internal',
    `Cannot swap: ${changes} rows were as expected, expected one row`,
  )
}

function transact<T>(
  database: DatabaseSync,
  prepared: (text: string) => StatementSync,
  work: () => T,
): T {
  prepared('BEGIN IMMEDIATE').run()
  try {
    const result = work()
    if (!database.isTransaction)
      throw new LivegateError('internal', 'Cannot commit: the engine has given the transaction up')
    prepared('COMMIT').run()
    return result
  } catch (error) {
    if (database.isTransaction) prepared('ROLLBACK').run()
    throw error
  }
}

/** The engine binds what the port admits; its own type just does not say `readonly`. */
function bindable(values: readonly SqlValue[]): SqlValue[] {
  return values as SqlValue[]
}
