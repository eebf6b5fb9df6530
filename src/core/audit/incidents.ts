/**
 * Incident mode as a log tells it, and whether what a decision saw of it can be what it says.
 *
 * A log's first change is number 1, every next one is in order (incident.ts). From then on no decision sees an incident that
 * is not in the log before it, nor misses a change for longer than hosts need to hear of one; what it saw follows from the newest
 * change it can have known, and its own instant. A log without any is held to nothing: gates of other kinds may know of incidents
 * from elsewhere. Spec: docs/spec/record.md, "Incidents".
 */
import { factsBy, type IncidentChange, incidentFault } from '../incident.ts'
import type { IncidentFacts } from '../model.ts'
import type { OwnClaims } from '../record/groups.ts'
import { isHeardOf, type PlaceInTime } from './activations.ts'
import type { Findings } from './findings.ts'

/** A change, and when it was there by the log's own time. */
export interface KnownIncident {
  readonly change: IncidentChange
  readonly logged: number
}

export class Incidents {
  readonly #known: KnownIncident[]

  constructor(state: readonly KnownIncident[] = []) {
    this.#known = [...state]
  }

  state(): readonly KnownIncident[] {
    return this.#known
  }

  learn(claims: OwnClaims['incident'], { index, logged }: PlaceInTime, findings: Findings): void {
    const fault = incidentFault(
      this.#known.map(({ change }) => change),
      claims,
    )
    if (fault !== null) findings.add('incident_order', index, `Incident mode: ${fault}`)
    if (claims.change <= (this.#known.at(-1)?.change.change ?? 0)) return
    this.#known.push({ change: changeOf(claims), logged })
  }

  /** What is wrong with what a decision saw; null for nothing. */
  fault(
    seen: IncidentFacts,
    decision: { readonly at: number; readonly logged: number },
  ): string | null {
    if (this.#known.length === 0) return null
    for (let i = this.#known.length - 1; i >= -1; i--) {
      const { change } = this.#known[i] ?? {}
      if (same(factsBy(change, decision.at), seen)) return null
      const newest = this.#known[i]
      if (newest !== undefined && isHeard(newest, decision)) break
    }
    const last = factsBy(this.#known.at(-1)?.change, decision.at)
    return `The facts say of incident mode ${words(seen)}; the log says ${words(last)}`
  }
}

function isHeard(
  { change, logged }: KnownIncident,
  decision: { readonly at: number; readonly logged: number },
): boolean {
  return isHeardOf({ active_from: change.at, logged }, decision)
}

function same(a: IncidentFacts, b: IncidentFacts): boolean {
  return a.active === b.active && a.id === b.id && a.scope === b.scope
}

function words({ active, id, scope }: IncidentFacts): string {
  return active ? `${id ?? 'one without id'} (${scope ?? 'no scope'}) runs` : 'none runs'
}

/** Without the claims every record has. */
function changeOf(claims: OwnClaims['incident']): IncidentChange {
  const { change, active, id, scope, at, until, expires_at, confirmed, by } = claims
  return {
    ...{ change, active, id, scope, at, by },
    ...(until === undefined ? {} : { until }),
    ...(expires_at === undefined ? {} : { expires_at }),
    ...(confirmed === undefined ? {} : { confirmed }),
  }
}
