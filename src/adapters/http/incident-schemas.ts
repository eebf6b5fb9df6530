/**
 * What is sent and answered about incident mode. Beside schemas.ts and answers.ts, in their ways.
 *
 * Spec: docs/spec/api.md, "Incident mode"; docs/incident.md.
 */
import * as v from 'valibot'
import { MAX_ID_CHARS, MAX_NOTE_CHARS } from '../../core/limits.ts'
import type { EpochMs } from '../../core/time.ts'
import { REPORT_PAGE } from '../../gate/incident-report.ts'
import type { Shape } from './answers.ts'
import { closed, instant, integerText, may, type Reader, text } from './atoms.ts'
import type { Operation } from './operations.ts'
import type { RouteId } from './scopes.ts'

export interface IncidentBody {
  readonly scope: string
  readonly reason: string
  readonly expires_at: EpochMs
}

export interface IncidentConfirmationBody {
  readonly id: string
}

export interface IncidentReportQuery {
  readonly cursor?: string
  readonly limit?: number
}

/** `PUT /v1/incident`. */
export const INCIDENT_BODY: Reader<IncidentBody> = closed<IncidentBody>({
  scope: text(MAX_ID_CHARS),
  reason: text(MAX_NOTE_CHARS),
  expires_at: instant,
})

/** `POST /v1/incident/confirmation`. */
export const INCIDENT_CONFIRMATION_BODY: Reader<IncidentConfirmationBody> =
  closed<IncidentConfirmationBody>({ id: text(MAX_ID_CHARS) })

/** `GET /v1/incident/{id}/report`. */
export const INCIDENT_REPORT_QUERY: Reader<IncidentReportQuery> = closed<IncidentReportQuery>({
  cursor: may(text(256)),
  limit: may(integerText(1, REPORT_PAGE)),
})

const words = v.string()
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const at = v.pipe(v.string(), v.isoTimestamp())
const optional = v.exactOptional
const who = v.strictObject({ at, by: words })
const incident = v.strictObject({
  id: words,
  active: v.boolean(),
  scope: words,
  reason: words,
  started_at: at,
  started_by: words,
  expires_at: at,
  until: at,
  confirmed: optional(who),
  ended: optional(who),
})

export const INCIDENT_ANSWER: Shape = incident

export const INCIDENTS_ANSWER: Shape = v.strictObject({
  active: v.boolean(),
  incident: optional(incident),
  incidents: v.array(incident),
})

export const INCIDENT_REPORT_ANSWER: Shape = v.strictObject({
  incident,
  decisions: v.array(
    v.strictObject({ id: words, outcome: words, rules: v.array(words), decided_at: at }),
  ),
  counts: v.array(v.strictObject({ rule: words, outcome: words, count })),
  revoked: v.array(v.strictObject({ broadcast: words, record: words, at })),
  erased: count,
  next: v.nullable(words),
})

type IncidentRoute = Extract<RouteId, `${string} /v1/incident${string}`>

const STORING = ['log_unavailable', 'halted'] as const

export const INCIDENT_OPERATIONS: Readonly<Record<IncidentRoute, Operation>> = {
  'GET /v1/incident': {
    id: 'read_incident',
    summary: 'Whether incident mode is on, and the last incidents.',
    answers: { 200: INCIDENTS_ANSWER },
    problems: ['not_found', ...STORING],
  },
  'PUT /v1/incident': {
    id: 'start_incident',
    summary: 'Start incident mode; for at most 30 minutes until another key confirms it.',
    body: INCIDENT_BODY,
    answers: { 201: INCIDENT_ANSWER, 200: INCIDENT_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
  'POST /v1/incident/confirmation': {
    id: 'confirm_incident',
    summary: 'Confirm the running incident, with another key than it was started with.',
    body: INCIDENT_CONFIRMATION_BODY,
    answers: { 200: INCIDENT_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
  'DELETE /v1/incident': {
    id: 'end_incident',
    summary: 'End incident mode early; again is 200 too.',
    answers: { 200: INCIDENT_ANSWER },
    problems: ['not_found', ...STORING],
  },
  'GET /v1/incident/:id/report': {
    id: 'report_incident',
    summary: 'Who was affected: refusals and delays made under it, and broadcasts it revoked.',
    query: INCIDENT_REPORT_QUERY,
    answers: { 200: INCIDENT_REPORT_ANSWER },
    problems: ['not_found', ...STORING],
  },
}

export const INCIDENT_REQUESTS: Readonly<Record<string, Shape>> = {
  IncidentRequest: INCIDENT_BODY,
  IncidentConfirmation: INCIDENT_CONFIRMATION_BODY,
}
export const INCIDENT_ANSWERS: Readonly<Record<string, Shape>> = {
  Incident: INCIDENT_ANSWER,
  Incidents: INCIDENTS_ANSWER,
  IncidentReport: INCIDENT_REPORT_ANSWER,
}
