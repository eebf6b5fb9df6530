/**
 * Subjects over the storage of real objects, with a log and a directory in memory that a test can hold, fail or lose.
 *
 * `wake` makes a new host over the same storage, as after an eviction: what the old one still had in mind is lost, and a
 * call of it that never returns stays unanswered. What the log holds is audited by whoever asks `verify`.
 */
import { env, runInDurableObject } from 'cloudflare:test'
import { createDoSql } from '../../src/adapters/cloudflare/do-sql.ts'
import { keepText } from '../../src/adapters/cloudflare/edge-policy.ts'
import { subjectObjectName } from '../../src/adapters/cloudflare/names.ts'
import {
  type ChainEntry,
  type ChainGone,
  carried,
  type Reply,
  type SequencerRpc,
} from '../../src/adapters/cloudflare/rpc.ts'
import { kidOf } from '../../src/adapters/cloudflare/sequencer-chains.ts'
import type { Others } from '../../src/adapters/cloudflare/subject-calls.ts'
import {
  createSubjectHost,
  type SubjectHost,
  type SubjectSettings,
} from '../../src/adapters/cloudflare/subject-host.ts'
import type { KnownReady } from '../../src/adapters/cloudflare/subject-ready.ts'
import { subjectSql } from '../../src/adapters/cloudflare/subject-schema.ts'
import { createTurnWriter } from '../../src/adapters/cloudflare/turn-writer.ts'
import type { Writer } from '../../src/adapters/sqlite/sql.ts'
import { toBase64Url } from '../../src/core/encoding.ts'
import { LivegateError } from '../../src/core/errors.ts'
import type { Activation } from '../../src/core/model.ts'
import { ENGINE } from '../../src/core/policy/plan.ts'
import { activationDraft, keyDraft, type RecordDraft } from '../../src/core/record/drafts.ts'
import { portableHasher } from '../../src/core/record/hashing.ts'
import { createIssuer } from '../../src/core/record/issue.ts'
import { policyDrafts } from '../../src/core/record/policy-parts.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import type {
  ActivePolicy,
  GateEvent,
  Pepper,
  ReviewItem,
  SignedRecord,
  StoredRecord,
} from '../../src/ports.ts'
import { type TestKey, testKey } from '../core/record/samples.ts'
import { activePolicy, DAY, NOW, ORIGIN, policyOf, RECORD_KEY, verifyLog } from '../support/gate.ts'

export type Step =
  | 'ready'
  | 'append'
  | 'head'
  | 'claimStrike'
  | 'openSession'
  | 'closeSession'
  | 'eraseChain'
  | 'forgetChain'
  | 'forgetStrikes'
  | 'dropSubject'
  | 'putReviews'
  | 'named'
  | 'unname'
  | 'cohost'
  | 'find'
  | 'life'

/** Stands around a call to another object: does it, fails before or after it, or never answers. */
export type Around = <T>(step: Step, call: () => Promise<T>) => Promise<T>

export interface World {
  readonly clock: { now(): EpochMs; set(at: number): void }
  readonly log: FakeLog
  readonly events: GateEvent[]
  readonly sessions: ReadonlyMap<string, string>
  /** The queue, by id. */
  readonly reviews: ReadonlyMap<string, ReviewItem>
  /** When each subject's alarm is due. */
  readonly alarms: ReadonlyMap<string, number>
  /** Calls of each kind so far. */
  readonly calls: Map<Step, number>
  around: Around
  /** Transactions of subjects so far. */
  writes: number
  /** Moves the clock and fires what is due, inside the subject's object. */
  pass(subject: string, ms: number): Promise<void>
  /** Runs inside the subject's object, over its host. */
  ask<T>(subject: string, work: (host: SubjectHost) => Promise<T>): Promise<T>
  /** The alarm goes off, now. */
  alarm(subject: string, times?: number): Promise<void>
  /** Loses the host's memory: the next question meets a new one. */
  wake(...subjects: readonly string[]): void
  storage<T>(subject: string, work: (storage: DurableObjectStorage) => T | Promise<T>): Promise<T>
  /** Audits the log: every record disclosed, every decision replayed, every chain without a gap. */
  verify(...subjects: readonly string[]): Promise<readonly StoredRecord[]>
}

