/**
 * A subject's history from a YAML or JSON file, as policy tests write it: `{facts: {…}, strikes: [{…}]}`.
 *
 * Beside the subject's own a file may hold `stream`, `request`, `incident`, `platform` and `supports`, and `cohosts`
 * with histories of their own. Strikes, holds and reviews after the instant asked about do not exist yet. Read by the
 * shapes of policies and test files, so every fault is reported with its place, and checked like disclosed facts.
 */
import { isScalar } from 'yaml'
import {
  MAX_COHOSTS,
  MAX_STRIKES_PER_SUBJECT,
  MAX_SUBJECT_CHARS,
  MAX_SUPPORTS,
} from '../../core/limits.ts'
import type { Facts, HostFacts, Strike } from '../../core/model.ts'
import type { Diagnostic } from '../../core/policy/diagnostic.ts'
import { readDocument } from '../../core/policy/document.ts'
import { EVERYBODY, type Share, shareText } from '../../core/policy/rollout.ts'
import {
  type At,
  instant,
  integer,
  list,
  type Shape,
  spanOf,
  text,
} from '../../core/policy/shape.ts'
import { type Members, object, optional } from '../../core/policy/shape-object.ts'
import { share } from '../../core/policy/shape-share.ts'
import { unwrap } from '../../core/policy/test-file-facts.ts'
import {
  FACTS,
  type FactsSource,
  HOLD,
  type HoldSource,
  INCIDENT,
  type IncidentSource,
  PLATFORM,
  type PlatformSource,
  REQUEST,
  REVIEW,
  type RequestSource,
  type ReviewSource,
  STREAM_MEMBERS,
  STRIKE_MEMBERS,
  type StreamSource,
  type StrikeSource,
  type Words,
  words,
} from '../../core/policy/test-file-shapes.ts'
import { decodeFacts } from '../../core/record/decode-facts.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { type EpochMs, isEpochMs } from '../../core/time.ts'

/** A history, bytes: one subject with all its strikes, and co-hosts with theirs. */
export const MAX_HISTORY_BYTES: number = 8 * 1024 * 1024

type PastStrike = Omit<StrikeSource, 'received_at'> & {
  readonly subject?: At<string>
  readonly effective_at?: At<EpochMs>
}

interface HostSource {
  readonly subject?: At<string>
  readonly facts?: At<FactsSource>
  readonly strikes?: At<readonly At<PastStrike>[]>
  readonly holds?: At<readonly At<HoldSource>[]>
  readonly reviews?: At<readonly At<ReviewSource>[]>
  readonly open_broadcasts?: At<number>
  readonly bucket?: At<number>
}

interface HistorySource extends HostSource {
  readonly cohosts?: At<readonly At<HostSource>[]>
  readonly stream?: At<Omit<StreamSource, 'hosts'>>
  readonly request?: At<RequestSource>
  readonly incident?: At<IncidentSource>
  readonly platform?: At<PlatformSource>
  readonly supports?: Words
  readonly enforce?: At<Share>
}

/** The facts a history describes, as they are at `at`; or everything that is wrong with it, by position. */
export function parseHistory(
  bytes: Uint8Array,
  options: { readonly file: string; readonly at: EpochMs },
): Result<Facts, Diagnostic[]> {
  const { file, at } = options
  const document = readDocument(bytes, file, { limit: MAX_HISTORY_BYTES, noun: 'a history' })
  if (!document.ok) return document
  const { root, reporter } = document.value
  const source = HISTORY.read(root, { start: 0, end: 0 }, reporter)
  if (source === undefined || reporter.failed()) return err(reporter.sorted())
  const decoded = decodeFacts(factsOf(source.value, at))
  if (decoded.ok) return ok(untilNow(decoded.value))
  // Longer than a fact may be: the shapes above know words, not every limit.
  const { path, expected } = decoded.error
  reporter.report('bad-value', source, `\`${placeOf(path)}\` is not ${expected}`)
  return err(reporter.sorted())
}

const SUBJECT: Shape<string> = text({ max: MAX_SUBJECT_CHARS })

/** As people write it, or milliseconds, as what is disclosed of a decision has it. */
function moment(): Shape<EpochMs> {
  const written = instant()
  return {
    ...written,
    read(node, outer, reporter) {
      if (isScalar(node) && isEpochMs(node.value))
        return { value: node.value, ...spanOf(node, outer) }
      return written.read(node, outer, reporter)
    },
  }
}

const { received_at: _, ...STRIKE } = STRIKE_MEMBERS
const PAST_STRIKE: Members<PastStrike> = {
  ...STRIKE,
  subject: optional(SUBJECT, 'Whose it is.'),
  issued_at: { ...STRIKE.issued_at, shape: moment() },
  effective_at: optional(moment(), 'When it began to count; as issued unless given.'),
  notified_at: optional(moment(), 'When the person was told.'),
  content_created_at: optional(moment(), 'When the content was made.'),
  expires_at: optional(moment(), "Overrides the policy's expiry."),
}

