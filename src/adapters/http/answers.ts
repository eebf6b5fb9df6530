/**
 * What callers receive, as schemas: the source of the OpenAPI document and the measure of the tests.
 *
 * Nothing validates answers at run time; tests/adapters/http hold render.ts to these. Requests: schemas.ts.
 */
import * as v from 'valibot'
import { PROBLEM_CODES } from '../../core/errors.ts'
import { REASON_CODES, SEVERITIES, SOURCE_KINDS } from '../../core/model.ts'
import { CHAIN_KINDS } from '../../core/record/kinds.ts'
import { DIAGNOSTICS } from './policy-schemas.ts'

/** A schema used for its shape only. */
export type Shape = v.GenericSchema

const text = v.string()
const strings = v.array(text)
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const at = v.pipe(v.string(), v.isoTimestamp())
const until = v.union([at, v.literal('forever')])
const outcome = v.picklist(['allow', 'deny', 'delay'])
const may = v.exactOptional

const receipt = v.strictObject({ origin: text, index: count, leaf: text })
const policy = v.strictObject({ name: text, digest: text, revision: may(count) })

const reason = v.strictObject({
  rule: text,
  code: v.picklist(REASON_CODES),
  host: may(count),
  ground: v.picklist(['terms', 'law']),
  clause: may(text),
  reference: may(text),
  jurisdiction: may(text),
  until: may(until),
  restriction: may(text),
  strikes: strings,
  text: v.record(text, text),
  appeal: may(v.strictObject({ url: text, until: may(at) })),
})

const unknown = v.strictObject({ rule: text, host: may(count), facts: strings })
const obligation = v.objectWithRest({ type: text }, v.union([text, v.number(), v.boolean()]))

/** Members that say how long an outcome holds or when to come back. */
const times = {
  mode: may(v.picklist(['hold', 'review', 'retry', 'broadcast'])),
  until: may(until),
  not_before: may(at),
  review_by: may(at),
  queue: may(text),
  retry_after: may(count),
  broadcast_delay_s: may(count),
  lease_until: may(at),
}

/** What was not enforced, and the outcome with it. */
const spared = {
  enforced: may(v.literal(false)),
  would: may(
    v.strictObject({
      outcome,
      mode: times.mode,
      until: times.until,
      rules: v.array(v.strictObject({ rule: text, host: may(count) })),
    }),
  ),
}

export const DECISION_ANSWER: Shape = v.strictObject({
  id: text,
  outcome,
  ...times,
  ...spared,
  decided_at: at,
  reasons: v.array(reason),
  unknown: v.array(unknown),
  obligations: v.array(obligation),
  policy,
  supersedes: may(text),
  record: text,
  receipt,
})

const length = v.nullable(v.union([count, v.picklist(['forever', 'warn'])]))

/** A restriction an earlier revision made shorter or milder than it would be now; length null: it opened none. */
const kept = v.strictObject({
  strike: text,
  from: at,
  revision: count,
  outcome,
  length,
  instead: v.strictObject({ outcome, length }),
  text,
})

const trace = v.strictObject({
  rule: text,
  host: may(count),
  state: v.picklist([
    ...['matched', 'not_matched', 'unknown', 'lifted', 'satisfied', 'warning', 'not_enforced'],
  ] as const),
  exemptions: strings,
  missing: strings,
  kept: may(v.array(kept)),
  retroactive: may(text),
  when: v.nullable(
    v.strictObject({ source: text, truth: v.union([v.boolean(), v.literal('unknown')]) }),
  ),
  count: v.nullable(
    v.strictObject({
      strikes: strings,
      n: count,
      weight: count,
      at_least: v.nullable(count),
      weight_at_least: v.nullable(count),
      next_step: v.nullable(
        v.strictObject({ n: count, length: v.union([count, v.picklist(['forever', 'warn'])]) }),
      ),
    }),
  ),
})

const factValue = v.union([v.number(), text, v.boolean(), strings])
const change = {
  kind: v.picklist(['later', 'fact', 'reversed', 'struck']),
  host: may(count),
  at: may(at),
  fact: may(text),
  from: may(factValue),
  to: may(factValue),
  strike: may(text),
  one_more: may(
    v.strictObject({
      category: text,
      severity: v.picklist(SEVERITIES),
      weight: count,
      scope: text,
      context: may(text),
      source: may(v.strictObject({ system: text, kind: v.picklist(SOURCE_KINDS) })),
    }),
  ),
}
const answer = { outcome, ...times, rules: strings, obligations: may(v.array(obligation)) }
const near = v.strictObject({
  rule: text,
  host: may(count),
  away: v.picklist(['strike', 'step', 'fact', 'time']),
  matches: v.boolean(),
  have: may(count),
  need: may(count),
  edge: may(v.strictObject({ fact: text, after_ms: v.number() })),
  change: v.strictObject(change),
})
const settle = v.strictObject({
  fact: text,
  host: may(count),
  strike: may(text),
  rules: strings,
  ways: v.array(v.strictObject({ value: factValue, ...answer })),
})
const incomplete = v.strictObject({
  kind: v.picklist(['later', 'fact', 'reversed', 'struck', 'unknown', 'near']),
  why: v.picklist(['work', 'listed']),
})

