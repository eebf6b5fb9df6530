/**
 * Is a value one of the lines of a deployment that moves? The shapes of lines.ts, checked.
 *
 * Closed: what this version does not know is refused, never dropped. What lines mean together is check.ts's, the next stop.
 */
import {
  MAX_HANDLE_CHARS,
  MAX_ID_CHARS,
  MAX_LABELS,
  MAX_LINKED,
  MAX_NOTE_CHARS,
  MAX_OPEN_BROADCASTS,
  MAX_POLICY_BYTES,
  MAX_PREDECESSOR_KEYS,
  MAX_STRIKES_PER_SUBJECT,
  MAX_SUBJECT_CHARS,
  MAX_SUCCESSORS,
} from '../limits.ts'
import { ACTIVATION_CAUSES, ACTIVATION_SOURCES } from '../model.ts'
import { RULE, STRIKE, SUBJECT_ID, WORD } from '../record/decode-facts.ts'
import { CHAIN_KINDS, GROUP_NAMES } from '../record/kinds.ts'
import {
  boolean,
  type Check,
  instant,
  integer,
  list,
  mapOf,
  nullable,
  object,
  oneOf,
  optional,
  required,
  text,
} from '../record/shape.ts'
import { err, ok, type Result } from '../result.ts'
import { ERASURE_CHECKS } from './erasure-lines.ts'

import { COUNTED, type MoveHeader, type MoveLine } from './lines.ts'

const COUNT = integer(0)
const ORIGIN = text(256, { pattern: /^[\x21-\x2a\x2c-\x7e]+$/ })
const DIGEST = text(43, { pattern: /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/ })
const RANDOM_ID = text(64, { min: 22, pattern: /^[A-Za-z0-9_-]+$/ })
const ANY_ID = text(MAX_ID_CHARS)
const LOG = object({ origin: required(ORIGIN), size: required(integer(1)) })
const PLACE = integer(Number.MIN_SAFE_INTEGER, -1)
/** A host keeps at most 256 holds and 16 refusals, and as many reviews as there are rules and streams. */
const MANY = 4096

const HEADER = object({
  format: required(oneOf(['livegate-move/v1'])),
  origin: required(ORIGIN),
  size: required(integer(1)),
  vkey: required(text(512, { pattern: /^[\x21-\x7e]+$/ })),
  checkpoint: required(text(16_384)),
  keys: required(list(DIGEST, MAX_PREDECESSOR_KEYS, 1)),
  successors: required(list(ORIGIN, MAX_SUCCESSORS, 1)),
  predecessors: required(list(LOG, 64)),
  pepper_probe: required(DIGEST),
  counts: required(
    object({
      ...Object.fromEntries(COUNTED.map((name) => [name, required(COUNT)])),
      activations: optional(COUNT),
      suppressions: optional(COUNT),
      legal_holds: optional(COUNT),
    }),
  ),
})

const stored = (value: Check): Check => object({ value: required(value), as_of: required(instant) })
const FACTS = object({
  created_at: optional(stored(instant)),
  followers: optional(stored(COUNT)),
  age_band: optional(stored(WORD)),
  verified: optional(stored(boolean)),
  labels: optional(stored(list(WORD, MAX_LABELS))),
  linked: optional(stored(list(SUBJECT_ID, MAX_LINKED))),
})
/** Empty where a request named none. */
const STREAM = text(MAX_SUBJECT_CHARS, { min: 0 })
const BROADCAST = object({
  id: required(RANDOM_ID),
  stream: required(STREAM),
  opened_at: required(instant),
  lease_until: required(instant),
  heard_until: optional(instant),
  server: optional(ANY_ID),
  session: optional(text(256)),
  handle: optional(text(MAX_HANDLE_CHARS)),
  role: required(oneOf(['host', 'cohost'])),
  joined: optional(boolean),
  renewed: optional(RANDOM_ID),
  recheck: optional(WORD),
  ungated: optional(WORD),
  cutting: optional(
    object({
      since: required(instant),
      until: required(instant),
      order: required(RANDOM_ID),
      cause: required(WORD),
    }),
  ),
})

