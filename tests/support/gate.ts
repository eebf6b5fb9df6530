/**
 * A whole gate in memory: real policies, real Ed25519, real log; clock, timers, randomness and failures in hand.
 *
 * `useGates()` in a test file gives a factory; after each test everything every gate logged is audited: signatures,
 * chains (seq, prev, at), policies before use, and each decision replayed from its disclosed facts under the logged
 * policy text (G4). A test that must not end like that has found a bug.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect } from 'vitest'
import type { Fate, Fates } from '../../src/adapters/memory/contract.ts'
import { createMemoryIncidents } from '../../src/adapters/memory/incidents.ts'
import { createMemoryPolicies } from '../../src/adapters/memory/keys.ts'
import { createMemoryStore, type MemoryStore } from '../../src/adapters/memory/store.ts'
import { createAudit } from '../../src/core/audit/audit.ts'
import { verifyRange } from '../../src/core/audit/range.ts'
import { textFromBase64Url, toBase64Url, utf8 } from '../../src/core/encoding.ts'
import type { Facts, IncidentFacts, PlatformFacts } from '../../src/core/model.ts'
import { compilePolicy } from '../../src/core/policy/compile.ts'
import { evaluate } from '../../src/core/policy/evaluate.ts'
import { ENGINE, type Plan } from '../../src/core/policy/plan.ts'
import { decodeFacts } from '../../src/core/record/decode-facts.ts'
import { keyDraft, type RecordDraft, resultOf } from '../../src/core/record/drafts.ts'
import { portableHasher } from '../../src/core/record/hashing.ts'
import { createIssuer, type Issue } from '../../src/core/record/issue.ts'
import { isChainKind } from '../../src/core/record/kinds.ts'
import { policyDrafts } from '../../src/core/record/policy-parts.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import { emptyEdge } from '../../src/core/tlog/edge.ts'
import { grow } from '../../src/core/tlog/grow.ts'
import { leafHash } from '../../src/core/tlog/hash.ts'
import { ed25519Signer } from '../../src/core/tlog/note.ts'
import { createAccessBook, type RecordAccess } from '../../src/gate/access.ts'
import type { GateSettings } from '../../src/gate/context.ts'
import type { ErasureDesk } from '../../src/gate/erasure-desk.ts'
import type { IncidentDesk } from '../../src/gate/incident.ts'
import type { PolicyDesk } from '../../src/gate/policy-desk.ts'
import type { ReportSources } from '../../src/gate/policy-report.ts'
import { createGateWithDesk } from '../../src/gate.ts'
import type { DecideRequest, Gate, StrikeRequest } from '../../src/gate-types.ts'
import type {
  ActivePolicy,
  BroadcastView,
  Change,
  CommitResult,
  Directory,
  GateEvent,
  Policies,
  SignedRecord,
  SubjectState,
} from '../../src/ports.ts'
import { countedRandom, nodeVerify, type TestKey, testKey } from '../core/record/samples.ts'
import { aDesk } from './policy-desk.ts'

export const NOW: EpochMs = epochMs(Date.UTC(2026, 10, 20, 12))
export const ORIGIN = 'gate.example/log/test'
export const MINUTE = 60_000
export const HOUR: number = 60 * MINUTE
export const DAY: number = 24 * HOUR
export const RECORD_KEY: TestKey = testKey(7)

/** Whatever stands before and after a port does its work; tests hold, reorder or fail it there. */
export type Around = <T>(what: 'load' | 'commit' | 'issue', work: () => Promise<T>) => Promise<T>

export interface GateOptions {
  /** What is asked in place of the store's own. */
  readonly directory?: (own: Directory) => Directory
  /** Policy text; policies/default.yaml unless given. */
  readonly policy?: string
  readonly settings?: Partial<GateSettings>
  readonly around?: Around
  /** Policies are activated under numbers, through a desk, as on hosts that offer it. */
  readonly numbered?: true
  /** Its ledger has nothing at hand: every question waits for it. */
  readonly waits?: true
  /** Told of what has to stop, as by a host that can cut. */
  readonly onRevoked?: (view: BroadcastView) => void
}

