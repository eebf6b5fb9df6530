/**
 * What operators send and get about webhooks, and the part of the contract that says so.
 *
 * Beside schemas.ts, answers.ts and operations.ts, in their ways.
 */
import * as v from 'valibot'
import { WEBHOOK_TYPES } from '../../gate/webhooks/port.ts'
import type { Shape } from './answers.ts'
import { closed, integer, integerText, list, may, type Reader } from './atoms.ts'
import type { Operation } from './operations.ts'
import { MAX_SHARDS } from './schemas.ts'
import type { RouteId } from './scopes.ts'

/** Letters shown or named at once. */
export const MAX_LETTERS_SHOWN = 200

export const DEAD_QUERY: Reader<{
  readonly shard?: number
  readonly from?: number
  readonly limit?: number
}> = closed<{
  readonly shard?: number
  readonly from?: number
  readonly limit?: number
}>({
  shard: may(integerText(0, MAX_SHARDS - 1)),
  from: may(integerText(0, Number.MAX_SAFE_INTEGER)),
  limit: may(integerText(1, MAX_LETTERS_SHOWN)),
})

/** `POST /v1/webhooks/{endpoint}/replay`. */
export const REPLAY_BODY: Reader<{
  readonly indexes?: readonly number[]
  readonly shard?: number
}> = closed<{
  readonly indexes?: readonly number[]
  readonly shard?: number
}>({
  indexes: may(list(integer(0), MAX_LETTERS_SHOWN)),
  shard: may(integer(0, MAX_SHARDS - 1)),
})

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const at = v.pipe(v.string(), v.isoTimestamp())
const type = v.picklist(WEBHOOK_TYPES)

const STANDING = { behind: count, waiting: count, dead: count, disabled_at: v.nullable(at) }

const LIST_ANSWER: Shape = v.strictObject({
  endpoints: v.array(
    v.strictObject({
      id: v.string(),
      types: v.array(type),
      ...STANDING,
      logs: v.array(v.strictObject(STANDING)),
    }),
  ),
})

const DEAD_ANSWER: Shape = v.strictObject({
  letters: v.array(
    v.strictObject({
      index: count,
      message: v.nullable(v.string()),
      type: v.nullable(type),
      attempts: count,
      failed_at: at,
      error: v.string(),
    }),
  ),
  next: v.nullable(count),
})

const REPLAY_ANSWER: Shape = v.strictObject({ revived: count, enabled: v.boolean() })

/** By the names of the contract. */
export const WEBHOOK_SCHEMAS: Readonly<
  Record<'requests' | 'answers', Readonly<Record<string, Shape>>>
> = {
  requests: { ReplayRequest: REPLAY_BODY },
  answers: { Webhooks: LIST_ANSWER, DeadLetters: DEAD_ANSWER, Replayed: REPLAY_ANSWER },
}

type WebhookRoute = Extract<RouteId, `${string} /v1/webhooks${string}`>

export const WEBHOOK_OPERATIONS: Readonly<Record<WebhookRoute, Operation>> = {
  'GET /v1/webhooks': {
    id: 'list_webhooks',
    summary: 'Webhook endpoints: how far each has been told, what waits, what never arrived.',
    answers: { 200: LIST_ANSWER },
    problems: ['not_found'],
  },
  'GET /v1/webhooks/:endpoint/dead': {
    id: 'list_dead_letters',
    summary: 'Messages that never arrived at an endpoint, by their place in the log.',
    query: DEAD_QUERY,
    answers: { 200: DEAD_ANSWER },
    problems: ['not_found'],
  },
  'POST /v1/webhooks/:endpoint/replay': {
    id: 'replay_dead_letters',
    summary: 'Send dead letters again, and to an endpoint again that had said it was gone.',
    body: REPLAY_BODY,
    answers: { 200: REPLAY_ANSWER },
    problems: ['not_found', 'log_unavailable', 'overloaded', 'halted'],
  },
}
