/**
 * What an edge deployment is made of, read from what is bundled and bound. For the composition root (worker.ts).
 */
import { BUNDLED_POLICY, BUNDLED_SERVERS } from './adapters/cloudflare/bundle.ts'
import { type EdgeConfig, edgeConfigOf } from './adapters/cloudflare/config.ts'
import { bundledPolicy } from './adapters/cloudflare/edge-policy.ts'
import { type Env, secretsOf } from './adapters/cloudflare/env.ts'
import { parseServersFile, type ServersFile } from './adapters/media/servers-file.ts'
import { utf8 } from './core/encoding.ts'
import { err, ok, type Result } from './core/result.ts'
import type { ActivePolicy } from './ports.ts'
import { describeProblem } from './scrub.ts'

/** Everything a deployment is made of, read and found whole. */
export interface Deployment extends ServersFile {
  readonly config: EdgeConfig
  readonly policy: ActivePolicy
}

/** The error lists every fault, a line each. */
export function deploymentOf(env: Env): Result<Deployment, readonly string[]> {
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

/** What keepers look after. */
export function keptOf(
  deployment: Result<Deployment, unknown> | Pick<Deployment, 'config' | 'servers'>,
): {
  readonly shards: number
  readonly servers: readonly string[]
} {
  const found = 'ok' in deployment ? (deployment.ok ? deployment.value : null) : deployment
  const servers = found?.servers.filter(
    ({ control, reconcile_ms }) => control !== null && reconcile_ms > 0,
  )
  return { shards: found?.config.shards ?? 0, servers: servers?.map(({ id }) => id) ?? [] }
}
