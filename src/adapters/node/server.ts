/**
 * Composition root of the Node host: chooses the parts, connects them, starts and stops them. No logic.
 *
 * Order of a start: data directory (created only when asked) → policy compiled and logged → gate → HTTP. Order of a
 * stop: no new requests → those under way finish → what waits is settled → a last round → the directory is released.
 */
import { resolve } from 'node:path'
import { compilePolicy } from '../../core/policy/compile.ts'
import type { RecordDraft } from '../../core/record/drafts.ts'
import { KEEP_EVERYTHING } from '../../core/retention.ts'
import { createAccessBook } from '../../gate/access.ts'
import type { ErasureDesk } from '../../gate/erasure-desk.ts'
import { createIncidentDesk } from '../../gate/incident.ts'
import { createPolicyDesk } from '../../gate/policy-desk.ts'
import { numberedRecordIds } from '../../gate/record-ids.ts'
import { withShadow } from '../../gate/shadow.ts'
import { createSweeps, type Sweeps } from '../../gate/sweep.ts'
import type { WebhookDesk } from '../../gate/webhooks/desk.ts'
import { createGateWithDesk } from '../../gate.ts'
import type { Gate } from '../../gate-types.ts'
import type { BroadcastView, RecheckCause, StreamKeys, Surroundings } from '../../ports.ts'
import { describeProblem as describe } from '../../scrub.ts'
import { apiKeyFromToken, newApiKey } from '../http/api-key.ts'
import { createApp } from '../http/app.ts'
import { createCallerKeys } from '../http/caller-keys.ts'
import { DEFAULT_HTTP_CONFIG } from '../http/deps.ts'
import { unreadableResponse } from '../http/unread.ts'
import { createCustody } from '../media/custody.ts'
import { createGuessLimit } from '../media/guess-limit.ts'
import { createHooks, type Hooks } from '../media/hooks.ts'
import { createKeeper, type Keeper } from '../media/keeper.ts'
import { rememberKeys } from '../media/known-keys.ts'
import { createRegistrations, type Registrations, standingsOf } from '../media/registrations.ts'
import { createRenewals } from '../media/renewals.ts'
import { parseServersFile as parse, type ServersFile } from '../media/servers-file.ts'
import { createSessions } from '../media/sessions.ts'
import { createBackend } from '../media/whip/backend.ts'
import { createWhipDoor, type WhipDoor } from '../media/whip/door.ts'
import { parseWebhooksFile } from '../webhooks/webhooks-file.ts'
import { ADMIN_GRANT, ensureAdminKey } from './admin-key.ts'
import { createScribe, type Scribe, writeFirstEntries } from './bootstrap.ts'
import type { ServerConfig } from './config.ts'
import { hasDataDir } from './data-dir.ts'
import { every } from './every.ts'
import { gaugesOf } from './gauges.ts'
import { greetingOf } from './greeting.ts'
import { nodeHasher } from './hasher.ts'
import { createHeartbeat } from './heartbeat.ts'
import { accessTokensOf, httpSettingsOf, surroundingsOf } from './http-settings.ts'
import { createNodeIncidents, type NodeIncidents } from './incidents.ts'
import { listen } from './listener.ts'
import { createLogger, logEvents, logFailures } from './log-lines.ts'
import { readMediaServers } from './media-servers.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createNodeKeys, type NodeKeys } from './node-keys.ts'
import { createObservers, type Observers } from './observers.ts'
import { policiesView } from './policies-view.ts'
import { createNodePolicies, type NodePolicies } from './policy-activations.ts'
import { openPolicyFile, type PolicyFile } from './policy-files.ts'
import { nodeReportSources } from './policy-sources.ts'
import { readinessOf, unpublished } from './readiness.ts'
import { createRetention } from './retention.ts'
import { openShadowPolicy, type ShadowPolicy } from './shadow-policy.ts'
import { initNodeStore, type NodeStore, type NodeStoreOptions, openNodeStore } from './store.ts'
import { aborted, after, createSystemRandom, elapsed, systemClock } from './system.ts'
import { createNodeWebhooks, readWebhooks } from './webhooks.ts'
import { readWitnessSettings } from './witness-settings.ts'

export interface ServerIo {
  /** Fires when the process is asked to end. */
  readonly signal: AbortSignal
  /** Lines for the person who started the gate; standard error. */
  readonly talk: (text: string) => void
}

/** What everything below shares. */
interface House extends ReturnType<typeof logFailures> {
  readonly config: ServerConfig
  readonly io: ServerIo
  readonly dir: string
  readonly store: NodeStore
  readonly scribe: Scribe
  readonly observers: Observers
}

const [clock, random] = [systemClock, createSystemRandom()]

