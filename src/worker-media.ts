/**
 * The part of the edge host's composition root that is about media servers: hooks and doors of the Worker, keepers of what runs,
 * and who has registered. Chooses parts and connects them; loaded once, by worker.ts.
 */
import { useCuts } from './adapters/cloudflare/cutting.ts'
import { createEdgeDirectory } from './adapters/cloudflare/edge-directory.ts'
import { createEdgeGate } from './adapters/cloudflare/edge-gate.ts'
import { createPepper } from './adapters/cloudflare/edge-pepper.ts'
import { createEdgeStreamKeys } from './adapters/cloudflare/edge-stream-keys.ts'
import type { Env } from './adapters/cloudflare/env.ts'
import { readSessions, useMediaKeepers, viewSession } from './adapters/cloudflare/kept-media.ts'
import { createEdgeCustody, useRegistry } from './adapters/cloudflare/kept-registry.ts'
import type { CountedServer } from './adapters/cloudflare/media-metrics.ts'
import { keeperOfServer } from './adapters/cloudflare/names.ts'
import { createRegisteredCache } from './adapters/cloudflare/registered-cache.ts'
import { opened, type Stubs } from './adapters/cloudflare/rpc.ts'
import type { RegisteredAs } from './adapters/cloudflare/rpc-registry.ts'
import { stubsOf } from './adapters/cloudflare/stubs.ts'
import { logEvents, reportFailure } from './adapters/cloudflare/worker-lines.ts'
import { after, systemClock as clock, random } from './adapters/cloudflare/worker-system.ts'
import type { AppDeps } from './adapters/http/deps.ts'
import { controlOf } from './adapters/media/drivers.ts'
import { createGuessLimit } from './adapters/media/guess-limit.ts'
import { createHooks } from './adapters/media/hooks.ts'
import { createKeeper, type Keeper } from './adapters/media/keeper.ts'
import { createRegistrations, type RegisteredServers } from './adapters/media/registrations.ts'
import { createRemoteKept } from './adapters/media/remote-kept.ts'
import { createRenewals } from './adapters/media/renewals.ts'
import type { MediaServer, ServersFile } from './adapters/media/servers-file.ts'
import { serverFrom } from './adapters/media/servers-templates.ts'
import { createSessions } from './adapters/media/sessions.ts'
import { createBackend } from './adapters/media/whip/backend.ts'
import { createWhipDoor } from './adapters/media/whip/door.ts'
import { LivegateError } from './core/errors.ts'
import { type Deployment, deploymentOf, keptOf } from './worker-deployment.ts'

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
  if (server === undefined && deployment.ok && deployment.value.templates.length > 0)
    return cutRegistered(env, { id, session, handle })
  const control =
    server === undefined ? null : controlOf({ fetch: callServer, after, clock }, server)
  if (control === null) return null
  const cut = await control.driver.cut(control.access, { session, handle })
  return cut.ok ? cut.value.dropped : 'unknown'
})

/** One that is gone drops nobody, and nobody may take that for an end: the order is given up when its time is over. */
async function cutRegistered(
  env: Env,
  {
    id,
    session,
    handle,
  }: { readonly id: string; readonly session: string; readonly handle: string },
): Promise<number | 'unknown'> {
  const keeper = stubsOf(env, after).keeper(keeperOfServer(id))
  return (await opened(keeper.cut({ session, handle })).catch(() => null)) ?? 'unknown'
}

