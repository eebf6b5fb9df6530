/**
 * One log on the edge: order, tree, publication. What its object does, without the object.
 *
 *     append → (one transaction and one sync for all that wait) → indexes → alarm → round → bucket → checkpoint
 *
 * The parts are those of every host (sqlite/entries.ts, rounds.ts, log.ts); here they are put over one object's storage
 * and one bucket. A log is opened before anything else: storage is compared with what is published, and whatever
 * contradicts it halts the log, which then still answers what it knows (sequencer-open.ts).
 * Spec: docs/spec/log.md, docs/spec/storage.md. Next stop: sequencer-append.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import { keysInForce } from '../../core/record/key-history.ts'
import { policyDigest } from '../../core/record/policy-parts.ts'
import { signNote } from '../../core/tlog/note.ts'
import { createAccessBook } from '../../gate/access.ts'
import type { After } from '../../gate/context.ts'
import type { Signing } from '../../gate/signing.ts'
import type { Clock, Observe, Random, SignedRecord } from '../../ports.ts'
import {
  createEntries,
  type Entries,
  keysOf,
  type ReadEntries,
  recordKeysOf,
} from '../sqlite/entries.ts'
import { createHalt, type Halt } from '../sqlite/halt.ts'
import { createSqlLog } from '../sqlite/log.ts'
import { createPolicyTexts } from '../sqlite/policy-texts.ts'
import { createRounds, type Rounds } from '../sqlite/rounds.ts'
import { createScribe, logPolicy, type Scribe } from '../sqlite/scribe.ts'
import type { Sql } from '../sqlite/sql.ts'
import type { Witnesses, WitnessSettings } from '../sqlite/witnesses.ts'
import type { Seal } from './deployment-seal.ts'
import { createDoSql } from './do-sql.ts'
import { changedIn } from './fixed.ts'
import { createGroupWriter, type GroupWriter, type GroupWriterParts } from './group-writer.ts'
import { createLogMoves, type LogMoves } from './import-log.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { patientTiles } from './patient-tiles.ts'
import { type Bucket, createR2Tiles, type R2Tiles } from './r2-tiles.ts'
import type { Caller, Reply, SequencerRpc } from './rpc.ts'
import { createRoundAlarm, type RoundAlarm } from './sequencer-alarm.ts'
import { append, appendDeployment, requireRoom } from './sequencer-append.ts'
import { createChunks } from './sequencer-chunks.ts'
import { type ComparisonParts, createComparison } from './sequencer-compare.ts'
import { createDecidedBook, type DecidedBook } from './sequencer-decided.ts'
import { eraseChain, forgetChain, forgetStrikes } from './sequencer-erasure.ts'
import { headOf } from './sequencer-heads.ts'
import { dueHeartbeat } from './sequencer-heartbeat.ts'
import { createLoggedIncidents } from './sequencer-incidents.ts'
import { createLogRotation, createLogSigning, type KeySecrets, vkeysOf } from './sequencer-keys.ts'
import { openLog } from './sequencer-open.ts'
import { createPacks, type Packs, readPacked } from './sequencer-packs.ts'
import { decisionsNaming } from './sequencer-relying.ts'
import { createRevisions } from './sequencer-revisions.ts'
import { createRoom, type Room } from './sequencer-room.ts'
import { chainsSince } from './sequencer-running.ts'
import { makeSequencerTables } from './sequencer-schema.ts'
import { findRecord, placeOf, placesFrom, type Searched, searchPlaces } from './sequencer-search.ts'
import { createSegments, type Segments } from './sequencer-segments.ts'
import { createShadowBook, type ShadowBook } from './sequencer-shadow.ts'
import { createSheds } from './sequencer-sheds.ts'
import { witnessesOf } from './sequencer-witnesses.ts'
import { after, pause } from './worker-system.ts'

type Answered<F> = F extends (...args: infer A) => Promise<Reply<infer T>>
  ? (...args: A) => Promise<T>
  : never

/** The methods of SequencerRpc as they are on this side: failures are thrown. */
export interface Sequencer
  extends Readonly<{ [K in keyof SequencerRpc]: Answered<SequencerRpc[K]> }> {
  /** The object's alarm went off; never rejects. */
  alarm(): Promise<void>
  /** Runs a round now instead of within the interval, and moves what it let go; false when nothing waited. */
  publish(): Promise<boolean>
  /** Resolves when what is published has been with every witness that is due. */
  witnessesSettled(): Promise<void>
}

