/**
 * The parts of a store, wired: commits, log rounds, witnesses, erasures, in the order they begin and end.
 *
 * Wiring only; the parts are in sqlite/ and beside. What opens the files and refuses a store that is not whole is store.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Ed25519Jwk } from '../../core/record/groups.ts'
import { signNote } from '../../core/tlog/note.ts'
import { createSqlApiKeys } from '../sqlite/api-keys.ts'
import { createSqlDirectory } from '../sqlite/directory.ts'
import { CLOSING, claimsUnder, createEntries, issuerOf } from '../sqlite/entries.ts'
import { createEntryInstants } from '../sqlite/entry-instants.ts'
import { createHalt } from '../sqlite/halt.ts'
import { createSqlLedger } from '../sqlite/ledger.ts'
import { createSqlLog } from '../sqlite/log.ts'
import { createSqlMediaServers } from '../sqlite/media-servers.ts'
import { moveProgress } from '../sqlite/move-in.ts'
import { createSqlOpenBroadcasts } from '../sqlite/open-broadcasts.ts'
import { createOpenSessions } from '../sqlite/open-sessions.ts'
import { createRounds } from '../sqlite/rounds.ts'
import { createSqlStreamKeys } from '../sqlite/stream-keys.ts'
import { createSubjects } from '../sqlite/subjects.ts'
import { beginRunning, endRunning } from '../sqlite/unconfirmed.ts'
import { createWebhookOutbox } from '../sqlite/webhook-outbox.ts'
import { witnessesOf } from '../sqlite/witnesses.ts'
import { createBackground } from './background.ts'
import { createCommitter } from './committer.ts'
import { type DataPaths, refused } from './data-dir.ts'
import { createGroupCommit } from './group-commit.ts'
import type { KeyFiles } from './key-files.ts'
import type { NodeSql } from './node-sql.ts'
import { createRoundTimer } from './round-timer.ts'
import type { NodeStore, NodeStoreOptions } from './store.ts'
import { createDeploymentNow } from './store-deployment.ts'
import { createStoreErasures, erasedBefore } from './store-erasures.ts'
import { createStoreKeys } from './store-keys.ts'
import { createStoredMoves } from './stored-moves.ts'
import { createTileFiles } from './tile-files.ts'
import { createWitnessedFile } from './witnessed-file.ts'

export interface Assembly {
  readonly sql: NodeSql
  readonly paths: DataPaths
  readonly keyFiles: KeyFiles
  readonly origin: string
  readonly options: NodeStoreOptions
  readonly die: (error: unknown) => void
  readonly release: () => void
}

export interface Assembled extends NodeStore {
  /** Compares storage with what is published; a contradiction halts instead of throwing. */
  load(): Promise<void>
  /** Resolves when commits go through their thread. */
  rush(): Promise<void>
}

