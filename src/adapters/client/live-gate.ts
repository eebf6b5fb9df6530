/**
 * `liveGate`: Hono middleware to put in front of a "go live" route.
 *
 * It asks the gate and lets the request through on allow; deny and delay become a problem document the application
 * can show. An obligation comes with `c.get('livegate')`. Whether an unreachable gate lets through is the client's
 * `fail`. Works with a remote gate (`client`) or one in the same process (`ask`).
 */
import type { Context, MiddlewareHandler } from 'hono'
import type { AskResult, Client, DecisionQuestion, VerifiedAnswer } from './client.ts'

export interface LiveGateOptions {
  /** Asks a gate; `createClient(...)` gives one. */
  readonly client: Client
  /** Who wants to go live, and with what: read from the application's own, already authenticated request. */
  readonly question: (context: Context) => DecisionQuestion | Promise<DecisionQuestion>
}

/** Variables the middleware sets for the route behind it. */
export interface LiveGateVariables {
  /** The verified answer; null when the gate could not be asked and `fail` is open. */
  readonly livegate: VerifiedAnswer | null
}

/** Middleware that only calls the next handler when the broadcast may start. */
export function liveGate(
  options: LiveGateOptions,
): MiddlewareHandler<{ Variables: LiveGateVariables }> {
  return async (context, next) => {
    const result = await options.client.decide(await options.question(context))
    const refusal = refusalOf(result)
    if (refusal !== null) return refusal
    context.set('livegate', result.verified ? result.answer : null)
    await next()
    return undefined
  }
}

function refusalOf(result: AskResult): Response | null {
  if (!result.verified)
    return result.outcome === 'allow'
      ? null
      : problem(503, {
          code: 'gate_unavailable',
          title: 'Going live cannot be decided right now',
          retry_after: 5,
        })
  const { answer } = result
  if (answer.lease_until !== undefined) return null
  const { outcome, mode, until, not_before, retry_after, reasons, id } = answer
  return problem(outcome === 'deny' ? 403 : 425, {
    code: outcome === 'deny' ? 'live_denied' : 'live_delayed',
    title: outcome === 'deny' ? 'Going live is not allowed' : 'Going live has to wait',
    decision: id,
    mode,
    until,
    not_before,
    retry_after,
    reasons,
  })
}

function problem(status: number, members: Readonly<Record<string, unknown>>): Response {
  const headers = new Headers({ 'content-type': 'application/problem+json' })
  if (typeof members.retry_after === 'number')
    headers.set('retry-after', String(members.retry_after))
  return new Response(JSON.stringify({ type: 'about:blank', status, ...members }), {
    status,
    headers,
  })
}