/** A gate and everything a test can turn or see. */
export interface TestGate {
  readonly gate: Gate
  readonly erasure: ErasureDesk
  readonly store: MemoryStore
  readonly clock: { now(): EpochMs; set(at: number): void }
  readonly events: GateEvent[]
  /** What `onRevoked` was told, in order. */
  readonly revoked: BroadcastView[]
  /** Fate of the next commits, in order; done when empty. */
  readonly fates: Fate[]
  /** While set, the write of every commit waits before, or its answer after, for the promise. */
  hold: { readonly when: 'before' | 'after'; readonly until: Promise<void> } | null
  incident: IncidentFacts
  platform: PlatformFacts
  readonly policies: Policies
  readonly desk: PolicyDesk
  /** Incident mode in the log; `incident` is asked while there never was one. */
  readonly incidents: IncidentDesk
  /** Writes that records were opened. */
  readonly access: RecordAccess
  /** Logs a policy and makes it the active one. */
  activate(text: string): Promise<void>
  /** Moves the clock and fires what is due. */
  pass(ms: number): void
  /** Timers not yet fired or cancelled. */
  timers(): number
  state(subject: string): Promise<SubjectState>
  issue: Issue
  /** Decisions, strikes and so on in the order of the log. */
  kinds(): readonly string[]
  verify(): Promise<void>
}

/** A factory whose gates are audited after each test of the file. */
export function useGates(): (options?: GateOptions) => Promise<TestGate> {
  const made: TestGate[] = []
  afterEach(async () => {
    for (const gate of made.splice(0)) await gate.verify()
  })
  return async (options = {}) => {
    const gate = await aGate(options)
    made.push(gate)
    return gate
  }
}

/** A gate over the memory store. */
export async function aGate(options: GateOptions = {}): Promise<TestGate> {
  const { around = (_what, work) => work() } = options
  const timers = new Set<{ readonly at: number; readonly fire: () => void }>()
  const fates: Fate[] = []
  const fateOf: Fates = (what) =>
    what === 'ledger.commit' || what.startsWith('erasures.') ? (fates.shift() ?? 'done') : 'done'
  const store = createMemoryStore({ origin: ORIGIN, checkpointSigner: noteSigner(), fates: fateOf })
  const random = countedRandom('gate')
  const issue = createIssuer({
    ...{ issuer: 'https://gate.example', engine: ENGINE, log: ORIGIN },
    ...{ signer: RECORD_KEY.signer, random },
  })
  let now = NOW
  let erased = false
  const policy = activePolicy(options.policy ?? defaultPolicy())
  const simple = createMemoryPolicies(policy)
  const clock = { now: () => now }
  const append = async (drafts: readonly RecordDraft[]): Promise<void> => {
    const records = await Promise.all(drafts.map(async (draft) => signed(issue, draft, now)))
    await store.log.append(records, [])
  }
  await append([keyDraft({ jwk: RECORD_KEY.jwk, use: 'record', status: 'active' })])
  const recent: ReportSources['recent'] = async function* (limit) {
    yield (await store.directory.searchDecisions({ limit })).records
  }
  const { desk, book, begin } = aDesk({ clock, append, sources: { recent } })
  if (options.numbered === true) await begin(policy.bytes)
  else await append(policyDrafts(policy.bytes))
  const policies = options.numbered === true ? book : simple
  const incidents = createMemoryIncidents({
    ...{ append, clock, random: { bytes: countedRandom('incidents') } },
  })
  const world: Omit<TestGate, 'gate' | 'erasure'> = {
    store,
    clock: {
      now: clock.now,
      set: (at) => {
        now = epochMs(at)
      },
    },
    ...{ events: [], revoked: [], fates, hold: null, policies, desk, incidents: incidents.desk },
    access: createAccessBook({ append: (draft) => append([draft]), clock, after: () => () => {} }),
    ...{ incident: { active: false }, platform: {} },
    async activate(text) {
      const next = activePolicy(text)
      if (!store.log.has(next.plan.digest)) await append(policyDrafts(next.bytes))
      simple.activate(next)
    },
    pass(ms) {
      now = epochMs(now + ms)
      for (const timer of [...timers]) {
        if (timer.at > now || !timers.delete(timer)) continue
        timer.fire()
      }
    },
    timers: () => timers.size,
    state: async (subject) => store.ledger.load(subject),
    issue,
    kinds: () => store.entries().map((entry) => entry.kind),
    verify: () => verifyLog(store.entries(), ORIGIN, erased),
  }
  const commit = (change: Change): Promise<CommitResult> =>
    around('commit', async () => {
      const { hold } = world
      if (hold?.when === 'before') await hold.until
      const result = await store.ledger.commit(change)
      if (hold?.when === 'after') await hold.until
      return result
    })
  const { gate, erasure } = createGateWithDesk(
    {
      clock: world.clock,
      random: { bytes: (length) => random(length) },
      after: (delay_ms, fire) => {
        const timer = { at: now + delay_ms, fire }
        timers.add(timer)
        return () => timers.delete(timer)
      },
      issuer: {
        kid: RECORD_KEY.signer.kid,
        issue: (draft, time) => around('issue', () => issue(draft, time)),
      },
      ledger: {
        load: (subject) => around('load', async () => store.ledger.load(subject)),
        ...(options.waits === true ? {} : { peek: store.ledger.peek }),
        idempotent: store.ledger.idempotent,
        commit,
      },
      directory: options.directory?.(store.directory) ?? store.directory,
      erasures: {
        ...store.erasures,
        begin: (change) => {
          erased = true
          return store.erasures.begin(change)
        },
        forget: (change) => {
          erased = true
          return store.erasures.forget(change)
        },
      },
      policies,
      surroundings: {
        incident: (at = now) => incidents.facts(at) ?? world.incident,
        platform: () => world.platform,
      },
      pepper: { hash: (what, text) => portableHasher.digestText(`pepper ${what} ${text}`) },
      observe: (event) => world.events.push(event),
      onRevoked(view) {
        world.revoked.push(view)
        options.onRevoked?.(view)
      },
    },
    options.settings ?? {},
    (desk) => desk,
  )
  if (erasure === null) throw new Error('the memory store can forget')
  return Object.assign(world, { gate, erasure })
}

