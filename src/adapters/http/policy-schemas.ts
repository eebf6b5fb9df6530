/**
 * What callers send to activate a policy, and what they get: the schemas behind `/v1/policies`.
 *
 * A policy travels as it is, `application/yaml` with options in the query, or as a member of JSON. Beside schemas.ts and
 * answers.ts, in their ways.
 */
import * as v from 'valibot'
import { MAX_NOTE_CHARS } from '../../core/limits.ts'
import { ACTIVATION_CAUSES, ACTIVATION_SOURCES } from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { Shape } from './answers.ts'
import {
  closed,
  flag,
  instant,
  integer,
  integerText,
  matching,
  may,
  type Reader,
  text,
} from './atoms.ts'

/** Most decisions a report may be asked for; hosts look at fewer. */
export const MAX_REPORT_DECISIONS = 10_000
/** A policy of 256 KiB inside JSON, with room for escapes. */
export const MAX_ACTIVATION_BYTES: number = 1024 * 1024

export interface ActivationOptions {
  readonly activate_at?: EpochMs
  readonly dry_run?: boolean
  readonly expect_revision?: number
  readonly note?: string
  /** Decisions to report on; 0 for no report. */
  readonly decisions?: number
}

export interface ActivationBody extends ActivationOptions {
  readonly policy: string
}

const note = text(MAX_NOTE_CHARS)
const policyText = v.string('expected the text of a policy')
/** `expect_revision: 0` is for the first activation of a deployment. */
const revisionNumber = integer(0)

/** `PUT /v1/policies` as JSON. */
export const ACTIVATION_BODY: Reader<ActivationBody> = closed<ActivationBody>({
  policy: policyText,
  activate_at: may(instant),
  dry_run: may(flag),
  expect_revision: may(revisionNumber),
  note: may(note),
  decisions: may(integer(0, MAX_REPORT_DECISIONS)),
})

const flagText: Reader<boolean> = v.pipe(
  matching(/^(?:true|false)$/, 5, 'true or false'),
  v.metadata({ type: 'boolean' }),
  v.transform((written) => written === 'true'),
)

/** Query of `PUT /v1/policies`. */
export const ACTIVATION_QUERY: Reader<ActivationOptions> = closed<ActivationOptions>({
  activate_at: may(instant),
  dry_run: may(flagText),
  expect_revision: may(integerText(0, Number.MAX_SAFE_INTEGER)),
  note: may(note),
  decisions: may(integerText(0, MAX_REPORT_DECISIONS)),
})

export interface ChangeBody {
  readonly expect_revision?: number
  readonly note?: string
}

/** `POST /v1/policies/rollback`. */
export const ROLLBACK_BODY: Reader<ChangeBody> = closed<ChangeBody>({
  expect_revision: may(revisionNumber),
  note: may(note),
})

/** Query of `DELETE /v1/policies/pending`. */
export const CANCEL_QUERY: Reader<ChangeBody> = closed<ChangeBody>({
  expect_revision: may(integerText(0, Number.MAX_SAFE_INTEGER)),
  note: may(note),
})

const anyText = v.string()
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const at = v.pipe(v.string(), v.isoTimestamp())
const until = v.union([at, v.literal('forever')])
const optional = v.exactOptional
const outcome = v.picklist(['allow', 'deny', 'delay'])

const activation = {
  revision: count,
  name: anyText,
  digest: anyText,
  active_from: at,
  previous: v.nullable(count),
  cause: v.picklist(ACTIVATION_CAUSES),
  source: v.picklist(ACTIVATION_SOURCES),
  by: anyText,
  note: optional(anyText),
}

export const POLICIES_ANSWER: Shape = v.strictObject({
  revision: optional(count),
  policies: v.array(
    v.strictObject({
      name: anyText,
      digest: anyText,
      active: v.boolean(),
      activated_at: optional(at),
    }),
  ),
  revisions: v.array(
    v.strictObject({
      ...activation,
      state: v.picklist(['active', 'pending', 'past', 'superseded']),
    }),
  ),
})

const diagnostic = v.strictObject({
  code: anyText,
  severity: v.picklist(['error', 'warning']),
  message: anyText,
  line: count,
  column: count,
  end_column: optional(count),
  hint: optional(anyText),
  text: anyText,
})

/** What is wrong with a policy, each with the line it is in and a caret; beside the members of every problem. */
export const DIAGNOSTICS: Shape = v.array(diagnostic)

const side = v.strictObject({
  outcome,
  mode: optional(anyText),
  until: optional(until),
  rules: v.array(anyText),
})
const ruleCount = v.strictObject({ before: count, after: count, gained: count, lost: count })

const examples = v.array(
  v.strictObject({ id: anyText, decided_at: at, change: anyText, before: side, after: side }),
)
const compared = {
  decisions: count,
  from: optional(at),
  to: optional(at),
  unchanged: count,
  changes: v.record(anyText, count),
  rules: v.record(anyText, ruleCount),
  examples,
}

export const SHADOW_ANSWER: Shape = v.strictObject({
  name: anyText,
  digest: anyText,
  since: at,
  passed_over: count,
  failed: count,
  lacking: v.record(anyText, count),
  ...compared,
  directions: v.strictObject({ stricter: count, milder: count, other: count }),
  by_rule: v.record(
    anyText,
    v.strictObject({ changes: v.record(anyText, count), examples: v.array(anyText) }),
  ),
})

const report = v.strictObject({
  unreadable: count,
  ...compared,
  restrictions: v.strictObject({
    subjects: count,
    affected: count,
    changes: v.record(anyText, count),
    removed: v.record(anyText, count),
    examples: v.array(
      v.strictObject({
        subject: optional(anyText),
        rule: anyText,
        basis: anyText,
        outcome,
        change: anyText,
        before: optional(until),
        after: optional(until),
        by: v.union([count, v.literal('forever')]),
        retroactive: optional(anyText),
      }),
    ),
  }),
})

export const ACTIVATION_ANSWER: Shape = v.strictObject({
  ...activation,
  unchanged: optional(v.literal(true)),
  dry_run: optional(v.literal(true)),
  supersedes: v.array(count),
  warnings: v.array(diagnostic),
  report: optional(report),
})
