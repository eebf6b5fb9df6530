/**
 * From what was sent to what the gate is asked.
 *
 * Pure. A member that was malformed leaves no trace, but for a fact: that one was meant to say something about now, so
 * it is handed on as null, "absent, whatever is stored", and evaluation calls it unknown (G3).
 */
import type { CohostRequest, DecideRequest, GivenFacts, StrikeRequest } from '../../gate-types.ts'
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
    ...(body.enforce === undefined ? {} : { enforce: body.enforce }),
    caller,
  }
}

/** Somebody who joins. */
export function cohostOf(body: CohostBody): CohostRequest {
  return body.facts == null
    ? { subject: body.subject }
    : { subject: body.subject, facts: factsOf(body.facts) }
}

/** Facts that were sent. Reading leaves an unreadable fact as a member that is undefined; one that was not sent is no member at all. */
export function factsOf(facts: LenientFacts | null | undefined): GivenFacts {
  const entries = Object.entries(facts ?? {}).map(([name, value]) => [name, value ?? null])
  return Object.fromEntries(entries) as GivenFacts
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
