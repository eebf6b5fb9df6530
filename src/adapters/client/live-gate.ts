/**
 * `liveGate`: Hono middleware to put in front of a "go live" route.
 *
 * It asks a gate, remote or in the same process, and lets the request through when the broadcast may start now; deny
 * and delay become a problem document the application can show. Obligations and tape delay come with
 * `c.get('livegate')` and are the route's to carry out: declare them in `supports`, or they become a refusal.
 */
import type { Context, MiddlewareHandler } from 'hono'
import type { AskResult, DecisionQuestion, VerifiedAnswer } from './answer.ts'
import { type Client, type ClientOptions, createClient } from './client.ts'
import { askGate, type GateQuestion, type LocalOptions } from './local.ts'
import { delayProblem, denyProblem, unavailableProblem } from './refusal.ts'

/** Who wants to go live, and with what: read from the application's own, already authenticated request. */
export type Ask<Q> = (context: Context) => Q | Promise<Q>

/** A remote gate through a client the application keeps, a remote gate, or one in the same process. */
export type LiveGateOptions =
  | { readonly client: Client; readonly question: Ask<DecisionQuestion> }
  | (ClientOptions & { readonly question: Ask<DecisionQuestion> })
  | (LocalOptions & { readonly question: Ask<GateQuestion> })

/** Variables the middleware sets for the route behind it. */
export interface LiveGateVariables {
  /** The answer; null when the gate could not be asked and `fail` is open. */
  readonly livegate: VerifiedAnswer | null
}

/**
 * Middleware that only calls the next handler when the broadcast may start. Errors that are the application's own (a
 * malformed question, a wrong key) are thrown to its error handler: they never open the gate.
 */
export function liveGate(
  options: LiveGateOptions,
): MiddlewareHandler<{ Variables: LiveGateVariables }> {
  const ask = askerOf(options)
  return async (context, next) => {
    const result = await ask(context)
    const refusal = refusalOf(result, context.req.header('accept-language'))
    if (refusal !== null) return refusal
    context.set('livegate', result.verified ? result.answer : null)
    await next()
    return undefined
  }
}

function askerOf(options: LiveGateOptions): (context: Context) => Promise<AskResult> {
  if ('gate' in options) {
    const { question } = options
    return async (context) => askGate(options, await question(context))
  }
  const client = 'client' in options ? options.client : createClient(options)
  const { question } = options
  return async (context) => client.decide(await question(context))
}

function refusalOf(result: AskResult, languages: string | undefined): Response | null {
  if (!result.verified) return result.outcome === 'allow' ? null : unavailableProblem()
  const { answer } = result
  if (answer.lease_until !== undefined) return null
  return answer.outcome === 'deny'
    ? denyProblem(answer, languages)
    : delayProblem(answer, languages)
}
