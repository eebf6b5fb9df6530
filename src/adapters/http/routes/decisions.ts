/**
 * The hot path: may this broadcast start?
 *
 * A deny is 200. Nothing is answered that the gate has not recorded (G1); what takes too long or cannot be logged
 * arrives here as an error and leaves as 503. Next on the tour: gate.ts.
 */
import { read } from '../atoms.ts'
import { readJson } from '../body.ts'
import { questionOf } from '../decode.ts'
import type { AppDeps } from '../deps.ts'
import { idempotencyOf } from '../idempotency.ts'
import type { Call, Mount } from '../mount.ts'
import { renderAnswer } from '../render.ts'
import { json } from '../reply.ts'
import { DECISION } from '../schemas.ts'

/** `POST /v1/decisions`. */
export function mountDecisions(mount: Mount, deps: AppDeps): void {
  mount('POST /v1/decisions', (call) => decide(call, deps))
}

async function decide(call: Call, { gate }: AppDeps): Promise<Response> {
  const request = call.c.req.raw
  const body = await readJson(request)
  const question = questionOf(read(DECISION, body.value, 'decide'), call.caller.id)
  const idempotency = idempotencyOf(request.headers.get('idempotency-key'), body.bytes)
  const answer = await gate.decide(
    idempotency === undefined ? question : { ...question, idempotency },
  )
  return json(call, renderAnswer(answer))
}