/** Puts a store together over what is open; nothing is compared before `load`. */
export function assemble(assembly: Assembly): Assembled {
  const { sql, paths, keyFiles, origin, options, die, release } = assembly
  const { observe = () => {}, onError = () => {} } = options
  const halt = createHalt(observe)
  const limits = options.commit ?? {}
  const committer = createCommitter({ path: paths.database, sql, onError })
  const writer = createGroupCommit({ sql, halt, committer, die, observe, limits })
  const entries = createEntries(sql, origin)
  const keys = createStoreKeys({ sql, keyFiles, origin })
  const subjects = createSubjects(sql, options.cacheWeight, erasedBefore(sql, keys.own.pepper))
  const sessions = createOpenSessions(sql)
  for (const mirror of [entries, subjects, sessions]) writer.follow(mirror)
  const tiles = createTileFiles(paths.log, die)
  const signCheckpoint = (body: string): Promise<string> =>
    signNote({ body, signers: keys.own.signing.noteSigners() })
  const elapsed = (): number => performance.now()
  const background = createBackground({
    ...{ path: paths.database, sql, onError },
    lastPass: committer.checkpoint,
  })
  const rounds = createRounds({
    ...{ sql, writer, entries, tiles, halt, observe, elapsed, extend: background.extend },
    signNote: signCheckpoint,
  })
  const witnessed = createWitnessedFile(paths.log, die)
  const witnesses = witnessesOf(options.witnesses, {
    ...{ origin, sql, writer, rounds, tiles, halt, observe, onError },
    ...{ file: witnessed, vkeys: keys.own.vkeys },
  })
  const forgetting = createStoreErasures({
    ...{ sql, writer, entries, subjects, origin, background, committer, observe, onError },
    ...{ pepper: keys.own.pepper, path: paths.database },
  })
  const published = (): number => rounds.published()?.size ?? 0
  const successors = (): readonly string[] | null =>
    entries.has(CLOSING) ? (claimsUnder(sql, CLOSING)?.successors as readonly string[]) : null
  let running = false
  let concluded = false

  async function conclude(): Promise<void> {
    const named = successors()
    if (named === null) throw new LivegateError('conflict', 'Cannot conclude the log: it is open')
    if (concluded) return
    if (halt.why() !== null) throw halt.error()
    if (!(await timer.finish())) throw refused('the last round of its closed log failed')
    await witnesses?.settled()
    concluded = true
    halt.halt(
      `it is closed and goes on in ${named.join(', ')}`,
      'Ask the host the deployment has moved to.',
    )
  }
  const timer = createRoundTimer({
    rounds,
    waiting: () => halt.why() === null && entries.size() > published(),
    onError,
    ...(options.roundIntervalMs === undefined ? {} : { intervalMs: options.roundIntervalMs }),
  })
  writer.onCommitted(() => {
    timer.poke()
    background.poke()
  })

  return {
    origin,
    ledger: createSqlLedger({
      ...{ sql, writer, entries, subjects, sessions },
      accountOf: forgetting.accountOf,
    }),
    directory: createSqlDirectory({ sql, subjects, origin, sessions }),
    broadcasts: createSqlOpenBroadcasts(sql),
    ...{ erasures: forgetting.erasures, retention: forgetting.retention },
    streamKeys: createSqlStreamKeys(sql, writer),
    apiKeys: createSqlApiKeys(sql, writer),
    mediaServers: createSqlMediaServers(sql, writer),
    log: { ...createSqlLog({ origin, writer, entries, rounds, tiles }), witnessed: witnessed.get },
    webhooks: createWebhookOutbox({ sql, writer, size: entries.size }),
    onCommitted: writer.onCommitted,
    ...keys.own,
    get recordJwk(): Ed25519Jwk {
      return keys.now().recordJwk
    },
    recordIssuer: () => issuerOf(sql),
    get vkey(): string {
      return keys.now().vkey
    },
    ...createDeploymentNow(sql),
    instantOf: createEntryInstants(sql),
    status: () => ({
      halted: halt.why(),
      queued: writer.queued(),
      entries: entries.size(),
      published: published(),
      successors: successors(),
      witnesses: witnesses?.status() ?? null,
    }),
    witnessesSettled: async () => witnesses?.settled(),
    publish: () => rounds.run(),
    conclude,
    moves: createStoredMoves(sql, writer),
    async load() {
      try {
        await rounds.load()
        // Those who have seen more than is here say so before anything is added to it.
        await witnesses?.settled()
        if (halt.why() !== null) return
        if (successors() !== null) return await conclude()
        if (options.moving !== true && moveProgress(sql)?.finished === false)
          halt.halt('a deployment is moving in', 'Run `livegate import` again until it is done.')
        await writer.write(() => beginRunning(sql))
        running = true
        forgetting.resume()
        timer.poke()
      } catch (error) {
        if (halt.why() === null) throw error
      }
    },
    rush: committer.rush,
    async close() {
      await writer.settled()
      await forgetting.stop()
      const finished = concluded || (await timer.finish())
      witnesses?.stop()
      await witnesses?.settled()
      await writer.drain()
      await background.stop()
      await committer.stop()
      try {
        if (running && halt.why() === null) sql.transaction(() => endRunning(sql))
      } catch (error) {
        // Counts as a crash at the next opening, which only shortens what nobody may have heard of.
        onError(error)
      }
      sql.close()
      release()
      return finished
    },
  }
}
