/**
 * Composition root of the Node host: chooses the parts, connects them, starts and stops them. No logic.
 *
 * Order of a start: data directory (created only when asked) → policy compiled and logged → gate → HTTP. Order of a
 * stop: no new requests → those under way finish → what waits is settled → a last round → the directory is released.
 */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { createRemoteJWKSet } from 'jose'
import { LivegateError } from '../../core/errors.ts'
import { compilePolicy } from '../../core/policy/compile.ts'
import type { After } from '../../gate/context.ts'
import { createGate } from '../../gate.ts'
import type { GateEvent, Observe } from '../../ports.ts'
import { apiKeyFromToken, newApiKey } from '../http/api-key.ts'
import { createApp } from '../http/app.ts'
import { createCallerKeys } from '../http/caller-keys.ts'
import { DEFAULT_HTTP_CONFIG, type Readiness } from '../http/deps.ts'
import { unreadableResponse } from '../http/unread.ts'
import { createHooks, type Hooks } from '../media/hooks.ts'
import { describeProblem } from '../media/scrub.ts'
import { type MediaServer, parseServersFile } from '../media/servers-file.ts'
import { ADMIN_KEY_FILE, installAdminKey, writeAdminKey } from './admin-key.ts'
import { createScribe, logPolicy, type Scribe, writeFirstEntries } from './bootstrap.ts'
import type { ServerConfig } from './config.ts'
import { hasDataDir } from './data-dir.ts'
import { createHeartbeat } from './heartbeat.ts'
import { listen } from './listener.ts'
import { createLogger, logEvents } from './log-lines.ts'
import { createMetrics } from './metrics.ts'
import { policiesView } from './policies-view.ts'
import { openPolicyFile, type PolicyFile } from './policy-files.ts'
import { initNodeStore, type NodeStore, type NodeStoreOptions, openNodeStore } from './store.ts'
import { createSystemRandom, systemClock } from './system.ts'

export interface ServerIo {
  /** Fires when the process is asked to end. */
  readonly signal: AbortSignal
  /** Lines for the person who started the gate; standard error. */
  readonly talk: (text: string) => void
}

const after: After = (delay_ms, fire) => {
  const timer = setTimeout(fire, delay_ms)
  return () => clearTimeout(timer)
}

/** Runs a gate until `signal` fires; resolves when everything acknowledged is durable and published. */
export async function runServer(config: ServerConfig, io: ServerIo): Promise<void> {
  const dir = resolve(config.data)
  const logger = createLogger(config.log_level, { write: (line) => io.talk(line) })
  const observers: Observe[] = [logEvents(logger)]
  const observe = (event: GateEvent): void => {
    for (const one of observers) one(event)
  }
  const onError = (error: unknown): void => logger.error({ error: messageOf(error) }, 'background')
  const random = createSystemRandom()
  const storeOptions = { dir, origin: config.origin, observe, onError }
  const fresh = config.init && !(await hasDataDir(dir))
  if (fresh) await initialise(config, storeOptions)
  const store = await openNodeStore(storeOptions)
  try {
    const adminKey = await adminKeyOf(config, store, fresh, dir)
    const scribe = scribeFor(config, store)
    const policies = await openPolicyFile({
      path: resolve(config.policy),
      compile: (bytes, file) => compilePolicy(bytes, { file }),
      publish: async (bytes) => void (await logPolicy(scribe, store.log, store.signer, bytes)),
      clock: systemClock,
      observe,
      onError,
    })
    const gate = createGate(
      {
        ...store,
        ...{ clock: systemClock, random, after, policies, observe },
        issuer: { kid: store.signer.kid, issue: scribe.issue },
        surroundings: {
          incident: () => ({ active: false }),
          platform: () =>
            config.moderation_available === null
              ? {}
              : { moderation_available: config.moderation_available },
        },
      },
      { facts_max_age_ms: config.facts_max_age_ms },
    )
    const metrics = createMetrics({
      logSize: () => store.status().entries,
      publishedSize: () => store.status().published,
      queued: () => store.status().queued,
    })
    observers.push(metrics.observe)
    const { name, digest } = policies.active().plan
    metrics.observe({ type: 'policy_active', name, digest })
    const servers = await mediaServers(config)
    const hooks: Hooks = createHooks({
      ...store,
      gate,
      servers,
      observe,
      clock: systemClock,
      after,
    })
    const app = createApp({
      ...store,
      ...{ gate, hooks, clock: systemClock, random, observe },
      callerKeys: createCallerKeys(store.apiKeys, systemClock),
      config: {
        ...DEFAULT_HTTP_CONFIG,
        audience: config.origin,
        log_public: config.log_public,
        metrics_public: config.metrics_public,
        rate: { per_s: config.rate_per_s, burst: 2 * config.rate_per_s },
      },
      readiness: () => readiness(store, policies),
      metricsText: metrics.text,
      policiesView: policiesView(store.policyTexts, policies),
      logVkey: store.vkey,
      recordKeys: store.recordKeys,
      report: ({ route, error }) => logger.error({ route, error: messageOf(error) }, 'failed'),
      ...accessTokens(config),
    })
    const listener = await listen({
      fetch: app.fetch,
      unreadable: unreadableResponse,
      host: config.host,
      port: config.port,
    })
    const heartbeat = createHeartbeat({ store, scribe, clock: systemClock, onError })
    observers.push(heartbeat.observe)
    greet(io, { url: listener.url, adminKey, dir })
    await untilAborted(io.signal)
    heartbeat.stop()
    policies.stop()
    await listener.stop()
  } finally {
    if (!(await store.close()))
      io.talk('error: Cannot publish the last round; it is replayed at the next start\n')
  }
}