const HOST: Members<HostSource> = {
  subject: optional(SUBJECT, 'Its id.'),
  facts: optional(FACTS, 'What is known; what is left out is unknown.'),
  strikes: optional(
    list(object<PastStrike>({ name: 'a strike', members: PAST_STRIKE }), {
      max: MAX_STRIKES_PER_SUBJECT,
      min: 0,
    }),
    'The whole history, in any order.',
  ),
  holds: optional(list(HOLD, { max: 4096, min: 0 }), 'When it asked first.'),
  reviews: optional(list(REVIEW, { max: 4096, min: 0 }), 'What people decided.'),
  open_broadcasts: optional(integer(0, Number.MAX_SAFE_INTEGER), 'Broadcasts now running.'),
  bucket: optional(integer(0, 99), 'Whom a canary meets; enforced unless given.'),
}

const { hosts: __, ...STREAM } = STREAM_MEMBERS

const HISTORY: Shape<HistorySource> = object<HistorySource>({
  name: 'a history',
  members: {
    ...HOST,
    cohosts: optional(
      list(object<HostSource>({ name: 'a co-host', members: HOST }), { max: MAX_COHOSTS, min: 0 }),
      'Histories of whoever is on screen too.',
    ),
    stream: optional(
      object<Omit<StreamSource, 'hosts'>>({ name: 'a stream', members: STREAM }),
      'The broadcast.',
    ),
    request: optional(REQUEST, 'How it is asked.'),
    incident: optional(INCIDENT, 'Inactive unless given.'),
    platform: optional(PLATFORM, 'State of the platform.'),
    supports: optional(words(MAX_SUPPORTS), 'What the caller can carry out.'),
    enforce: optional(share(), 'For whom the door enforces; on unless given.'),
  },
})

/** Where a member stands in the file: the subject first, co-hosts after it. */
function placeOf(path: string): string {
  const [, index = '', rest] = /^hosts\.([0-9]+)(?:\.(.*))?$/.exec(path) ?? []
  if (index === '') return path
  const own = rest ?? ''
  if (index === '0') return own
  return `cohosts.${Number(index) - 1}${own === '' ? '' : `.${own}`}`
}

function factsOf(source: HistorySource, at: EpochMs): object {
  const { stream, request, incident, platform, supports, cohosts, enforce } = source
  const asked = enforce?.value ?? EVERYBODY
  const others = (cohosts?.value ?? []).map(({ value }, i) => hostOf(value, `cohost-${i + 1}`))
  return {
    at,
    hosts: [hostOf(source, 'subject'), ...others],
    stream: unwrap(stream?.value ?? {}),
    request: unwrap(request?.value ?? {}),
    incident: incident === undefined ? { active: false } : unwrap(incident.value),
    platform: unwrap(platform?.value ?? {}),
    supports: plainWords(supports),
    ...(asked === EVERYBODY ? {} : { enforce: shareText(asked) }),
  }
}

function plainWords(written: Words | undefined): readonly string[] {
  return (written?.value ?? []).map(({ value }) => value)
}

function hostOf(source: HostSource, name: string): object {
  const { facts, strikes, holds, reviews, open_broadcasts, bucket } = source
  const subject = source.subject?.value ?? name
  const { labels, linked, ...rest } = facts?.value ?? {}
  return {
    subject,
    facts: {
      ...unwrap(rest),
      ...(labels === undefined ? {} : { labels: plainWords(labels) }),
      ...(linked === undefined ? {} : { linked: plainWords(linked) }),
    },
    sources: {},
    strikes: (strikes?.value ?? []).map(({ value }) => strikeOf(value, subject)),
    holds: (holds?.value ?? []).map(({ value }) => unwrap(value)),
    reviews: (reviews?.value ?? []).map(({ value }) => unwrap(value)),
    open_broadcasts: open_broadcasts?.value ?? 0,
    ...(bucket === undefined ? {} : { bucket: bucket.value }),
  }
}

function strikeOf(strike: PastStrike, subject: string): Strike {
  const { source, ...rest } = strike
  const values = unwrap(rest)
  return {
    ...{ weight: 1, scope: 'any', status: 'active', subject, effective_at: values.issued_at },
    ...values,
    ...(source === undefined ? {} : { source: unwrap(source.value) }),
  }
}

/** What comes after the instant does not exist yet. */
function untilNow(facts: Facts): Facts {
  const { at, hosts } = facts
  const host = (one: HostFacts): HostFacts => ({
    ...one,
    strikes: one.strikes.filter(({ effective_at }) => effective_at <= at),
    holds: one.holds.filter(({ first_asked_at }) => first_asked_at <= at),
    reviews: one.reviews.filter((review) => review.at <= at),
  })
  const [first, ...others] = hosts
  return { ...facts, hosts: [host(first), ...others.map(host)] }
}