/** What servers run is looked at as on the other host, by an object for each. */
useMediaKeepers({
  ids: (env) => keptOf(deploymentOf(env)).servers,
  open(env, id, as) {
    const deployment = deploymentOf(env)
    const server = deployment.ok ? serverIn(deployment.value, id, as) : undefined
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

/** One of the file, or registered under a template of it. */
function serverIn(
  { servers, templates }: ServersFile,
  id: string,
  as: RegisteredAs | undefined,
): MediaServer | undefined {
  if (as === undefined) return servers.find((one) => one.id === id)
  const template = templates.find(({ server }) => server.id === as.template)
  if (template === undefined) return undefined
  const server = serverFrom(template, id, as.host)
  return as.state === 'displaced' ? { ...server, control: null } : server
}

/** Who has registered: one object for all of a deployment. */
useRegistry(async (env, store) => {
  const deployment = deploymentOf(env)
  if (!deployment.ok) throw new LivegateError('internal', 'Cannot register: not configured')
  const { config, servers, templates } = deployment.value
  const stubs = stubsOf(env, after)
  const pepper = createPepper(config.pepper)
  const directory = createEdgeDirectory({ stubs, pepper, shards: config.shards })
  const keep = (work: Promise<unknown>): void => void work
  const gate = createEdgeGate({ stubs, pepper, after, keep, recordOf: directory.record })
  const registrations = createRegistrations({
    ...{ file: { servers, templates }, store, clock, now: clock.now, repeats_are_kept: true },
    custody: createEdgeCustody({
      ...{ stubs, pepper },
      lose: (id, broadcast) =>
        gate.end({ broadcast, caller: `hook:${id}`, reason: 'lost', unless_cutting: true }),
    }),
    observe: logEvents(config.log_level, clock.now),
    onError: (error) => reportFailure('registry', error),
  })
  await registrations.load()
  return registrations
})

/** What keepers have counted, those of servers that registered under the names of their templates. */
export async function countedServers(
  stubs: Stubs,
  deployment: Pick<Deployment, 'config' | 'servers' | 'templates'>,
): Promise<readonly CountedServer[]> {
  const keeperOf = (id: string): CountedServer['keeper'] => stubs.keeper(keeperOfServer(id))
  const fixed = keptOf(deployment).servers.map((id) => ({ id, keeper: keeperOf(id) }))
  if (deployment.templates.length === 0) return fixed
  const shown = await opened(stubs.registry().servers()).catch(() => [])
  const registered = shown.flatMap(({ id, template, state }) =>
    template === null || state === 'fixed' ? [] : [{ id: template, keeper: keeperOf(id), state }],
  )
  return [...fixed, ...registered]
}

type Ports = Pick<AppDeps, 'streamKeys' | 'pepper' | 'observe'> &
  Pick<Parameters<typeof createKeeper>[0], 'gate' | 'directory'> &
  Pick<Parameters<typeof createHooks>[0], 'gate'> &
  Pick<Parameters<typeof createWhipDoor>[0], 'gate'> & {
    readonly file: ServersFile
    readonly stubs: Stubs
    /** Work that goes on when the answer has left. */
    readonly keep: (work: Promise<unknown>) => void
  }

/**
 * Hooks, polls and the front door. An isolate is not there to look every few seconds: what servers run is looked at by their
 * keepers, and what must stop is ended by its subject's object.
 */
export function mediaOf(given: Ports): Pick<AppDeps, 'hooks' | 'whip' | 'mediaServers'> {
  const elapsed = (): number => performance.now()
  const sessions = createSessions(elapsed)
  const { file, stubs, keep } = given
  const ports = { ...given, servers: file.servers, clock, random, after }
  const keeper = createKeeper({
    ...{ ...ports, sessions, elapsed, renewals: createRenewals() },
    broadcasts: { list: async () => ({ items: [], next: null }) },
    fetch(url, init) {
      const called = callServer(url, init)
      keep(called.catch(() => {}))
      return called
    },
    onError: (error) => reportFailure('media', error),
  })
  const { enforcement } = keeper
  const { registered, mediaServers } = registeredOf(file, stubs, keeper)
  const backend = createBackend({ fetch: callServer, after })
  const guesses = createGuessLimit()
  const whip = createWhipDoor({ ...ports, registered, enforcement, backend, guesses })
  return { hooks: createHooks({ ...ports, registered, sessions, keeper }), whip, mediaServers }
}

/** Servers that registered, as this isolate knows them, and the desk they do it at. */
function registeredOf(
  file: ServersFile,
  stubs: Stubs,
  keeper: Pick<Keeper, 'keep' | 'serverOf'>,
): {
  readonly registered: RegisteredServers
  readonly mediaServers: NonNullable<AppDeps['mediaServers']>
} {
  const registry = stubs.registry()
  const cache = createRegisteredCache((id) => opened(registry.registration(id)), clock.now)
  const known = async (id: string, as: RegisteredAs): Promise<MediaServer | null> => {
    const server = serverIn(file, id, as)
    if (server === undefined) return null
    const there = keeper.serverOf(id)
    if (there?.template === server.template && there?.control === server.control) return there
    await keeper.keep(server)
    return server
  }
  return {
    registered: {
      templates: file.templates.map(({ server }) => server),
      async find(id, proven) {
        try {
          const as = await cache.find(id)
          const server = as === null ? null : await known(id, as)
          return server === null ? null : { server, leaving: as?.state !== 'live' }
        } catch (error) {
          if (proven === null) throw error
          // Nothing starts while nobody knows; what runs, by a secret that is right, is not refused.
          return { server: { ...proven, id, template: proven.id, control: null }, leaving: true }
        }
      },
    },
    mediaServers: {
      list: () => opened(registry.servers()),
      register: (asked) => opened(registry.register(asked)).finally(() => cache.forget(asked.id)),
      deregister: (id) =>
        opened(registry.deregister(id))
          .then(() => {})
          .finally(() => cache.forget(id)),
    },
  }
}

function callServer(url: string, init: RequestInit): Promise<Response> {
  return fetch(url, init)
}
