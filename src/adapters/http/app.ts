/**
 * The HTTP API: routes on a Hono app that runs unchanged on Node and workerd.
 *
 * Each route group mounts itself through mount.ts, which knows who may call what (scopes.ts). Unknown paths and methods
 * are problem documents too; nothing redirects. Spec: docs/spec/api.md.
 * First stop of the tour; next: routes/decisions.ts, then gate.ts.
 */
import { type Context, Hono } from 'hono'
import { LivegateError } from '../../core/errors.ts'
import type { AppDeps } from './deps.ts'
import { createMount, type Mount } from './mount.ts'
import { asLivegateError, HttpFailure, problemResponse } from './problem.ts'
import { mountAudit } from './routes/audit.ts'
import { mountBroadcasts } from './routes/broadcasts.ts'
import { mountContract } from './routes/contract.ts'
import { mountDecisions } from './routes/decisions.ts'
import { mountErasure } from './routes/erasure.ts'
import { mountExplanations } from './routes/explanations.ts'
import { mountHealth } from './routes/health.ts'
import { mountHooks } from './routes/hooks.ts'
import { mountImport } from './routes/import.ts'
import { mountIncident } from './routes/incident.ts'
import { mountKeyChanges } from './routes/key-changes.ts'
import { mountKeys } from './routes/keys.ts'
import { mountLog } from './routes/log.ts'
import { mountPolicies } from './routes/policies.ts'
import { mountPolicyChanges } from './routes/policy-changes.ts'
import { mountReviews } from './routes/reviews.ts'
import { mountRollout } from './routes/rollout.ts'
import { mountServers } from './routes/servers.ts'
import { mountStreamKeys } from './routes/stream-keys.ts'
import { mountStrikes } from './routes/strikes.ts'
import { mountSubjects } from './routes/subjects.ts'
import { mountWebhooks } from './routes/webhooks.ts'
import { mountWhip } from './routes/whip.ts'

const GROUPS: readonly ((mount: Mount, deps: AppDeps) => void)[] = [
  mountDecisions,
  mountAudit,
  mountExplanations,
  mountStrikes,
  mountSubjects,
  mountErasure,
  mountStreamKeys,
  mountImport,
  mountPolicies,
  mountPolicyChanges,
  mountBroadcasts,
  mountIncident,
  mountReviews,
  mountRollout,
  mountKeyChanges,
  mountWebhooks,
  mountServers,
  mountLog,
  mountKeys,
  mountHooks,
  mountWhip,
  mountHealth,
  mountContract,
]

/** Builds the API over a gate and its ports. */
export function createApp(deps: AppDeps): Hono {
  const app = new Hono({ getPath: rawPath })
  const mount = createMount(app, deps)
  for (const mountGroup of GROUPS) mountGroup(mount, deps)
  app.notFound((c) => problemResponse(unmatched(app, c)))
  app.onError((error) => problemResponse(asLivegateError(error)))
  return app
}

/** The path as it was sent: routes match one spelling, `%64ecisions` is not `decisions`. */
function rawPath(request: Request): string {
  const { url } = request
  const start = url.indexOf('/', url.indexOf(':') + 4)
  if (start === -1) return '/'
  for (let i = start; i < url.length; i++) {
    const code = url.charCodeAt(i)
    if (code === 0x3f || code === 0x23) return url.slice(start, i)
  }
  return url.slice(start)
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function unmatched(app: Hono, c: Context): LivegateError {
  const allowed = METHODS.filter((method) => app.router.match(method, c.req.path)[0].length > 0)
  if (allowed.length === 0)
    return new LivegateError('not_found', 'Cannot find the route: there is none under this path')
  const allow = allowed.includes('GET') ? ['GET', 'HEAD', ...allowed.slice(1)] : allowed
  return new HttpFailure(
    'invalid_request',
    `Cannot use this method here: expected ${allow.join(' or ')}`,
    { status: 405, headers: { allow: allow.join(', ') } },
  )
}
