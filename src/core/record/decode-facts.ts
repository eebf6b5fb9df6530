/**
 * Reads disclosed JSON back into `Facts`, strictly: what evaluation saw, or nothing.
 *
 * A replay on facts that were silently repaired would prove nothing, so a missing, misspelt or additional member is a
 * fault. Members and bounds: core/model.ts and core/limits.ts. The same checks guard issuing (claims.ts).
 */
import {
  MAX_COHOSTS,
  MAX_ID_CHARS,
  MAX_LABELS,
  MAX_LINKED,
  MAX_STRIKE_WEIGHT,
  MAX_STRIKES_PER_SUBJECT,
  MAX_SUBJECT_CHARS,
  MAX_SUPPORTS,
  MAX_SUPPRESSIONS,
  MAX_WORD_CHARS,
} from '../limits.ts'
import { type Facts, SEVERITIES, SOURCE_KINDS } from '../model.ts'
import { err, ok, type Result } from '../result.ts'
import {
  boolean,
  type Check,
  either,
  instant,
  integer,
  list,
  type Members,
  mapOf,
  object,
  oneOf,
  optional,
  required,
  type ShapeFault,
  text,
} from './shape.ts'

/** Holds and reviews of one host: one per rule of the largest policy, and per stream of it. */
const MAX_RULE_FACTS = 4096

export const SUBJECT_ID: Check = text(MAX_SUBJECT_CHARS)
export const ID: Check = text(MAX_ID_CHARS)
export const WORD: Check = text(MAX_WORD_CHARS)
/** Ids of rules and exemptions, names of facts. */
export const RULE: Check = text(256)

export const STRIKE: Check = object({
  id: required(ID),
  subject: required(SUBJECT_ID),
  category: required(text(MAX_ID_CHARS)),
  severity: required(oneOf(SEVERITIES)),
  weight: required(integer(1, MAX_STRIKE_WEIGHT)),
  issued_at: required(instant),
  effective_at: required(instant),
  notified_at: optional(instant),
  content_created_at: optional(instant),
  expires_at: optional(instant),
  scope: required(WORD),
  context: optional(WORD),
  source: optional(object({ system: required(WORD), kind: required(oneOf(SOURCE_KINDS)) })),
  evidence_hash: optional(text(256)),
  status: required(oneOf(['active', 'reversed'])),
})

const SUBJECT_FACTS = object({
  created_at: optional(instant),
  followers: optional(integer(0)),
  age_band: optional(WORD),
  verified: optional(boolean),
  labels: optional(list(WORD, MAX_LABELS)),
  linked: optional(list(SUBJECT_ID, MAX_LINKED)),
})

const SOURCE = object({ from: required(oneOf(['stored', 'request'])), as_of: required(instant) })

const SUPPRESSION = object({
  rule: required(RULE),
  from: required(instant),
  until: required(either(oneOf(['forever']), instant)),
  id: required(ID),
})

const HOST = object({
  subject: required(SUBJECT_ID),
  facts: required(SUBJECT_FACTS),
  sources: required(mapOf(/^[a-z_]{1,32}$/, SOURCE, 16)),
  strikes: required(list(STRIKE, MAX_STRIKES_PER_SUBJECT)),
  holds: required(
    list(object({ rule: required(RULE), first_asked_at: required(instant) }), MAX_RULE_FACTS),
  ),
  reviews: required(
    list(
      object({
        rule: required(RULE),
        result: required(oneOf(['released', 'refused'])),
        at: required(instant),
      }),
      MAX_RULE_FACTS,
    ),
  ),
  open_broadcasts: required(integer(0)),
  suppressions: optional(list(SUPPRESSION, MAX_SUPPRESSIONS, 1)),
  bucket: optional(integer(0, 99)),
})

/** The members of `Facts` before something runs: the group `facts` of a decision. */
export const FACTS_MEMBERS: Members = {
  at: required(instant),
  hosts: required(list(HOST, 1 + MAX_COHOSTS, 1)),
  stream: required(
    object({
      id: optional(text(MAX_SUBJECT_CHARS)),
      audience: optional(WORD),
      category: optional(text(MAX_ID_CHARS)),
      admission: optional(WORD),
      one_to_many: optional(boolean),
    }),
  ),
  request: required(object({ territory: optional(WORD), ingest: optional(WORD) })),
  incident: required(
    object({ active: required(boolean), id: optional(ID), scope: optional(text(MAX_ID_CHARS)) }),
  ),
  platform: required(object({ moderation_available: optional(boolean) })),
  supports: required(list(WORD, MAX_SUPPORTS)),
  enforce: optional(text(10, { pattern: /^(off|canary [1-9][0-9]?%)$/ })),
}
/** As a broadcast that runs is looked at again. */
export const FACTS: Check = object({ ...FACTS_MEMBERS, running_since: optional(instant) })

/** The `Facts` a disclosed value is, or where it is not. The value is returned, not copied. */
export function decodeFacts(value: unknown): Result<Facts, ShapeFault> {
  const fault = FACTS(value)
  return fault === null ? ok(value as Facts) : err(fault)
}