const SUBJECT = object({
  subject: required(SUBJECT_ID),
  pseudonym: required(nullable(RANDOM_ID)),
  seq: required(COUNT),
  head: required(nullable(DIGEST)),
  head_place: required(nullable(PLACE)),
  last_at: required(nullable(instant)),
  version: required(COUNT),
  strikes: required(integer(0, MAX_STRIKES_PER_SUBJECT)),
  facts: required(FACTS),
  holds: required(
    list(
      object({
        rule: required(RULE),
        first_asked_at: required(instant),
        stream: required(STREAM),
      }),
      MANY,
    ),
  ),
  reviews: required(
    list(
      object({
        rule: required(RULE),
        result: required(oneOf(['released', 'refused'])),
        at: required(instant),
        stream: required(STREAM),
      }),
      MANY,
    ),
  ),
  broadcasts: required(list(BROADCAST, 2 * MAX_OPEN_BROADCASTS)),
  refusals: required(
    list(
      object({
        stream: required(STREAM),
        decision: required(RANDOM_ID),
        fingerprint: required(text(256)),
        at: required(instant),
      }),
      MANY,
    ),
  ),
})

const RECORD = object({
  subject: required(SUBJECT_ID),
  id: required(RANDOM_ID),
  kind: required(oneOf(CHAIN_KINDS)),
  seq: required(integer(1)),
  at: required(instant),
  place: required(PLACE),
  prev_place: required(nullable(PLACE)),
  jws: required(text(7168, { pattern: /^[\w-]+\.[\w-]+\.[\w-]+$/ })),
  openings: required(mapOf(new RegExp(`^(${GROUP_NAMES.join('|')})$`), text(16_777_216), 5)),
  decision: required(
    nullable(
      object({
        outcome: required(oneOf(['allow', 'deny', 'delay'])),
        mode: required(nullable(WORD)),
        rules: required(list(RULE, MANY)),
        strikes: required(list(ANY_ID, 17 * MAX_STRIKES_PER_SUBJECT)),
      }),
    ),
  ),
})

const KEYED = {
  id: required(ANY_ID),
  created_at: required(instant),
  revoked_at: required(nullable(instant)),
}

const POLICY_DIGEST = text(50, { pattern: /^sha256-[A-Za-z0-9_-]{43}$/ })

const ACTIVATION = object({
  revision: required(integer(1)),
  digest: required(POLICY_DIGEST),
  name: required(text(100)),
  active_from: required(instant),
  scheduled: required(boolean),
  previous: required(nullable(integer(1))),
  cause: required(oneOf(ACTIVATION_CAUSES)),
  source: required(oneOf(ACTIVATION_SOURCES)),
  by: required(text(256)),
  note: required(nullable(text(MAX_NOTE_CHARS))),
})

const CHECKS: Readonly<Record<string, Check>> = {
  policy: object({
    digest: required(POLICY_DIGEST),
    text: required(text(2 * MAX_POLICY_BYTES, { min: 0, pattern: /^[A-Za-z0-9_-]*$/ })),
  }),
  activation: ACTIVATION,
  subject: SUBJECT,
  strike: object({ place: required(nullable(PLACE)), strike: required(STRIKE) }),
  record: RECORD,
  stream_key: object({ ...KEYED, subject: required(SUBJECT_ID), key_hash: required(DIGEST) }),
  api_key: object({
    ...KEYED,
    secret_hash: required(DIGEST),
    scopes: required(list(WORD, 64)),
    owner: required(text(256)),
    audience: required(nullable(text(256))),
  }),
  ...ERASURE_CHECKS,
  end: object({
    lines: required(integer(1)),
    sha256: required(text(64, { min: 64, pattern: /^[0-9a-f]{64}$/ })),
  }),
}

/** The header a value is, or what is wrong with it. */
export function headerOf(value: unknown): Result<MoveHeader, string> {
  const inner = onlyMember(value, 'header')
  if (inner === undefined) return err('it does not begin with a header of this format')
  const fault = HEADER(inner)
  if (fault === null) return ok(inner as MoveHeader)
  return err(`its header is of another version: ${fault.path || 'it'} is not as expected`)
}

/** The line a value is, or what is wrong with it. */
export function lineOf(value: unknown): Result<MoveLine, string> {
  const names = typeof value === 'object' && value !== null ? Object.keys(value) : []
  const [name = ''] = names
  const check = names.length === 1 && Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined
  if (check === undefined) return err(`expected one of ${Object.keys(CHECKS).join(', ')}`)
  const fault = check((value as Readonly<Record<string, unknown>>)[name])
  if (fault === null) return ok(value as MoveLine)
  const state = fault.problem === 'wrong' ? `malformed, expected ${fault.expected}` : fault.problem
  return err(`${name}${fault.path === '' ? '' : `.${fault.path}`} is ${state}`)
}

function onlyMember(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  const names = Object.keys(value)
  return names.length === 1 && names[0] === name
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}
