/**
 * Composition root of the edge host: chooses the parts, connects them. No logic.
 *
 * The Worker authenticates, parses and asks; each subject decides in an object of its own, each log is another. While
 * anything of the configuration is missing every request is answered 503, and the log lines name what. The cron trigger
 * makes the logs write heartbeats. Where it runs and how: docs/architecture.md, "The edge host".
 */
import { waitUntil } from 'cloudflare:workers'
import { createRemoteJWKSet } from 'jose'
import {
  BUNDLED_POLICY,
  BUNDLED_SERVERS,
  BUNDLED_SHADOW,
  BUNDLED_WEBHOOKS,
  type BundledFile,
} from './adapters/cloudflare/bundle.ts'
import { type EdgeConfig, edgeConfigOf } from './adapters/cloudflare/config.ts'
import { useCuts } from './adapters/cloudflare/cutting.ts'
import { createEdgeApiKeys } from './adapters/cloudflare/edge-api-keys.ts'
import { createEdgeBroadcasts } from './adapters/cloudflare/edge-broadcasts.ts'
import { candidateOf, planOf } from './adapters/cloudflare/edge-candidate.ts'
import { createEdgeDirectory } from './adapters/cloudflare/edge-directory.ts'
import { createEdgeErasureDesk } from './adapters/cloudflare/edge-erasure-desk.ts'
import { createEdgeGate } from './adapters/cloudflare/edge-gate.ts'
import { createEdgeIncidents, type EdgeIncidents } from './adapters/cloudflare/edge-incidents.ts'
import { createCheckpointSigner, readSecrets } from './adapters/cloudflare/edge-keys.ts'
import { createEdgeLog } from './adapters/cloudflare/edge-log.ts'
import { createPepper } from './adapters/cloudflare/edge-pepper.ts'
import { createEdgePolicies, type EdgePolicies } from './adapters/cloudflare/edge-policies.ts'
import { createEdgePoliciesView } from './adapters/cloudflare/edge-policies-view.ts'
import { bundledPolicy } from './adapters/cloudflare/edge-policy.ts'
import { edgeReportSources } from './adapters/cloudflare/edge-report.ts'
import { createEdgeReviews } from './adapters/cloudflare/edge-reviews.ts'
import { shadowOf } from './adapters/cloudflare/edge-shadow.ts'
import { createEdgeStreamKeys } from './adapters/cloudflare/edge-stream-keys.ts'
import { createEdgeWebhooks } from './adapters/cloudflare/edge-webhooks.ts'
import { type Env, secretsOf } from './adapters/cloudflare/env.ts'
import { createEdgeImporter } from './adapters/cloudflare/import.ts'
import { readSessions, useMediaKeepers, viewSession } from './adapters/cloudflare/kept-media.ts'
import { keeperOfServer, logPrefix, originOfShard } from './adapters/cloudflare/names.ts'
import { opened, type Stubs } from './adapters/cloudflare/rpc.ts'
import { edgeKeyDesk, edgeVkeys } from './adapters/cloudflare/sequencer-keys.ts'
import { LEAD_MS } from './adapters/cloudflare/sequencer-revisions.ts'
import { hooksOf, stubsOf } from './adapters/cloudflare/stubs.ts'
import { useWebhooks } from './adapters/cloudflare/webhooks-in.ts'
import { edgeReadiness } from './adapters/cloudflare/worker-health.ts'
import { line, logEvents, reportFailure } from './adapters/cloudflare/worker-lines.ts'
import {
  beatAll,
  keptServers,
  recordKeysOf,
  ringKeepers,
  sequencersOf,
} from './adapters/cloudflare/worker-logs.ts'
import { edgeMetrics } from './adapters/cloudflare/worker-metrics.ts'
import {
  after,
  systemClock as clock,
  createOnce,
  random,
} from './adapters/cloudflare/worker-system.ts'
import { apiKeyFromToken } from './adapters/http/api-key.ts'
import { createApp } from './adapters/http/app.ts'
import { createCallerKeys } from './adapters/http/caller-keys.ts'
import { type AppDeps, DEFAULT_HTTP_CONFIG, type ServedLog } from './adapters/http/deps.ts'
import { problemResponse } from './adapters/http/problem.ts'
import { controlOf } from './adapters/media/drivers.ts'
import { createGuessLimit } from './adapters/media/guess-limit.ts'
import { createHooks, type Hooks } from './adapters/media/hooks.ts'
import { createKeeper } from './adapters/media/keeper.ts'
import { createRemoteKept } from './adapters/media/remote-kept.ts'
import { createRenewals } from './adapters/media/renewals.ts'
import { type MediaServer, parseServersFile } from './adapters/media/servers-file.ts'
import type { ServerTemplate } from './adapters/media/servers-templates.ts'
import { createSessions } from './adapters/media/sessions.ts'
import { createBackend } from './adapters/media/whip/backend.ts'
import { createWhipDoor, type WhipDoor } from './adapters/media/whip/door.ts'
import { parseWebhooksFile } from './adapters/webhooks/webhooks-file.ts'
import { utf8 } from './core/encoding.ts'
import { LivegateError } from './core/errors.ts'
import { err, ok, type Result } from './core/result.ts'
import type { RecordAccess } from './gate/access.ts'
import { createIncidentDesk } from './gate/incident.ts'
import { createPolicyDesk } from './gate/policy-desk.ts'
import type { WebhookEndpoint } from './gate/webhooks/port.ts'
import type { ActivePolicy } from './ports.ts'
import { describeProblem } from './scrub.ts'

