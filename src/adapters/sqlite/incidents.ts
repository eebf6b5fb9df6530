/**
 * The changes of incident mode a log holds, and the one way another gets in.
 *
 * The log is the only copy: incident mode is what its records say, in the order of their numbers. Who calls `putIncident`
 * makes sure that nobody else does so meanwhile. Spec: docs/spec/record.md, "Incidents". Next stop: gate/incident.ts.
 */
import type { IncidentChange } from '../../core/incident.ts'
import { incidentDraft } from '../../core/record/drafts.ts'
import type { RecordSigner } from '../../ports.ts'
import { claimsOf, incidentName } from './entries.ts'
import type { Scribe } from './scribe.ts'
import { type Sql, text } from './sql.ts'

/** All of them by their number. */
export function loggedIncidents(sql: Sql): readonly IncidentChange[] {
  return sql
    .all(
      `SELECT e.jws FROM log_requirements r JOIN entries e ON e.idx = r.idx
       WHERE r.name LIKE 'incident-%' ORDER BY r.idx`,
    )
    .map((row) => incidentOf(claimsOf(text(row, 'jws'))))
}

/** The members of a change, out of the claims of its record. */
export function incidentOf(claims: Readonly<Record<string, unknown>>): IncidentChange {
  const { change, active, id, scope, at, by, until, expires_at, confirmed, reason } =
    claims as unknown as IncidentChange
  return {
    ...{ change, active, id, scope, at, by },
    ...(until === undefined ? {} : { until }),
    ...(expires_at === undefined ? {} : { expires_at }),
    ...(confirmed === undefined ? {} : { confirmed }),
    ...(reason === undefined ? {} : { reason }),
  }
}

/** Puts changes into the log behind those that are there. Durable when resolved; when it rejects, all or none is there. */
export async function putIncidents(
  scribe: Pick<Scribe, 'append'>,
  signer: Pick<RecordSigner, 'kid'>,
  changes: readonly IncidentChange[],
): Promise<void> {
  const [first] = changes
  if (first === undefined) return
  const before = first.change === 1 ? [] : [incidentName(first.change - 1)]
  await scribe.append(changes.map(incidentDraft), [signer.kid, ...before])
}
