/**
 * One log on the edge: order, tree, publication. What its object does, without the object.
 *
 *     append → (one transaction and one sync for all that wait) → indexes → alarm → round → bucket → checkpoint
 *
 * The parts are those of every host (sqlite/entries.ts, rounds.ts, log.ts); here they are put over one object's storage
 * and one bucket. A log is opened before anything else: storage is compared with what is published, and whatever
 * contradicts it halts the log, which then still answers what it knows (sequencer-open.ts).
 * Spec: docs/spec/log.md, docs/spec/storage.md. Next stop: sequencer-chains.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { Ed25519Jwk } from '../../core/record/groups.ts'
import { policyDigest } from '../../core/record/policy-parts.ts'
import { type NoteSigner, signNote } from '../../core/tlog/note.ts'
import type { After } from '../../gate/context.ts'
import type { Clock, Observe, Random, Receipt, RecordSigner, SignedRecord } from '../../ports.ts'
import { CLOSING, createEntries, type Entries, recordKeysOf } from '../sqlite/entries.ts'
import { createHalt, type Halt } from '../sqlite/halt.ts'
import { createSqlLog } from '../sqlite/log.ts'
import { createPolicyTexts } from '../sqlite/policy-texts.ts'
import { createRounds, type Rounds } from '../sqlite/rounds.ts'
import { migrate } from '../sqlite/schema.ts'
import { createScribe, logPolicy, type Scribe } from '../sqlite/scribe.ts'
import type { Sql } from '../sqlite/sql.ts'
import type { Seal } from './deployment-seal.ts'
import { createDoSql } from './do-sql.ts'
import { changedIn } from './fixed.ts'
import { createGroupWriter, type GroupWriter, type GroupWriterParts } from './group-writer.ts'
import { createLogMoves, type LogMoves } from './import-log.ts'
import { patientTiles } from './patient-tiles.ts'
import { type Bucket, createR2Tiles, type R2Tiles } from './r2-tiles.ts'
import type { Caller, ChainEntry, Reply, SequencerRpc } from './rpc.ts'
import { createRoundAlarm, type RoundAlarm } from './sequencer-alarm.ts'
import {
  appendChains,
  appendOthers,
  type Refused,
  requireChainEntries,
  requireLeaf,
} from './sequencer-chains.ts'
import { dueHeartbeat } from './sequencer-heartbeat.ts'
import { openLog } from './sequencer-open.ts'
import { prunableTo, pruneEntries } from './sequencer-prune.ts'
import { createRoom, type Room } from './sequencer-room.ts'
import { SEQUENCER_MIGRATIONS } from './sequencer-schema.ts'
import { decisionsNaming, placeOfId, placesFrom, searchPlaces } from './sequencer-search.ts'
import { after } from './worker-system.ts'

type Answered<F> = F extends (...args: infer A) => Promise<Reply<infer T>>
  ? (...args: A) => Promise<T>
  : never

/** The methods of SequencerRpc as they are on this side: failures are thrown. */
export interface Sequencer
  extends Readonly<{ [K in keyof SequencerRpc]: Answered<SequencerRpc[K]> }> {
  /** The object's alarm went off; never rejects. */
  alarm(): Promise<void>
  /** Runs a round now instead of within the interval; false when nothing waited. */
  publish(): Promise<boolean>
}

export type SequencerStorage = Pick<
  DurableObjectStorage,
  'sql' | 'transactionSync' | 'sync' | 'setAlarm' | 'deleteAlarm'
>

export interface SequencerParts {
  readonly storage: SequencerStorage
  readonly bucket: Bucket
  /** Where in the bucket the log lies: ends with a slash, or is empty. */
  readonly prefix: string
  readonly origin: string
  readonly issuer: string
  /** What the deployment may never change, and where that stands; nothing is compared without. */
  readonly seal?: Seal
  /** Lets empty storage over an empty bucket begin a log. */
  readonly create: boolean
  readonly record: { readonly signer: RecordSigner; readonly jwk: Ed25519Jwk }
  readonly checkpoint: { readonly signer: NoteSigner; readonly vkey: string }
  readonly clock: Clock
  readonly random: Random
  /** Timers; the isolate's unless given. */
  readonly after?: After
  readonly observe?: Observe
  /** A round failed and will be tried again. */
  readonly onError?: (error: unknown) => void
  /** Shortest time between two rounds, ms; 1,000. */
  readonly roundIntervalMs?: number
  readonly commit?: Pick<GroupWriterParts, 'limits' | 'schedule'>
  /** Bytes of storage from which on no record of a chain is taken; 9 GB. */
  readonly maxBytes?: number
}

