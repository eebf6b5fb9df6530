/**
 * The changes of incident mode of one log on the edge.
 *
 * The first log of a deployment gives the numbers; the others are told, in order. One of these at a time, and every one may be
 * repeated: what is there already is passed over. Who carries from log to log: edge-incidents.ts, sequencer-compare.ts.
 */
import { LivegateError } from '../../core/errors.ts'
import type { IncidentChange } from '../../core/incident.ts'
import type { IncidentProposed, IncidentWish } from '../../core/incident-wish.ts'
import { createIncidentBook } from '../../gate/incident.ts'
import type { Clock, Random, RecordSigner } from '../../ports.ts'
import { loggedIncidents, putIncidents } from '../sqlite/incidents.ts'
import type { Scribe } from '../sqlite/scribe.ts'
import type { Sql } from '../sqlite/sql.ts'

export interface LoggedIncidents {
  list(): readonly IncidentChange[]
  /** In the first log only. */
  change(wish: IncidentWish): Promise<IncidentProposed>
  /** Those of the first log behind the ones that are here. Throws `conflict` where numbers are missing between. */
  learn(changes: readonly IncidentChange[]): Promise<null>
}

export function createLoggedIncidents(parts: {
  readonly sql: Sql
  readonly scribe: Pick<Scribe, 'append'>
  readonly signer: Pick<RecordSigner, 'kid'>
  readonly clock: Clock
  readonly random: Random
}): LoggedIncidents {
  const { sql, scribe, signer, clock, random } = parts
  const list = (): readonly IncidentChange[] => loggedIncidents(sql)
  const append = (changes: readonly IncidentChange[]): Promise<void> =>
    putIncidents(scribe, signer, changes)
  const book = createIncidentBook({ list, append, clock, random })
  return {
    list,
    change: book.put,
    async learn(changes) {
      const known = list().length
      const missing = changes.filter(({ change }) => change > known)
      if (missing.some(({ change }, i) => change !== known + 1 + i))
        throw new LivegateError(
          'conflict',
          `Cannot learn of incidents: ${missing[0]?.change} comes after ${known}, expected all between`,
        )
      await append(missing)
      return null
    },
  }
}
