/** The WHIP front door as the contract tells it; beside operations.ts. Spec: docs/media/whip.md. */
import type { Operation } from './operations.ts'
import type { RouteId } from './scopes.ts'

type WhipRoute = Extract<RouteId, `${string} /whip/${string}`>

export const WHIP_OPERATIONS: Readonly<Record<WhipRoute, Operation>> = {
  'POST /whip/:server': {
    id: 'whip_offer',
    summary: 'WHIP (RFC 9725): an offer, decided and passed on to the media server.',
    raw_body: 'application/sdp',
    answers: { 201: 'application/sdp' },
    problems: ['unauthenticated', 'forbidden', 'not_found', 'body_too_large'],
  },
  'PATCH /whip/:server/:session': {
    id: 'whip_trickle',
    summary: 'WHIP: trickle ICE and ICE restarts of a session.',
    raw_body: 'application/trickle-ice-sdpfrag',
    answers: { 200: 'application/trickle-ice-sdpfrag', 204: null },
    problems: ['unauthenticated', 'not_found', 'body_too_large'],
  },
  'DELETE /whip/:server/:session': {
    id: 'whip_end',
    summary: 'WHIP: the end of a session.',
    answers: { 200: null },
    problems: ['unauthenticated', 'not_found'],
  },
  'OPTIONS /whip/:server': {
    id: 'whip_preflight',
    summary: 'WHIP: what web pages may ask for.',
    answers: { 204: null },
  },
  'OPTIONS /whip/:server/:session': {
    id: 'whip_session_preflight',
    summary: 'WHIP: what web pages may ask for.',
    answers: { 204: null },
  },
}