export { DirectoryObject } from './adapters/cloudflare/directory-object.ts'
export { KeeperObject } from './adapters/cloudflare/keeper-object.ts'
export { SequencerObject } from './adapters/cloudflare/sequencer-object.ts'
export { SubjectObject } from './adapters/cloudflare/subject-object.ts'
export { WebhooksObject } from './adapters/cloudflare/webhooks-object.ts'

/** Everything a deployment is made of, read and found whole. */
interface Deployment {
  readonly config: EdgeConfig
  readonly policy: ActivePolicy
  readonly servers: readonly MediaServer[]
  readonly templates: readonly ServerTemplate[]
}

type App = ReturnType<typeof createApp>

const worker: ExportedHandler<Env> = {
  fetch(request, env, context) {
    const answer = answerTo(request, env)
    // Whoever hangs up must not stop what was begun for them: what nobody heard of is taken back after it is decided.
    context.waitUntil(answer)
    return answer
  },
  async scheduled(_controller, env) {
    const deployment = deploymentOf(env)
    if (!deployment.ok) return deployment.error.forEach(sayUnfit)
    const stubs = stubsOf(env, after)
    await beatAll(stubs, deployment.value.config.shards)
    const policies = policiesOf(stubs, deployment.value)
    const incidents = incidentsOf(stubs, deployment.value.config)
    await policies.tick().catch((error: unknown) => reportFailure('policies', error))
    await incidents.tick().catch((error: unknown) => reportFailure('incidents', error))
    await ringKeepers(stubs, keptOf(deployment.value))
  },
}

export default worker

/**
 * What has to stop at a media server its keeper ends, so that it is never called by a thousand objects at once; where it has
 * none, or that does not answer, whoever has to end it.
 */
useCuts(async (env, { server: id, session, handle }) => {
  const deployment = deploymentOf(env)
  if (keptOf(deployment).servers.includes(id)) {
    const keeper = stubsOf(env, after).keeper(keeperOfServer(id))
    const dropped = await opened(keeper.cut({ session, handle })).catch(() => null)
    if (dropped !== null) return dropped
  }
  const server = deployment.ok ? deployment.value.servers.find((one) => one.id === id) : undefined
  const control =
    server === undefined ? null : controlOf({ fetch: callServer, after, clock }, server)
  if (control === null) return null
  const cut = await control.driver.cut(control.access, { session, handle })
  return cut.ok ? cut.value.dropped : 'unknown'
})

