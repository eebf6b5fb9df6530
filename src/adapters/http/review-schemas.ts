/**
 * What is sent and answered about reviews. Beside schemas.ts and answers.ts, in their ways.
 *
 * Spec: docs/spec/api.md, "Reviews".
 */
import * as v from 'valibot'
import { MAX_WORD_CHARS } from '../../core/limits.ts'
import { REVIEW_STATES, type ReviewState } from '../../gate/review-items.ts'
import type { ReviewRequest } from '../../gate/reviews.ts'
import type { Shape } from './answers.ts'
import { closed, integerText, may, oneOf, type Reader, text } from './atoms.ts'
import type { Operation } from './operations.ts'
import type { RouteId } from './scopes.ts'

/** Items one page lists at most, and unless the caller says. */
export const MAX_REVIEWS_PAGE = 200
export const DEFAULT_REVIEWS_PAGE = 50

export interface ReviewsQuery {
  readonly queue?: string
  readonly state?: ReviewState
  readonly cursor?: string
  readonly limit?: number
}

/** `GET /v1/reviews`. */
export const REVIEWS_QUERY: Reader<ReviewsQuery> = closed<ReviewsQuery>({
  queue: may(text(MAX_WORD_CHARS)),
  state: may(oneOf(REVIEW_STATES)),
  cursor: may(text(128)),
  limit: may(integerText(1, MAX_REVIEWS_PAGE)),
})

export interface ReviewBody {
  readonly action: ReviewRequest['action']
  readonly reason?: string
  readonly decided_by?: string
}

/** `POST /v1/reviews/{id}`. */
export const REVIEW_BODY: Reader<ReviewBody> = closed<ReviewBody>({
  action: oneOf(['claim', 'release', 'refuse']),
  reason: may(text(2048)),
  decided_by: may(text(256)),
})

const words = v.string()
const at = v.pipe(v.string(), v.isoTimestamp())
const optional = v.exactOptional
const entries = {
  id: words,
  subject: words,
  stream: optional(words),
  rule: words,
  queue: words,
  decision: words,
  state: v.picklist(REVIEW_STATES),
  opened_at: at,
  review_by: at,
  at_deadline: v.picklist(['deny', 'allow']),
  overdue: optional(v.literal(true)),
  claim: optional(v.strictObject({ by: words, until: at })),
  result: optional(v.strictObject({ result: words, at, by: words })),
}

export const REVIEWS_ANSWER: Shape = v.strictObject({
  reviews: v.array(v.strictObject(entries)),
  next: v.nullable(words),
})

export const REVIEW_ANSWER: Shape = v.strictObject({
  ...entries,
  changed: v.boolean(),
  receipt: optional(
    v.strictObject({ origin: words, index: v.pipe(v.number(), v.safeInteger()), leaf: words }),
  ),
  revoked: v.array(words),
})

type ReviewRoute = Extract<RouteId, `${string} /v1/reviews${string}`>

const STORING = ['log_unavailable', 'halted'] as const

export const REVIEW_OPERATIONS: Readonly<Record<ReviewRoute, Operation>> = {
  'GET /v1/reviews': {
    id: 'list_reviews',
    summary: 'What people are asked about, soonest deadline first.',
    query: REVIEWS_QUERY,
    answers: { 200: REVIEWS_ANSWER },
    problems: ['not_found', ...STORING],
  },
  'POST /v1/reviews/:id': {
    id: 'review',
    summary: 'Claim, release or refuse; the next decision sees a word at once.',
    body: REVIEW_BODY,
    answers: { 200: REVIEW_ANSWER },
    problems: ['not_found', 'conflict', ...STORING],
  },
}

export const REVIEW_REQUESTS: Readonly<Record<string, Shape>> = { ReviewRequest: REVIEW_BODY }
export const REVIEW_ANSWERS: Readonly<Record<string, Shape>> = {
  Review: REVIEW_ANSWER,
  Reviews: REVIEWS_ANSWER,
}
