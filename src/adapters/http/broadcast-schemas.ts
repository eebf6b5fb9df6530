/**
 * What is sent and answered about broadcasts that run. Beside schemas.ts and answers.ts, in their ways.
 *
 * Spec: docs/spec/api.md, "Broadcasts".
 */
import * as v from 'valibot'
import { MAX_ID_CHARS, MAX_SUBJECT_CHARS } from '../../core/limits.ts'
import { RECHECK_CAUSES } from '../../gate/broadcast-port.ts'
import { DECISION_ANSWER, type Shape } from './answers.ts'
import { closed, container, integerText, may, oneOf, open, type Reader, text } from './atoms.ts'
import type { Operation } from './operations.ts'
import { COHOST, type CohostBody, LENIENT_FACTS, type LenientFacts } from './schemas.ts'
import type { RouteId } from './scopes.ts'

/** Broadcasts of one page. */
export const BROADCASTS_PAGE = 200

export interface RenewalBody {
  readonly facts?: LenientFacts | null | undefined
}

export interface EndBody {
  readonly reason?: 'caller' | 'publish_done' | 'lost'
}

export interface BroadcastsQuery {
  readonly server?: string
  readonly cutting?: 'true' | 'false'
  readonly cursor?: string
  readonly limit?: number
}

/** `POST /v1/broadcasts/{id}/renewal`. */
export const RENEWAL_BODY: Reader<RenewalBody> = open<RenewalBody>({
  facts: container(LENIENT_FACTS),
})

/** `POST /v1/broadcasts/{id}/end`. */
export const END_BODY: Reader<EndBody> = closed<EndBody>({
  reason: may(oneOf(['caller', 'publish_done', 'lost'])),
})

/** `POST /v1/broadcasts/{id}/cohosts`. */
export const COHOST_BODY: Reader<CohostBody> = COHOST

/** `GET /v1/broadcasts`. */
export const BROADCASTS_QUERY: Reader<BroadcastsQuery> = closed<BroadcastsQuery>({
  server: may(text(MAX_ID_CHARS)),
  cutting: may(oneOf(['true', 'false'])),
  cursor: may(text(MAX_SUBJECT_CHARS)),
  limit: may(integerText(1, BROADCASTS_PAGE)),
})

const words = v.string()
const at = v.pipe(v.string(), v.isoTimestamp())
const optional = v.exactOptional
const broadcast = v.strictObject({
  ...{ id: words, subject: words, stream: words, opened_at: at, lease_until: at },
  server: optional(words),
  renewed: optional(words),
  cohosts: optional(v.array(words)),
  cutting: optional(
    v.strictObject({
      ...{ since: at, until: at, order: words },
      cause: v.picklist([...RECHECK_CAUSES, 'ungated']),
    }),
  ),
})

export const BROADCAST_ANSWER: Shape = broadcast
export const BROADCASTS_ANSWER: Shape = v.strictObject({
  broadcasts: v.array(broadcast),
  next: v.nullable(words),
})
export const END_ANSWER: Shape = v.strictObject({ ended: v.boolean() })

const {
  id: _id,
  supersedes: _supersedes,
  decided_at,
  record,
  receipt,
  ...rest
} = (DECISION_ANSWER as typeof DECISION_ANSWER & { readonly entries: Record<string, Shape> })
  .entries

export const RENEWAL_ANSWER: Shape = v.strictObject({
  broadcast: words,
  event: v.picklist(['renewed', 'revoked', 'unchanged']),
  id: optional(words),
  ...rest,
  ...{ decided_at: decided_at as Shape, lease_until: at },
  record: optional(record as Shape),
  receipt: optional(receipt as Shape),
})

/** By the name a generated client gives their type. */
export const BROADCAST_REQUESTS: Readonly<Record<string, Shape>> = {
  RenewalRequest: RENEWAL_BODY,
  JoinRequest: COHOST_BODY,
  EndRequest: END_BODY,
}

export const BROADCAST_ANSWERS: Readonly<Record<string, Shape>> = {
  Broadcast: BROADCAST_ANSWER,
  Broadcasts: BROADCASTS_ANSWER,
  Renewal: RENEWAL_ANSWER,
  BroadcastEnd: END_ANSWER,
}

type BroadcastRoute = Extract<RouteId, `${string} /v1/broadcasts${string}`>

const STORING = ['log_unavailable', 'halted'] as const

export const BROADCAST_OPERATIONS: Readonly<Record<BroadcastRoute, Operation>> = {
  'GET /v1/broadcasts': {
    id: 'list_broadcasts',
    summary: 'What runs and what is being cut, page by page.',
    query: BROADCASTS_QUERY,
    answers: { 200: BROADCASTS_ANSWER },
    problems: ['not_found'],
  },
  'GET /v1/broadcasts/:id': {
    id: 'read_broadcast',
    summary: 'One broadcast that runs or is being cut.',
    answers: { 200: BROADCAST_ANSWER },
    problems: ['not_found'],
  },
  'POST /v1/broadcasts/:id/renewal': {
    id: 'renew_broadcast',
    summary: 'May it go on? Its lease is extended, or it has to stop.',
    body: RENEWAL_BODY,
    answers: { 200: RENEWAL_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
  'POST /v1/broadcasts/:id/end': {
    id: 'end_broadcast',
    summary: 'It has ended, or what had to stop has stopped; again is 200 too.',
    body: END_BODY,
    answers: { 200: END_ANSWER },
    problems: ['not_found', ...STORING],
  },
  'POST /v1/broadcasts/:id/cohosts': {
    id: 'join_broadcast',
    summary:
      'May it go on with one more? An allow takes its place; otherwise it goes on as it was.',
    body: COHOST_BODY,
    answers: { 200: DECISION_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
}