/** The webhooks file, read once an isolate: endpoints, or every fault of it, a line each. */
const endpointsOf = createOnce(
  async (env: Env): Promise<Result<readonly WebhookEndpoint[], readonly string[]>> => {
    const { name, text } = webhooksFileOf(env)
    const read = await parseWebhooksFile(utf8(text), name, secretsOf(env))
    return read.ok ? read : err(read.error.map(describeProblem))
  },
)

useWebhooks(async (env) => {
  const endpoints = await endpointsOf(env).catch(notStarted)
  return endpoints.ok ? endpoints.value : []
})

function webhooksFileOf(env: Env): BundledFile {
  const config = edgeConfigOf(env)
  const text = config.ok ? config.value.webhooks : null
  return text === null ? BUNDLED_WEBHOOKS : { name: 'LIVEGATE_WEBHOOKS', text }
}

/** What servers run is looked at as on the other host, by an object for each. */
useMediaKeepers({
  ids: (env) => keptOf(deploymentOf(env)).servers,
  open(env, id) {
    const deployment = deploymentOf(env)
    const server = deployment.ok ? deployment.value.servers.find((one) => one.id === id) : undefined
    if (!deployment.ok || server === undefined) return null
    const { config } = deployment.value
    const stubs = stubsOf(env, after)
    const pepper = createPepper(config.pepper)
    const directory = createEdgeDirectory({ stubs, pepper, shards: config.shards })
    const keep = (work: Promise<unknown>): void => void work
    const kept = createRemoteKept({
      ...{ server, directory, pepper, clock, random, after, fetch: callServer },
      gate: createEdgeGate({ stubs, pepper, after, keep, recordOf: directory.record }),
      streamKeys: createEdgeStreamKeys({ pepper, directoryOf: stubs.directory }),
      read: (listed) => readSessions(stubs, id, listed),
      view: (open) => viewSession({ stubs, pepper }, open),
      observe: logEvents(config.log_level, clock.now),
      elapsed: () => performance.now(),
      onError: (error) => reportFailure('media', error),
    })
    return kept === null ? null : { ...kept, every_ms: server.reconcile_ms }
  },
})

/** What keepers look after. */
function keptOf(deployment: Result<Deployment, unknown> | Pick<Deployment, 'config' | 'servers'>): {
  readonly shards: number
  readonly servers: readonly string[]
} {
  const found = 'ok' in deployment ? (deployment.ok ? deployment.value : null) : deployment
  const servers = found?.servers.filter(
    ({ control, reconcile_ms }) => control !== null && reconcile_ms > 0,
  )
  return { shards: found?.config.shards ?? 0, servers: servers?.map(({ id }) => id) ?? [] }
}

function callServer(url: string, init: RequestInit): Promise<Response> {
  return fetch(url, init)
}

const UNFIT = new LivegateError('halted', 'Cannot answer: the deployment is not configured', {
  hint: 'The log lines of the Worker name everything that is missing or malformed.',
})

/** Once an isolate; what failed for another reason than its configuration is made anew by the next request. */
const appOf = createOnce(async (env: Env): Promise<Result<App, readonly string[]>> => {
  const deployment = deploymentOf(env)
  const endpoints = await endpointsOf(env)
  if (deployment.ok && endpoints.ok) {
    // Where nothing else rings them, the first request does.
    waitUntil(ringKeepers(stubsOf(env, after), keptOf(deployment.value)))
    return ok(createApp(await depsOf(env, deployment.value, endpoints.value)))
  }
  const problems = [deployment, endpoints].flatMap((read) => (read.ok ? [] : read.error))
  problems.forEach(sayUnfit)
  return err(problems)
})

