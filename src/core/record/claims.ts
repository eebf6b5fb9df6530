/**
 * The one table that classifies every claim: its name, the kinds of record it belongs to, whether it is public or in
 * which disclosure group it lies, and what it must look like.
 *
 * Public means readable by whoever can read the log, for ever; that list is short on purpose. A claim that is not in
 * the table cannot be issued and does not verify. Spec: docs/spec/record.md, "Claims" (a test holds the two together).
 * Next: drafts.ts, which fills the table in.
 */
import {
  MAX_CHECKPOINT_CHARS,
  MAX_COHOSTS,
  MAX_ERASED_STRIKES,
  MAX_ID_CHARS,
  MAX_NOTE_CHARS,
  MAX_POLICY_RULES,
  MAX_PREDECESSOR_KEYS,
  MAX_STRIKES_PER_SUBJECT,
  MAX_SUBJECT_CHARS,
  MAX_SUCCESSORS,
  MAX_WORD_CHARS,
} from '../limits.ts'
import { ACTIVATION_CAUSES, ACTIVATION_SOURCES } from '../model.ts'
import { FACTS, FACTS_MEMBERS, ID, RULE, STRIKE, SUBJECT_ID, WORD } from './decode-facts.ts'
import {
  ACCESS_WAYS,
  BROADCAST_EVENTS,
  CHAIN_KINDS,
  CUT_CONFIRMATIONS,
  GROUP_NAMES,
  type GroupName,
  RECORD_KINDS,
  type RecordKind,
} from './kinds.ts'
import {
  boolean,
  type Check,
  either,
  instant,
  integer,
  list,
  type Member,
  mapOf,
  nullable,
  object,
  oneOf,
  optional,
  required,
  text,
} from './shape.ts'

/** One row: a claim as records of `kinds` carry it. A name may have several rows, for kinds that differ. */
export interface ClaimRow extends Member {
  readonly name: string
  readonly kinds: readonly RecordKind[]
  readonly where: 'public' | GroupName
}