/** Runs a gate until `signal` fires; resolves when everything acknowledged is durable and published. */
export async function runServer(config: ServerConfig, io: ServerIo): Promise<void> {
  const dir = resolve(config.data)
  const logger = createLogger(config.log_level, { write: (line) => io.talk(line) })
  const observers = createObservers(logEvents(logger, elapsed))
  const failures = logFailures(logger)
  const { onError } = failures
  const options = { dir, origin: config.origin, observe: observers.observe, onError }
  if (config.init && !(await hasDataDir(dir))) await initialise(config, options)
  const witnesses = await readWitnessSettings(config.witnesses)
  const store = await openNodeStore({ ...options, ...(witnesses === null ? {} : { witnesses }) })
  const scribe = createScribe({ issuer: config.issuer, ...store, clock, random })
  let published = false
  try {
    await decideUntilAborted({ config, io, dir, store, scribe, observers, ...failures })
  } finally {
    published = await store.close()
  }
  if (!published) throw unpublished()
}

async function initialise(
  config: ServerConfig,
  options: NodeStoreOptions & { readonly origin: string },
): Promise<void> {
  await initNodeStore({
    ...options,
    bootstrap: async ({ log, signer, recordJwk, vkey }) => {
      const scribe = createScribe({ issuer: config.issuer, log, signer, clock, random })
      await writeFirstEntries(scribe, { recordKey: recordJwk.x, vkey })
    },
  })
}

async function decideUntilAborted(house: House): Promise<void> {
  const { config, dir, store, scribe, observers, onError } = house
  const { observe, add } = observers
  let deciding: NodePolicies | null = null
  const endpoints = await readWebhooks(config.webhooks, process.env, { parse: parseWebhooksFile })
  const webhooks = createNodeWebhooks({ store, endpoints, observe, onError })
  let incidentMode: NodeIncidents | null = null
  let registered: Registrations['list'] = () => []
  const gauges = gaugesOf(store, clock, {
    policies: () => deciding,
    incidents: () => incidentMode,
    webhooks: webhooks.standings,
    mediaServers: () => standingsOf(registered()),
  })
  const metrics = createMetrics(gauges)
  add(metrics.observe)
  const adminKey = await ensureAdminKey({
    ...{ chosen: config.admin_key, init: config.init, dir, apiKeys: store.apiKeys },
    keyOf: (token) => apiKeyFromToken(token, ADMIN_GRANT, clock),
    newKey: () => newApiKey(ADMIN_GRANT, { random, clock }),
  })
  const keys = createNodeKeys({ store, scribe, clock, after })
  await keys.resume().catch(onError)
  const policies = createNodePolicies({ store, scribe, clock, after, observe, onError })
  deciding = policies
  const file = await openPolicyFile({
    path: resolve(config.policy),
    compile: (bytes, name) => compilePolicy(bytes, { file: name }),
    activate: policies.fromFile,
    decided: () => policies.now() !== null,
    ...{ observe, onError },
  })
  const issuer = { kid: store.signer.kid, issue: scribe.issue }
  let sweeps: Sweeps | null = null
  const sweep = (cause: RecheckCause): void => void sweeps?.sweep(cause).catch(onError)
  add((event) => {
    if (event.type === 'policy_active') sweep('policy')
    if (event.type === 'policy_stale' && event.effect !== 'keep') sweep('policy')
  })
  const onChange = (): void => sweep('incident')
  const incidents = createNodeIncidents({ store, scribe, clock, random, after, onChange, onError })
  incidentMode = incidents
  await incidents.resume().catch(onError)
  const surroundings = surroundingsOf(config, incidents, clock)
  const shadow = await shadowOf(house)
  let keeper: Keeper | null = null
  const onRevoked = (view: BroadcastView): void => keeper?.revoked(view)
  const newRecordId = numberedRecordIds(random)
  const told = { observe, onRevoked }
  const { gate: plain, erasure } = createGateWithDesk(
    { ...store, ...told, clock, random, newRecordId, after, policies, issuer, surroundings },
    { facts_max_age_ms: config.facts_max_age_ms },
    (desk) => desk,
  )
  if (erasure === null) throw new TypeError('the store can forget')
  const retention = createRetention({
    ...{ rules: config.retention ?? KEEP_EVERYTHING, retention: store.retention, desk: erasure },
    ...{ clock, after, elapsed, observe, onError },
  })
  const gate = shadow === null ? plain : withShadow(plain, shadow)
  sweeps = createSweeps({ gate: plain, broadcasts: store.broadcasts, clock, after, onError })
  const streamKeys = rememberKeys(store.streamKeys)
  add((event) => {
    if (event.type === 'erased') streamKeys.forget()
  })
  const media = await mediaOf(house, gate, streamKeys)
  keeper = media.keeper
  const { registrations } = media
  registered = registrations.list
  const ticks = every(REGISTRATIONS_MS, after, registrations.tick)
  const heartbeat = createHeartbeat({ store, scribe, elapsed, onError })
  add(heartbeat.observe)
  try {
    const app = await appOf(house, {
      gate,
      hooks: media.hooks,
      whip: media.whip,
      mediaServers: registrations,
      policies,
      file,
      shadow,
      metrics,
      surroundings,
      incidents,
      keys,
      erasure,
      webhooks: webhooks.desk,
      streamKeys,
    })
    const { host, port } = config
    const answers = { fetch: app.fetch, unreadable: unreadableResponse }
    const listener = await listen({ ...answers, host, port })
    heartbeat.start()
    retention.start()
    await webhooks.start()
    await keeper.start()
    ticks.start()
    sweep('restart')
    sweeps.start()
    house.io.talk(greetingOf({ url: listener.url, adminKey, dir }))
    await aborted(house.io.signal)
    await listener.stop()
  } finally {
    file.stop()
    shadow?.stop()
    policies.stop()
    incidents.stop()
    await sweeps.stop()
    await ticks.stop()
    await keeper.stop()
    await webhooks.stop()
    await retention.stop()
    await heartbeat.stop()
  }
}

