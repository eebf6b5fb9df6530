/**
 * Composes everything durable of a Node process: one SQLite file, a directory of log files, three keys.
 *
 * `initNodeStore` brings a log into being, `openNodeStore` goes on with one. Where storage contradicts itself the store
 * still opens, halted: it reads, and every write is answered with why. Next stop: assemble-store.ts.
 */
import { chmod } from 'node:fs/promises'
import { isKeyName } from '../../core/tlog/note-key.ts'
import type { WebhookOutbox } from '../../gate/webhooks/port.ts'
import type {
  ApiKeys,
  Directory,
  Erasures,
  Ledger,
  Log,
  Observe,
  OpenBroadcasts,
  StreamKeys,
} from '../../ports.ts'
import type { EntryInstant } from '../sqlite/entry-instants.ts'
import { insertLogState, originOf } from '../sqlite/log-state.ts'
import type { SqlMediaServers } from '../sqlite/media-servers.ts'
import type { SqlRetention } from '../sqlite/retention.ts'
import { migrate } from '../sqlite/schema.ts'
import type { WitnessSettings, WitnessStatus } from '../sqlite/witnesses.ts'
import { type Assembled, assemble } from './assemble-store.ts'
import {
  checkDataDir,
  createDataDir,
  type DataPaths,
  dataPaths,
  lockDataDir,
  refused,
  removeDataDir,
} from './data-dir.ts'
import type { GroupCommitLimits } from './group-commit.ts'
import { openKeyFiles } from './key-files.ts'
import { type NodeSqlOptions, openNodeSql } from './node-sql.ts'
import type { DeploymentNow } from './store-deployment.ts'
import type { KeysNow, StoreKeys } from './store-keys.ts'
import type { StoredMoves } from './stored-moves.ts'

export interface NodeStoreOptions {
  readonly dir: string
  /** Name of the log; refused when the directory holds another. Absent: whatever it holds. */
  readonly origin?: string
  readonly observe?: Observe
  /** A round or checkpoint failed and will be tried again. */
  readonly onError?: (error: unknown) => void
  /** Ends the process after a failed sync; prints and exits with 70 unless given. Must not return to business. */
  readonly die?: (error: unknown) => void
  readonly sql?: NodeSqlOptions
  readonly commit?: Partial<GroupCommitLimits>
  /** Weight of the hot subjects in memory; 50,000. */
  readonly cacheWeight?: number
  /** Starts the threads at once instead of with the first rush, and waits for them. */
  readonly rushed?: boolean
  /** Shortest time between two rounds, ms; 1,000. */
  readonly roundIntervalMs?: number
  /** Opens a directory a deployment is moving into; anybody else finds it halted until all of it is there. */
  readonly moving?: boolean
  /** Who cosigns checkpoints; nobody is asked unless given. */
  readonly witnesses?: WitnessSettings
}

/** Everything durable. Members are ports; `close` publishes what waits. */
export interface NodeStore extends StoreKeys, KeysNow, DeploymentNow {
  readonly origin: string
  readonly ledger: Ledger
  readonly directory: Directory
  readonly broadcasts: OpenBroadcasts
  readonly erasures: Erasures
  readonly retention: SqlRetention
  readonly streamKeys: StreamKeys
  readonly apiKeys: ApiKeys
  /** Media servers that have registered themselves. */
  readonly mediaServers: SqlMediaServers
  readonly log: Log
  /** Where webhooks are read from and remembered. */
  readonly webhooks: WebhookOutbox
  /** Called after each batch is durable; never with anything. */
  onCommitted(listener: () => void): void
  /** `iss` of the records in the log; null while it is empty. */
  recordIssuer(): string | null
  /** When an entry was made. */
  readonly instantOf: EntryInstant
  status(): NodeStoreStatus
  /** Resolves when what is published has been with every witness that is due. */
  witnessesSettled(): Promise<void>
  /** Runs a round now instead of within the interval; false when nothing waited. */
  publish(): Promise<boolean>
  /** Publishes a log that has been closed, and writes nothing any more. Opening such a log does the same. */
  conclude(): Promise<void>
  /** A deployment that moves in. */
  readonly moves: StoredMoves
  /** Settles what waits, runs a last round, releases the directory. False when the last round failed. */
  close(): Promise<boolean>
}

