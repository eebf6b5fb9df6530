/**
 * Incident mode: started by one key, confirmed by another, ended by anybody who may; and who was affected.
 *
 * What is answered with 2xx is in every log of the deployment and seen by every decision that starts later.
 * Spec: docs/spec/api.md, "Incident mode"; docs/incident.md.
 */
import { LivegateError } from '../../../core/errors.ts'
import type { Incident } from '../../../core/incident.ts'
import { formatInstant } from '../../../core/time.ts'
import type { IncidentAnswer, IncidentDesk } from '../../../gate/incident.ts'
import { incidentReport } from '../../../gate/incident-report.ts'
import { read } from '../atoms.ts'
import { readJson } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import {
  INCIDENT_BODY,
  INCIDENT_CONFIRMATION_BODY,
  INCIDENT_REPORT_QUERY,
} from '../incident-schemas.ts'
import type { Call, Mount } from '../mount.ts'
import { readQuery } from '../query.ts'
import { json } from '../reply.ts'
import { NO_QUERY } from '../schemas.ts'

/** Incidents one answer lists. */
const MAX_LISTED = 20

/** `PUT`, `GET` and `DELETE /v1/incident`, `POST …/confirmation`, `GET …/{id}/report`. */
export function mountIncident(mount: Mount, deps: AppDeps): void {
  mount('GET /v1/incident', (call) => show(call, deps))
  mount('PUT /v1/incident', (call) => start(call, deps))
  mount('POST /v1/incident/confirmation', async (call) => {
    readQuery(call.c, NO_QUERY, 'confirm the incident')
    const { value } = await readJson(call.c.req.raw)
    const { id } = read(INCIDENT_CONFIRMATION_BODY, value, 'confirm the incident')
    return answer(call, await deskOf(deps).confirm(id, call.caller.id))
  })
  mount('DELETE /v1/incident', async (call) => {
    readQuery(call.c, NO_QUERY, 'end the incident')
    return answer(call, await deskOf(deps).end(call.caller.id))
  })
  mount('GET /v1/incident/:id/report', (call) => report(call, deps))
}

async function show(call: Call, deps: AppDeps): Promise<Response> {
  readQuery(call.c, NO_QUERY, 'show incident mode')
  const incidents = await deskOf(deps).list()
  const [last] = incidents
  const running = last?.ended === null ? { incident: render(last) } : {}
  const active = last?.ended === null
  return json(call, { active, ...running, incidents: incidents.slice(0, MAX_LISTED).map(render) })
}

async function start(call: Call, deps: AppDeps): Promise<Response> {
  readQuery(call.c, NO_QUERY, 'start incident mode')
  const { value } = await readJson(call.c.req.raw)
  const asked = read(INCIDENT_BODY, value, 'start incident mode')
  const done = await deskOf(deps).start({ ...asked, by: call.caller.id })
  return json(call, render(done.incident), done.changed ? 201 : 200)
}

async function report(call: Call, deps: AppDeps): Promise<Response> {
  const query = readQuery(call.c, INCIDENT_REPORT_QUERY, 'report on the incident')
  const id = call.c.req.param('id')
  const incident = (await deskOf(deps).list()).find((one) => one.id === id)
  if (incident === undefined)
    throw new LivegateError('not_found', 'Cannot report on the incident: there is none of this id')
  const { directory, logs } = deps
  const page = await incidentReport({ directory, shards: logs.length }, incident, query)
  return json(call, {
    incident: render(incident),
    decisions: page.decisions.map(({ at, ...one }) => ({ ...one, decided_at: formatInstant(at) })),
    counts: page.counts,
    revoked: page.revoked.map(({ at, ...one }) => ({ ...one, at: formatInstant(at) })),
    erased: page.erased,
    next: page.next,
  })
}

function answer(call: Call, { incident }: IncidentAnswer): Response {
  return json(call, render(incident))
}

function deskOf({ incidents }: AppDeps): IncidentDesk {
  if (incidents !== undefined) return incidents
  throw new LivegateError('not_found', 'Cannot use incident mode: this host does not offer it')
}

function render(one: Incident): object {
  const { id, scope, reason, started_by, confirmed, ended } = one
  return {
    ...{ id, active: ended === null, scope, reason },
    ...{ started_at: formatInstant(one.started_at), started_by },
    ...{ expires_at: formatInstant(one.expires_at), until: formatInstant(one.until) },
    ...(confirmed === null ? {} : { confirmed: by(confirmed) }),
    ...(ended === null ? {} : { ended: by(ended) }),
  }
}

function by(one: NonNullable<Incident['ended']>): object {
  return { at: formatInstant(one.at), by: one.by }
}
