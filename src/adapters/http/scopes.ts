/**
 * The table: every route there is, and what a caller needs to use it.
 *
 * A route that is not here cannot be mounted (mount.ts takes its method and path from this table), so no route is open
 * by accident. tests/adapters/http/scopes.test.ts walks every row with every scope. Spec: docs/spec/api.md, "Routes".
 */

/** What an API key or access token may be allowed to do. `admin` implies every other scope. */
export const SCOPES = [
  'decide',
  'audit',
  'identity',
  'strikes',
  'facts',
  'read',
  'review',
  'incident',
  'policy',
  'servers',
  'hook',
  'metrics',
  'admin',
] as const
export type Scope = (typeof SCOPES)[number]

/** Configuration that opens a route for everybody. */
export interface Openness {
  /** Log entries without a key. */
  readonly log_public: boolean
  /** `/metrics` without a key. */
  readonly metrics_public: boolean
}

export interface Access {
  /** Null: everybody. */
  readonly scope: Scope | null
  /** Opens the route for everybody when the deployment says so. */
  readonly opened_by?: keyof Openness
  /** The route proves its callers itself: media servers know no API keys. */
  readonly delegated?: true
  /** Answered even when the server is full: somebody has to see that it is. */
  readonly unbounded?: true
}

/** Method and path pattern of every route, with what it takes to call it. */
export const ROUTES = {
  'POST /v1/decisions': { scope: 'decide' },
  'GET /v1/decisions': { scope: 'audit' },
  'GET /v1/decisions/:id': { scope: 'audit' },
  'GET /v1/decisions/:id/proof': { scope: 'audit' },
  'GET /v1/records': { scope: 'audit' },
  'GET /v1/rollout': { scope: 'audit' },
  'POST /v1/explanations': { scope: 'decide' },
  'GET /v1/broadcasts': { scope: 'read' },
  'GET /v1/broadcasts/:id': { scope: 'read' },
  'POST /v1/broadcasts/:id/renewal': { scope: 'decide' },
  'POST /v1/broadcasts/:id/end': { scope: 'decide' },
  'POST /v1/broadcasts/:id/cohosts': { scope: 'decide' },
  'POST /v1/subjects/:subject/strikes': { scope: 'strikes' },
  'POST /v1/strikes/:id/reversal': { scope: 'strikes' },
  'GET /v1/subjects/:subject/facts': { scope: 'facts' },
  'PUT /v1/subjects/:subject/facts': { scope: 'facts' },
  'PATCH /v1/subjects/:subject/facts': { scope: 'facts' },
  'GET /v1/subjects/:subject': { scope: 'read' },
  'DELETE /v1/subjects/:subject': { scope: 'admin' },
  'GET /v1/subjects/:subject/export': { scope: 'identity' },
  'PUT /v1/subjects/:subject/legal-hold': { scope: 'admin' },
  'DELETE /v1/subjects/:subject/legal-hold': { scope: 'admin' },
  'GET /v1/stream-keys': { scope: 'admin' },
  'POST /v1/stream-keys': { scope: 'admin' },
  'POST /v1/stream-keys/:id/rotation': { scope: 'admin' },
  'DELETE /v1/stream-keys/:id': { scope: 'admin' },
  'PUT /v1/import': { scope: 'admin' },
  'GET /v1/policies': { scope: 'read' },
  'GET /v1/policies/shadow': { scope: 'read' },
  'GET /v1/policies/:digest': { scope: 'read' },
  'PUT /v1/policies': { scope: 'policy' },
  'POST /v1/policies/rollback': { scope: 'policy' },
  'DELETE /v1/policies/pending': { scope: 'policy' },
  'GET /v1/webhooks': { scope: 'admin' },
  'GET /v1/webhooks/:endpoint/dead': { scope: 'admin' },
  'POST /v1/webhooks/:endpoint/replay': { scope: 'admin' },
  'GET /v1/servers': { scope: 'servers' },
  'PUT /v1/servers/:id': { scope: 'servers' },
  'DELETE /v1/servers/:id': { scope: 'servers' },
  'GET /v1/incident': { scope: 'incident' },
  'PUT /v1/incident': { scope: 'incident' },
  'POST /v1/incident/confirmation': { scope: 'incident' },
  'DELETE /v1/incident': { scope: 'incident' },
  'GET /v1/incident/:id/report': { scope: 'incident' },
  'GET /v1/reviews': { scope: 'review' },
  'POST /v1/reviews/:id': { scope: 'review' },
  'GET /v1/keys': { scope: 'admin' },
  'POST /v1/keys/rotation': { scope: 'admin' },
  'POST /v1/keys/revocation': { scope: 'admin' },
  'GET /log/checkpoint': { scope: null },
  'GET /log/checkpoint.witnessed': { scope: null },
  'GET /log/vkey': { scope: null },
  'GET /log/tile/entries/*': { scope: 'audit', opened_by: 'log_public' },
  'GET /log/tile/*': { scope: null },
  'GET /.well-known/jwks.json': { scope: null },
  'POST /hooks/:kind/:server': { scope: 'hook', delegated: true },
  'GET /hooks/:kind/:server/jwks.json': { scope: null },
  'POST /whip/:server': { scope: 'hook', delegated: true },
  'PATCH /whip/:server/:session': { scope: 'hook', delegated: true },
  'DELETE /whip/:server/:session': { scope: 'hook', delegated: true },
  'OPTIONS /whip/:server': { scope: null },
  'OPTIONS /whip/:server/:session': { scope: null },
  'GET /healthz': { scope: null, unbounded: true },
  'GET /readyz': { scope: null, unbounded: true },
  'GET /metrics': { scope: 'metrics', opened_by: 'metrics_public', unbounded: true },
  'GET /openapi.json': { scope: null },
} as const

export type RouteId = keyof typeof ROUTES
export const ROUTE_IDS: readonly RouteId[] = Object.keys(ROUTES) as RouteId[]

/** The row of a route. */
export function accessOf(route: RouteId): Access {
  return ROUTES[route]
}

/** The scope a caller must hold here and now; null for everybody (or for routes that prove their callers themselves). */
export function scopeNeeded(route: RouteId, open: Openness): Scope | null {
  const access = accessOf(route)
  if (access.delegated === true) return null
  return access.opened_by !== undefined && open[access.opened_by] ? null : access.scope
}

/** Method and Hono pattern of a route; with several logs, those of the log name which. */
export function methodAndPath(
  route: RouteId,
  logs = 1,
): { readonly method: string; readonly path: string } {
  const blank = route.indexOf(' ')
  const path = route.slice(blank + 1)
  return {
    method: route.slice(0, blank),
    path: logs > 1 && path.startsWith('/log/') ? path.replace('/log/', '/log/:shard/') : path,
  }
}

/** The known scopes among `names`, `admin` spelled out; unknown words grant nothing. */
export function scopesOf(names: readonly string[]): ReadonlySet<Scope> {
  if (names.includes('admin')) return new Set(SCOPES)
  return new Set(SCOPES.filter((scope) => names.includes(scope)))
}