/** What the methods work with. */
interface Composed {
  readonly parts: SequencerParts
  readonly sql: Sql
  readonly halt: Halt
  readonly writer: GroupWriter
  readonly entries: Entries
  readonly tiles: R2Tiles
  readonly rounds: Rounds
  readonly alarm: RoundAlarm
  readonly scribe: Scribe
  readonly moves: LogMoves
  readonly room: Room
}

/**
 * Opens the log in `storage`. Resolves halted when storage contradicts itself or what is published; rejects when that
 * could not be found out (then nothing may be appended; open again).
 */
export async function openSequencer(parts: SequencerParts): Promise<Sequencer> {
  const composed = compose(parts)
  await openLog(composed)
  const { alarm, halt, entries, rounds } = composed
  if (halt.why() === null && isWaiting(entries, rounds)) alarm.arm()
  return sequencerOver(composed)
}

function compose(parts: SequencerParts): Composed {
  const { storage, origin, observe = () => {}, onError = () => {}, clock, checkpoint } = parts
  const sql = createDoSql(storage)
  migrate(sql, SEQUENCER_MIGRATIONS)
  const halt = createHalt(observe)
  const entries = createEntries(sql, origin)
  const writer = createGroupWriter({
    ...{ sql, halt, sync: () => storage.sync(), arm: () => alarm.arm() },
    ...parts.commit,
  })
  writer.follow(entries)
  const tiles = patientTiles(createR2Tiles(parts.bucket, parts.prefix), parts.after ?? after)
  const signers = [checkpoint.signer]
  const rounds = createRounds({
    ...{ sql, writer, entries, tiles, halt, observe, elapsed: () => clock.now() },
    signNote: (body) => signNote({ body, signers }),
  })
  let pruned = 0
  rounds.onPublished(({ size }) => {
    const to = prunableTo(size)
    if (to === pruned) return
    pruned = to
    writer.write(() => pruneEntries(sql, to)).catch(onError)
  })
  const alarm = createRoundAlarm({
    ...{ storage, rounds, onError, now: () => clock.now() },
    waiting: () => halt.why() === null && isWaiting(entries, rounds),
    ...(parts.roundIntervalMs === undefined ? {} : { intervalMs: parts.roundIntervalMs }),
  })
  const append = (records: readonly SignedRecord[], requires: readonly string[]) =>
    appendDeployment({ sql, writer, entries }, records, requires)
  const { issuer, random } = parts
  const scribe = createScribe({
    ...{ issuer, clock, random, signer: parts.record.signer },
    log: { origin, append },
  })
  const moves = createLogMoves({ sql, writer, entries, scribe, kid: parts.record.signer.kid })
  const room = createRoom(storage.sql, parts.maxBytes)
  return { parts, sql, halt, writer, entries, tiles, rounds, alarm, scribe, moves, room }
}

/** Counts what a transaction under way has appended: its alarm must not be taken away before it is durable. */
function isWaiting(entries: Entries, rounds: Rounds): boolean {
  return entries.next() > (rounds.published()?.size ?? 0)
}

