/**
 * What is asked and answered about what is not enforced. Beside schemas.ts and answers.ts, in their ways.
 *
 * Spec: docs/spec/api.md, "Rollout".
 */
import * as v from 'valibot'
import type { EpochMs } from '../../core/time.ts'
import { ROLLOUT_PAGE } from '../../gate/rollout-report.ts'
import type { Shape } from './answers.ts'
import { closed, instant, integerText, may, oneOf, type Reader, text } from './atoms.ts'
import type { Operation } from './operations.ts'

export interface RolloutQuery {
  readonly from: EpochMs
  readonly to?: EpochMs
  readonly subjects?: 'true' | 'false'
  readonly cursor?: string
  readonly limit?: number
}

/** `GET /v1/rollout`. */
export const ROLLOUT_QUERY: Reader<RolloutQuery> = closed<RolloutQuery>({
  from: instant,
  to: may(instant),
  subjects: may(oneOf(['true', 'false'])),
  cursor: may(text(512)),
  limit: may(integerText(1, ROLLOUT_PAGE)),
})

const words = v.string()
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const at = v.pipe(v.string(), v.isoTimestamp())
const optional = v.exactOptional
const outcome = v.picklist(['allow', 'deny', 'delay'])
const spared = {
  ...{ id: words, at, outcome },
  would: v.strictObject({
    outcome,
    mode: optional(v.picklist(['hold', 'review', 'retry', 'broadcast'])),
    until: optional(v.union([at, v.literal('forever')])),
    rules: v.array(v.strictObject({ rule: words, host: optional(count) })),
  }),
  stopped: v.boolean(),
  server: optional(words),
  subject: optional(words),
  cohosts: optional(v.array(words)),
}

export const ROLLOUT_ANSWER: Shape = v.strictObject({
  decisions: v.array(v.strictObject(spared)),
  renewals: v.array(v.strictObject({ ...spared, broadcast: words })),
  counts: v.array(
    v.strictObject({ rule: words, server: optional(words), would: outcome, count, stopped: count }),
  ),
  erased: count,
  next: v.nullable(words),
})

export const ROLLOUT_OPERATIONS: Readonly<Record<'GET /v1/rollout', Operation>> = {
  'GET /v1/rollout': {
    id: 'report_rollout',
    summary: 'Who would have been stopped by what is not enforced yet, page by page.',
    query: ROLLOUT_QUERY,
    answers: { 200: ROLLOUT_ANSWER },
    problems: ['log_unavailable', 'halted'],
  },
}