async function answerTo(request: Request, env: Env): Promise<Response> {
  const app = await appOf(env).catch(notStarted)
  return app.ok ? app.value.fetch(request) : problemResponse(UNFIT)
}

function sayUnfit(problem: string): void {
  line('error', 'unfit', { problem })
}

function notStarted(error: unknown): Result<never, readonly []> {
  reportFailure('start', error)
  return err([])
}

function deploymentOf(env: Env): Result<Deployment, readonly string[]> {
  const config = edgeConfigOf(env)
  const policy = bundledPolicy(BUNDLED_POLICY)
  const { name, text } = BUNDLED_SERVERS
  const servers = parseServersFile(utf8(text), name, secretsOf(env))
  if (config.ok && policy.ok && servers.ok)
    return ok({ config: config.value, policy: policy.value, ...servers.value })
  return err([
    ...(config.ok ? [] : config.error),
    ...(policy.ok ? [] : policy.error),
    ...(servers.ok ? [] : servers.error.map(describeProblem)),
  ])
}

async function depsOf(
  env: Env,
  { config, policy, servers }: Deployment,
  endpoints: readonly WebhookEndpoint[],
): Promise<AppDeps> {
  const stubs = stubsOf(env, after)
  const pepper = createPepper(config.pepper)
  const observe = logEvents(config.log_level, clock.now)
  // It has a limit of its own for every call.
  const directory = createEdgeDirectory({ stubs, pepper, shards: config.shards })
  const gate = createEdgeGate({
    ...{ stubs: stubsOf(env), pepper, after, keep: waitUntil, recordOf: directory.record },
  })
  const streamKeys = createEdgeStreamKeys({ pepper, directoryOf: stubs.directory })
  const logs = await logsOf(env, stubs, config)
  // Only objects sign records; a key that cannot is found here, before one of them is asked.
  await readSecrets(config, config.origin)
  const sequencers = sequencersOf(stubs, config)
  const policies = policiesOf(stubs, { config, policy })
  const candidate = candidateOf(config, BUNDLED_SHADOW)
  const shadow = shadowOf(planOf(candidate), sequencers)
  const webhooks = createEdgeWebhooks({ endpoints, hooks: hooksOf(env, after), ...config })
  const reviews = createEdgeReviews(stubs)
  const health = {
    ...{ policy: policies.active, file: BUNDLED_POLICY.name, logs: sequencers, candidate },
    ...{ ...shadow, webhooks, reviews },
    servers: keptServers(stubs, keptOf({ config, servers })),
  }
  return {
    ...{ gate, clock, random, pepper, streamKeys, logs, observe },
    callerKeys: createCallerKeys(createEdgeApiKeys(apiKeysOf(config)), clock),
    directory,
    config: {
      ...DEFAULT_HTTP_CONFIG,
      audience: config.origin,
      log_public: config.log_public,
      metrics_public: config.metrics_public,
      rate: { per_s: config.rate_per_s, burst: 2 * config.rate_per_s },
    },
    readiness: () => edgeReadiness(health),
    metricsText: () => edgeMetrics(health),
    ...shadow,
    policiesView: createEdgePoliciesView(
      sequencers.map((one) => one.sequencer),
      policies,
    ),
    policyDesk: createPolicyDesk({
      ...policies,
      ...{ clock, lead_ms: LEAD_MS, sources: () => edgeReportSources(directory) },
    }),
    reviews,
    broadcasts: createEdgeBroadcasts({ stubs, pepper, shards: config.shards }),
    webhooks,
    incidents: createIncidentDesk({ ...incidentsOf(stubs, config), clock }),
    recordKeys: () => recordKeysOf(sequencers),
    keyDesk: edgeKeyDesk(sequencers),
    erasure: createEdgeErasureDesk({ stubs, pepper }),
    ...(config.retention === null ? {} : { retention: config.retention }),
    importer: createEdgeImporter({ ...config, stubs, pepper, streamKeys }),
    ...mediaOf({
      gate,
      directory: createEdgeDirectory({ stubs, pepper, shards: config.shards, polls: true }),
      streamKeys,
      pepper,
      servers,
      observe,
      clock,
      random,
      after,
    }),
    report: ({ route, error }) => reportFailure(route, error),
    ...accessTokensOf(config),
  }
}

