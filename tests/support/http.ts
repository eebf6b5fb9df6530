/**
 * An app over plain data: a gate that answers what the test told it to, ports that are maps, a clock that stands still.
 *
 * The fake gate keeps the promises of gate-types.ts as far as HTTP can see them (a strike again is not created twice,
 * an unknown strike is `not_found`), and remembers every question, so that tests see what arrived.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import type { Hono } from 'hono'
import { newApiKey } from '../../src/adapters/http/api-key.ts'
import { createApp } from '../../src/adapters/http/app.ts'
import { type CallerKeys, createCallerKeys } from '../../src/adapters/http/caller-keys.ts'
import {
  type AppDeps,
  DEFAULT_HTTP_CONFIG,
  type HttpConfig,
  type Readiness,
  type ServedLog,
} from '../../src/adapters/http/deps.ts'
import type { MediaServerDesk, MediaServerView } from '../../src/adapters/http/media-servers.ts'
import { SCOPES, type Scope } from '../../src/adapters/http/scopes.ts'
import { toBase64Url, utf8 } from '../../src/core/encoding.ts'
import { LivegateError } from '../../src/core/errors.ts'
import type { Decision, Strike } from '../../src/core/model.ts'
import type { Explanation } from '../../src/core/policy/explain.ts'
import { type EpochMs, epochMs } from '../../src/core/time.ts'
import type { Access, RecordAccess } from '../../src/gate/access.ts'
import type { KeyDesk, KeyView } from '../../src/gate/key-desk.ts'
import type { Answer, DecideRequest, Gate, StrikeRequest } from '../../src/gate-types.ts'
import type {
  ApiKey,
  ApiKeys,
  BroadcastQuery,
  BroadcastView,
  DecisionSearch,
  Directory,
  GateEvent,
  Log,
  Receipt,
  StoredFacts,
  StoredRecord,
  StreamKey,
  StreamKeys,
} from '../../src/ports.ts'
import { AN_ERASURE, anErasureDesk } from './erasure-desk.ts'
import { anIncidentDesk } from './incident-desk.ts'
import { aDesk } from './policy-desk.ts'
import { aShadowReport } from './shadow.ts'

export const NOW: EpochMs = epochMs(Date.UTC(2026, 10, 20, 12))
export const ORIGIN = 'gate.example/log/test'
export const DIGEST: string = `sha256-${'A'.repeat(43)}`
export const POLICY_TEXT = 'policy: one-strike\ndefault: allow\n'

/** A clock that moves only when told to. */
export interface StandingClock {
  now(): EpochMs
  set(at: number): void
}

export function standingClock(start: number = NOW): StandingClock {
  let at = epochMs(start)
  return {
    now: () => at,
    set(next) {
      at = epochMs(next)
    },
  }
}

/** Bytes 0, 1, 2 … so that generated ids are known and differ. */
function countingRandom(): { bytes(length: number): Uint8Array } {
  let next = 0
  return { bytes: (length) => Uint8Array.from({ length }, () => next++ % 256) }
}

/** An allow for eight hours; `overrides` make it anything else. */
export function aDecision(overrides: Partial<Decision> = {}): Decision {
  return {
    outcome: 'allow',
    mode: null,
    until: null,
    not_before: null,
    review: null,
    retry_after_s: null,
    broadcast_delay_s: null,
    lease_until: overrides.outcome === undefined ? epochMs(NOW + 8 * 3_600_000) : null,
    rules: [],
    reasons: [],
    restrictions: [],
    unknown: [],
    obligations: [],
    exemptions: [],
    holds_opened: [],
    ...overrides,
  }
}