let worlds = 0

export function aWorld(
  policyText: string = policyOf(''),
  settings: Pick<SubjectSettings, 'retention' | 'cut'> = {},
): World {
  const salt = `${++worlds} ${crypto.randomUUID()}`
  const pepper: Pepper = {
    hash: (what, text) => portableHasher.digestText(`${salt} ${what} ${text}`),
  }
  const policy = activePolicy(policyText)
  let now = NOW
  const clock = {
    now: (): EpochMs => now,
    set(at: number): void {
      now = epochMs(at)
    },
  }
  const log = createFakeLog(policy, clock)
  const hosts = new Map<string, SubjectHost>()
  const calls = new Map<Step, number>()
  const directory = createFakeDirectory()
  const known: KnownReady = new Map()
  const alarms = new Map<string, number>()
  const timers = new Set<{ readonly at: number; readonly fire: () => void }>()
  const world: World = {
    writes: 0,
    pass: (subject, ms) =>
      inObject(subject, () => {
        now = epochMs(now + ms)
        for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.fire()
      }),
    ...{
      clock,
      log,
      calls,
      alarms,
      events: [],
      sessions: directory.sessions,
      reviews: directory.reviews,
    },
    async alarm(subject, times = 1) {
      alarms.delete(subject)
      for (let i = 0; i < times; i++) await world.ask(subject, (host) => host.alarm())
    },
    around: (_step, call) => call(),
    wake: (...subjects) => subjects.forEach((subject) => void hosts.delete(subject)),
    ask: (subject, work) =>
      inObject(subject, (_object, state) => {
        let host = hosts.get(subject)
        if (host === undefined) {
          host = hostOf(subject, state)
          hosts.set(subject, host)
        }
        return work(host)
      }),
    storage: (subject, work) => inObject(subject, (_object, state) => work(state.storage)),
    async verify(...subjects) {
      const stored: StoredRecord[] = []
      for (const subject of subjects) {
        const { seqs } = await world.storage(subject, ({ sql }) => ({
          seqs: sql.exec<{ n: number }>('SELECT count(*) AS n FROM records').one().n,
        }))
        const all = Array.from({ length: seqs }, (_, i) => i + 1)
        stored.push(...(await world.ask(subject, (host) => host.records(all))))
      }
      await log.verify(stored)
      return stored
    },
  }
  /** Whose objects they are. */
  const named = new Map<string, string>()
  const inObject = <T>(
    subject: string,
    work: (object: unknown, state: DurableObjectState) => T | Promise<T>,
  ): Promise<T> => {
    const object = subjectObjectName(pepper, subject)
    named.set(object, subject)
    const stub = env.SUBJECTS.getByName(object)
    return runInDurableObject(stub as never, work as never) as Promise<T>
  }
  const call = <T>(step: Step, work: () => Promise<T>): Promise<T> => {
    calls.set(step, (calls.get(step) ?? 0) + 1)
    return world.around(step, work)
  }
  const counted = (writer: Writer): Writer => ({
    ...writer,
    write(work) {
      world.writes++
      return writer.write(work)
    },
  })
  const hostOf = (subject: string, state: DurableObjectState): SubjectHost => {
    const sql = subjectSql(createDoSql(state.storage))
    return createSubjectHost({
      ...{ sql, writer: counted(createTurnWriter(sql)), clock },
      storage: {
        getAlarm: async () => alarms.get(subject) ?? null,
        setAlarm: async (at) => void alarms.set(subject, Number(at)),
        deleteAll: () => state.storage.deleteAll(),
      },
      isSelf: (name) => env.SUBJECTS.idFromName(name).equals(state.id),
      ready: known,
      others: {
        sequencer: () => ({
          ready: (given) => call('ready', () => log.rpc.ready(given)),
          append: (entries) => call('append', () => log.rpc.append(structuredClone(entries))),
          head: (object) => call('head', () => log.rpc.head(object)),
          decisionsRelyingOn: (strike) => log.rpc.decisionsRelyingOn(strike),
          find: (id) => call('find', () => log.rpc.find(id)),
          eraseChain: (erasure) => call('eraseChain', () => log.rpc.eraseChain(erasure)),
          forgetChain: (object) => call('forgetChain', () => log.rpc.forgetChain(object)),
          forgetStrikes: (given) => call('forgetStrikes', () => log.rpc.forgetStrikes(given)),
          ...NEVER_ASKED,
        }),
        directory: () => ({
          claimStrike: (...args) => call('claimStrike', () => directory.claimStrike(...args)),
          openSession: (...args) => call('openSession', () => directory.openSession(...args)),
          closeSession: (...args) => call('closeSession', () => directory.closeSession(...args)),
          keysOf: directory.keysOf,
          putReviews: (...args) => call('putReviews', () => directory.putReviews(...args)),
          releaseStrikes: directory.releaseStrikes,
          dropSubject: (subject) => call('dropSubject', () => directory.dropSubject(subject)),
        }),
        subject: (name) => ({
          ...cohosts,
          life: (_subject, question) =>
            call('life', () =>
              carried(
                () => world.ask(named.get(name) ?? '', (own) => own.life(null, question)),
                console.error,
              ),
            ),
        }),
      },
      settings: {
        ...{ origin: ORIGIN, issuer: 'https://gate.example', shards: 1, policy, pepper },
        ...settings,
        signer: RECORD_KEY.signer,
        next_signer: NEXT_KEY.signer,
        surroundings: { incident: () => ({ active: false }), platform: () => ({}) },
      },
      random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
      after: (delay_ms, fire) => {
        const timer = { at: now + delay_ms, fire }
        timers.add(timer)
        return () => timers.delete(timer)
      },
      observe: (event) => void world.events.push(event),
    })
  }
  const desk = <T>(
    subject: string,
    work: (host: SubjectHost) => Promise<T> | T,
  ): Promise<Reply<T>> =>
    call('cohost', () =>
      carried(
        () => world.ask(subject, async (host) => work(host)),
        (error) => console.error(error),
      ),
    )
  const cohosts: Omit<ReturnType<Others['subject']>, 'life'> = {
    named: (subject, naming) =>
      call('named', () =>
        carried(() => world.ask(subject, (own) => own.named(subject, naming)), console.error),
      ),
    unname: (subject, cohost, seqs) =>
      call('unname', () =>
        carried(
          () => world.ask(subject, (own) => own.unname(subject, cohost, seqs)),
          console.error,
        ),
      ),
    unhost: (subject, host, seqs) =>
      carried(() => world.ask(subject, (own) => own.unhost(subject, host, seqs)), console.error),
    cohostStanding: (subject) => desk(subject, (host) => host.desk(subject).standing(subject)),
    cohostJoin: (subject, pending) =>
      desk(subject, (host) => host.desk(subject).join(subject, pending)),
    cohostSettle: (subject, settling) =>
      desk(subject, (host) => host.desk(subject).settle(subject, settling)),
    cohostEnd: (subject, broadcast) =>
      desk(subject, async (host) => {
        await host.desk(subject).end(subject, broadcast)
        return null
      }),
  }
  return world
}