type MediaPorts = Omit<
  Parameters<typeof createKeeper>[0],
  'broadcasts' | 'sessions' | 'renewals' | 'elapsed' | 'onError' | 'fetch'
> &
  Pick<Parameters<typeof createHooks>[0], 'gate'> &
  Pick<Parameters<typeof createWhipDoor>[0], 'gate'>

/**
 * Hooks, polls and the front door. An isolate is not there to look every few seconds: what servers run is looked at by their
 * keepers, and what must stop is ended by its subject's object.
 */
function mediaOf(ports: MediaPorts): { readonly hooks: Hooks; readonly whip: WhipDoor } {
  const elapsed = (): number => performance.now()
  const sessions = createSessions(elapsed)
  const keeper = createKeeper({
    ...{ ...ports, sessions, elapsed, renewals: createRenewals() },
    broadcasts: { list: async () => ({ items: [], next: null }) },
    fetch(url, init) {
      const called = callServer(url, init)
      waitUntil(called.catch(() => {}))
      return called
    },
    onError: (error) => reportFailure('media', error),
  })
  const { enforcement } = keeper
  const backend = createBackend({ fetch: callServer, after: ports.after })
  const whip = createWhipDoor({ ...ports, enforcement, backend, guesses: createGuessLimit() })
  return { hooks: createHooks({ ...ports, sessions, keeper }), whip }
}

function policiesOf(
  stubs: Stubs,
  { config, policy }: Pick<Deployment, 'config' | 'policy'>,
): EdgePolicies {
  const logs = sequencersOf(stubs, config).map(({ sequencer }) => sequencer)
  const onChange = (): void => waitUntil(ringKeepers(stubs, config, 'policy'))
  return createEdgePolicies({ logs, bundled: policy, clock, onChange })
}

function incidentsOf(stubs: Stubs, config: EdgeConfig): EdgeIncidents {
  const logs = sequencersOf(stubs, config).map(({ sequencer }) => sequencer)
  const onChange = (): void => waitUntil(ringKeepers(stubs, config, 'incident'))
  return createEdgeIncidents({ logs, after, onChange })
}

function logsOf(env: Env, stubs: Stubs, config: EdgeConfig): Promise<readonly ServedLog[]> {
  const { shards, checkpoint_seed } = config
  return Promise.all(
    Array.from({ length: shards }, async (_, shard) => {
      const origin = originOfShard(config.origin, shard, shards)
      const { vkey } = await createCheckpointSigner(checkpoint_seed, origin)
      const place = { bucket: env.LOG, prefix: logPrefix(shard) }
      const sequencer = stubs.sequencer(shard)
      const access: RecordAccess = async (given) => void (await opened(sequencer.access(given)))
      const vkeys = (): Promise<readonly string[]> => edgeVkeys({ origin, sequencer }, vkey)
      return { log: createEdgeLog({ origin, sequencer, ...place }), vkey, vkeys, access }
    }),
  )
}

function apiKeysOf({ admin_key, api_keys }: EdgeConfig): Parameters<typeof createEdgeApiKeys>[0] {
  const admin = apiKeyFromToken(admin_key, { scopes: ['admin'], owner: 'admin' }, clock)
  return admin === null ? api_keys : [...api_keys, admin]
}

function accessTokensOf(config: EdgeConfig): Pick<AppDeps, 'accessTokens'> {
  const { jwt_issuer: issuer, jwt_audience: audience, jwt_jwks: jwks } = config
  if (issuer === null || audience === null || jwks === null) return {}
  return { accessTokens: { issuer, audience, keys: createRemoteJWKSet(new URL(jwks)) } }
}
