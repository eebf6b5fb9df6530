/**
 * What is sent and answered about a person's rights over what is stored: erasure, legal hold, export.
 *
 * Beside schemas.ts and answers.ts, in their ways. Spec: docs/spec/api.md, "Erasure"; docs/erasure.md.
 */
import * as v from 'valibot'
import type { EpochMs } from '../../core/time.ts'
import type { ErasureScope } from '../../ports.ts'
import type { Shape } from './answers.ts'
import { closed, instant, integerText, may, oneOf, type Reader, text } from './atoms.ts'

const MAX_BASIS_CHARS = 256

export interface ErasureBody {
  readonly basis: string
  readonly scope?: ErasureScope
}

export interface LegalHoldBody {
  readonly until: EpochMs
  readonly basis: string
}

/** `DELETE /v1/subjects/{subject}`: as JSON, or as a query where a body cannot be sent. */
export const ERASURE: Reader<ErasureBody> = closed<ErasureBody>({
  basis: text(MAX_BASIS_CHARS),
  scope: may(oneOf(['subject', 'full'])),
})

/** `PUT /v1/subjects/{subject}/legal-hold`. */
export const LEGAL_HOLD: Reader<LegalHoldBody> = closed<LegalHoldBody>({
  until: instant,
  basis: text(MAX_BASIS_CHARS),
})

/** `GET /v1/subjects/{subject}/export`. */
export const EXPORT_QUERY: Reader<{ readonly before?: number }> = closed<{
  readonly before?: number
}>({ before: may(integerText(1, Number.MAX_SAFE_INTEGER)) })

const words = v.string()
const strings = v.array(words)
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const at = v.pipe(v.string(), v.isoTimestamp())
const until = v.union([at, v.literal('forever')])
const optional = v.exactOptional
const receipt = v.strictObject({ origin: words, index: count, leaf: words })
const texts = v.record(words, words)
const appeal = v.strictObject({ url: words, until: optional(at) })

export const ERASURE_ANSWER: Shape = v.strictObject({
  state: v.picklist(['nothing_left', 'pending', 'done']),
  scope: optional(v.picklist(['subject', 'full'])),
  erased_at: optional(at),
  record: optional(words),
  receipt: optional(receipt),
  counts: optional(v.record(words, count)),
  restrictions_kept: optional(count),
})

export const LEGAL_HOLD_ANSWER: Shape = v.strictObject({
  until: at,
  basis: words,
  set_at: at,
})

const restriction = v.strictObject({
  id: words,
  rule: words,
  from: at,
  until,
  strikes: strings,
  kept: v.boolean(),
  text: texts,
  clause: optional(words),
  appeal: optional(appeal),
})

const reason = v.strictObject({
  rule: words,
  code: words,
  strikes: strings,
  text: texts,
  appeal: optional(appeal),
})

const record = v.strictObject({
  id: words,
  kind: words,
  seq: count,
  at,
  log: words,
  index: count,
  contents: v.picklist(['stored', 'removed']),
  caller: optional(words),
  stream: optional(words),
  outcome: optional(words),
  policy: optional(words),
  mode: optional(words),
  until: optional(until),
  rules: optional(strings),
  enforced: optional(v.literal(false)),
  would: optional(
    v.strictObject({
      ...{ outcome: words, mode: optional(words), until: optional(until) },
      rules: v.array(v.strictObject({ rule: words, host: optional(count) })),
    }),
  ),
  reasons: optional(v.array(reason)),
  said: optional(v.unknown()),
})

const now = v.strictObject({
  pseudonym: optional(words),
  facts: v.record(words, v.unknown()),
  strikes: v.array(v.record(words, v.unknown())),
  restrictions: v.array(restriction),
  broadcasts: v.array(v.record(words, v.unknown())),
  holds: v.array(v.strictObject({ stream: words, rule: words, first_asked_at: at })),
  reviews: v.array(v.strictObject({ stream: words, rule: words, result: words, at })),
  asked: v.array(
    v.strictObject({
      ...{ id: words, stream: words, rule: words, queue: words },
      ...{ opened_at: at, review_by: at },
    }),
  ),
  legal_hold: optional(v.strictObject({ until: at, basis: words })),
  retention: v.array(v.strictObject({ what: words, days: v.nullable(count) })),
  rights: strings,
})

export const EXPORT_ANSWER: Shape = v.strictObject({
  subject: words,
  at,
  now: optional(now),
  records: v.array(record),
  recipients: strings,
  next: v.nullable(count),
})
