/**
 * Incident mode as the Worker has it: changed in the first log, carried to all others, and answered for once everybody who
 * decides must have heard of it.
 *
 * Whoever decides has asked their log within `FRESH_MS`; so that long after every log has a change, no decision starts that
 * does not see it, and only then is it answered. A log that could not be reached makes the answer 503; it learns with the same
 * asked again, by the cron tick, or by comparing itself with the first. Next stop: sequencer-incidents.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { IncidentChange } from '../../core/incident.ts'
import type { IncidentProposed, IncidentWish } from '../../core/incident-wish.ts'
import type { After } from '../../gate/context.ts'
import { opened, type SequencerRpc } from './rpc.ts'
import { FRESH_MS } from './sequencer-revisions.ts'

type IncidentLog = Pick<SequencerRpc, 'incidents' | 'changeIncident' | 'learnIncidents'>

export interface EdgeIncidents {
  /** Of the first log, by number. */
  changes(): Promise<readonly IncidentChange[]>
  commit(wish: IncidentWish): Promise<IncidentProposed>
  /** Writes down what has ended by itself, and carries on. */
  tick(): Promise<void>
}

/** After every log has it: clocks are read in whole milliseconds, and timers fire when they can. */
export const HEARD_MS: number = FRESH_MS + 500

function firstOf(logs: readonly IncidentLog[]): IncidentLog {
  const [first] = logs
  if (first !== undefined) return first
  throw new LivegateError('internal', 'Cannot use incident mode: there is no log')
}

export function createEdgeIncidents(parts: {
  readonly logs: readonly IncidentLog[]
  readonly after: After
  /** Every log that could be reached has what was changed; not everybody who decides has heard of it. */
  readonly onChange?: () => void
}): EdgeIncidents {
  const { logs, after, onChange = () => {} } = parts
  const first = firstOf(logs)
  const others = logs.slice(1)
  const changes = (): Promise<readonly IncidentChange[]> => opened(first.incidents())

  async function spread(): Promise<void> {
    const all = await changes()
    const told = await Promise.allSettled(
      others.map(async (log) => {
        const known = (await opened(log.incidents())).length
        const missing = all.filter(({ change }) => change > known)
        if (missing.length > 0) await opened(log.learnIncidents(missing))
      }),
    )
    // Whoever is there has been told all there is to tell.
    for (const one of told) if (one.status === 'rejected') throw one.reason
  }

  async function put(wish: IncidentWish): Promise<IncidentProposed> {
    const proposed = await opened(first.changeIncident(wish))
    if (proposed.is !== 'refused') await spread()
    return proposed
  }

  return {
    changes,
    async commit(wish) {
      const proposed = await put(wish).finally(onChange)
      // Also for what was so already: whoever asked before may not have been answered.
      if (proposed.is !== 'refused') await new Promise<void>((heard) => after(HEARD_MS, heard))
      return proposed
    },
    async tick() {
      await put({ is: 'expire' })
    },
  }
}
