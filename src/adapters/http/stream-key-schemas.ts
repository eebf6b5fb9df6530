/**
 * What is sent and answered about stream keys that are bound. Beside schemas.ts and answers.ts, in their ways.
 *
 * Spec: docs/spec/api.md, "Stream keys".
 */
import * as v from 'valibot'
import type { SubjectId } from '../../core/model.ts'
import { type Shape, STREAM_KEY_ANSWER } from './answers.ts'
import { closed, integer, may, type Reader, subjectId } from './atoms.ts'
import type { Operation } from './operations.ts'
import { STREAM_KEY_BODY } from './schemas.ts'
import type { RouteId } from './scopes.ts'

/** A week: long enough for an encoder that is used every Sunday. */
export const MAX_OVERLAP_S: number = 7 * 86_400

/** `GET /v1/stream-keys`. */
export const STREAM_KEYS_QUERY: Reader<{ readonly subject: SubjectId }> = closed<{
  readonly subject: SubjectId
}>({ subject: subjectId })

/** `POST /v1/stream-keys/{id}/rotation`. */
export const STREAM_KEY_ROTATION: Reader<{ readonly overlap_s?: number }> = closed<{
  readonly overlap_s?: number
}>({ overlap_s: may(integer(0, MAX_OVERLAP_S)) })

const words = v.string()
const at = v.pipe(v.string(), v.isoTimestamp())

export const STREAM_KEYS_ANSWER: Shape = v.strictObject({
  stream_keys: v.array(
    v.strictObject({ id: words, subject: words, created_at: at, revoked_at: v.exactOptional(at) }),
  ),
  more: v.exactOptional(v.literal(true)),
})
export const ROTATED_KEY_ANSWER: Shape = v.strictObject({
  ...{ id: words, subject: words, created_at: at, key: words },
  replaces: v.strictObject({ id: words, revoked_at: at }),
})

/** By the name a generated client gives their type. */
export const STREAM_KEY_REQUESTS: Readonly<Record<string, Shape>> = {
  StreamKeyRequest: STREAM_KEY_BODY,
  StreamKeyRotation: STREAM_KEY_ROTATION,
}
export const STREAM_KEY_ANSWERS: Readonly<Record<string, Shape>> = {
  StreamKey: STREAM_KEY_ANSWER,
  StreamKeys: STREAM_KEYS_ANSWER,
  RotatedStreamKey: ROTATED_KEY_ANSWER,
}

type StreamKeyRoute = Extract<RouteId, `${string} /v1/stream-keys${string}`>

const STORING = ['log_unavailable', 'halted'] as const

export const STREAM_KEY_OPERATIONS: Readonly<Record<StreamKeyRoute, Operation>> = {
  'GET /v1/stream-keys': {
    id: 'list_stream_keys',
    summary: 'Keys of a subject, newest first; never a key itself.',
    query: STREAM_KEYS_QUERY,
    answers: { 200: STREAM_KEYS_ANSWER },
  },
  'POST /v1/stream-keys': {
    id: 'bind_stream_key',
    summary: 'Bind a stream key to a subject; a generated key is shown once.',
    body: STREAM_KEY_BODY,
    answers: { 201: STREAM_KEY_ANSWER },
    problems: ['conflict', ...STORING],
  },
  'POST /v1/stream-keys/:id/rotation': {
    id: 'rotate_stream_key',
    summary: 'A new key for the same subject, shown once; the old one ends after the overlap.',
    body: STREAM_KEY_ROTATION,
    headers: ['Idempotency-Key'],
    answers: { 200: ROTATED_KEY_ANSWER, 201: ROTATED_KEY_ANSWER },
    problems: ['not_found', 'conflict', 'idempotency_mismatch', ...STORING],
  },
  'DELETE /v1/stream-keys/:id': {
    id: 'revoke_stream_key',
    summary: 'Revoke a stream key; again is 204 too.',
    answers: { 204: null },
    problems: ['not_found'],
  },
}
