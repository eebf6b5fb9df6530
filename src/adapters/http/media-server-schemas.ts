/**
 * What media servers (or whoever starts them) send and get about registrations, and the part of the contract that says so.
 *
 * Beside schemas.ts, answers.ts and operations.ts, in their ways.
 */
import * as v from 'valibot'
import type { Shape } from './answers.ts'
import { closed, type Reader, text } from './atoms.ts'
import type { Operation } from './operations.ts'
import type { RouteId } from './scopes.ts'

export interface RegistrationBody {
  readonly template: string
  readonly host: string
}

/** `PUT /v1/servers/{id}`; what a host may be is judged by whoever knows the template. */
export const REGISTRATION: Reader<RegistrationBody> = closed<RegistrationBody>({
  template: text(64),
  host: text(253),
})

const at = v.nullable(v.pipe(v.string(), v.isoTimestamp()))

const SERVER = {
  id: v.string(),
  kind: v.string(),
  template: v.nullable(v.string()),
  host: v.nullable(v.string()),
  state: v.picklist(['fixed', 'live', 'leaving']),
  registered_at: at,
  expires_at: at,
  hook: v.string(),
}
const SERVER_ANSWER: Shape = v.strictObject(SERVER)
const SERVERS_ANSWER: Shape = v.strictObject({ servers: v.array(v.strictObject(SERVER)) })

/** By the names of the contract. */
export const MEDIA_SERVER_SCHEMAS: Readonly<
  Record<'requests' | 'answers', Readonly<Record<string, Shape>>>
> = {
  requests: { RegistrationRequest: REGISTRATION },
  answers: { MediaServer: SERVER_ANSWER, MediaServers: SERVERS_ANSWER },
}

type ServerRoute = Extract<RouteId, `${string} /v1/servers${string}`>

export const MEDIA_SERVER_OPERATIONS: Readonly<Record<ServerRoute, Operation>> = {
  'GET /v1/servers': {
    id: 'list_servers',
    summary: 'Media servers of the servers file, and those that have registered themselves.',
    answers: { 200: SERVERS_ANSWER },
    problems: ['not_found'],
  },
  'PUT /v1/servers/:id': {
    id: 'register_server',
    summary: 'Register a media server under a template; the same again is 200 and extends it.',
    body: REGISTRATION,
    answers: { 201: SERVER_ANSWER, 200: SERVER_ANSWER },
    problems: ['not_found', 'conflict', 'log_unavailable', 'halted'],
  },
  'DELETE /v1/servers/:id': {
    id: 'deregister_server',
    summary: 'Nothing starts at the server any more; what runs is looked after until it has ended.',
    answers: { 204: null },
    problems: ['not_found', 'conflict', 'log_unavailable', 'halted'],
  },
}