/** The fake log has everything from its beginning, and its text is in the isolate. */
const NEVER_ASKED: Pick<SequencerRpc, 'policyText' | 'begin' | 'learn'> = {
  policyText: () => Promise.reject(new Error('asked for a text that is known')),
  begin: () => Promise.reject(new Error('asked to begin')),
  learn: () => Promise.reject(new Error('asked to learn')),
}

/** A log in memory with the duties of SequencerRpc.append. */
export interface FakeLog {
  readonly rpc: Pick<
    SequencerRpc,
    | 'append'
    | 'ready'
    | 'head'
    | 'decisionsRelyingOn'
    | 'find'
    | 'eraseChain'
    | 'forgetChain'
    | 'forgetStrikes'
  >
  readonly entries: readonly (ChainEntry | Omit<SignedRecord, 'openings'>)[]
  /** As if the last entries had never been: a log restored from a backup. */
  forget(count: number): void
  /** `NEXT_KEY` takes over; the key before is retired with it, or stays beside it until this is asked again. */
  exchange(step: 'begin' | 'finish'): Promise<void>
  verify(stored: readonly StoredRecord[]): Promise<void>
}

/** A key every subject has at hand, as while keys are exchanged. */
export const NEXT_KEY: TestKey = testKey(9)

function createFakeLog(policy: ActivePolicy, clock: { now(): EpochMs }): FakeLog {
  const entries: (ChainEntry | Omit<SignedRecord, 'openings'>)[] = []
  const issue = createIssuer({
    ...{ issuer: 'https://gate.example', engine: ENGINE, log: ORIGIN },
    signer: RECORD_KEY.signer,
    random: (count) => crypto.getRandomValues(new Uint8Array(count)),
  })
  async function deploy(draft: RecordDraft): Promise<void> {
    const iat_s = Math.floor(clock.now() / 1000)
    const { jti: id, jws, leaf } = await issue(draft, { iat_s })
    entries.push({ id, kind: draft.kind as SignedRecord['kind'], jws, leaf })
  }
  const { digest, name } = policy.plan
  const activation: Activation = {
    ...{
      revision: 1,
      digest,
      name,
      active_from: epochMs(NOW - DAY),
      scheduled: false,
      previous: null,
    },
    ...{ cause: 'activation', source: 'bundle', by: 'livegate', note: null },
  }
  let begun: Promise<void> | null = null
  let inForce = [RECORD_KEY.signer.kid]
  async function begin(): Promise<void> {
    await deploy(keyDraft({ jwk: RECORD_KEY.jwk, use: 'record', status: 'active' }))
    for (const draft of policyDrafts(policy.bytes)) await deploy(draft)
    keepText(digest, policy.bytes)
    await deploy(activationDraft(activation))
  }
  const recordOf = (entry: ChainEntry | Omit<SignedRecord, 'openings'>) =>
    'record' in entry ? entry.record : entry
  const indexOf = (leaf: Uint8Array): number =>
    entries.findIndex((entry) => toBase64Url(recordOf(entry).leaf) === toBase64Url(leaf))
  const erased = new Set<ChainEntry>()
  const leaving = new Map<string, { readonly leaf: string; readonly index: number }>()
  const chainOf = (object: string): readonly ChainEntry[] =>
    entries.flatMap((entry) =>
      'record' in entry && entry.object === object && !erased.has(entry) ? [entry] : [],
    )
  return {
    entries,
    forget: (count) => void entries.splice(entries.length - count),
    async exchange(step) {
      const [key, status, kids] =
        step === 'begin'
          ? [NEXT_KEY, 'active' as const, [...inForce, NEXT_KEY.signer.kid]]
          : [RECORD_KEY, 'retired' as const, [NEXT_KEY.signer.kid]]
      await deploy(keyDraft({ jwk: key.jwk, use: 'record', status }))
      inForce = kids
    },
    rpc: {
      ready: () =>
        carried(async () => {
          begun ??= begin()
          await begun
          const keys = { kid: inForce.at(-1) ?? '', kids: inForce }
          return { origin: ORIGIN, activations: [activation], ...keys }
        }, console.error),
      append: (given) =>
        carried(() => {
          const indexes: number[] = []
          for (const entry of given) {
            const there = indexOf(entry.record.leaf)
            const held = chainOf(entry.object).length
            if (there < 0 && (entry.seq !== held + 1 || leaving.has(entry.object)))
              throw new LivegateError('conflict', 'Cannot append: the chain does not continue')
            if (there < 0 && !inForce.includes(kidOf(entry.record.jws)))
              throw new LivegateError('log_unavailable', 'Cannot append: the key has ended')
            indexes.push(there < 0 ? entries.push(entry) - 1 : there)
          }
          return indexes
        }, console.error),
      head: (object) => carried(() => chainOf(object).length, console.error),
      eraseChain: ({ object, seq, record }) =>
        carried((): ChainGone => {
          const there = leaving.get(object)
          if (there !== undefined)
            return there.leaf === toBase64Url(record.leaf)
              ? { index: there.index }
              : { refused: 'conflict' }
          const chain = chainOf(object)
          if (chain.length !== seq) return { refused: 'conflict' }
          for (const entry of chain) erased.add(entry)
          const index = entries.push(record) - 1
          leaving.set(object, { leaf: toBase64Url(record.leaf), index })
          return { index }
        }, console.error),
      forgetChain: (object) =>
        carried(() => {
          leaving.delete(object)
          return null
        }, console.error),
      forgetStrikes: ({ record }) =>
        carried((): ChainGone => ({ index: entries.push(record) - 1 }), console.error),
      find: (id) =>
        carried(() => {
          const index = entries.findIndex((entry) => 'record' in entry && entry.record.id === id)
          const entry = entries[index]
          if (entry === undefined || !('record' in entry)) return null
          return { object: entry.object, seq: entry.seq, index }
        }, console.error),
      decisionsRelyingOn: (strike) =>
        carried(
          () =>
            entries.flatMap((entry) => {
              if (!('record' in entry) || !entry.decision?.strikes.includes(strike)) return []
              const { outcome } = entry.decision
              return [{ id: entry.record.id, outcome, at: entry.at }]
            }),
          console.error,
        ),
    },
    async verify(stored) {
      const openings = new Map(stored.map((record) => [record.receipt.index, record]))
      const records = entries.map((entry, index) => {
        const { id, kind, jws, leaf } = recordOf(entry)
        const mine = openings.get(index)
        if (mine !== undefined && (mine.jws !== jws || mine.receipt.leaf !== toBase64Url(leaf)))
          throw new Error(`a receipt names index ${index}, where another record stands`)
        return { id, kind, jws, leaf, openings: mine?.openings ?? {} }
      })
      if (openings.size !== entries.filter((e) => 'record' in e && !erased.has(e)).length)
        throw new Error('log and chains do not hold the same records')
      await verifyLog(records, ORIGIN, erased.size > 0)
    },
  }
}