export type SequencerStorage = Pick<
  DurableObjectStorage,
  'sql' | 'transactionSync' | 'sync' | 'setAlarm' | 'deleteAlarm'
>

export interface SequencerParts extends KeySecrets {
  readonly storage: SequencerStorage
  readonly bucket: Bucket
  /** Where in the bucket the log lies: ends with a slash, or is empty. */
  readonly prefix: string
  readonly origin: string
  readonly issuer: string
  /** What the deployment may never change, and where that stands; nothing is compared without. */
  readonly seal?: Seal
  /** The log that numbers activations, where this one is another. */
  readonly first?: ComparisonParts['first']
  /** A candidate in the shadow, whose say comes with decisions; nothing is counted without. */
  readonly shadow?: { readonly name: string; readonly digest: string }
  /** Lets empty storage over an empty bucket begin a log. */
  readonly create: boolean
  readonly clock: Clock
  readonly random: Random
  /** Timers; the isolate's unless given. */
  readonly after?: After
  readonly observe?: Observe
  /** A round failed and will be tried again. */
  readonly onError?: (error: unknown) => void
  /** Told the size of each tree that is published, and of the one found when the log is opened. */
  readonly onPublished?: (size: number) => void
  /** Shortest time between two rounds, ms; 1,000. */
  readonly roundIntervalMs?: number
  /** Who cosigns checkpoints; nobody unless given. */
  readonly witnesses?: WitnessSettings
  readonly commit?: Pick<GroupWriterParts, 'limits' | 'schedule'>
  /** Bytes of storage from which on no record of a chain is taken; 9 GB. */
  readonly maxBytes?: number
  /** Entries from which on published ones become a segment; 4,096. */
  readonly segmentEntries?: number
}

/** What the methods work with. */
interface Composed {
  readonly parts: SequencerParts
  readonly sql: Sql
  readonly halt: Halt
  readonly writer: GroupWriter
  readonly packs: Packs
  readonly entries: Entries
  readonly segments: Segments
  readonly searched: Searched
  readonly tiles: R2Tiles
  readonly rounds: Rounds
  readonly alarm: RoundAlarm
  readonly scribe: Scribe
  readonly signing: Signing
  readonly moves: LogMoves
  readonly room: Room
  readonly witnesses: Witnesses | null
  readonly shadow: ShadowBook | null
  readonly decided: DecidedBook
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
  const { storage, origin, observe = () => {}, onError = () => {}, clock } = parts
  const sql = createDoSql(storage)
  makeSequencerTables(sql)
  const halt = createHalt(observe)
  const packs = createPacks(sql, () => clock.now())
  const entries = createEntries(sql, origin, packs)
  const writer = createGroupWriter({
    ...{ sql, halt, sync: () => storage.sync(), arm: () => alarm.arm(), close: packs.close },
    ...parts.commit,
  })
  const shadow = parts.shadow === undefined ? null : createShadowBook(sql, parts.shadow, clock)
  const decided = createDecidedBook()
  for (const mirror of [packs, entries, decided, shadow ?? []].flat()) writer.follow(mirror)
  const within = parts.after ?? after
  const tiles = patientTiles(createR2Tiles(parts.bucket, parts.prefix), within)
  const signing = createLogSigning(parts, sql)
  const read: ReadEntries = (stretch) => readPacked(sql, stretch)
  const rounds = createRounds({
    ...{ sql, writer, entries, tiles, halt, observe, read, elapsed: () => clock.now() },
    signNote: (body) => signNote({ body, signers: signing.noteSigners() }),
  })
  const witnesses = witnessesOf({
    ...{ ...parts, sql, writer, rounds, tiles, halt, observe, onError, after: within },
    vkeys: () => vkeysOf(sql, origin, parts),
  })
  const segments = createSegments({
    ...{ sql, writer, halt, bucket: parts.bucket, prefix: parts.prefix, after: within },
    ...(parts.segmentEntries === undefined ? {} : { entries: parts.segmentEntries }),
  })
  // Nobody waits for it, no round either: what fails is moved after the next one.
  rounds.onPublished(({ size }) => void segments.move(size).catch(onError))
  if (parts.onPublished !== undefined) {
    const { onPublished } = parts
    rounds.onPublished(({ size }) => onPublished(size))
  }
  if (shadow !== null)
    rounds.onPublished(() => void writer.write(() => shadow.save()).catch(onError))
  const alarm = createRoundAlarm({
    ...{ storage, rounds, onError, now: () => clock.now() },
    waiting: () => halt.why() === null && isWaiting(entries, rounds),
    ...(parts.roundIntervalMs === undefined ? {} : { intervalMs: parts.roundIntervalMs }),
  })
  const append = (records: readonly SignedRecord[], requires: readonly string[]) =>
    appendDeployment({ sql, writer, entries }, records, requires)
  const { issuer, random } = parts
  const scribe = createScribe({
    ...{ issuer, clock, random, signer: signing.signer },
    log: { origin, append },
  })
  const moves = createLogMoves({ sql, writer, entries, scribe, signer: signing.signer })
  const room = createRoom(storage.sql, parts.maxBytes)
  writer.follow(room)
  const searched: Searched = { sql, chunks: createChunks(sql, segments), pause }
  const log = { sql, packs, entries, segments, searched, tiles, rounds, decided }
  return { ...log, parts, halt, writer, alarm, scribe, signing, moves, room, witnesses, shadow }
}

