/**
 * What people are asked about, and their word on it.
 *
 * A word is in the log and counts for every decision that starts later once it is answered with 2xx (G2).
 * Spec: docs/spec/api.md, "Reviews".
 */
import { LivegateError } from '../../../core/errors.ts'
import { type EpochMs, formatInstant } from '../../../core/time.ts'
import { isOverdue, type ReviewView, stateOfItem } from '../../../gate/review-items.ts'
import { read } from '../atoms.ts'
import { readJson } from '../body.ts'
import type { AppDeps } from '../deps.ts'
import type { Call, Mount } from '../mount.ts'
import { readQuery } from '../query.ts'
import { json } from '../reply.ts'
import { DEFAULT_REVIEWS_PAGE, REVIEW_BODY, REVIEWS_QUERY } from '../review-schemas.ts'
import { NO_QUERY } from '../schemas.ts'

/** `GET /v1/reviews`, `POST /v1/reviews/{id}`. */
export function mountReviews(mount: Mount, deps: AppDeps): void {
  mount('GET /v1/reviews', (call) => list(call, deps))
  mount('POST /v1/reviews/:id', (call) => act(call, deps))
}

async function list(call: Call, { reviews, clock }: AppDeps): Promise<Response> {
  const query = readQuery(call.c, REVIEWS_QUERY, 'list reviews')
  if (reviews === undefined)
    throw new LivegateError('not_found', 'Cannot list reviews: this host has no queue')
  const { limit = DEFAULT_REVIEWS_PAGE, ...search } = query
  const { items, next } = await reviews.list({ ...search, limit })
  const now = clock.now()
  return json(call, { reviews: items.map((item) => render(item, now)), next })
}

async function act(call: Call, { gate, clock }: AppDeps): Promise<Response> {
  readQuery(call.c, NO_QUERY, 'review')
  const { value } = await readJson(call.c.req.raw)
  const body = read(REVIEW_BODY, value, 'review')
  const id = call.c.req.param('id') ?? ''
  const done = await gate.review({ id, ...body, caller: call.caller.id })
  const { item, changed, receipt, revoked } = done
  return json(call, {
    ...render(item, clock.now()),
    ...(receipt === null ? {} : { receipt }),
    ...{ changed, revoked },
  })
}

function render(item: ReviewView, now: EpochMs): object {
  const { id, subject, stream, rule, queue, decision, opened_at, by, at_deadline } = item
  const { claim, result } = item
  const held = claim !== undefined && claim.until > now && result === undefined
  return {
    ...{ id, subject, ...(stream === '' ? {} : { stream }), rule, queue, decision },
    ...{ state: stateOfItem(item), opened_at: formatInstant(opened_at) },
    ...{ review_by: formatInstant(by), at_deadline },
    ...(isOverdue(item, now) ? { overdue: true } : {}),
    ...(held ? { claim: { by: claim.by, until: formatInstant(claim.until) } } : {}),
    ...(result === undefined ? {} : { result: { ...result, at: formatInstant(result.at) } }),
  }
}
