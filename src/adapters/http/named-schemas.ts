/**
 * The schemas of bodies and answers under the names a generated client gives their types: components of the OpenAPI document.
 */
import {
  DECISION_ANSWER,
  EXPLANATION_ANSWER,
  FACTS_ANSWER,
  FOUND_DECISIONS,
  IMPORT_ANSWER,
  JWKS_ANSWER,
  PROBLEM,
  READY_ANSWER,
  RECORDS_ANSWER,
  REVERSAL_ANSWER,
  type Shape,
  STATUS_ANSWER,
  STORED_DECISION,
  STRIKE_ANSWER,
  SUBJECT_ANSWER,
} from './answers.ts'
import { BROADCAST_ANSWERS, BROADCAST_REQUESTS } from './broadcast-schemas.ts'
import { ERASURE_ANSWER, EXPORT_ANSWER, LEGAL_HOLD, LEGAL_HOLD_ANSWER } from './erasure-schemas.ts'
import { INCIDENT_ANSWERS, INCIDENT_REQUESTS } from './incident-schemas.ts'
import { KEY_CHANGE_ANSWER, KEYS_ANSWER, REVOCATION_BODY, ROTATION_BODY } from './key-schemas.ts'
import { MEDIA_SERVER_SCHEMAS } from './media-server-schemas.ts'
import {
  ACTIVATION_ANSWER,
  ACTIVATION_BODY,
  POLICIES_ANSWER,
  ROLLBACK_BODY,
  SHADOW_ANSWER,
} from './policy-schemas.ts'
import { REVIEW_ANSWERS, REVIEW_REQUESTS } from './review-schemas.ts'
import { ROLLOUT_ANSWER } from './rollout-schemas.ts'
import { DECISION, FACTS, FACTS_PATCH, IMPORT_BODY, REVERSAL, STRIKE } from './schemas.ts'
import { STREAM_KEY_ANSWERS, STREAM_KEY_REQUESTS } from './stream-key-schemas.ts'
import { WEBHOOK_SCHEMAS } from './webhook-schemas.ts'

/** Bodies, by the name a generated client gives their type. */
export const REQUEST_SCHEMAS: Readonly<Record<string, Shape>> = {
  ...WEBHOOK_SCHEMAS.requests,
  ...MEDIA_SERVER_SCHEMAS.requests,
  DecisionRequest: DECISION,
  StrikeRequest: STRIKE,
  ReversalRequest: REVERSAL,
  FactsRequest: FACTS,
  FactsPatch: FACTS_PATCH,
  ...STREAM_KEY_REQUESTS,
  LegalHoldRequest: LEGAL_HOLD,
  ImportRequest: IMPORT_BODY,
  ActivationRequest: ACTIVATION_BODY,
  RollbackRequest: ROLLBACK_BODY,
  ...BROADCAST_REQUESTS,
  ...REVIEW_REQUESTS,
  ...INCIDENT_REQUESTS,
  KeyRotationRequest: ROTATION_BODY,
  KeyRevocationRequest: REVOCATION_BODY,
}

/** Answers, likewise. */
export const ANSWER_SCHEMAS: Readonly<Record<string, Shape>> = {
  ...WEBHOOK_SCHEMAS.answers,
  ...MEDIA_SERVER_SCHEMAS.answers,
  Decision: DECISION_ANSWER,
  Explanation: EXPLANATION_ANSWER,
  StoredDecision: STORED_DECISION,
  FoundDecisions: FOUND_DECISIONS,
  Records: RECORDS_ANSWER,
  Strike: STRIKE_ANSWER,
  Reversal: REVERSAL_ANSWER,
  Facts: FACTS_ANSWER,
  Subject: SUBJECT_ANSWER,
  ...STREAM_KEY_ANSWERS,
  Erasure: ERASURE_ANSWER,
  LegalHold: LEGAL_HOLD_ANSWER,
  SubjectExport: EXPORT_ANSWER,
  Import: IMPORT_ANSWER,
  Policies: POLICIES_ANSWER,
  Activation: ACTIVATION_ANSWER,
  ...REVIEW_ANSWERS,
  ...INCIDENT_ANSWERS,
  Rollout: ROLLOUT_ANSWER,
  ...BROADCAST_ANSWERS,
  Keys: JWKS_ANSWER,
  SigningKeys: KEYS_ANSWER,
  KeyChange: KEY_CHANGE_ANSWER,
  Status: STATUS_ANSWER,
  Readiness: READY_ANSWER,
  Problem: PROBLEM,
  Shadow: SHADOW_ANSWER,
}
