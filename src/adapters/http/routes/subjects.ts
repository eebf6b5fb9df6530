/**
 * What is known about a subject: everything to read, facts to store.
 */
import { MAX_STRIKE_FUTURE_MS } from '../../../core/limits.ts'
import type { EpochMs } from '../../../core/time.ts'
import { invalidMembers, read, readParameter, subjectId } from '../atoms.ts'
import { readJson } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { renderFacts, renderSubject } from '../render.ts'
import { json } from '../reply.ts'
import { FACTS, FACTS_PATCH } from '../schemas.ts'

/** `GET /v1/subjects/{subject}`; `GET`, `PUT`, `PATCH …/facts`. */
export function mountSubjects(mount: Mount, deps: AppDeps): void {
  const { gate } = deps
  mount('GET /v1/subjects/:subject', async (call) =>
    json(call, renderSubject(await gate.subject(subjectOf(call)))),
  )
  mount('GET /v1/subjects/:subject/facts', async (call) => {
    const { facts } = await gate.subject(subjectOf(call))
    return json(call, { facts: renderFacts(facts) })
  })
  mount('PUT /v1/subjects/:subject/facts', (call) => putFacts(call, deps))
  mount('PATCH /v1/subjects/:subject/facts', (call) => patchFacts(call, deps))
}

function subjectOf(call: Call): string {
  return readParameter(subjectId, call.c.req.param('subject'), 'the subject')
}

async function putFacts(call: Call, { gate, clock }: AppDeps): Promise<Response> {
  const subject = subjectOf(call)
  const { value } = await readJson(call.c.req.raw)
  const { facts, as_of } = read(FACTS, value, 'store facts')
  const stored = await gate.putFacts(subject, facts, instantOf(as_of, clock.now()))
  return json(call, { facts: renderFacts(stored) })
}

async function patchFacts(call: Call, { gate, clock }: AppDeps): Promise<Response> {
  const subject = subjectOf(call)
  const { value } = await readJson(call.c.req.raw)
  const { facts, as_of } = read(FACTS_PATCH, value, 'store facts')
  const stored = await gate.patchFacts(subject, facts, instantOf(as_of, clock.now()))
  return json(call, { facts: renderFacts(stored) })
}

/** When the facts were true: now unless given, and not ahead of now by more than clocks differ. */
function instantOf(as_of: EpochMs | undefined, now: EpochMs): EpochMs {
  if (as_of === undefined) return now
  if (as_of <= now + MAX_STRIKE_FUTURE_MS) return as_of
  throw invalidMembers('store facts', [
    {
      pointer: '/as_of',
      detail: `expected an instant at most ${MAX_STRIKE_FUTURE_MS / 1000} s from now`,
    },
  ])
}
