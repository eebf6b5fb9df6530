/**
 * The tables of a sequencer, as numbered migrations that are never edited once released.
 *
 * `LOG_TABLES` mean what they mean in sqlite/schema.ts, but `entries` holds only what policies and keys are read from:
 * all others lie in packs, and in the bucket once they are published. What grows with records is a row in `segments` for
 * thousands of them; what stays is a row for each chain, in `heads`. Next stop: sequencer-chains.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { LOG_TABLES, MOVES, migrate, RELIANCE, schemaVersion } from '../sqlite/schema.ts'
import type { Sql } from '../sqlite/sql.ts'

const FIRST: readonly string[] = [
  ...LOG_TABLES.filter((table) => table !== RELIANCE),
  // How far each subject's object has come on its chain, and where its newest record stands. `object`: its name's bytes,
  // null once its subject is erased. Records are known by the number of their chain everywhere else.
  `CREATE TABLE heads (
    chain INTEGER PRIMARY KEY,
    object ANY,
    seq INTEGER NOT NULL,
    idx INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX heads_by_object ON heads (substr(object, 1, 8))',
  // Objects whose subject is erased here, until their storage is: where the record that says so stands.
  `CREATE TABLE leaving (
    object ANY PRIMARY KEY,
    leaf BLOB NOT NULL,
    idx INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  // What shared an insert, or a few small ones: entries from index `first` on, and the seconds they were taken in. Instants
  // in ms; `totals`: entries of the log by kind, up to here; `strikes`: named in it. The long columns last: heads are read
  // without them.
  `CREATE TABLE packs (
    first INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    second_from INTEGER NOT NULL,
    second_to INTEGER NOT NULL,
    at_from INTEGER NOT NULL,
    at_to INTEGER NOT NULL,
    totals TEXT NOT NULL,
    strikes TEXT,
    lines TEXT NOT NULL,
    leaves BLOB NOT NULL,
    entries TEXT NOT NULL
  ) STRICT`,
  // Lines of packs that are gone from here: an object in the bucket, by the SHA-256 of its bytes.
  `CREATE TABLE segments (
    first INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    second_from INTEGER NOT NULL,
    second_to INTEGER NOT NULL,
    at_from INTEGER NOT NULL,
    at_to INTEGER NOT NULL,
    digest BLOB NOT NULL
  ) STRICT`,
  // Records that were not taken soon after the second their id was made in.
  `CREATE TABLE strays (
    id TEXT NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (id, idx)
  ) STRICT, WITHOUT ROWID`,
  // Entries from `first` on that were taken while the clock was behind the seconds of those before; `until`: the first after
  // them. Each record among them has a row in strays.
  `CREATE TABLE behind (
    first INTEGER PRIMARY KEY,
    until INTEGER
  ) STRICT`,
  // Decisions by the strikes their reasons name; of each strike the newest.
  `CREATE TABLE relying (
    strike TEXT NOT NULL,
    idx INTEGER NOT NULL,
    id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (strike, idx)
  ) STRICT, WITHOUT ROWID`,
  // When the log began, and the newest heartbeat: its instant, where what it counts ends, entries by kind up to there.
  `CREATE TABLE beat (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    began INTEGER NOT NULL,
    at INTEGER,
    covers INTEGER NOT NULL,
    totals TEXT NOT NULL
  ) STRICT`,
]

const MOVED: readonly string[] = [
  MOVES,
  // Records of an earlier log, with places below 0: as many as there will ever be.
  `CREATE TABLE moved (
    idx INTEGER PRIMARY KEY,
    second INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT,
    mode TEXT,
    rules TEXT,
    chain INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    leaf BLOB NOT NULL
  ) STRICT`,
  // Ids begin with their second, and few records share one: an index over ids would be a fifth of all there is.
  'CREATE INDEX moved_by_time ON moved (second)',
]

const SHADOWED: readonly string[] = [
  // The candidate in the shadow, and what was counted of it: one row, of its own size whatever the number of records.
  `CREATE TABLE shadow (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    since INTEGER NOT NULL,
    passed_over INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    lacking TEXT NOT NULL,
    counted TEXT NOT NULL
  ) STRICT`,
]

/** For `migrate` of sqlite/schema.ts. */
export const SEQUENCER_MIGRATIONS: readonly (readonly string[])[] = [FIRST, MOVED, SHADOWED]

/** Makes the tables, or brings them to this version. Throws `internal` for those of a version that was never released. */
export function makeSequencerTables(sql: Sql): void {
  const packs = sql.get("SELECT name FROM sqlite_master WHERE name = 'packs'")
  if (schemaVersion(sql) > 0 && packs === undefined)
    throw new LivegateError(
      'internal',
      'Cannot open log: its storage has the tables of a version that was never released, expected those of this one',
      { hint: 'Begin a new deployment: nothing leads from those tables to these.' },
    )
  migrate(sql, SEQUENCER_MIGRATIONS)
}
