/**
 * From what was sent to what the gate is asked.
 *
 * Pure. A member that was malformed leaves no trace: the gate sees it as absent, which evaluation calls unknown.
 */
import type { SubjectFacts } from '../../core/model.ts'
import type { CohostRequest, DecideRequest, StrikeRequest } from '../../gate-types.ts'
import type { CohostBody, DecisionBody, LenientFacts, StrikeBody } from './schemas.ts'

/** The question of a decision or an explanation. */
export function questionOf(body: DecisionBody, caller: string): Omit<DecideRequest, 'idempotency'> {
  const { hosts, ...stream } = body.stream ?? {}
  return {
    subject: body.subject,
    stream: {
      ...present(stream),
      ...(hosts == null || hosts.length === 0 ? {} : { hosts: hosts.map(cohostOf) }),
    },
    request: present(body.request ?? {}),
    facts: factsOf(body.facts),
    supports: body.supports ?? [],
    caller,
  }
}

function cohostOf(body: CohostBody): CohostRequest {
  return body.facts == null
    ? { subject: body.subject }
    : { subject: body.subject, facts: factsOf(body.facts) }
}

function factsOf(facts: LenientFacts | null | undefined): SubjectFacts {
  return facts == null ? {} : present(facts)
}

/** The strike of a body; the subject stands in the path. */
export function strikeOf(body: StrikeBody, subject: string): StrikeRequest {
  return { subject, ...body }
}

type Present<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> }

/** The same members without those that are undefined. */
function present<T extends object>(members: T): Present<T> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(members)) if (value !== undefined) kept[name] = value
  return kept as Present<T>
}
