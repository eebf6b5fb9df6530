/**
 * The tables, as numbered migrations that are never edited once released.
 *
 * A decision should touch as few pages as it can, whatever the number of subjects: one random page (the subject's row)
 * and the ends of tables and indexes that only ever grow at their end. Hence `records_by_time` is what an
 * id begins with, its second and its number in it, and a chain is walked backwards through `prev_idx` instead of an index of its own.
 * Spec: docs/spec/storage.md. Next stop: ledger.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { MEDIA_SERVER_TABLES } from './media-servers.ts'
import { REVIEW_TABLES } from './review-queue.ts'
import { integer, type Sql } from './sql.ts'
import { LETTERS_BY_ENTRY, WEBHOOK_TABLES } from './webhook-outbox.ts'

/** Decisions by the strikes their reasons name, whichever host's. */
export const RELIANCE: string = `CREATE TABLE reliance (
    strike TEXT NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (strike, idx)
  ) STRICT, WITHOUT ROWID`

/** What a log is made of wherever it lies: here beside everything else, on the edge in an object of its own. */
export const LOG_TABLES: readonly string[] = [
  RELIANCE,
  // The log's entries in order. `openings` is personal and goes with an erasure; the rest stays.
  `CREATE TABLE entries (
    idx INTEGER PRIMARY KEY,
    leaf BLOB NOT NULL,
    jws TEXT NOT NULL,
    openings TEXT
  ) STRICT`,
  // The tree as signed, and as it was one round before: enough to write a lost round's files again.
  `CREATE TABLE log_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    edge BLOB NOT NULL,
    note TEXT NOT NULL,
    prev_size INTEGER NOT NULL,
    prev_root BLOB NOT NULL,
    prev_edge BLOB NOT NULL
  ) STRICT`,
  // Policies (in parts) and keys the log holds.
  `CREATE TABLE log_requirements (
    name TEXT NOT NULL,
    part INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (name, part)
  ) STRICT, WITHOUT ROWID`,
  // The size each witness has acknowledged, by its verifier key.
  'CREATE TABLE witnesses (vkey TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID',
]

const FIRST: readonly string[] = [
  // One row a subject. `doc`: facts, holds, reviews, open broadcasts, last refusals, as JSON.
  `CREATE TABLE subjects (
    rid INTEGER PRIMARY KEY,
    subject TEXT NOT NULL UNIQUE,
    pseudonym TEXT,
    seq INTEGER NOT NULL,
    head TEXT,
    head_idx INTEGER,
    last_at INTEGER,
    version INTEGER NOT NULL,
    strikes INTEGER NOT NULL,
    doc TEXT NOT NULL,
    open_until INTEGER,
    open_marks INTEGER
  ) STRICT`,
  // Who is live, and where something is left to do (open-broadcasts.ts).
  'CREATE INDEX subjects_open ON subjects (open_until) WHERE open_until IS NOT NULL',
  'CREATE INDEX subjects_marked ON subjects (rid) WHERE open_marks IS NOT NULL',
  `CREATE TABLE strikes (
    id TEXT PRIMARY KEY,
    subject INTEGER NOT NULL,
    effective_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    idx INTEGER,
    doc TEXT NOT NULL
  ) STRICT`,
  'CREATE INDEX strikes_by_subject ON strikes (subject)',
  // A row while a process has the database open: one that is found at opening means it was not closed cleanly.
  'CREATE TABLE running (one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT',
  // What is known about a record, narrow; its bytes are in `entries` under the same index. `second` and `number`: what its id begins with.
  `CREATE TABLE records (
    idx INTEGER PRIMARY KEY,
    second INTEGER NOT NULL,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    prev_idx INTEGER,
    outcome TEXT,
    mode TEXT,
    rules TEXT
  ) STRICT`,
  'CREATE INDEX records_by_time ON records (second, number)',
  ...LOG_TABLES,
  `CREATE TABLE sessions (
    server TEXT NOT NULL,
    session TEXT NOT NULL,
    subject INTEGER NOT NULL,
    broadcast TEXT NOT NULL,
    PRIMARY KEY (server, session)
  ) STRICT, WITHOUT ROWID`,
  // `key`: the subject's row (8 bytes), then 24 of a SHA-256 over caller, subject and the caller's key.
  `CREATE TABLE idempotency (
    key BLOB PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    decision TEXT NOT NULL,
    version INTEGER NOT NULL,
    policy TEXT NOT NULL,
    incident TEXT NOT NULL,
    valid_until INTEGER,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX idempotency_by_expiry ON idempotency (expires_at)',
  `CREATE TABLE stream_keys (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
  ) STRICT`,
  `CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    owner TEXT NOT NULL,
    audience TEXT,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
  ) STRICT`,
]

/** A deployment moving in: the file by its first line, and how much of it has arrived. */
export const MOVES = `CREATE TABLE moves (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    header TEXT NOT NULL,
    lines INTEGER NOT NULL,
    finished INTEGER NOT NULL
  ) STRICT`

const MOVED: readonly string[] = [
  // Logs this one goes on from. Their entries have places below 0 here: `first` is that of their index 0.
  `CREATE TABLE predecessors (
    origin TEXT PRIMARY KEY,
    first INTEGER NOT NULL,
    size INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  MOVES,
]

