/**
 * The people and broadcasts of a test file: shapes of subjects, facts, strikes and streams, and the words they use.
 *
 * First half of test-file-syntax.ts. Each interface is a mapping as the author wrote it, with places.
 * Spec: docs/spec/policy.md, "Tests".
 */
import { isScalar } from 'yaml'
import { MAX_COHOSTS, MAX_LABELS, MAX_LINKED, MAX_STRIKE_WEIGHT } from '../limits.ts'
import { SEVERITIES, type Severity, SOURCE_KINDS, type SourceKind } from '../model.ts'
import { type EpochMs, parseInstant } from '../time.ts'
import { quote } from './diagnostic.ts'
import {
  type At,
  instant,
  integer,
  list,
  type Shape,
  spanOf,
  text,
  word,
  wrongType,
} from './shape.ts'
import { type Members, object, optional, required } from './shape-object.ts'
import { didYouMean } from './suggest.ts'

export type Words = At<readonly At<string>[]>

export interface SubjectSource {
  readonly facts?: At<FactsSource>
  readonly strikes?: At<readonly At<StrikeSource>[]>
  readonly open_broadcasts?: At<number>
  readonly bucket?: At<number>
}

export interface FactsSource {
  readonly created_at?: At<EpochMs>
  readonly followers?: At<number>
  readonly age_band?: At<string>
  readonly verified?: At<boolean>
  readonly labels?: Words
  readonly linked?: Words
}

export interface StrikeSource {
  readonly id: At<string>
  readonly category: At<string>
  readonly severity: At<Severity>
  readonly issued_at: At<EpochMs>
  readonly received_at?: At<EpochMs>
  readonly weight?: At<number>
  readonly notified_at?: At<EpochMs>
  readonly content_created_at?: At<EpochMs>
  readonly expires_at?: At<EpochMs>
  readonly scope?: At<string>
  readonly context?: At<string>
  readonly source?: At<{ readonly system: At<string>; readonly kind: At<SourceKind> }>
  readonly evidence_hash?: At<string>
  readonly status?: At<'active' | 'reversed'>
}

export interface StreamSource {
  readonly id?: At<string>
  readonly audience?: At<string>
  readonly category?: At<string>
  readonly admission?: At<string>
  readonly one_to_many?: At<boolean>
  readonly hosts?: Words
}

export interface RequestSource {
  readonly territory?: At<string>
  readonly ingest?: At<string>
}

export interface IncidentSource {
  readonly active: At<boolean>
  readonly id?: At<string>
  readonly scope?: At<string>
}

export interface PlatformSource {
  readonly moderation_available?: At<boolean>
}

export interface HoldSource {
  readonly rule: At<string>
  readonly first_asked_at: At<EpochMs>
}

export interface ReviewSource {
  readonly rule: At<string>
  readonly result: At<'released' | 'refused'>
  readonly at: At<EpochMs>
}

/** `true` or `false`. */
export function flag(): Shape<boolean> {
  const expected = '`true` or `false`'
  return {
    expected,
    schema: { type: 'boolean' },
    read(node, outer, reporter) {
      const span = spanOf(node, outer)
      if (isScalar(node) && typeof node.value === 'boolean') return { value: node.value, ...span }
      return wrongType(node, span, reporter, expected)
    },
  }
}

