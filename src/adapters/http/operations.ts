/**
 * What each route of the table takes and gives, in terms of schemas: the material of the OpenAPI document.
 *
 * Typed over the table's routes, so a new route does not compile before it is described.
 */
import type { ProblemCode } from '../../core/errors.ts'
import {
  DECISION_ANSWER,
  EXPLANATION_ANSWER,
  FACTS_ANSWER,
  FOUND_DECISIONS,
  IMPORT_ANSWER,
  JWKS_ANSWER,
  READY_ANSWER,
  RECORDS_ANSWER,
  REVERSAL_ANSWER,
  type Shape,
  STATUS_ANSWER,
  STORED_DECISION,
  STRIKE_ANSWER,
  SUBJECT_ANSWER,
} from './answers.ts'
import { BROADCAST_OPERATIONS } from './broadcast-schemas.ts'
import {
  ERASURE,
  ERASURE_ANSWER,
  EXPORT_ANSWER,
  EXPORT_QUERY,
  LEGAL_HOLD,
  LEGAL_HOLD_ANSWER,
} from './erasure-schemas.ts'
import { INCIDENT_OPERATIONS } from './incident-schemas.ts'
import { KEY_CHANGE_ANSWER, KEYS_ANSWER, REVOCATION_BODY, ROTATION_BODY } from './key-schemas.ts'
import { MEDIA_SERVER_OPERATIONS } from './media-server-schemas.ts'
import {
  ACTIVATION_ANSWER,
  ACTIVATION_BODY,
  ACTIVATION_QUERY,
  CANCEL_QUERY,
  POLICIES_ANSWER,
  ROLLBACK_BODY,
  SHADOW_ANSWER,
} from './policy-schemas.ts'
import { REVIEW_OPERATIONS } from './review-schemas.ts'
import { ROLLOUT_OPERATIONS } from './rollout-schemas.ts'
import {
  DECISION,
  DECISION_QUERY,
  FACTS,
  FACTS_PATCH,
  IMPORT_BODY,
  PROOF_QUERY,
  RECORDS_QUERY,
  REVERSAL,
  SEARCH,
  STRIKE,
} from './schemas.ts'
import type { RouteId } from './scopes.ts'
import { STREAM_KEY_OPERATIONS } from './stream-key-schemas.ts'
import { WEBHOOK_OPERATIONS } from './webhook-schemas.ts'
import { WHIP_OPERATIONS } from './whip-operations.ts'

export interface Operation {
  readonly id: string
  readonly summary: string
  /** JSON body. */
  readonly body?: Shape
  /** Media type of a body that may be sent instead, as it is; without a JSON body the only one. */
  readonly raw_body?: string
  readonly query?: Shape
  /** Request headers beside Authorization. */
  readonly headers?: readonly string[]
  /** By status; a schema means JSON, a text a media type, null no body. */
  readonly answers: Readonly<Record<number, Shape | string | null>>
  /** Beside those that belong to every authenticated route. */
  readonly problems?: readonly ProblemCode[]
}

const TEXT = 'text/plain'
const BYTES = 'application/octet-stream'
const STORING = ['log_unavailable', 'halted'] as const

