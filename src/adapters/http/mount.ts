/**
 * The one way to put a handler on a path: looked up in the table of scopes, guarded, in a single function.
 *
 * In order: capacity → path spelling → caller → scope → rate → handler; whatever throws becomes a problem document.
 * One handler per route and no middleware chain, because Hono then calls it directly. Next stop: routes/decisions.ts.
 */
import type { Context, Hono } from 'hono'
import { LivegateError } from '../../core/errors.ts'
import { shedBy } from '../../gate/shed.ts'
import { type Authentication, authenticate } from './auth.ts'
import { ANYBODY, type Caller, forbidden } from './caller.ts'
import type { AppDeps } from './deps.ts'
import { isDecodable } from './escapes.ts'
import { createAccessTokens } from './jwt.ts'
import { asLivegateError, problemResponse } from './problem.ts'
import { createRateLimiter } from './rate.ts'
import { accessOf, methodAndPath, ROUTES, type RouteId, type Scope, scopeNeeded } from './scopes.ts'

/** One request on its way through a handler. */
export interface Call {
  readonly c: Context
  readonly caller: Caller
  /** RateLimit headers to answer with; empty on public routes. */
  readonly headers: Readonly<Record<string, string>>
}

export type Handler = (call: Call) => Response | Promise<Response>

/** Puts a handler on a route of the table. */
export type Mount = (route: RouteId, handler: Handler) => void

const NO_HEADERS: Readonly<Record<string, string>> = {}

/** The mount of an app. Throws LivegateError `internal` for a route outside the table or mounted twice. */
export function createMount(app: Hono, deps: AppDeps): Mount {
  const admit = createAdmission(deps)
  const pools: Pools = { api: { inFlight: 0 }, hooks: { inFlight: 0 } }
  const mounted = new Set<RouteId>()
  return (route, handler) => {
    if (!Object.hasOwn(ROUTES, route) || mounted.has(route))
      throw new LivegateError(
        'internal',
        `Cannot mount ${route}: it is mounted or not in the table of scopes, expected a new row of the table`,
      )
    mounted.add(route)
    const { method, path } = methodAndPath(route, deps.logs.length)
    app.on(method, path, guarded(route, { deps, pools, admit, handler }))
  }
}

/** Hooks may be held open on purpose (a delay waited out), so they have a capacity of their own. */
interface Pools {
  readonly api: { inFlight: number }
  readonly hooks: { inFlight: number }
}

interface Guard {
  readonly deps: AppDeps
  readonly pools: Pools
  readonly admit: (route: RouteId, c: Context) => Promise<Call> | Call
  readonly handler: Handler
}

function guarded(route: RouteId, guard: Guard): (c: Context) => Promise<Response> {
  const { deps, pools, admit, handler } = guard
  const { unbounded, delegated } = accessOf(route)
  const pool = delegated === true ? pools.hooks : pools.api
  const most = unbounded === true ? Number.POSITIVE_INFINITY : deps.config.max_in_flight
  return async (c) => {
    if (pool.inFlight >= most) return overloaded(deps, most)
    pool.inFlight++
    try {
      return await handler(await admit(route, c))
    } catch (error) {
      return failed(route, deps, error)
    } finally {
      pool.inFlight--
    }
  }
}

function overloaded(deps: AppDeps, most: number): Response {
  deps.observe({ type: 'shed', code: 'overloaded' })
  const message = `Cannot take the request: ${most} others are being worked on`
  return problemResponse(new LivegateError('overloaded', message, { retry_after_s: 1 }))
}

function failed(route: RouteId, deps: AppDeps, error: unknown): Response {
  const known = asLivegateError(error)
  if (known.code === 'internal') deps.report?.({ route, error })
  const shed = shedBy(known)
  if (shed !== null) deps.observe(shed)
  return problemResponse(known)
}

/** Who may pass: authentication, scope and rate, in that order. */
function createAdmission(deps: AppDeps): (route: RouteId, c: Context) => Promise<Call> | Call {
  const { config, clock, accessTokens } = deps
  const limiter = createRateLimiter(config.rate, clock)
  const authentication: Authentication = {
    keys: deps.callerKeys,
    audience: config.audience,
    accessTokens: accessTokens === undefined ? null : createAccessTokens(accessTokens, clock),
  }
  return (route, c) => {
    requireDecodable(c.req.path)
    const scope = scopeNeeded(route, config)
    return scope === null ? { c, caller: ANYBODY, headers: NO_HEADERS } : admitCaller(c, scope)
  }

  async function admitCaller(c: Context, scope: Scope): Promise<Call> {
    const caller = await authenticate(c.req.raw.headers.get('authorization'), authentication)
    if (!caller.scopes.has(scope)) throw forbidden(scope)
    return { c, caller, headers: limiter.take(caller.id) }
  }
}

function requireDecodable(path: string): void {
  if (isDecodable(path)) return
  throw new LivegateError(
    'invalid_request',
    'Cannot read path: its percent encoding is not UTF-8 text',
  )
}