export const EXPLANATION_ANSWER: Shape = v.strictObject({
  at,
  outcome,
  ...times,
  ...spared,
  reasons: v.array(reason),
  unknown: v.array(unknown),
  obligations: v.array(obligation),
  trace: v.array(trace),
  eligible_at: v.nullable(at),
  eligible_reason: may(text),
  near: v.array(near),
  settles: v.array(settle),
  changes: v.array(v.strictObject({ ...change, ...answer })),
  incomplete: v.array(incomplete),
  sentence: v.record(text, text),
})

const strike = v.strictObject({
  id: text,
  subject: text,
  category: text,
  severity: v.picklist(SEVERITIES),
  weight: count,
  issued_at: at,
  effective_at: at,
  notified_at: may(at),
  content_created_at: may(at),
  expires_at: may(at),
  scope: text,
  context: may(text),
  source: may(v.strictObject({ system: text, kind: v.picklist(SOURCE_KINDS) })),
  evidence_hash: may(text),
  status: v.picklist(['active', 'reversed']),
})
const restriction = v.strictObject({ id: text, rule: text, from: at, until, strikes: strings })

export const STRIKE_ANSWER: Shape = v.strictObject({
  strike,
  known_category: v.boolean(),
  restrictions: v.array(restriction),
  revoked: strings,
  receipt: may(receipt),
})

export const REVERSAL_ANSWER: Shape = v.strictObject({
  strike,
  decisions: v.array(v.strictObject({ id: text, outcome, decided_at: at })),
  restrictions: v.array(restriction),
  receipt: may(receipt),
})

const factOf = <S extends v.GenericSchema>(value: S) => may(v.strictObject({ value, as_of: at }))
const facts = v.strictObject({
  created_at: factOf(at),
  followers: factOf(count),
  age_band: factOf(text),
  verified: factOf(v.boolean()),
  labels: factOf(strings),
  linked: factOf(strings),
})

export const FACTS_ANSWER: Shape = v.strictObject({ facts })

export const SUBJECT_ANSWER: Shape = v.strictObject({
  subject: text,
  facts,
  strikes: v.array(strike),
  restrictions: v.array(restriction),
  broadcasts: v.array(
    v.strictObject({
      id: text,
      stream: text,
      role: v.picklist(['host', 'cohost']),
      opened_at: at,
      lease_until: at,
      server: may(text),
    }),
  ),
  eligible_at: v.nullable(at),
  eligible_reason: may(text),
})

const found = {
  enforced: spared.enforced,
  id: text,
  outcome,
  decided_at: at,
  policy: text,
  receipt,
}

export const STORED_DECISION: Shape = v.strictObject({
  ...found,
  disclosed: v.record(text, v.unknown()),
  record: text,
})
export const FOUND_DECISIONS: Shape = v.strictObject({
  decisions: v.array(v.strictObject({ ...found, rules: strings })),
  next: v.nullable(text),
})

export const RECORDS_ANSWER: Shape = v.strictObject({
  records: v.array(v.strictObject({ index: count, kind: v.picklist(CHAIN_KINDS), record: text })),
  next: v.nullable(count),
})

export const STREAM_KEY_ANSWER: Shape = v.strictObject({
  id: text,
  subject: text,
  created_at: at,
  key: may(text),
  warning: may(text),
})

export const IMPORT_ANSWER: Shape = v.strictObject({ lines: count, finished: v.boolean() })

export const STATUS_ANSWER: Shape = v.strictObject({ status: text })
export const READY_ANSWER: Shape = v.strictObject({
  status: text,
  policy: may(
    v.strictObject({
      digest: text,
      revision: may(count),
      stale: may(v.boolean()),
      file: text,
      problems: strings,
    }),
  ),
  shadow: may(v.strictObject({ digest: may(text), file: text, problems: strings })),
  log: may(v.strictObject({ problems: strings })),
})
export const JWKS_ANSWER: Shape = v.strictObject({ keys: v.array(v.looseObject({ kty: text })) })

export const PROBLEM: Shape = v.strictObject({
  type: text,
  title: text,
  status: count,
  code: v.picklist(PROBLEM_CODES),
  detail: text,
  errors: may(v.array(v.strictObject({ pointer: text, detail: text }))),
  hint: may(text),
  retry_after: may(count),
  diagnostics: may(DIAGNOSTICS),
})