async function shadowOf({ config, observers, onError }: House): Promise<ShadowPolicy | null> {
  const { shadow_policy } = config
  if (shadow_policy === null) return null
  const { observe } = observers
  return openShadowPolicy({
    ...{ path: resolve(shadow_policy), clock, elapsed, after, observe, onError },
  })
}

/** Hooks and keeper of the media servers in the file, and of those that register themselves. */
async function mediaOf(
  { config, store, observers, onError }: House,
  gate: Gate,
  streamKeys: StreamKeys,
): Promise<{
  readonly hooks: Hooks
  readonly keeper: Keeper
  readonly whip: WhipDoor
  readonly registrations: Registrations
}> {
  const file = (await readMediaServers(config.servers, process.env, { parse, describe })) ?? NO_FILE
  const { servers } = file
  const { observe } = observers
  const sessions = createSessions(elapsed)
  const ports = { ...store, streamKeys, gate, servers, sessions, observe, clock, random, after }
  const templates = file.templates.map(({ server }) => server)
  const registered = { templates, find: (id: string) => registrations.find(id) }
  const shared = { ...ports, registered }
  const renewals = createRenewals()
  const keeper = createKeeper({ ...shared, renewals, elapsed, fetch: callServer, onError })
  const { enforcement } = keeper
  const backend = createBackend({ fetch: callServer, after })
  const guesses = createGuessLimit()
  const whip = createWhipDoor({ ...shared, enforcement, backend, guesses })
  const registrations = createRegistrations({
    ...{ file, store: store.mediaServers, clock, now: elapsed, repeats_are_kept: false },
    ...{ custody: createCustody({ ...shared, keeper }), observe, onError },
  })
  await registrations.load()
  return {
    hooks: createHooks({ ...shared, keeper, hasher: nodeHasher }),
    keeper,
    whip,
    registrations,
  }
}

const NO_FILE: ServersFile = { servers: [], templates: [] }
/** How often it is looked who has not been heard of. */
const REGISTRATIONS_MS = 1_000

const callServer = (url: string, init: RequestInit): Promise<Response> => fetch(url, init)

async function appOf(
  { config, store, scribe, observers, report }: House,
  parts: {
    readonly gate: Gate
    readonly hooks: Hooks
    readonly whip: WhipDoor
    readonly mediaServers: Registrations
    readonly policies: NodePolicies
    readonly file: PolicyFile
    readonly shadow: ShadowPolicy | null
    readonly metrics: Metrics
    readonly surroundings: Surroundings
    readonly incidents: NodeIncidents
    readonly keys: NodeKeys
    readonly erasure: ErasureDesk
    readonly webhooks: WebhookDesk
    readonly streamKeys: StreamKeys
  },
): Promise<ReturnType<typeof createApp>> {
  const {
    gate,
    hooks,
    whip,
    mediaServers,
    policies,
    file,
    shadow,
    metrics,
    surroundings,
    incidents,
    keys,
    erasure,
    webhooks,
    streamKeys,
  } = parts
  const { facts_max_age_ms } = config
  const { observe } = observers
  const append = (draft: RecordDraft): Promise<void> => scribe.append([draft], [store.signer.kid])
  const access = createAccessBook({ append, clock, after })
  return createApp({
    ...store,
    ...{ gate, clock, random, observe, report },
    ...{ hooks, whip, mediaServers },
    callerKeys: createCallerKeys(store.apiKeys, clock),
    config: { ...DEFAULT_HTTP_CONFIG, ...httpSettingsOf(config) },
    readiness: () => readinessOf(store, { file, shadow, policies, clock }),
    metricsText: metrics.text,
    policiesView: policiesView(store.policyTexts, policies, clock),
    policyDesk: createPolicyDesk({
      ...{ clock: { now: policies.instant }, lead_ms: 0, text: store.policyTexts.text },
      ...{ activations: policies.activations, planOf: policies.planOf, commit: policies.commit },
      sources: () => nodeReportSources({ store, surroundings, facts_max_age_ms }),
    }),
    incidents: createIncidentDesk({ ...incidents, clock }),
    ...(shadow === null ? {} : { shadow: shadow.report }),
    logs: [{ log: store.log, vkey: store.vkey, vkeys: store.vkeys, access }],
    keyDesk: keys.desk,
    ...{ webhooks, streamKeys },
    ...{ erasure, retention: config.retention ?? KEEP_EVERYTHING },
    ...accessTokensOf(config),
  })
}