/** A deny until 20 December for one strike. */
export function aDeny(): Decision {
  return aDecision({
    outcome: 'deny',
    until: epochMs(Date.UTC(2026, 11, 20)),
    rules: ['dangerous-organisations'],
    reasons: [
      {
        rule: 'dangerous-organisations',
        code: 'restriction_active',
        host: 0,
        ground: 'terms',
        restriction: 'r_3sQm6n4nX0yqk2k1bJ8v0A',
        strikes: ['s_1'],
        text: {
          en: 'Live is paused until 20 December 2026, 00:00 UTC, after a strike for a link.',
        },
        appeal: { url: 'https://example.org/appeals', until: epochMs(Date.UTC(2027, 4, 20)) },
      },
    ],
  })
}

function opening(group: string, value: unknown): string {
  return toBase64Url(utf8(JSON.stringify(['AAAAAAAAAAAAAAAAAAAAAA', group, value])))
}

function jwsOf(claims: object): string {
  const part = (value: object): string => toBase64Url(utf8(JSON.stringify(value)))
  const header = { alg: 'Ed25519', typ: 'livegate-decision+jwt', kid: 'k' }
  return `${part(header)}.${part(claims)}.${'A'.repeat(86)}`
}

/** What the tests can set and see. */
export interface World {
  readonly clock: StandingClock
  /** Answers by subject; everybody else is allowed. */
  readonly decisions: Map<string, Decision>
  /** Every question the gate was asked. */
  readonly asked: DecideRequest[]
  /** Who recorded and reversed strikes, in order. */
  readonly callers: (string | undefined)[]
  /** Thrown by every method of the gate while set. */
  failure: unknown
  /** While set, decisions wait for it. */
  hold: Promise<void> | null
  readonly records: Map<string, StoredRecord>
  readonly strikes: Map<string, Strike>
  readonly facts: Map<string, StoredFacts>
  readonly streamKeys: Map<string, StreamKey>
  readonly apiKeys: Map<string, ApiKey>
  readonly tiles: Map<string, Uint8Array>
  /** Proof text by index; absent = no checkpoint covers it yet. */
  readonly proofs: Map<number, string>
  readonly proofWaits: number[]
  /** What broadcasts were listed by. */
  readonly listed: BroadcastQuery[]
  readonly searches: DecisionSearch[]
  /** What the log was told is opened, in order. */
  readonly accesses: Access[]
  /** Thrown, while set, instead of writing an access. */
  access_failure: unknown
  readonly events: GateEvent[]
  readonly reports: { readonly route: string; readonly error: unknown }[]
  readiness: Readiness
}

export interface Fixture {
  readonly app: Hono
  readonly deps: AppDeps
  readonly world: World
  readonly callerKeys: CallerKeys
  /** A token with exactly these scopes. */
  token(...scopes: readonly Scope[]): string
  /** Sends a request; `as` is a scope, a list of scopes or a whole Authorization value. */
  send(request: Sent): Promise<Response>
}