function sequencerOver(composed: Composed): Sequencer {
  const { parts, sql, halt, writer, entries, rounds, alarm, scribe, moves, room } = composed
  const { origin, clock } = parts
  const log = createSqlLog({ ...composed, origin })
  const policyTexts = createPolicyTexts(sql)
  const once = oneAtATime()

  return {
    append: (chains) => append(composed, chains),
    appendDeployment: (records, requires) => appendDeployment(composed, records, requires),
    async ready({ digest, bytes }, caller) {
      if (halt.why() !== null) throw halt.error()
      moves.requireOpen()
      requireRoom(composed)
      if (caller !== undefined) requireSame(parts, caller)
      if (entries.has(digest)) return origin
      if (policyDigest(bytes) !== digest)
        throw new LivegateError('internal', 'Cannot log a policy: its bytes have another digest')
      await once(() => logPolicy(scribe, entries, parts.record.signer, bytes))
      return origin
    },
    find: async (id) => placeOfId(sql, id),
    searchDecisions: async (search) => searchPlaces(sql, search),
    records: async (page) => placesFrom(sql, page),
    decisionsRelyingOn: async (strike) => decisionsNaming(sql, strike),
    checkpoint: log.checkpoint,
    proof: log.proof,
    policies: async () =>
      policyTexts.list().map(({ digest, logged_at }) => ({ digest, activated_at: logged_at })),
    policyText: async (digest) => policyTexts.text(digest),
    recordKeys: async () => recordKeysOf(sql),
    heartbeat: () =>
      once(async () => {
        const due = halt.why() === null ? dueHeartbeat(sql, clock.now(), entries.size()) : null
        if (due !== null) await scribe.append([due], [parts.record.signer.kid])
        return null
      }),
    move: (step) => (halt.why() === null ? moves.take(step) : Promise.reject(halt.error())),
    status: async () => ({
      origin,
      halted: halt.why() ?? room.why() ?? (moves.underWay() ? 'a deployment is moving in' : null),
      entries: entries.size(),
      published: rounds.published()?.size ?? 0,
      ...writer.counts(),
    }),
    alarm: alarm.ring,
    publish: rounds.run,
  }
}

/** Whoever asks first need not write what would be refused then. */
function requireRoom({ entries, room, writer }: Composed): void {
  if (entries.hasNow(CLOSING)) taken(CLOSED)
  room.require()
  writer.requireRoom()
}

/** Objects change to a new configuration one after the other: nothing is logged between two that differ. */
function requireSame({ record, seal }: SequencerParts, caller: Caller): void {
  const key = caller.kid === record.signer.kid ? null : 'LIVEGATE_RECORD_KEY'
  const changed = key ?? (seal === undefined ? null : changedIn(seal.fixed, caller))
  if (changed === null) return
  throw new LivegateError(
    'log_unavailable',
    `Cannot log: the log runs with another ${changed} than who asks, expected the same`,
    { retry_after_s: 5 },
  )
}

async function append(
  { sql, writer, entries, halt, moves, room }: Composed,
  chains: Parameters<SequencerRpc['append']>[0],
): Promise<readonly number[]> {
  if (halt.why() !== null) throw halt.error()
  moves.requireOpen()
  room.require()
  requireChainEntries(chains)
  if (chains.length === 0) return []
  const bytes = chains.reduce((sum, entry) => sum + weightOf(entry), 0)
  const places = await writer.writeEntries(
    () => (entries.hasNow(CLOSING) ? CLOSED : appendChains(sql, entries, chains)),
    bytes,
  )
  return taken(places)
}

async function appendDeployment(
  { sql, writer, entries }: Pick<Composed, 'sql' | 'writer' | 'entries'>,
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

/** A strike that is named is a row of its own. */
function weightOf({ record, decision }: ChainEntry): number {
  const { strikes = [], rules = [] } = decision ?? {}
  const named = strikes.reduce((sum, id) => sum + id.length + 64, 0)
  return record.jws.length + 512 + named + rules.reduce((sum, rule) => sum + rule.length, 0)
}

const CLOSED: Refused = { refused: 'the log is closed' }

/** What was appended; a refusal, which leaves nothing behind, is thrown here. */
function taken<T>(result: readonly T[] | Refused): readonly T[] {
  if (!('refused' in result)) return result
  const code = result === CLOSED ? 'halted' : 'conflict'
  throw new LivegateError(code, `Cannot append: ${result.refused}`)
}

/** Runs pieces of work one after the other. */
function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }
}
