/**
 * The tables of a sequencer, as numbered migrations that are never edited once released.
 *
 * `LOG_TABLES` mean what they mean in sqlite/schema.ts, but `entries` holds only what is
 * not published yet, the unfinished bundle, and what policies and keys are read from: everything else is in the bucket.
 * What stays for every record is one narrow row; a name of an object stands once, in `heads`. Next stop: sequencer-chains.ts.
 */
import { LOG_TABLES, MOVES } from '../sqlite/schema.ts'

const FIRST: readonly string[] = [
  ...LOG_TABLES,
  // How far each subject's object has come on its chain.
  `CREATE TABLE heads (
    oid INTEGER PRIMARY KEY,
    object TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL
  ) STRICT`,
  // A record of a chain. `object` is its row in `heads`; `leaf` recognises a record that is sent again.
  `CREATE TABLE records (
    idx INTEGER PRIMARY KEY,
    second INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT,
    mode TEXT,
    rules TEXT,
    object INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    leaf BLOB NOT NULL
  ) STRICT`,
  // Ids begin with their second, and few records share one: an index over ids would be a fifth of all there is.
  'CREATE INDEX records_by_time ON records (second)',
  // A record of the deployment. `covers`: of a heartbeat, where what it counts ends.
  `CREATE TABLE others (
    idx INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    covers INTEGER
  ) STRICT`,
]

/** For `migrate` of sqlite/schema.ts. */
export const SEQUENCER_MIGRATIONS: readonly (readonly string[])[] = [FIRST, [MOVES]]