export function noteSigner(): ReturnType<typeof ed25519Signer> {
  const { signer, jwk } = testKey(8)
  const publicKey = Buffer.from(jwk.x, 'base64url')
  return ed25519Signer({ name: ORIGIN, publicKey: new Uint8Array(publicKey), sign: signer.sign })
}

export function defaultPolicy(): string {
  return readFileSync(join(import.meta.dirname, '../../policies/default.yaml'), 'utf8')
}

/** A policy with these lines under `rules:` and whatever follows. */
export function policyOf(rules: string, rest = ''): string {
  const list = `rules:\n${rules === '' ? NO_RULE : rules}`
  return `livegate: policy/v1\nname: test\n${list}\non_unknown: { retry_after: 30s }\ndefault: allow\nlease: 4h\n${rest}`
}

/** Matches nothing. */
const NO_RULE =
  '  - { id: never, ground: terms, when: \'now < timestamp("2000-01-01T00:00:00Z")\', outcome: deny }'
/** A strike of any kind denies for thirty days, then ninety, then for ever. */
export const STRIKE_RULE =
  '  - { id: struck, ground: terms, count: { category: ["*"] }, ladder: { 1: 30d, 2: 90d, 3: forever }, outcome: deny }'
export const HOLD_RULE =
  '  - { id: wait, ground: terms, when: "subject.followers < 10", outcome: delay, hold: 15m }'

export function activePolicy(text: string): ActivePolicy & { readonly plan: Plan } {
  const bytes = utf8(text)
  const compiled = compilePolicy(bytes, { file: 'test.yaml' })
  if (!compiled.ok) throw new Error(compiled.error.map(({ message }) => message).join('\n'))
  return { plan: compiled.value.plan, bytes }
}