/** Counts what a transaction under way has appended: its alarm must not be taken away before it is durable. */
function isWaiting(entries: Entries, rounds: Rounds): boolean {
  return entries.next() > (rounds.published()?.size ?? 0)
}

function sequencerOver(composed: Composed): Sequencer {
  const { parts, sql, halt, writer, entries, rounds, alarm, scribe, moves, room } = composed
  const { signing } = composed
  const { packs, segments, searched } = composed
  const { onError = () => {} } = parts
  const { origin, clock } = parts
  const log = createSqlLog({ ...composed, origin })
  const policyTexts = createPolicyTexts(sql)
  const once = oneAtATime()
  const sheds = createSheds()
  const revisions = createRevisions({ ...composed, signer: signing.signer, clock })
  const { random } = parts
  const incidents = createLoggedIncidents({ ...composed, signer: signing.signer, clock, random })
  const rotate = createLogRotation({ ...composed, secrets: parts, size: entries.size, clock })
  const requireTaking = (): void => {
    if (halt.why() !== null) throw halt.error()
    moves.requireOpen()
    requireRoom(composed)
  }
  const ready: Sequencer['ready'] = async (policy, caller) => {
    requireTaking()
    if (caller !== undefined) requireSame(composed, caller)
    if (policy !== null && !entries.has(policy.digest)) {
      if (policyDigest(policy.bytes) !== policy.digest)
        throw new LivegateError('internal', 'Cannot log a policy: its bytes have another digest')
      await once(() => logPolicy(scribe, entries, signing.signer, policy.bytes))
    }
    await keepUp()
    const kids = keysInForce(keysOf(sql), 'record').map(({ kid }) => kid)
    const told = { activations: revisions.list(), incidents: incidents.list() }
    return { origin, ...told, kid: signing.signer.kid, kids }
  }
  async function taking<T>(work: () => Promise<T>): Promise<T> {
    requireTaking()
    return once(work)
  }

  const access = createAccessBook({
    ...{ clock, after: parts.after ?? after },
    append: (draft) => scribe.append([draft], [signing.signer.kid]),
  })
  const keepUp =
    parts.first === undefined
      ? async () => {}
      : createComparison({
          ...{ first: parts.first, has: entries.has, clock, after: parts.after ?? after },
          revisions: { ...revisions, learn: (...given) => taking(() => revisions.learn(...given)) },
          incidents: { ...incidents, learn: (given) => taking(() => incidents.learn(given)) },
        })

  return {
    append: (chains) => sheds.counted(append(composed, chains)),
    appendDeployment: (records, requires) => appendDeployment(composed, records, requires),
    ready: (...args) => sheds.counted(ready(...args)),
    activations: async () => revisions.list(),
    begin: (bundled) => taking(() => revisions.begin(bundled)),
    activate: (wish, bytes) => taking(() => revisions.activate(wish, bytes)),
    learn: (activations, texts) => taking(() => revisions.learn(activations, texts)),
    incidents: async () => incidents.list(),
    changeIncident: (wish) => taking(() => incidents.change(wish)),
    learnIncidents: (changes) => taking(() => incidents.learn(changes)),
    eraseChain: async (erasure) => {
      requireTaking()
      return eraseChain(composed, erasure)
    },
    forgetChain: (object) => forgetChain(composed, object),
    forgetStrikes: async (forgetting) => {
      requireTaking()
      return forgetStrikes(composed, forgetting)
    },
    async head(object) {
      // Half a deployment says nothing about anybody.
      moves.requireOpen()
      return headOf(sql, object).seq
    },
    async find(id) {
      const found = await findRecord(searched, id)
      return found === null ? null : placeOf(sql, found)
    },
    searchDecisions: (search) => searchPlaces(searched, search),
    records: (page) => placesFrom(searched, page),
    decisionsRelyingOn: async (strike) => decisionsNaming(sql, strike),
    checkpoint: log.checkpoint,
    proof: log.proof,
    policies: async () =>
      policyTexts.list().map(({ digest, logged_at }) => ({ digest, activated_at: logged_at })),
    policyText: async (digest) => policyTexts.text(digest),
    recordKeys: async () => recordKeysOf(sql),
    keys: async () => ({
      keys: keysOf(sql),
      signing: [...signing.kids('record'), ...signing.kids('checkpoint')],
    }),
    changeKey: (wish) => taking(() => rotate(wish)),
    async access(given) {
      requireTaking()
      await access(given)
      return null
    },
    heartbeat: () =>
      once(async () => {
        const shed = sheds.untold()
        const counted = { now: clock.now(), size: entries.size(), totals: packs.totals(), shed }
        const due = halt.why() === null ? dueHeartbeat(sql, counted) : null
        if (due === null) return null
        await scribe.append([due], [signing.signer.kid])
        sheds.told(shed)
        return null
      }),
    move: (step) => (halt.why() === null ? moves.take(step) : Promise.reject(halt.error())),
    status: async () => ({
      origin,
      halted: halt.why() ?? room.why() ?? (moves.underWay() ? 'a deployment is moving in' : null),
      entries: entries.size(),
      published: rounds.published()?.size ?? 0,
      unmoved: segments.failures(),
      ...writer.counts(),
      decided: composed.decided.counts(),
      witnesses: composed.witnesses?.status() ?? null,
    }),
    shadow: async () => composed.shadow?.counts() ?? null,
    running: (query) => chainsSince(searched, query),
    alarm: alarm.ring,
    witnessesSettled: async () => composed.witnesses?.settled(),
    async publish() {
      const ran = await rounds.run()
      await segments.move(rounds.published()?.size ?? 0).catch(onError)
      return ran
    },
  }
}

/** Objects change to a new configuration one after the other: nothing is logged between two that differ. */
function requireSame({ signing, parts: { seal } }: Composed, caller: Caller): void {
  const held = caller.kids ?? [caller.kid]
  const key = held.includes(signing.signer.kid) ? null : 'LIVEGATE_RECORD_KEY'
  const changed = key ?? (seal === undefined ? null : changedIn(seal.fixed, caller))
  if (changed === null) return
  throw new LivegateError(
    'log_unavailable',
    `Cannot log: the log runs with another ${changed} than who asks, expected the same`,
    { retry_after_s: 5 },
  )
}