function createFakeDirectory(): ReturnType<Others['directory']> & {
  readonly sessions: Map<string, string>
  readonly reviews: Map<string, ReviewItem>
} {
  const reviews = new Map<string, ReviewItem>()
  const strikes = new Map<string, string>()
  const sessions = new Map<string, string>()
  return {
    sessions,
    reviews,
    putReviews: async (_subject, items) => {
      for (const item of items) reviews.set(item.id, item)
      return { ok: true, value: null }
    },
    keysOf: async () => ({ ok: true, value: 0 }),
    releaseStrikes: async (ids) => {
      for (const id of ids) strikes.delete(id)
      return { ok: true, value: null }
    },
    dropSubject: async (subject) => {
      for (const [id, owner] of strikes) if (owner === subject) strikes.delete(id)
      return { ok: true, value: null }
    },
    claimStrike: async (id, subject) => {
      if (!strikes.has(id)) strikes.set(id, subject)
      return { ok: true, value: strikes.get(id) === subject ? 'ok' : 'taken' }
    },
    openSession: async (session, _subject, broadcast) => {
      sessions.set(session, broadcast)
      return { ok: true, value: null }
    },
    closeSession: async (session, broadcast) => {
      if (sessions.get(session) === broadcast) sessions.delete(session)
      return { ok: true, value: null }
    },
  }
}

/** A call that took effect or not, but whose answer never came. */
export function lost(): Error {
  return new Error('Network connection lost.')
}

export function never<T>(): Promise<T> {
  return new Promise(() => {})
}