/** An instant, or one of some words. */
export function instantOr<W extends string>(...words: readonly W[]): Shape<EpochMs | W> {
  const expected = `an instant or ${words.map((w) => `\`${w}\``).join(' or ')}`
  return {
    expected,
    schema: { anyOf: [{ enum: words }, instant().schema] },
    read(node, outer, reporter) {
      const span = spanOf(node, outer)
      const raw = isScalar(node) ? node.value : null
      const found = words.find((w) => w === raw)
      if (found !== undefined) return { value: found, ...span }
      const parsed = parseInstant(String(raw))
      if (parsed.ok) return { value: parsed.value, ...span }
      const hint = didYouMean(String(raw), words)
      reporter.report(
        'bad-instant',
        span,
        `found ${quote(String(raw))}, expected ${expected}`,
        hint,
      )
      return undefined
    },
  }
}

/** A name or a word. */
export const WORD: Shape<string> = text({ max: 256 })

/** A list of words, perhaps empty. */
export function words(max: number): Shape<readonly At<string>[]> {
  return list(WORD, { max, min: 0 })
}

const COUNT = integer(0, Number.MAX_SAFE_INTEGER)

/** Facts about an account. */
export const FACTS: Shape<FactsSource> = object<FactsSource>({
  name: 'the facts',
  members: {
    created_at: optional(instant(), 'When the account was made.'),
    followers: optional(COUNT, 'Followers of the account.'),
    age_band: optional(WORD, 'For example 16-17.'),
    verified: optional(flag(), 'The identity was verified.'),
    labels: optional(words(MAX_LABELS), 'Labels the platform gave.'),
    linked: optional(words(MAX_LINKED), 'Accounts of the same person.'),
  },
})

/** Members of a strike. */
export const STRIKE_MEMBERS: Members<StrikeSource> = {
  id: required(WORD, 'Unique within the subject.'),
  category: required(WORD, 'Category id such as terrorism.link.'),
  severity: required(word(...SEVERITIES), 'low, medium, high or critical.'),
  issued_at: required(instant(), 'When the platform issued it.'),
  received_at: optional(instant(), 'When the gate got it; at once unless given.'),
  weight: optional(integer(1, MAX_STRIKE_WEIGHT), '1 unless given.'),
  notified_at: optional(instant(), 'When the person was told.'),
  content_created_at: optional(instant(), 'When the content was made.'),
  expires_at: optional(instant(), "Overrides the policy's expiry."),
  scope: optional(WORD, 'live, chat, post; any unless given.'),
  context: optional(WORD, 'news, research, counter_speech, ...'),
  source: optional(
    object<{ readonly system: At<string>; readonly kind: At<SourceKind> }>({
      name: 'a source',
      members: {
        system: required(WORD, 'Name of the reporting system.'),
        kind: required(word(...SOURCE_KINDS), 'Who found it.'),
      },
    }),
    'Who found the violation.',
  ),
  evidence_hash: optional(WORD, 'Hash of the evidence.'),
  status: optional(word('active', 'reversed'), 'active unless given.'),
}

const STRIKE = object<StrikeSource>({ name: 'a strike', members: STRIKE_MEMBERS })

/** A person. */
export const SUBJECT: Shape<SubjectSource> = object<SubjectSource>({
  name: 'a subject',
  members: {
    facts: optional(FACTS, 'What is known; what is left out is unknown.'),
    strikes: optional(list(STRIKE, { max: 4096, min: 0 }), 'The whole history, in any order.'),
    open_broadcasts: optional(COUNT, 'Broadcasts now running; 0 unless given.'),
    bucket: optional(
      integer(0, 99),
      'Whom a canary meets: enforced below its percentage. Enforced unless given.',
    ),
  },
})

/** Members of a broadcast. */
export const STREAM_MEMBERS: Members<StreamSource> = {
  id: optional(WORD, 'Its id.'),
  audience: optional(WORD, 'public, followers, private.'),
  category: optional(WORD, 'What it is about.'),
  admission: optional(WORD, 'open, auto, selected.'),
  one_to_many: optional(flag(), 'One sender, many viewers.'),
  hosts: optional(words(MAX_COHOSTS), 'Co-hosts, by name under subjects.'),
}

/** A broadcast. */
export const STREAM: Shape<StreamSource> = object<StreamSource>({
  name: 'a stream',
  members: STREAM_MEMBERS,
})

/** How it was asked. */
export const REQUEST: Shape<RequestSource> = object<RequestSource>({
  name: 'a request',
  members: {
    territory: optional(WORD, 'ISO 3166-1 alpha-2.'),
    ingest: optional(WORD, 'rtmp, whip, app.'),
  },
})

/** An incident, declared or not. */
export const INCIDENT: Shape<IncidentSource> = object<IncidentSource>({
  name: 'an incident',
  members: {
    active: required(flag(), 'An incident is declared.'),
    id: optional(WORD, 'Its id.'),
    scope: optional(WORD, 'What it concerns.'),
  },
})

/** State of the platform. */
export const PLATFORM: Shape<PlatformSource> = object<PlatformSource>({
  name: 'the platform',
  members: { moderation_available: optional(flag(), 'A moderator is on shift.') },
})

/** When a subject asked first under a rule with `hold`. */
export const HOLD: Shape<HoldSource> = object<HoldSource>({
  name: 'a hold',
  members: {
    rule: required(WORD, 'Rule with `hold`.'),
    first_asked_at: required(instant(), 'First ask.'),
  },
})

/** What a person decided under a rule with `review`. */
export const REVIEW: Shape<ReviewSource> = object<ReviewSource>({
  name: 'a review',
  members: {
    rule: required(WORD, 'Rule with `review`.'),
    result: required(word('released', 'refused'), 'What the person decided.'),
    at: required(instant(), 'When.'),
  },
})
