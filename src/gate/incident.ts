/**
 * Where incident mode is started, confirmed and ended. What may follow from what is core/incident-wish.ts's.
 *
 * An answer means that the change is in every log of the deployment, and that every decision that starts later sees it: how a
 * host makes sure of that is its `commit`. When one rejects, nothing or all of it was done, and the same again is safe.
 * Spec: docs/incident.md. Who was affected: incident-report.ts.
 */
import { LivegateError } from '../core/errors.ts'
import { type Incident, type IncidentChange, incidentsOf } from '../core/incident.ts'
import { type IncidentProposed, type IncidentWish, proposeIncident } from '../core/incident-wish.ts'
import type { Clock, Random } from '../ports.ts'
import { randomRecordIds } from './record-ids.ts'

export interface IncidentDeskParts {
  readonly clock: Clock
  /** Everything the log holds, by number. */
  changes(): Promise<readonly IncidentChange[]> | readonly IncidentChange[]
  /** Proposes with nobody else doing so meanwhile, makes what follows durable, and known to whoever decides. */
  commit(wish: IncidentWish): Promise<IncidentProposed>
}

export interface IncidentStart {
  readonly scope: string
  readonly reason: string
  readonly expires_at: Incident['expires_at']
  readonly by: string
}

export interface IncidentAnswer {
  readonly incident: Incident
  /** False when it was so already. */
  readonly changed: boolean
}

export interface IncidentDesk {
  /** @throws LivegateError `invalid_request`, `forbidden`, `conflict`, `log_unavailable`, `halted`. */
  start(request: IncidentStart): Promise<IncidentAnswer>
  /** By another key than the one that started it. @throws as `start`; `not_found` when there is none of this id. */
  confirm(id: string, by: string): Promise<IncidentAnswer>
  /** The newest one, as it is then: one that has ended stays so. @throws as `start`; `not_found` when there was none. */
  end(by: string): Promise<IncidentAnswer>
  /** Newest first, the running one too. */
  list(): Promise<readonly Incident[]>
}

export function createIncidentDesk(parts: IncidentDeskParts): IncidentDesk {
  const list = async (): Promise<readonly Incident[]> =>
    incidentsOf(await parts.changes(), parts.clock.now())

  async function wished(verb: string, wish: IncidentWish): Promise<IncidentAnswer> {
    const proposed = await parts.commit(wish)
    if (proposed.is === 'refused') throw refusal(verb, proposed)
    const [incident] = await list()
    if (incident === undefined) throw new TypeError('a change of incident mode is not in the log')
    return { incident, changed: proposed.is === 'new' }
  }

  return {
    start: (request) => wished('start incident mode', { is: 'start', ...request }),
    confirm: (id, by) => wished('confirm the incident', { is: 'confirm', id, by }),
    end: (by) => wished('end the incident', { is: 'end', by }),
    list,
  }
}

function refusal(
  verb: string,
  { code, why, hint }: Extract<IncidentProposed, { readonly is: 'refused' }>,
): LivegateError {
  const options = hint === undefined ? {} : { hint }
  return new LivegateError(code, `Cannot ${verb}: ${why}`, options)
}

/** The changes of one log, one after the other. */
export interface IncidentBook {
  list(): readonly IncidentChange[]
  put(wish: IncidentWish): Promise<IncidentProposed>
}

/**
 * Proposes and appends, over a log that is the only copy. Callers see to it that `put` runs alone; `append` is durable when it
 * resolves.
 */
export function createIncidentBook(parts: {
  list(): readonly IncidentChange[]
  append(changes: readonly IncidentChange[]): Promise<void>
  readonly clock: Clock
  readonly random: Random
}): IncidentBook {
  const { list, append, clock, random } = parts
  const newRecordId = randomRecordIds(random)
  return {
    list,
    async put(wish) {
      const now = clock.now()
      const proposed = proposeIncident(list(), wish, { now, id: newRecordId(now) })
      if (proposed.is === 'new') await append(proposed.changes)
      return proposed
    },
  }
}
