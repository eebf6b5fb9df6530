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
  BUNDLED_SHADOW,
  BUNDLED_WEBHOOKS,
  type BundledFile,
} from './adapters/cloudflare/bundle.ts'
import { type EdgeConfig, edgeConfigOf } from './adapters/cloudflare/config.ts'
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
import { edgeReportSources } from './adapters/cloudflare/edge-report.ts'
import { createEdgeReviews } from './adapters/cloudflare/edge-reviews.ts'
import { shadowOf } from './adapters/cloudflare/edge-shadow.ts'
import { createEdgeStreamKeys } from './adapters/cloudflare/edge-stream-keys.ts'
import { createEdgeWebhooks } from './adapters/cloudflare/edge-webhooks.ts'
import { type Env, secretsOf } from './adapters/cloudflare/env.ts'
import { createEdgeImporter } from './adapters/cloudflare/import.ts'
import { logPrefix, originOfShard, REGISTRY } from './adapters/cloudflare/names.ts'
import { opened, type Stubs } from './adapters/cloudflare/rpc.ts'
import { edgeKeyDesk, edgeVkeys } from './adapters/cloudflare/sequencer-keys.ts'
import { LEAD_MS } from './adapters/cloudflare/sequencer-revisions.ts'
import { hooksOf, stubsOf } from './adapters/cloudflare/stubs.ts'
import { useWebhooks } from './adapters/cloudflare/webhooks-in.ts'
import { edgeReadiness } from './adapters/cloudflare/worker-health.ts'
import { line, logEvents, reportFailure } from './adapters/cloudflare/worker-lines.ts'
import {
  beatAll,
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
import { parseWebhooksFile } from './adapters/webhooks/webhooks-file.ts'
import { utf8 } from './core/encoding.ts'
import { LivegateError } from './core/errors.ts'
import { err, ok, type Result } from './core/result.ts'
import type { RecordAccess } from './gate/access.ts'
import { createIncidentDesk } from './gate/incident.ts'
import { createPolicyDesk } from './gate/policy-desk.ts'
import type { WebhookEndpoint } from './gate/webhooks/port.ts'
import { describeProblem } from './scrub.ts'
import { type Deployment, deploymentOf, keptOf } from './worker-deployment.ts'
import { countedServers, mediaOf } from './worker-media.ts'

export { DirectoryObject } from './adapters/cloudflare/directory-object.ts'
export { KeeperObject } from './adapters/cloudflare/keeper-object.ts'
export { SequencerObject } from './adapters/cloudflare/sequencer-object.ts'
export { SubjectObject } from './adapters/cloudflare/subject-object.ts'
export { WebhooksObject } from './adapters/cloudflare/webhooks-object.ts'

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
    await ringRegistry(stubs, deployment.value)
  },
}

export default worker

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

/** Those who registered keep their own time; this is for an alarm that was lost. */
async function ringRegistry(stubs: Stubs, { templates }: Deployment): Promise<void> {
  if (templates.length === 0) return
  await opened(stubs.keeper(REGISTRY).ring(null)).catch((error: unknown) =>
    reportFailure('registry', error),
  )
}

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

async function depsOf(
  env: Env,
  deployment: Deployment,
  endpoints: readonly WebhookEndpoint[],
): Promise<AppDeps> {
  const { config, policy } = deployment
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
    servers: () => countedServers(stubs, deployment),
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
      ...{ gate, streamKeys, pepper, observe, stubs, file: deployment, keep: waitUntil },
      directory: createEdgeDirectory({ stubs, pepper, shards: config.shards, polls: true }),
    }),
    report: ({ route, error }) => reportFailure(route, error),
    ...accessTokensOf(config),
  }
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