export interface NodeStoreStatus {
  /** Why nothing is written any more, null while all is well. */
  readonly halted: string | null
  /** Commits waiting. */
  readonly queued: number
  /** Durable entries, and how many of them the published checkpoint covers. */
  readonly entries: number
  readonly published: number
  /** Origins of the logs that may go on; null while this one is open. */
  readonly successors: readonly string[] | null
  /** How witnesses have answered; null when none are asked. */
  readonly witnesses: WitnessStatus | null
}

/** Writes a log's first records; index 0 must be the active record key itself. */
export type Bootstrap = (
  store: Pick<
    NodeStore,
    | 'origin'
    | 'log'
    | 'signer'
    | 'recordJwk'
    | 'vkey'
    | 'pepper'
    | 'moves'
    | 'status'
    | 'activations'
    | 'incidents'
  >,
) => Promise<void>

/**
 * Creates a data directory with its keys and the log's first entries, published when it resolves. Throws when there is
 * anything of a log there already; takes back what it made when it fails.
 */
export async function initNodeStore(
  options: NodeStoreOptions & {
    readonly origin: string
    readonly bootstrap: Bootstrap
    /** Text of an existing pepper file, for a deployment that moves; a new one unless given. */
    readonly pepper?: string
  },
): Promise<void> {
  const { dir, origin, bootstrap, pepper, die = exit } = options
  const kept = pepper === undefined ? {} : { pepper }
  const paths = await createDataDir({ dir, origin, die, ...kept })
  try {
    const store = await openParts({ paths, options, create: origin })
    try {
      await bootstrap(store)
    } catch (error) {
      await store.close()
      throw error
    }
    const begun = store.log.has(store.signer.kid)
    if (!(await store.close())) throw refused('its first round failed')
    if (!begun) throw refused('its first entry is not the record key in use')
    await chmod(paths.database, 0o600)
  } catch (error) {
    await removeDataDir(paths)
    throw error
  }
}

/**
 * Opens a data directory. Throws LivegateError with a hint when it is not whole, not ours, or open elsewhere; opens
 * halted when database and published log contradict each other. Cost does not depend on the number of records.
 */
export async function openNodeStore(options: NodeStoreOptions): Promise<NodeStore> {
  const paths = dataPaths(options.dir)
  await checkDataDir(paths)
  const store = await openParts({ paths, options, create: null })
  try {
    await store.load()
    if (options.rushed === true) await store.rush()
    const trouble = store.signing.trouble()
    if (trouble === null) return store
    throw refused(trouble, {
      hint: 'The keys belong to another log or another time; restore database, log and keys from the same moment.',
    })
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Takes the lock, opens the database and composes; lets everything go again when something is wrong. */
async function openParts(request: {
  readonly paths: DataPaths
  readonly options: NodeStoreOptions
  /** Origin of a log to create; null opens what is there. */
  readonly create: string | null
}): Promise<Assembled> {
  const { paths, options, create } = request
  const { die = exit } = options
  const { release } = lockDataDir(paths.lock)
  try {
    const sql = openNodeSql(paths.database, options.sql)
    try {
      migrate(sql)
      if (create !== null) sql.transaction(() => insertLogState(sql, create))
      const origin = requireOrigin(originOf(sql), options.origin)
      const keyFiles = await openKeyFiles({ paths, origin, die })
      return assemble({ sql, paths, keyFiles, origin, options, die, release })
    } catch (error) {
      sql.close()
      throw error
    }
  } catch (error) {
    release()
    throw error
  }
}

function requireOrigin(found: string | null, expected: string | undefined): string {
  if (found === null || !isKeyName(found)) throw refused('its database names no log')
  if (expected === undefined || expected === found) return found
  throw refused(`it holds the log \`${found}\``, {
    expected: `\`${expected}\``,
    hint: 'Name the origin the log was created with; another name is another log, in another directory.',
  })
}

function exit(error: unknown): never {
  console.error('error: Cannot go on: a sync to disk failed', error)
  process.exit(70)
}