async function initialise(config: ServerConfig, options: NodeStoreOptions): Promise<void> {
  await initNodeStore({
    ...options,
    origin: config.origin,
    bootstrap: async (store) => {
      const keys = { recordKey: store.recordJwk.x, vkey: store.vkey }
      await writeFirstEntries(scribeFor(config, store), keys)
    },
  })
}

function scribeFor(config: ServerConfig, store: Pick<NodeStore, 'log' | 'signer'>): Scribe {
  const { log, signer } = store
  const random = createSystemRandom()
  return createScribe({
    issuer: config.issuer,
    log,
    signer,
    clock: systemClock,
    random,
  })
}

/** Token to show once; null when there is none to show. */
async function adminKeyOf(
  config: ServerConfig,
  store: NodeStore,
  fresh: boolean,
  dir: string,
): Promise<string | null> {
  const grant = { scopes: ['admin'] as const, owner: 'admin' }
  if (config.admin_key !== null) {
    const key = apiKeyFromToken(config.admin_key, grant, systemClock)
    if (key === null)
      throw new LivegateError('internal', 'Cannot install the admin key: it is malformed')
    await installAdminKey(store.apiKeys, key)
    return null
  }
  if (!fresh) return null
  const { token, key } = newApiKey(grant, { random: createSystemRandom(), clock: systemClock })
  await store.apiKeys.create(key)
  await writeAdminKey(dir, token)
  return token
}

function readiness(store: NodeStore, policies: PolicyFile): Readiness {
  const { halted } = store.status()
  if (halted !== null) return { ready: false, code: 'halted', why: halted }
  const { digest, file, last_error } = policies.status()
  const problems = (last_error ?? []).map(
    (d) => `${d.file}:${d.line}:${d.column} ${d.code}: ${d.message}`,
  )
  return { ready: true, policy: { digest, file, problems } }
}

async function mediaServers(config: ServerConfig): Promise<readonly MediaServer[]> {
  if (config.servers === null) return []
  const path = resolve(config.servers)
  const parsed = parseServersFile(new Uint8Array(await readFile(path)), config.servers, {
    env: (name) => process.env[name],
    file: (name) => readTextFile(resolve(dirname(path), name)),
  })
  if (parsed.ok) return parsed.value
  throw new LivegateError(
    'internal',
    `Cannot read the media servers file\n${parsed.error.map(describeProblem).join('\n')}`,
  )
}

/** Null when it cannot be read: a fault of the servers file, told with the others. */
function readTextFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null
  }
}

function accessTokens(config: ServerConfig): {
  readonly accessTokens?: Parameters<typeof createApp>[0]['accessTokens'] & object
} {
  const { jwt_issuer: issuer, jwt_audience: audience, jwt_jwks: jwks } = config
  if (issuer === null || audience === null || jwks === null) return {}
  return { accessTokens: { issuer, audience, keys: createRemoteJWKSet(new URL(jwks)) } }
}

function greet(
  io: ServerIo,
  about: { readonly url: string; readonly adminKey: string | null; readonly dir: string },
): void {
  io.talk(`livegate listening on ${about.url}\n`)
  if (about.adminKey === null) return
  io.talk(`admin key, shown once, kept in ${about.dir}/${ADMIN_KEY_FILE}: ${about.adminKey}\n`)
  io.talk(
    `try it:\n  curl -s ${about.url}/v1/decisions -H 'Authorization: Bearer ${about.adminKey}' \\\n`,
  )
  io.talk(`    -H 'Content-Type: application/json' \\\n`)
  io.talk(
    `    -d '{"subject":"u_1","stream":{"id":"b_1"},"facts":{"created_at":"2020-01-01T00:00:00Z"}}'\n`,
  )
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
