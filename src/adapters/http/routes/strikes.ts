/**
 * Violations come in, and go out again when an appeal is upheld.
 *
 * Both are repeatable by their ids: the same strike again is 200 instead of 201, other content under the id is 409.
 * When the answer is out, every decision that starts later sees it (G2): the gate's duty.
 */
import type { Fault } from '../../../core/errors.ts'
import { MAX_STRIKE_FUTURE_MS } from '../../../core/limits.ts'
import type { EpochMs } from '../../../core/time.ts'
import { chosenId, invalidMembers, read, readParameter, subjectId } from '../atoms.ts'
import { readJson } from '../body.ts'
import { strikeOf } from '../decode.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { renderReversalAnswer, renderStrikeAnswer } from '../render.ts'
import { json } from '../reply.ts'
import { REVERSAL, STRIKE, type StrikeBody } from '../schemas.ts'

/** `POST /v1/subjects/{subject}/strikes`, `POST /v1/strikes/{id}/reversal`. */
export function mountStrikes(mount: Mount, deps: AppDeps): void {
  mount('POST /v1/subjects/:subject/strikes', (call) => strike(call, deps))
  mount('POST /v1/strikes/:id/reversal', (call) => reverse(call, deps))
}

async function strike(call: Call, { gate, clock }: AppDeps): Promise<Response> {
  const subject = readParameter(subjectId, call.c.req.param('subject'), 'the subject')
  const { value } = await readJson(call.c.req.raw)
  const body = read(STRIKE, value, 'record strike')
  const faults = strikeFaults(body, clock.now())
  if (faults.length > 0) throw invalidMembers('record strike', faults)
  const answer = await gate.strike({ ...strikeOf(body, subject), caller: call.caller.id })
  return json(call, renderStrikeAnswer(answer), answer.created ? 201 : 200)
}

/** What one member says about another, or about now. */
function strikeFaults(body: StrikeBody, now: EpochMs): readonly Fault[] {
  const faults: Fault[] = []
  if (body.issued_at > now + MAX_STRIKE_FUTURE_MS)
    faults.push({
      pointer: '/issued_at',
      detail: `expected an instant at most ${MAX_STRIKE_FUTURE_MS / 1000} s from now`,
    })
  if (body.expires_at !== undefined && body.expires_at <= body.issued_at)
    faults.push({ pointer: '/expires_at', detail: 'expected an instant after `issued_at`' })
  return faults
}

async function reverse(call: Call, { gate }: AppDeps): Promise<Response> {
  const id = readParameter(chosenId, call.c.req.param('id'), 'the strike id')
  const { value } = await readJson(call.c.req.raw)
  const body = read(REVERSAL, value, 'reverse strike')
  const answer = await gate.reverse({ strike: id, ...body, caller: call.caller.id })
  return json(call, renderReversalAnswer(answer), answer.created ? 201 : 200)
}