export interface Sent {
  readonly method?: string
  readonly path: string
  readonly as?: Scope | readonly Scope[] | { readonly authorization: string }
  /** An object becomes JSON; a string or bytes are sent as they are. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export type FixtureOptions = Partial<HttpConfig> & {
  readonly deps?: Partial<AppDeps>
}

const A_SERVER: MediaServerView = {
  ...{ id: 'origin-7', kind: 'nginx-rtmp', template: 'origins', host: '10.0.3.7', state: 'live' },
  ...{ registered_at: NOW, expires_at: NOW },
}
const aServerDesk: MediaServerDesk = {
  list: () => [A_SERVER],
  register: async () => ({ view: A_SERVER, created: true }),
  deregister: async () => {},
}

export function aFixture(options: FixtureOptions = {}): Fixture {
  const { deps: more, ...config } = options
  const world = aWorld()
  const random = countingRandom()
  const callerKeys = createCallerKeys(apiKeysOf(world), world.clock)
  const deps: AppDeps = {
    gate: gateOf(world),
    clock: world.clock,
    random,
    pepper: { hash: (what, text) => toBase64Url(sha256(utf8(`pepper ${what} ${text}`))) },
    callerKeys,
    streamKeys: streamKeysOf(world),
    directory: directoryOf(world),
    broadcasts: {
      async list(query) {
        world.listed.push(query)
        return { items: [A_BROADCAST], next: null }
      },
    },
    logs: [
      {
        log: aLog(world),
        vkey: `${ORIGIN}+a7ce74b9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4`,
        access: accessOf(world),
      },
    ],
    observe: (event) => world.events.push(event),
    config: { ...DEFAULT_HTTP_CONFIG, ...config },
    readiness: () => world.readiness,
    metricsText: () => '# HELP livegate_decisions_total Decisions.\n',
    policiesView: {
      list: () => [{ name: 'one-strike', digest: DIGEST, active: true, activated_at: NOW }],
      text: (digest) => (digest === DIGEST ? utf8(POLICY_TEXT) : null),
    },
    policyDesk: aDesk({ clock: world.clock }).desk,
    shadow: aShadowReport,
    keyDesk: aKeyDesk(),
    incidents: anIncidentDesk(world.clock).desk,
    reviews: { list: async () => ({ items: [], next: null }) },
    whip: {
      open: async () => new Response('v=0', { status: 201 }),
      close: async () => new Response(null, { status: 200 }),
      patch: async () => new Response(null, { status: 204 }),
      preflight: () => new Response(null, { status: 204 }),
    },
    webhooks: {
      list: async () => [],
      dead: async () => ({ letters: [], next: null }),
      replay: async () => ({ revived: 0, enabled: false }),
    },
    mediaServers: aServerDesk,
    erasure: anErasureDesk({ erasure: AN_ERASURE }),
    recordKeys: () => [{ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }],
    importer: {
      begin: async () => ({ lines: 1, finished: false }),
      put: async ({ from, lines }) => ({ lines: from + lines.length, finished: false }),
    },
    report: (failure) => world.reports.push(failure),
    ...more,
  }
  const app = createApp(deps)
  const tokens = new Map<string, string>()
  const token = (...scopes: readonly Scope[]): string => {
    const name = scopes.join(' ')
    const known = tokens.get(name)
    if (known !== undefined) return known
    const made = newApiKey({ scopes, owner: 'test' }, { random, clock: world.clock })
    world.apiKeys.set(made.key.id, made.key)
    tokens.set(name, made.token)
    return made.token
  }
  return { app, deps, world, callerKeys, token, send: (sent) => send(app, token, sent) }
}

/** Every scope but these: what must not be enough. */
export function scopesBut(...left: readonly Scope[]): readonly Scope[] {
  return SCOPES.filter((scope) => scope !== 'admin' && !left.includes(scope))
}

async function send(
  app: Hono,
  token: (...scopes: readonly Scope[]) => string,
  sent: Sent,
): Promise<Response> {
  const { method = 'GET', path, as, body } = sent
  const headers = new Headers(sent.headers)
  const authorization = authorizationOf(as, token)
  if (authorization !== null) headers.set('authorization', authorization)
  const plain =
    typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream
  const payload = body === undefined ? null : plain ? body : JSON.stringify(body)
  if (payload !== null && !headers.has('content-type'))
    headers.set('content-type', 'application/json')
  if (headers.get('content-type') === '') headers.delete('content-type')
  const init = { method, headers, body: payload as BodyInit | null, duplex: 'half' }
  return app.request(path, init as RequestInit)
}

function authorizationOf(
  as: Sent['as'],
  token: (...scopes: readonly Scope[]) => string,
): string | null {
  if (as === undefined) return null
  if (typeof as === 'string') return `Bearer ${token(as)}`
  return 'authorization' in as ? as.authorization : `Bearer ${token(...as)}`
}

/** Two keys of one log; every rotation changes something, no revocation does. */
function aKeyDesk(): KeyDesk {
  const kid = 'A'.repeat(43)
  const at = { log: ORIGIN, kid, from: 0, until: null, signs: true } as const
  const keys: readonly KeyView[] = [
    { ...at, use: 'record', status: 'active', vkey: null },
    { ...at, use: 'checkpoint', status: 'retired', from: 2, until: 7, vkey: `${ORIGIN}+a+b` },
  ]
  return {
    list: async () => keys,
    change: async ({ step }) => ({ changed: step !== 'revoke', keys }),
  }
}

function aWorld(): World {
  return {
    clock: standingClock(),
    decisions: new Map(),
    asked: [],
    callers: [],
    failure: null,
    hold: null,
    records: new Map(),
    strikes: new Map(),
    facts: new Map(),
    streamKeys: new Map(),
    apiKeys: new Map(),
    tiles: new Map(),
    proofs: new Map(),
    proofWaits: [],
    searches: [],
    listed: [],
    accesses: [],
    access_failure: null,
    events: [],
    reports: [],
    readiness: { ready: true },
  }
}

export function accessOf(world: Pick<World, 'accesses' | 'access_failure'>): RecordAccess {
  return async (access) => {
    if (world.access_failure !== null) throw world.access_failure
    world.accesses.push(access)
  }
}

/** What a decision of the world let start. */
export const A_BROADCAST: BroadcastView = {
  ...{ id: idOf(1), subject: 'u_1', stream: 'b_1', opened_at: NOW, cutting: null },
  ...{ server: 'edge', session: 'c 1', handle: 'client 1' },
  lease_until: epochMs(NOW + 14_400_000),
}

function anAsked(subject: string): DecideRequest {
  return { subject, stream: {}, request: {}, facts: {}, supports: [], caller: 'key' }
}

function gateOf(world: World): Gate {
  const fail = (): void => {
    if (world.failure !== null) throw world.failure
  }
  return {
    async decide(request) {
      world.asked.push(request)
      if (world.hold !== null) await world.hold
      fail()
      return anAnswer(world, request)
    },
    async explain(request) {
      world.asked.push(request)
      fail()
      return explanationOf(decisionFor(world, request.subject))
    },
    async strike(request) {
      fail()
      return struck(world, request)
    },
    async reverse({ strike, caller }) {
      fail()
      world.callers.push(caller)
      const found = world.strikes.get(strike)
      if (found === undefined)
        throw new LivegateError('not_found', 'Cannot reverse strike: it is not known')
      world.strikes.set(strike, { ...found, status: 'reversed' })
      const created = found.status === 'active'
      return {
        strike: { ...found, status: 'reversed' },
        created,
        receipt: created ? receiptAt(2) : null,
        decisions: [{ id: idOf(1), outcome: 'deny', at: NOW }],
        restrictions: [],
      }
    },
    async putFacts(subject, facts, as_of) {
      fail()
      return storeFacts(world, subject, { before: {}, facts, as_of })
    },
    async patchFacts(subject, facts, as_of) {
      fail()
      const before = world.facts.get(subject) ?? {}
      return storeFacts(world, subject, { before, facts, as_of })
    },
    async subject(subject) {
      fail()
      return {
        subject,
        facts: world.facts.get(subject) ?? {},
        strikes: [...world.strikes.values()].filter((strike) => strike.subject === subject),
        restrictions: decisionFor(world, subject).restrictions,
        broadcasts: [],
        eligible_at: NOW,
        eligible_reason: null,
      }
    },
    async endSession() {
      return false
    },
    async renew({ broadcast, caller, facts }) {
      fail()
      if (broadcast !== idOf(1))
        throw new LivegateError('not_found', 'Cannot renew the broadcast: there is none')
      world.asked.push({ ...anAsked('u_1'), caller, facts: facts ?? {} })
      const { decision, policy, jws, openings, receipt } = anAnswer(world, anAsked('u_1'))
      return {
        ...{
          broadcast,
          event: 'renewed',
          id: idOf(2),
          at: NOW,
          lease_until: A_BROADCAST.lease_until,
        },
        ...{ decision, policy, jws, openings, receipt },
      }
    },
    async end({ broadcast, caller }) {
      fail()
      world.callers.push(caller)
      return broadcast === idOf(1)
    },
    async join({ broadcast, cohost, caller }) {
      fail()
      if (broadcast !== idOf(1))
        throw new LivegateError('not_found', 'Cannot join the broadcast: there is none')
      const asked = { ...anAsked('u_1'), stream: { hosts: [cohost] }, caller }
      world.asked.push(asked)
      return anAnswer(world, asked)
    },
    async broadcast(id) {
      fail()
      return id === idOf(1) ? A_BROADCAST : null
    },
    async recheck() {
      return []
    },
    async review(request) {
      fail()
      throw new LivegateError('not_found', `Cannot review: there is no item ${request.id.length}`)
    },
    async cutDone() {
      return false
    },
    async setHandle() {
      return false
    },
  }
}

function decisionFor(world: World, subject: string): Decision {
  return world.decisions.get(subject) ?? aDecision()
}

export function idOf(n: number): string {
  return toBase64Url(sha256(utf8(`decision ${n}`))).slice(0, 22)
}

export function receiptAt(index: number): Receipt {
  return { origin: ORIGIN, index, leaf: toBase64Url(sha256(utf8(`leaf ${index}`))) }
}

/** The answer to a question, remembered as a record. */
export function anAnswer(world: World, request: DecideRequest): Answer {
  const decision = decisionFor(world, request.subject)
  const n = world.records.size + 1
  const id = idOf(n)
  const at = world.clock.now()
  const policy = { name: 'one-strike', digest: DIGEST }
  const jws = jwsOf({ jti: id, iat: at / 1000, outcome: decision.outcome, policy: DIGEST })
  const openings = {
    chain: opening('chain', { sub: 'p', seq: n, prev: null, at }),
    result: opening('result', { mode: decision.mode, rules: decision.rules }),
    subject: opening('subject', { subject: request.subject, cohosts: [] }),
    request: opening('request', { caller: request.caller }),
    facts: opening('facts', { at, hosts: [{ subject: request.subject }] }),
  }
  const receipt = receiptAt(n)
  const stored = { id, subject: request.subject, seq: n, at, jws, openings, receipt }
  world.records.set(id, { ...stored, kind: 'decision' })
  const { outcome } = decision
  return {
    id,
    decided_at: at,
    outcome,
    decision,
    policy,
    jws,
    openings,
    receipt,
    supersedes: null,
    repeated: false,
  }
}

function struck(
  world: World,
  { caller, ...request }: StrikeRequest,
): Awaited<ReturnType<Gate['strike']>> {
  world.callers.push(caller)
  const strike: Strike = {
    weight: 1,
    scope: 'any',
    ...request,
    effective_at: request.issued_at,
    status: 'active',
  }
  const before = world.strikes.get(strike.id)
  if (before !== undefined && JSON.stringify(before) !== JSON.stringify(strike))
    throw new LivegateError('conflict', 'Cannot record strike: its id has other content')
  world.strikes.set(strike.id, strike)
  const created = before === undefined
  const receipt = created ? receiptAt(1) : null
  return { strike, created, known_category: true, restrictions: [], receipt, revoked: [] }
}

function storeFacts(
  world: World,
  subject: string,
  change: { before: StoredFacts; facts: object; as_of: EpochMs },
): StoredFacts {
  const stored: Record<string, unknown> = { ...change.before }
  for (const [name, value] of Object.entries(change.facts)) {
    if (value === null) delete stored[name]
    else stored[name] = { value, as_of: change.as_of }
  }
  world.facts.set(subject, stored)
  return stored
}

function apiKeysOf(world: World): ApiKeys {
  return {
    async create(key) {
      world.apiKeys.set(key.id, key)
    },
    byId: (id) => world.apiKeys.get(id) ?? null,
    list: async () => [...world.apiKeys.values()],
    async revoke(id, at) {
      const key = world.apiKeys.get(id)
      if (key !== undefined) world.apiKeys.set(id, { ...key, revoked_at: at })
      return key !== undefined
    },
  }
}

function streamKeysOf(world: World): StreamKeys {
  const byHash = (hash: string): StreamKey | null =>
    [...world.streamKeys.values()].find((key) => key.key_hash === hash) ?? null
  return {
    async bind(key) {
      if (byHash(key.key_hash) !== null) return { ok: false, error: 'taken' }
      world.streamKeys.set(key.id, key)
      return { ok: true }
    },
    byHash,
    byId: (id) => world.streamKeys.get(id) ?? null,
    list: (subject) =>
      [...world.streamKeys.values()].filter((key) => key.subject === subject).reverse(),
    async revoke(id, at) {
      const key = world.streamKeys.get(id)
      if (key === undefined) return false
      const { revoked_at } = key
      const sooner = revoked_at !== null && revoked_at < at ? revoked_at : (at as EpochMs)
      world.streamKeys.set(id, { ...key, revoked_at: sooner })
      return true
    },
  }
}

function directoryOf(world: World): Directory {
  return {
    subjectOfStrike: (strike) => world.strikes.get(strike)?.subject ?? null,
    record: (id) => world.records.get(id) ?? null,
    async searchDecisions(search) {
      world.searches.push(search)
      const all = [...world.records.values()].reverse()
      const start = search.cursor === undefined ? 0 : Number(search.cursor)
      const records = all.slice(start, start + search.limit)
      const end = start + records.length
      return { records, next: end < all.length ? String(end) : null }
    },
    async records({ from, limit }) {
      const found = [...world.records.values()].filter(({ receipt }) => receipt.index >= from)
      const next = found[limit]?.receipt.index ?? null
      return { records: found.slice(0, limit), next }
    },
    decisionsRelyingOn: async () => [],
    broadcastOfSession: async () => null,
  }
}

/** The first log of a fixture. */
export function logOf({ deps }: Fixture): ServedLog['log'] {
  const [served] = deps.logs
  if (served === undefined) throw new Error('the fixture has no log')
  return served.log
}

function aLog(world: World): Log {
  return {
    origin: ORIGIN,
    append: async () => [],
    has: () => true,
    size: () => world.records.size,
    checkpoint: async () => `${ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— x y\n`,
    tile: async (path) => world.tiles.get(path) ?? null,
    async proof(index, wait_ms) {
      world.proofWaits.push(wait_ms)
      return world.proofs.get(index) ?? null
    },
  }
}

function explanationOf(decision: Decision): Explanation {
  const trace = decision.rules.map((rule): Explanation['trace'][number] => ({
    rule,
    host: 0,
    state: 'matched',
    kept: [],
    retroactive: null,
    exemptions: [],
    missing: [],
    when: null,
    count: {
      strikes: ['s_1'],
      n: 1,
      weight: 1,
      at_least: null,
      weight_at_least: null,
      next_step: { n: 2, length: 90 * 86_400_000 },
    },
  }))
  const allow = { ...decision, outcome: 'allow', until: null, rules: [] } as const
  const strike = { category: 'terrorism.link', severity: 'high', weight: 1, scope: 'any' } as const
  const struck = { kind: 'struck', host: 0, strike } as const
  const until = decision.until === 'forever' || decision.until === null ? NOW : decision.until
  const near = { host: 0, away: 'step', have: 1, need: 2, matches: true, edge: null } as const
  return {
    at: NOW,
    decision,
    trace,
    eligible_at: { at: NOW, reason: null },
    counterfactual: {
      near: decision.rules.map((rule) => ({ rule, ...near, change: struck })),
      settles: [
        {
          fact: 'subject.followers',
          host: 0,
          strike: null,
          rules: ['needs-review'],
          ways: [{ value: 999, answer: { ...decision } }],
        },
      ],
      changes: [
        { change: { kind: 'later', at: until }, answer: allow },
        { change: { kind: 'reversed', host: 0, strike: 's_1' }, answer: allow },
      ],
      incomplete: [{ kind: 'reversed', why: 'work' }],
    },
    sentence: { en: 'Paused.' },
  }
}
