/**
 * What callers may send: the schemas that validate are the ones the OpenAPI document is made from.
 *
 * Decisions are read leniently: a fact that is malformed is absent, so a condition on it becomes unknown (G3), and
 * unknown members are ignored; who asks about whom, and the shape around the facts, must hold. Everything that is
 * stored (strikes, reversals, facts, stream keys) is read strictly. Spec: docs/spec/api.md. Answers: answers.ts.
 */
import {
  MAX_COHOSTS,
  MAX_LABELS,
  MAX_LINKED,
  MAX_STRIKE_WEIGHT,
  MAX_SUPPORTS,
  MAX_WORD_CHARS,
} from '../../core/limits.ts'
import {
  type Outcome,
  SEVERITIES,
  type Severity,
  SOURCE_KINDS,
  type StrikeSource,
  type SubjectFacts,
  type SubjectId,
} from '../../core/model.ts'
import type { EpochMs } from '../../core/time.ts'
import type { FactsPatch } from '../../gate-types.ts'
import {
  anyObject,
  chosenId,
  closed,
  container,
  type Entries,
  flag,
  instant,
  integer,
  integerText,
  lenient,
  list,
  matching,
  may,
  mayBeNull,
  oneOf,
  open,
  type Reader,
  subjectId,
  text,
  word,
} from './atoms.ts'

const MAX_REASON_CHARS = 1024
const MAX_NAME_CHARS = 256
export const MAX_STREAM_KEY_CHARS = 200
/** Unreserved characters of RFC 3986: no escaping in any URL; nginx-rtmp cuts name and arguments at 255 bytes. */
const STREAM_KEY = /^[A-Za-z0-9._~-]+$/
const CATEGORY = /^[a-z0-9_]+(?:\.[a-z0-9_]+)*$/

/** Facts as far as they could be read; undefined is absent. */
export type LenientFacts = { readonly [K in keyof SubjectFacts]?: SubjectFacts[K] | undefined }

export interface DecisionBody {
  readonly subject: SubjectId
  readonly stream?:
    | {
        readonly id?: string | undefined
        readonly audience?: string | undefined
        readonly category?: string | undefined
        readonly admission?: string | undefined
        readonly one_to_many?: boolean | undefined
        readonly hosts?: readonly CohostBody[] | null | undefined
      }
    | null
    | undefined
  readonly request?:
    | { readonly territory?: string | undefined; readonly ingest?: string | undefined }
    | null
    | undefined
  readonly facts?: LenientFacts | null | undefined
  readonly supports?: readonly string[] | undefined
  readonly enforce?: string
}

export interface CohostBody {
  readonly subject: SubjectId
  readonly facts?: LenientFacts | null | undefined
}

export interface StrikeBody {
  readonly id: string
  readonly category: string
  readonly severity: Severity
  readonly weight?: number
  readonly issued_at: EpochMs
  readonly notified_at?: EpochMs
  readonly content_created_at?: EpochMs
  readonly expires_at?: EpochMs
  readonly scope?: string
  readonly context?: string
  readonly source?: StrikeSource
  readonly evidence_hash?: string
}

export interface ReversalBody {
  readonly reason: string
  readonly decided_by?: string
}

export interface FactsBody {
  readonly facts: SubjectFacts
  readonly as_of?: EpochMs
}

export interface FactsPatchBody {
  readonly facts: FactsPatch
  readonly as_of?: EpochMs
}

export interface StreamKeyBody {
  readonly subject: SubjectId
  readonly key?: string
  readonly facts?: SubjectFacts
}

const labels = list(word, MAX_LABELS)
const linked = list(subjectId, MAX_LINKED)
const followers = integer(0)

export const LENIENT_FACTS: Reader<LenientFacts> = open<LenientFacts>({
  created_at: lenient(instant),
  followers: lenient(followers),
  age_band: lenient(word),
  verified: lenient(flag),
  labels: lenient(labels),
  linked: lenient(linked),
})

const strictFacts = closed<SubjectFacts>({
  created_at: may(instant),
  followers: may(followers),
  age_band: may(word),
  verified: may(flag),
  labels: may(labels),
  linked: may(linked),
})

const factsPatch = closed<FactsPatch>({
  created_at: mayBeNull(instant),
  followers: mayBeNull(followers),
  age_band: mayBeNull(word),
  verified: mayBeNull(flag),
  labels: mayBeNull(labels),
  linked: mayBeNull(linked),
})

export const COHOST: Reader<CohostBody> = open<CohostBody>({
  subject: subjectId,
  facts: container(LENIENT_FACTS),
})

const stream: Entries<NonNullable<DecisionBody['stream']>> = {
  id: lenient(chosenId),
  audience: lenient(word),
  category: lenient(word),
  admission: lenient(word),
  one_to_many: lenient(flag),
  hosts: container(list(COHOST, MAX_COHOSTS)),
}

const request: Entries<NonNullable<DecisionBody['request']>> = {
  territory: lenient(matching(/^[A-Z]{2}$/, 2, 'a country code of ISO 3166-1 alpha-2')),
  ingest: lenient(word),
}

/** `POST /v1/decisions` and `POST /v1/explanations`. */
export const DECISION: Reader<DecisionBody> = open<DecisionBody>({
  subject: subjectId,
  stream: container(open(stream)),
  request: container(open(request)),
  facts: container(LENIENT_FACTS),
  supports: lenient(list(word, MAX_SUPPORTS)),
  // No fact about anybody: a door that says for whom it enforces is read to the letter, or not at all.
  enforce: may(
    matching(
      /^(?:on|off|canary [1-9][0-9]?%)$/,
      10,
      '`on`, `off` or a canary such as `canary 10%`',
    ),
  ),
})