/** An old account wants to go live; `given` makes it anything else. */
export function ask(subject: string, given: Partial<DecideRequest> = {}): DecideRequest {
  return {
    subject,
    stream: { id: `b_${subject}`, audience: 'public' },
    request: { territory: 'FR', ingest: 'rtmp' },
    facts: { created_at: epochMs(Date.UTC(2020, 0)), followers: 100, labels: [] },
    supports: ['broadcast_delay', 'audience_cap'],
    caller: 'key_1',
    ...given,
  }
}

/** The same under an Idempotency-Key; `body` stands for the bytes sent. */
export function askOnce(key: string, request: DecideRequest, body = 'body'): DecideRequest {
  return { ...request, idempotency: { key, fingerprint: portableHasher.digestText(body) } }
}

export function aStrike(
  id: string,
  subject: string,
  given: Partial<StrikeRequest> = {},
): StrikeRequest {
  const issued_at = NOW
  return { id, subject, category: 'terrorism.link', severity: 'high', issued_at, ...given }
}

/** Lets everything that can go on without timers do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((done) => setImmediate(done))
}

/** The value a record disclosed for a group. */
export function opened<T = Record<string, unknown>>(
  openings: Readonly<Record<string, string>>,
  group: string,
): T {
  const [, , value] = JSON.parse(textFromBase64Url(openings[group] ?? '') ?? 'null')
  return value as T
}

export function chainOf(openings: Readonly<Record<string, string>>): {
  readonly sub: string
  readonly seq: number
  readonly prev: string | null
  readonly at: number
} {
  return opened(openings, 'chain')
}

async function signed(issue: Issue, draft: RecordDraft, at: number): Promise<SignedRecord> {
  const { jti, jws, leaf } = await issue(draft, { iat_s: Math.floor(at / 1000) })
  return { id: jti, kind: draft.kind as SignedRecord['kind'], jws, leaf, openings: {} }
}

/** Audits a log and replays its decisions; throws (fails the test) on the first lie. */
export async function verifyLog(
  records: readonly SignedRecord[],
  origin: string = ORIGIN,
  erased = false,
): Promise<void> {
  const entries = records.map(({ jws, openings }) => ({
    bytes: utf8(jws),
    disclosures: Object.values(openings),
  }))
  const audit = createAudit({ origin, trusted: null })
  audit.entries(entries)
  const range = {
    first_index: 0,
    entries: entries.map(({ bytes }) => bytes),
    keys: audit.keys(),
  }
  audit.signatures(await verifyRange(range, nodeVerify))
  const { root } = grow({ edge: emptyEdge(), leaves: records.map(({ leaf }) => leaf) })
  const report = audit.finish({ size: entries.length, root, note: 'test' })
  expect(report.findings).toEqual([])
  expect(report.counts.signatures).toBe(entries.length)
  // Contents are missing only where something was erased.
  const whole = ({ openings }: SignedRecord): boolean => openings.facts !== undefined || !erased
  const unopened = records.filter(
    ({ kind, openings }) => isChainKind(kind) && openings.chain === undefined,
  )
  expect(report.counts.chain_unopened).toBe(erased ? unopened.length : 0)
  for (const { leaf, jws } of records)
    expect(toBase64Url(leaf)).toBe(toBase64Url(leafHash(utf8(jws))))
  const plans = new Map<string, Plan>()
  for (const [digest, bytes] of audit.policies()) {
    const compiled = compilePolicy(bytes, { file: digest })
    if (compiled.ok) plans.set(digest, compiled.value.plan)
  }
  for (const record of records)
    if (record.kind === 'decision' && whole(record)) replay(record, plans)
}

/** Decides again from nothing but what was disclosed and logged. */
function replay({ jws, openings }: SignedRecord, plans: ReadonlyMap<string, Plan>): void {
  const claims = JSON.parse(textFromBase64Url(jws.split('.')[1] ?? '') ?? '{}')
  const plan = plans.get(claims.policy)
  const facts = decodeFacts(opened<Facts>(openings, 'facts'))
  if (plan === undefined || !facts.ok) throw new Error('a decision does not disclose what it saw')
  const decision = evaluate(plan, facts.value)
  expect(decision.outcome).toBe(claims.outcome)
  expect(JSON.stringify(resultOf(decision))).toBe(JSON.stringify(opened(openings, 'result')))
}
