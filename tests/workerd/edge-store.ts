/**
 * The ports of the edge host for the contract suites: real objects for subjects, the log and the directory, one log.
 *
 * Subjects and the log are entered (`runInDurableObject`), because their names and settings are this store's own; what they
 * do is the code that runs in production. The directory is asked over RPC.
 */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { createChainStore } from '../../src/adapters/cloudflare/chain-store.ts'
import { createDoSql } from '../../src/adapters/cloudflare/do-sql.ts'
import { createEdgeDirectory } from '../../src/adapters/cloudflare/edge-directory.ts'
import { createEdgeErasures } from '../../src/adapters/cloudflare/edge-erasures.ts'
import {
  createCheckpointSigner,
  createRecordSigner,
} from '../../src/adapters/cloudflare/edge-keys.ts'
import { createEdgeLedger } from '../../src/adapters/cloudflare/edge-ledger.ts'
import { createEdgeStreamKeys } from '../../src/adapters/cloudflare/edge-stream-keys.ts'
import {
  directoryName,
  reviewsName,
  serverName,
  subjectObjectName,
} from '../../src/adapters/cloudflare/names.ts'
import { recordsOfChain } from '../../src/adapters/cloudflare/object-directory.ts'
import type { Reply, Stubs } from '../../src/adapters/cloudflare/rpc.ts'
import {
  carried,
  opened,
  type SequencerRpc,
  type SubjectRpc,
} from '../../src/adapters/cloudflare/rpc.ts'
import { openSequencer, type Sequencer } from '../../src/adapters/cloudflare/sequencer.ts'
import { stubsOf } from '../../src/adapters/cloudflare/stubs.ts'
import { createAlarm } from '../../src/adapters/cloudflare/subject-alarm.ts'
import type { Others } from '../../src/adapters/cloudflare/subject-calls.ts'
import { createElsewhere } from '../../src/adapters/cloudflare/subject-elsewhere.ts'
import { createErasing } from '../../src/adapters/cloudflare/subject-erasing.ts'
import { dropHost, noteHost, stripNames } from '../../src/adapters/cloudflare/subject-mentions.ts'
import { subjectSql } from '../../src/adapters/cloudflare/subject-schema.ts'
import { createTurnWriter } from '../../src/adapters/cloudflare/turn-writer.ts'
import { after } from '../../src/adapters/cloudflare/worker-system.ts'
import { requirementOf } from '../../src/adapters/sqlite/entries.ts'
import { portableHasher } from '../../src/core/record/hashing.ts'
import { epochMs } from '../../src/core/time.ts'
import type {
  Clock,
  CommitResult,
  Erasures,
  Ledger,
  Log,
  Pepper,
  SignedRecord,
  StoredRecord,
} from '../../src/ports.ts'
import { ORIGIN, type StoreUnderTest, T0 } from '../contract/fixtures.ts'

const SEED = new Uint8Array(32).fill(9)

/** The log of a store: a real sequencer over the storage of an object without a name. */
interface OneLog {
  readonly rpc: SequencerRpc
  run<T>(work: (log: Sequencer) => Promise<T>): Promise<T>
  forget(): void
}

function openLog(): OneLog {
  const id = env.SEQUENCERS.newUniqueId()
  const prefix = `contract-${crypto.randomUUID()}/`
  let opening: Promise<Sequencer> | null = null
  const run = <T>(work: (log: Sequencer) => Promise<T>): Promise<T> =>
    runInDurableObject(env.SEQUENCERS.get(id), async (_object, state) => {
      opening ??= sequencerIn(state, prefix)
      return work(await opening)
    })
  const rpc = new Proxy({} as SequencerRpc, {
    get:
      (_target, name) =>
      (...args: readonly unknown[]) =>
        carried(
          () => run((log) => Reflect.apply(Reflect.get(log, name), log, args) as Promise<never>),
          console.error,
        ),
  })
  return {
    rpc,
    run,
    forget: () => {
      opening = null
    },
  }
}

async function sequencerIn(state: DurableObjectState, prefix: string): Promise<Sequencer> {
  const clock = { now: () => T0 }
  const [record, checkpoint] = await Promise.all([
    createRecordSigner(SEED),
    createCheckpointSigner(SEED, ORIGIN),
  ])
  const { storage } = state
  return openSequencer({
    ...{ bucket: env.LOG, prefix, clock, record, checkpoint, origin: ORIGIN, create: true },
    // Rounds are the log's own suite; an alarm would meet an object that is none of the shards.
    storage: {
      sql: storage.sql,
      transactionSync: (work) => storage.transactionSync(work),
      sync: () => storage.sync(),
      setAlarm: async () => {},
      deleteAlarm: async () => {},
    },
    issuer: 'https://gate.example',
    random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
  })
}