/** `POST /v1/subjects/{subject}/strikes`. */
export const STRIKE: Reader<StrikeBody> = closed<StrikeBody>({
  id: chosenId,
  category: matching(CATEGORY, MAX_WORD_CHARS, 'a dotted lower-case id such as terrorism.link'),
  severity: oneOf(SEVERITIES),
  weight: may(integer(1, MAX_STRIKE_WEIGHT)),
  issued_at: instant,
  notified_at: may(instant),
  content_created_at: may(instant),
  expires_at: may(instant),
  scope: may(word),
  context: may(word),
  source: may(closed<StrikeSource>({ system: word, kind: oneOf(SOURCE_KINDS) })),
  evidence_hash: may(text(MAX_NAME_CHARS)),
})

/** `POST /v1/strikes/{id}/reversal`. */
export const REVERSAL: Reader<ReversalBody> = closed<ReversalBody>({
  reason: text(MAX_REASON_CHARS),
  decided_by: may(text(MAX_NAME_CHARS)),
})

/** `PUT /v1/subjects/{subject}/facts`: replaces all. */
export const FACTS: Reader<FactsBody> = closed<FactsBody>({
  facts: strictFacts,
  as_of: may(instant),
})

/** `PATCH /v1/subjects/{subject}/facts`: changes some; null forgets one. */
export const FACTS_PATCH: Reader<FactsPatchBody> = closed<FactsPatchBody>({
  facts: factsPatch,
  as_of: may(instant),
})

/** `POST /v1/stream-keys`. */
export const STREAM_KEY_BODY: Reader<StreamKeyBody> = closed<StreamKeyBody>({
  subject: subjectId,
  key: may(
    matching(
      STREAM_KEY,
      MAX_STREAM_KEY_CHARS,
      `1 to ${MAX_STREAM_KEY_CHARS} letters, digits or . _ ~ -`,
    ),
  ),
  facts: may(strictFacts),
})

export interface ImportBody {
  readonly header: object
  readonly from: number
  readonly lines: readonly object[]
}

/** Lines one request brings at most; a Worker may ask 1,000 others for one request. */
export const MAX_IMPORT_LINES = 250

/** `PUT /v1/import`; what a line holds is core/move/lines.ts's. */
export const IMPORT_BODY: Reader<ImportBody> = closed<ImportBody>({
  header: anyObject,
  from: integer(1),
  lines: list(anyObject, MAX_IMPORT_LINES),
})

/** Decisions one page lists at most, and unless the caller says. */
export const MAX_PAGE = 200
export const DEFAULT_PAGE = 50
const MAX_CURSOR_CHARS = 512

export interface SearchQuery {
  readonly outcome?: Outcome
  readonly rule?: string
  readonly from?: EpochMs
  readonly to?: EpochMs
  readonly cursor?: string
  readonly limit?: number
}

/** Query of `GET /v1/decisions`. */
export const SEARCH: Reader<SearchQuery> = closed<SearchQuery>({
  outcome: may(oneOf<Outcome>(['allow', 'deny', 'delay'])),
  rule: may(text(MAX_NAME_CHARS)),
  from: may(instant),
  to: may(instant),
  cursor: may(text(MAX_CURSOR_CHARS)),
  limit: may(integerText(1, MAX_PAGE)),
})

/** Records one page of chains lists at most, and unless the caller says; fewer when they are large. */
export const MAX_RECORDS_PAGE = 500
export const DEFAULT_RECORDS_PAGE = 100

/** Logs a deployment may have. */
/** Logs of one deployment. */
export const MAX_SHARDS = 64

export interface RecordsQuery {
  readonly shard?: number
  readonly from?: number
  readonly limit?: number
  /** Groups to open, joined by commas; all the caller may open unless given. */
  readonly groups?: string
  /** Why they are read, for the access record. */
  readonly for?: 'challenge'
}

const GROUP = '(?:chain|result|subject|request|facts)'
const GROUPS = new RegExp(`^${GROUP}(?:,${GROUP}){0,4}$`)
const groups: Reader<string> = matching(GROUPS, 40, 'names of groups such as chain,result')

/** Query of `GET /v1/records`. */
export const RECORDS_QUERY: Reader<RecordsQuery> = closed<RecordsQuery>({
  shard: may(integerText(0, MAX_SHARDS - 1)),
  from: may(integerText(0, Number.MAX_SAFE_INTEGER)),
  limit: may(integerText(1, MAX_RECORDS_PAGE)),
  groups: may(groups),
  for: may(oneOf(['challenge'])),
})

/** Query of `GET /v1/decisions/{id}`. */
export const DECISION_QUERY: Reader<Pick<RecordsQuery, 'groups'>> = closed<
  Pick<RecordsQuery, 'groups'>
>({ groups: may(groups) })

/** Query of `GET /v1/decisions/{id}/proof`. */
export const PROOF_QUERY: Reader<{ readonly wait?: string }> = closed<{ readonly wait?: string }>({
  wait: may(matching(/^\d{1,5}(?:ms|s)$/, 8, 'a wait such as 2s or 500ms')),
})

/** No query at all. */
export const NO_QUERY: Reader<object> = closed<object>({})
