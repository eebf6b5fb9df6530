/**
 * The same question as a decision, without effect and without record: outcome, trace, when it would be allowed.
 */
import { read } from '../atoms.ts'
import { readJson } from '../body.ts'
import { questionOf } from '../decode.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { renderExplanation } from '../render-explanation.ts'
import { json } from '../reply.ts'
import { DECISION } from '../schemas.ts'

/** `POST /v1/explanations`. */
export function mountExplanations(mount: Mount, deps: AppDeps): void {
  mount('POST /v1/explanations', (call) => explain(call, deps))
}

async function explain(call: Call, { gate }: AppDeps): Promise<Response> {
  const { value } = await readJson(call.c.req.raw)
  const question = questionOf(read(DECISION, value, 'explain'), call.caller.id)
  return json(call, renderExplanation(await gate.explain(question)))
}