const OUTCOME = oneOf(['allow', 'deny', 'delay'])
const UNTIL = either(oneOf(['forever']), instant)
/** A SHA-256 in base64url: 43 characters, the last of which carries two zero bits. */
const DIGEST = text(43, { pattern: /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/ })
const POLICY_DIGEST = text(50, { pattern: /^sha256-[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/ })
/** Random identifiers of at least 128 bits. */
const RANDOM_ID = text(64, { min: 22, pattern: /^[A-Za-z0-9_-]+$/ })
const ISSUER = text(256, { pattern: /^[\x21-\x7e]+$/ })
/** Origin of a log: no blank, no `+` (it becomes a key name in signed notes). */
const ORIGIN = text(256, { pattern: /^[\x21-\x2a\x2c-\x7e]+$/ })
const HOST_INDEX = integer(0, MAX_COHOSTS)

const REVIEW = object({
  queue: required(WORD),
  by: required(instant),
  at_deadline: required(oneOf(['deny', 'allow'])),
})
const RESTRICTION = object({
  id: required(ID),
  subject: required(SUBJECT_ID),
  rule: required(RULE),
  from: required(instant),
  until: required(UNTIL),
  opened_by: optional(ID),
  strikes: required(list(ID, MAX_STRIKES_PER_SUBJECT)),
})
const UNKNOWN_RULE = object({
  rule: required(RULE),
  host: required(HOST_INDEX),
  facts: required(list(text(256), 256)),
})
const parameter: Check = (value) =>
  typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
    ? null
    : text(1024, { min: 0 })(value)
const OBLIGATION = mapOf(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, parameter, 32)

const RULES_AND_HOSTS = list(
  object({ host: required(HOST_INDEX), rule: required(RULE) }),
  MAX_POLICY_RULES * (1 + MAX_COHOSTS),
)

/** A decision without its texts: what the caller may rely on. `outcome` is public there, here only for broadcasts. */
const RESULT: Readonly<Record<string, Check>> = {
  mode: nullable(oneOf(['hold', 'review', 'retry', 'broadcast'])),
  until: nullable(UNTIL),
  not_before: nullable(instant),
  review: nullable(REVIEW),
  retry_after_s: nullable(integer(0)),
  broadcast_delay_s: nullable(integer(0)),
  lease_until: nullable(instant),
  rules: list(RULE, MAX_POLICY_RULES),
  restrictions: list(RESTRICTION, MAX_POLICY_RULES * (1 + MAX_COHOSTS)),
  unknown: list(UNKNOWN_RULE, MAX_POLICY_RULES * (1 + MAX_COHOSTS)),
  obligations: list(OBLIGATION, 64),
  exemptions: list(RULE, MAX_POLICY_RULES),
  holds_opened: RULES_AND_HOSTS,
}

const WOULD = object({
  outcome: required(OUTCOME),
  mode: required(nullable(oneOf(['hold', 'review', 'retry', 'broadcast']))),
  until: required(nullable(UNTIL)),
  rules: required(RULES_AND_HOSTS),
})
/** Said only where it is so. */
const NOT: Check = (value) => (value === false ? null : boolean(null))

const SENTENCE = text(2048, { min: 0 })
const COUNT = integer(0)
const REVISION = integer(1)
const JWK = object({
  kty: required(oneOf(['OKP'])),
  crv: required(oneOf(['Ed25519'])),
  x: required(DIGEST),
})
const TOTALS = mapOf(new RegExp(`^(${RECORD_KINDS.join('|')})$`), COUNT, RECORD_KINDS.length)

type Where = 'public' | GroupName

function rows(
  where: Where,
  kinds: readonly RecordKind[],
  members: Readonly<Record<string, Member>>,
): readonly ClaimRow[] {
  return Object.entries(members).map(([name, member]) => ({ name, kinds, where, ...member }))
}

function all(make: (check: Check) => Member): Record<string, Member> {
  return Object.fromEntries(Object.entries(RESULT).map(([name, check]) => [name, make(check)]))
}

export const CLAIMS: readonly ClaimRow[] = [
  ...rows('public', RECORD_KINDS, {
    iss: required(ISSUER),
    jti: required(RANDOM_ID),
    iat: required(integer(0, 253_402_300_799)),
    engine: required(text(MAX_WORD_CHARS)),
    log: required(ORIGIN),
    mmd: required(integer(1, 7 * 86_400)),
  }),
  ...rows('public', CHAIN_KINDS, {
    _sd: required(list(DIGEST, GROUP_NAMES.length, GROUP_NAMES.length)),
    _sd_alg: required(oneOf(['sha-256'])),
  }),
  ...rows('public', ['decision'], {
    outcome: required(OUTCOME),
    policy: required(POLICY_DIGEST),
    revision: optional(REVISION),
    enforced: optional(NOT),
  }),
  ...rows('public', ['broadcast'], {
    policy: optional(POLICY_DIGEST),
    revision: optional(REVISION),
    enforced: optional(NOT),
  }),
  ...rows('public', ['policy'], {
    digest: required(POLICY_DIGEST),
    part: required(integer(1, 4096)),
    of: required(integer(1, 4096)),
    text: required(text(5462, { min: 0, pattern: /^[A-Za-z0-9_-]*$/ })),
  }),
  ...rows('public', ['incident'], {
    change: required(integer(1)),
    active: required(boolean),
    id: required(ID),
    scope: required(text(MAX_ID_CHARS)),
    at: required(instant),
    until: optional(instant),
    expires_at: optional(instant),
    confirmed: optional(boolean),
    by: required(text(256)),
    reason: optional(text(MAX_NOTE_CHARS)),
  }),
  ...rows('public', ['key'], {
    jwk: required(JWK),
    use: required(oneOf(['record', 'checkpoint'])),
    status: required(oneOf(['active', 'retired', 'revoked'])),
    from: optional(COUNT),
  }),
  ...rows('public', ['heartbeat'], {
    from_index: required(COUNT),
    to_index: required(COUNT),
    totals: required(TOTALS),
    shed: required(COUNT),
  }),
  ...rows('public', ['erasure'], {
    sub: required(RANDOM_ID),
    last_seq: optional(integer(1)),
    scope: required(oneOf(['subject', 'full', 'retention'])),
    basis: required(text(256)),
    counts: required(mapOf(/^[a-z_]{1,64}$/, COUNT, 32)),
    strikes: optional(list(DIGEST, MAX_ERASED_STRIKES, 1)),
  }),
  ...rows('public', ['closing'], {
    successors: required(list(ORIGIN, MAX_SUCCESSORS, 1)),
  }),
  ...rows('public', ['predecessor'], {
    predecessor: required(ORIGIN),
    vkey: required(text(512, { pattern: /^[\x21-\x7e]+$/ })),
    checkpoint: required(text(MAX_CHECKPOINT_CHARS)),
    keys: required(list(DIGEST, MAX_PREDECESSOR_KEYS, 1)),
  }),
  ...rows('public', ['activation'], {
    revision: required(REVISION),
    digest: required(POLICY_DIGEST),
    name: required(text(100)),
    active_from: required(instant),
    scheduled: required(boolean),
    previous: required(nullable(REVISION)),
    cause: required(oneOf(ACTIVATION_CAUSES)),
    source: required(oneOf(ACTIVATION_SOURCES)),
    by: required(text(256)),
    note: optional(text(MAX_NOTE_CHARS)),
  }),
  ...rows('public', ['access'], {
    by: required(text(256)),
    via: required(oneOf(ACCESS_WAYS)),
    groups: required(list(oneOf(GROUP_NAMES), GROUP_NAMES.length, 1)),
    count: required(integer(1)),
    digest: required(DIGEST),
  }),

  ...rows('chain', CHAIN_KINDS, {
    sub: required(RANDOM_ID),
    seq: required(integer(1)),
    prev: required(nullable(DIGEST)),
    at: required(instant),
  }),
  ...rows('result', ['decision'], { ...all(required), would: optional(WOULD) }),
  ...rows('result', ['broadcast'], {
    ...{ outcome: optional(OUTCOME), ...all(optional) },
    would: optional(WOULD),
  }),
  ...rows('subject', CHAIN_KINDS, {
    subject: required(SUBJECT_ID),
    cohosts: required(list(SUBJECT_ID, MAX_COHOSTS)),
  }),
  ...rows('request', CHAIN_KINDS, {
    caller: required(text(256)),
    stream: optional(text(MAX_SUBJECT_CHARS)),
    territory: optional(WORD),
    ingest: optional(WORD),
    idempotency: optional(RANDOM_ID),
    supersedes: optional(RANDOM_ID),
    server: optional(text(MAX_ID_CHARS)),
    session: optional(text(256)),
    enforcer: optional(RANDOM_ID),
    enf_seq: optional(integer(1)),
  }),
  ...rows('facts', ['decision'], FACTS_MEMBERS),
  ...rows('facts', ['strike'], { strike: required(STRIKE), received_at: required(instant) }),
  ...rows('facts', ['reversal'], {
    strike: required(ID),
    reason: required(SENTENCE),
    decided_by: optional(text(256)),
    at: required(instant),
  }),
  ...rows('facts', ['broadcast'], {
    event: required(oneOf(BROADCAST_EVENTS)),
    broadcast: required(RANDOM_ID),
    reason: optional(SENTENCE),
    facts: optional(FACTS),
    ordered: optional(RANDOM_ID),
    confirmed: optional(oneOf(CUT_CONFIRMATIONS)),
    took_ms: optional(COUNT),
    attempts: optional(COUNT),
  }),
  ...rows('facts', ['review'], {
    rule: required(RULE),
    result: required(oneOf(['released', 'refused'])),
    stream: optional(text(MAX_SUBJECT_CHARS)),
    decision: optional(RANDOM_ID),
    decided_by: optional(text(256)),
    reason: optional(SENTENCE),
    at: required(instant),
  }),
]

function checkOf(kind: RecordKind, where: Where): Check {
  const mine = CLAIMS.filter((row) => row.where === where && row.kinds.includes(kind))
  return object(Object.fromEntries(mine.map((row) => [row.name, row])))
}

const PLACES: readonly Where[] = ['public', ...GROUP_NAMES]
const CHECKS = Object.fromEntries(
  RECORD_KINDS.map((kind) => [
    kind,
    Object.fromEntries(PLACES.map((where) => [where, checkOf(kind, where)])),
  ]),
) as Readonly<Record<RecordKind, Readonly<Record<Where, Check>>>>

/**
 * The check of everything a record of `kind` says in public, or inside one group. A group without rows for that kind
 * must be the empty object.
 */
export function claimCheck(kind: RecordKind, where: 'public' | GroupName): Check {
  return CHECKS[kind][where]
}