export const OPERATIONS: Readonly<Record<RouteId, Operation>> = {
  'POST /v1/decisions': {
    id: 'decide',
    summary: 'May this broadcast start? A deny is 200.',
    body: DECISION,
    headers: ['Idempotency-Key'],
    answers: { 200: DECISION_ANSWER },
    problems: ['in_progress', 'idempotency_mismatch', ...STORING],
  },
  'GET /v1/decisions': {
    id: 'search_decisions',
    summary: 'Decisions by outcome, rule and time, newest first.',
    query: SEARCH,
    answers: { 200: FOUND_DECISIONS },
  },
  'GET /v1/decisions/:id': {
    id: 'read_decision',
    summary: 'One record with the disclosures the caller may see, and its receipt.',
    query: DECISION_QUERY,
    answers: { 200: STORED_DECISION },
    problems: ['not_found', ...STORING],
  },
  'GET /v1/decisions/:id/proof': {
    id: 'prove_decision',
    summary: 'A c2sp.org/tlog-proof of the record, once a checkpoint covers it.',
    query: PROOF_QUERY,
    answers: { 200: TEXT },
    problems: ['not_found', 'log_unavailable'],
  },
  'GET /v1/records': {
    id: 'read_records',
    summary:
      'Records of all chains in the order of the log, with the disclosures the caller may see.',
    query: RECORDS_QUERY,
    answers: { 200: RECORDS_ANSWER },
    problems: ['not_found', ...STORING],
  },
  'POST /v1/explanations': {
    id: 'explain',
    summary: 'The same question without effect and without record: outcome, trace, eligible_at.',
    body: DECISION,
    answers: { 200: EXPLANATION_ANSWER },
  },
  'POST /v1/subjects/:subject/strikes': {
    id: 'record_strike',
    summary: 'Record a violation; the same again is 200.',
    body: STRIKE,
    answers: { 201: STRIKE_ANSWER, 200: STRIKE_ANSWER },
    problems: ['conflict', ...STORING],
  },
  'POST /v1/strikes/:id/reversal': {
    id: 'reverse_strike',
    summary: 'An appeal was upheld; lists the decisions that relied on the strike.',
    body: REVERSAL,
    answers: { 201: REVERSAL_ANSWER, 200: REVERSAL_ANSWER },
    problems: ['not_found', ...STORING],
  },
  'GET /v1/subjects/:subject/facts': {
    id: 'read_facts',
    summary: 'The stored facts of a subject.',
    answers: { 200: FACTS_ANSWER },
  },
  'PUT /v1/subjects/:subject/facts': {
    id: 'replace_facts',
    summary: 'Replace the stored facts of a subject.',
    body: FACTS,
    answers: { 200: FACTS_ANSWER },
    problems: STORING,
  },
  'PATCH /v1/subjects/:subject/facts': {
    id: 'change_facts',
    summary: 'Change some stored facts; null forgets one.',
    body: FACTS_PATCH,
    answers: { 200: FACTS_ANSWER },
    problems: STORING,
  },
  'GET /v1/subjects/:subject': {
    id: 'read_subject',
    summary: 'Facts, strikes, restrictions now, running broadcasts, eligible_at.',
    answers: { 200: SUBJECT_ANSWER },
  },
  'DELETE /v1/subjects/:subject': {
    id: 'erase_subject',
    summary:
      'Forget a subject; what runs against it goes on unless `scope` is `full`. Again is 200.',
    query: ERASURE,
    answers: { 200: ERASURE_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
  'GET /v1/subjects/:subject/export': {
    id: 'export_subject',
    summary: 'Everything stored about a subject, for itself; page on with `before`.',
    query: EXPORT_QUERY,
    answers: { 200: EXPORT_ANSWER },
    problems: ['not_found', ...STORING],
  },
  'PUT /v1/subjects/:subject/legal-hold': {
    id: 'hold_subject',
    summary: 'Keep everything about a subject until an instant, in place of an earlier hold.',
    body: LEGAL_HOLD,
    answers: { 200: LEGAL_HOLD_ANSWER },
    problems: ['not_found', ...STORING],
  },
  'DELETE /v1/subjects/:subject/legal-hold': {
    id: 'lift_hold',
    summary: 'Lift a legal hold.',
    answers: { 204: null },
    problems: ['not_found', ...STORING],
  },
  ...STREAM_KEY_OPERATIONS,
  'PUT /v1/import': {
    id: 'import_deployment',
    summary:
      'Lines of a deployment that moves in; again is fine. Nobody is decided about before the last.',
    body: IMPORT_BODY,
    answers: { 200: IMPORT_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
  'GET /v1/policies': {
    id: 'list_policies',
    summary:
      'Policies in the log, activations of them by number, which one decides and what is to come.',
    answers: { 200: POLICIES_ANSWER },
  },
  'GET /v1/policies/shadow': {
    id: 'read_shadow',
    summary: 'What a candidate in the shadow would have answered otherwise, counted and sampled.',
    answers: { 200: SHADOW_ANSWER },
    problems: ['not_found'],
  },
  'GET /v1/policies/:digest': {
    id: 'read_policy',
    summary: 'The exact text of a revision.',
    answers: { 200: 'application/yaml' },
    problems: ['not_found'],
  },
  'PUT /v1/policies': {
    id: 'activate_policy',
    summary:
      'Activate a policy, or report what it would change; the text of one that decides already is 200.',
    body: ACTIVATION_BODY,
    raw_body: 'application/yaml',
    query: ACTIVATION_QUERY,
    headers: ['If-Match'],
    answers: { 201: ACTIVATION_ANSWER, 200: ACTIVATION_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
  'POST /v1/policies/rollback': {
    id: 'roll_policy_back',
    summary: 'Activate the text that decided before, under a new revision.',
    body: ROLLBACK_BODY,
    headers: ['If-Match'],
    answers: { 201: ACTIVATION_ANSWER, 200: ACTIVATION_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
  'DELETE /v1/policies/pending': {
    id: 'cancel_activation',
    summary: 'What decides goes on deciding, under a new revision; what was pending never will.',
    query: CANCEL_QUERY,
    headers: ['If-Match'],
    answers: { 201: ACTIVATION_ANSWER, 200: ACTIVATION_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
  ...BROADCAST_OPERATIONS,
  ...INCIDENT_OPERATIONS,
  ...ROLLOUT_OPERATIONS,
  ...REVIEW_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  ...MEDIA_SERVER_OPERATIONS,
  'GET /v1/keys': {
    id: 'list_keys',
    summary: 'Every key of every log, what has become of it, and which of them sign.',
    answers: { 200: KEYS_ANSWER },
    problems: ['not_found'],
  },
  'POST /v1/keys/rotation': {
    id: 'rotate_key',
    summary:
      'Exchange the key records or checkpoints are signed with; again goes on where it stopped.',
    body: ROTATION_BODY,
    answers: { 201: KEY_CHANGE_ANSWER, 200: KEY_CHANGE_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
  'POST /v1/keys/revocation': {
    id: 'revoke_key',
    summary:
      'What a key has signed from an index on proves nothing any more; another takes its place.',
    body: REVOCATION_BODY,
    answers: { 201: KEY_CHANGE_ANSWER, 200: KEY_CHANGE_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
  'GET /log/checkpoint': {
    id: 'log_checkpoint',
    summary: 'The newest signed checkpoint.',
    answers: { 200: TEXT },
  },
  'GET /log/checkpoint.witnessed': {
    id: 'log_checkpoint_witnessed',
    summary: 'The newest checkpoint a quorum of witnesses has cosigned.',
    answers: { 200: TEXT },
    problems: ['not_found'],
  },
  'GET /log/vkey': {
    id: 'log_vkey',
    summary: 'The verifier keys of the log, one a line: more than one while keys are exchanged.',
    answers: { 200: TEXT },
  },
  'GET /log/tile/entries/*': {
    id: 'log_entries',
    summary: 'A bundle of entries (c2sp.org/tlog-tiles).',
    answers: { 200: BYTES },
    problems: ['not_found'],
  },
  'GET /log/tile/*': {
    id: 'log_tile',
    summary: 'A tile of hashes (c2sp.org/tlog-tiles).',
    answers: { 200: BYTES },
    problems: ['not_found'],
  },
  'GET /.well-known/jwks.json': {
    id: 'jwks',
    summary: 'Public keys of records, retired ones included, revoked ones not.',
    answers: { 200: JWKS_ANSWER },
  },
  'POST /hooks/:kind/:server': {
    id: 'hook',
    summary: 'A publish hook of a media server, answered in its own dialect.',
    answers: { 200: '*/*' },
    problems: ['unauthenticated', 'not_found', 'body_too_large'],
  },
  'GET /hooks/:kind/:server/jwks.json': {
    id: 'media_keys',
    summary: 'Public keys by which a media server checks tokens made for it.',
    answers: { 200: JWKS_ANSWER },
    problems: ['not_found'],
  },
  ...WHIP_OPERATIONS,
  'GET /healthz': {
    id: 'healthz',
    summary: 'The process is alive.',
    answers: { 200: STATUS_ANSWER },
  },
  'GET /readyz': {
    id: 'readyz',
    summary: 'Decisions can be made now.',
    answers: { 200: READY_ANSWER },
    problems: ['log_unavailable', 'halted'],
  },
  'GET /metrics': { id: 'metrics', summary: 'Prometheus metrics.', answers: { 200: TEXT } },
  'GET /openapi.json': {
    id: 'openapi',
    summary: 'This document.',
    answers: { 200: 'application/json' },
  },
}