const ERASED: readonly string[] = [
  // Erasures until they have been known long enough. `subject` and `rid` only while rows of it are left, `cursor` is the next; records from `bound` on are of whoever came back.
  `CREATE TABLE erasures (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    subject TEXT,
    rid INTEGER,
    cursor INTEGER,
    bound INTEGER,
    doc TEXT NOT NULL
  ) STRICT`,
  'CREATE INDEX erasures_by_key ON erasures (key)',
  // `key`: keyed hash of the subject. `ends` is null for ever.
  `CREATE TABLE suppressions (
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    rule TEXT NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER,
    PRIMARY KEY (key, id)
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX suppressions_by_end ON suppressions (ends)',
  `CREATE TABLE legal_holds (
    subject TEXT PRIMARY KEY,
    until INTEGER NOT NULL,
    basis TEXT NOT NULL,
    by TEXT NOT NULL,
    set_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  // Whose ids are in the openings of another subject's record.
  `CREATE TABLE cohosts (
    subject TEXT NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (subject, idx)
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX stream_keys_by_subject ON stream_keys (subject)',
]

const RETAINED: readonly string[] = [
  // How far each sweep has got in the log, by the kind of record.
  `CREATE TABLE retention (
    kind TEXT PRIMARY KEY,
    idx INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  // Records whose time was over while a legal hold kept them.
  'CREATE TABLE retention_held (idx INTEGER PRIMARY KEY) STRICT',
]

/** Migration n (from 1) brings a database of version n - 1 to n. */
export const MIGRATIONS: readonly (readonly string[])[] = [
  FIRST,
  MOVED,
  ERASED,
  RETAINED,
  WEBHOOK_TABLES,
  REVIEW_TABLES,
  LETTERS_BY_ENTRY,
  MEDIA_SERVER_TABLES,
]
export const SCHEMA_VERSION: number = MIGRATIONS.length

/** Version of the tables; 0 when there are none. */
export function schemaVersion(sql: Sql): number {
  const table = sql.get("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema'")
  if (table === undefined) return 0
  const row = sql.get('SELECT max(version) AS version FROM schema')
  return row === undefined ? 0 : integer(row, 'version')
}

/**
 * Brings the tables to this program's version, in one transaction; of another set of tables when `migrations` are given.
 * Throws `internal` when they are newer.
 */
export function migrate(sql: Sql, migrations: readonly (readonly string[])[] = MIGRATIONS): void {
  const newest = migrations.length
  const found = schemaVersion(sql)
  if (found > newest)
    throw new LivegateError(
      'internal',
      `Cannot open database: its schema has version ${found}, expected at most ${newest}`,
      { hint: 'Run the newer livegate that wrote it.' },
    )
  if (found === newest) return
  sql.transaction(() => {
    if (found === 0) sql.run('CREATE TABLE schema (version INTEGER PRIMARY KEY) STRICT')
    for (const [i, statements] of migrations.entries()) {
      if (i < found) continue
      for (const statement of statements) sql.run(statement)
      sql.run('INSERT INTO schema (version) VALUES (?)', i + 1)
    }
  })
}