/** What a subject's object holds of the store. */
interface Held {
  readonly ledger: Ledger
  readonly erasures: Erasures
  readonly records: (seqs: readonly number[]) => Promise<readonly StoredRecord[]>
  readonly named: (host: string, seq: number) => Promise<void>
  readonly unname: (cohost: string, seqs: readonly number[]) => Promise<void>
  readonly unhost: (host: string) => Promise<void>
}

export interface EdgeStore extends StoreUnderTest {
  /** How many records each call to an object asked for. */
  readonly asked: number[]
}

export async function anEdgeStore(): Promise<EdgeStore> {
  const salt = crypto.randomUUID()
  const pepper: Pepper = {
    hash: (what, text) => portableHasher.digestText(`${salt} ${what} ${text}`),
  }
  const log = openLog()
  let held = new Map<string, Held>()
  const known = new Set<string>()
  let size = (await log.run((sequencer) => sequencer.status())).entries
  let now = T0
  const clock = { now: () => now }
  const others: Pick<Others, 'directory' | 'subject'> = {
    directory: (name) => stubsOf(env).directory(name),
    subject: (object) => {
      const ask = (work: (there: Held) => Promise<void>): Promise<Reply<null>> =>
        carried(async () => {
          await inObject(object, work)
          return null
        }, console.error)
      const methods: Pick<SubjectRpc, 'named' | 'unname' | 'unhost'> = {
        named: (_subject, { host, seq }) =>
          carried(async () => {
            await inObject(object, (there) => there.named(host, seq))
            return true
          }, console.error),
        unname: (_subject, cohost, seqs) => ask((there) => there.unname(cohost, seqs)),
        unhost: (_subject, host) => ask((there) => there.unhost(host)),
      }
      return methods as SubjectRpc
    },
  }

  function inObject<T>(object: string, work: (held: Held) => T | Promise<T>): Promise<T> {
    return runInDurableObject(env.SUBJECTS.getByName(object), (_object, state) => {
      const there = held.get(object) ?? holdIn(state, { object, log, pepper, known, others, clock })
      held.set(object, there)
      return work(there)
    })
  }
  const ofSubject = <T>(subject: string, work: (held: Held) => T | Promise<T>): Promise<T> =>
    inObject(subjectObjectName(pepper, subject), work)

  const ledger: Ledger = {
    load: (subject) => ofSubject(subject, (object) => object.ledger.load(subject)),
    idempotent: (caller, subject, key) =>
      ofSubject(subject, (object) => object.ledger.idempotent(caller, subject, key)),
    async commit(change) {
      return grown(await ofSubject(change.subject, (object) => object.ledger.commit(change)))
    },
  }
  const stubs: Stubs = {
    ...stubsOf(env),
    sequencer: () => log.rpc,
    subject: (object) =>
      ({
        records: (seqs) => {
          store.asked.push(seqs.length)
          return carried(() => inObject(object, (h) => h.records(seqs)), console.error)
        },
        view: (subject) =>
          carried(
            async () => ({ broadcasts: (await ledger.load(subject)).broadcasts }) as never,
            console.error,
          ),
      }) as Pick<SubjectRpc, 'records' | 'view'> as SubjectRpc,
  }
  const port: Log = {
    origin: ORIGIN,
    size: () => size,
    has: (name) => known.has(name),
    async append(records, requires) {
      const receipts = await opened(log.rpc.appendDeployment(records, requires))
      for (const { index } of receipts) size = Math.max(size, index + 1)
      await note(known, log, records)
      return receipts
    },
    checkpoint: () => opened(log.rpc.checkpoint()),
    proof: (index, wait_ms) => opened(log.rpc.proof(index, wait_ms)),
    tile: async () => null,
  }
  const erasures: Erasures = {
    inventory: (subject) => ofSubject(subject, (there) => there.erasures.inventory(subject)),
    find: (subject) => ofSubject(subject, (there) => there.erasures.find(subject)),
    finish: (subject, wait_ms) =>
      ofSubject(subject, (there) => there.erasures.finish(subject, wait_ms)),
    leaves: (subject, strikes) =>
      ofSubject(subject, (there) => there.erasures.leaves(subject, strikes)),
    legalHold: (subject) => ofSubject(subject, (there) => there.erasures.legalHold(subject)),
    hold: (hold) => ofSubject(hold.subject, (there) => there.erasures.hold(hold)),
    lift: (subject) => ofSubject(subject, (there) => there.erasures.lift(subject)),
    chain: (subject, page) => ofSubject(subject, (there) => there.erasures.chain(subject, page)),
    async begin(change) {
      now = epochMs(Math.max(now, change.at))
      return grown(await ofSubject(change.subject, (there) => there.erasures.begin(change)))
    },
    forget: async (change) =>
      grown(await ofSubject(change.subject, (there) => there.erasures.forget(change))),
  }
  function grown(result: CommitResult): CommitResult {
    if (result.ok && result.receipt !== null) size = Math.max(size, result.receipt.index + 1)
    return result
  }
  const directories = stubsOf(env).directory
  const nothing = () => Promise.reject(new TypeError('of another suite'))
  const store: EdgeStore = {
    asked: [],
    ...{ ledger, log: port, directory: createEdgeDirectory({ stubs, pepper, shards: 1 }) },
    erasures,
    streamKeys: createEdgeStreamKeys({ pepper, directoryOf: directories }),
    apiKeys: { create: nothing, byId: nothing, list: nothing, revoke: nothing },
    publish: async () => void (await log.run((sequencer) => sequencer.publish())),
    async reopen() {
      held = new Map()
      log.forget()
      size = (await log.run((sequencer) => sequencer.status())).entries
      return store
    },
    close: async () => {},
  }
  return store
}

/** What records brought into the log, once the log has the whole of it. */
async function note(
  known: Set<string>,
  log: OneLog,
  records: readonly SignedRecord[],
): Promise<void> {
  for (const record of records) {
    const requirement = requirementOf(record)
    if (requirement === null) continue
    const { name, part, parts } = requirement
    if (record.kind === 'key' || part === parts) known.add(name)
  }
  await log.run((sequencer) => sequencer.status())
}

function holdIn(
  state: DurableObjectState,
  shared: {
    readonly object: string
    readonly log: OneLog
    readonly pepper: Pepper
    readonly known: ReadonlySet<string>
    readonly others: Pick<Others, 'directory' | 'subject'>
    readonly clock: Clock
  },
): Held {
  const { object, log, pepper, known, others, clock } = shared
  const sql = subjectSql(createDoSql(state.storage))
  const writer = createTurnWriter(sql)
  const silent = { onUnheard: () => {}, observe: () => {} }
  const store = createChainStore({ sql, writer, object, origin: ORIGIN, log: log.rpc, ...silent })
  const directories = (): Stubs => stubsOf(env)
  const alarm = createAlarm({ getAlarm: async () => null, setAlarm: async () => {} })
  const elsewhere = createElsewhere({ others, pepper })
  const { storage } = state
  const kept = { sql, writer, store, object, origin: ORIGIN, storage, alarm, clock, elsewhere }
  const erasing = createErasing({ ...kept, log: log.rpc })
  const has = (name: string): boolean => known.has(name)
  const erasures = createEdgeErasures({ ...kept, log: log.rpc, erasing, has, after })
  const ledger = createEdgeLedger({
    ...{ sql, writer, store, object, clock, origin: ORIGIN },
    random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
    ...{ alarm, has, erased: erasing.carryOn },
    ready: async () => {},
    claims: {
      strike: ({ id, subject }) =>
        opened(
          directories()
            .directory(directoryName(pepper, 'strike', id))
            .claimStrike(id, subject),
        ),
      async queueReviews(subject, items, at) {
        const slice = directories().directory(reviewsName(pepper, subject))
        await opened(slice.putReviews(subject, items, at))
      },
      async names({ cohosts, host, seq }) {
        for (const cohost of cohosts) {
          const there = others.subject(subjectObjectName(pepper, cohost))
          await opened(there.named(cohost, { host, seq, pseudonym: null }))
        }
        return true
      },
      async openSession(subject, { id, server, session }) {
        await opened(directories().directory(serverName(server)).openSession(session, subject, id))
      },
      closeSession({ id, server, session }) {
        opened(directories().directory(serverName(server)).closeSession(session, id)).catch(
          () => {},
        )
      },
    },
  })
  return {
    ...{ ledger, erasures },
    named: async (host, seq) => {
      await erasing.carryOn()
      await writer.write(() => noteHost(sql, host, seq))
    },
    unname: (cohost, seqs) => writer.write(() => stripNames(sql, cohost, seqs)),
    unhost: (host) => writer.write(() => dropHost(sql, host, null)),
    records: (seqs) => recordsOfChain({ sql, store, origin: ORIGIN }, seqs),
  }
}
