/**
 * The syntax of `<name>.test.yaml`, in one table, read by the same shapes as policies: positions, did-you-mean, schema.
 *
 * Each interface is a mapping as the author wrote it. What it means is test-file.ts.
 * Spec: docs/spec/policy.md, "Tests".
 */
import { isScalar } from 'yaml'
import { MAX_COHOSTS, MAX_LABELS, MAX_LINKED, MAX_STRIKE_WEIGHT, MAX_SUPPORTS } from '../limits.ts'
import { SEVERITIES, type Severity, SOURCE_KINDS, type SourceKind } from '../model.ts'
import { type EpochMs, parseInstant } from '../time.ts'
import { quote } from './diagnostic.ts'
import { type At, instant, integer, list, type Shape, scalar, spanOf, text, word } from './shape.ts'
import { type Dictionary, dictionary, object, optional, required } from './shape-object.ts'
import { didYouMean } from './suggest.ts'

type Words = At<readonly At<string>[]>

export interface TestSource {
  readonly policy: At<string>
  readonly now?: At<EpochMs>
  readonly supports?: Words
  readonly subjects: At<Dictionary<SubjectSource>>
  readonly cases: At<readonly At<CaseSource>[]>
}

export interface SubjectSource {
  readonly facts?: At<FactsSource>
  readonly strikes?: At<readonly At<StrikeSource>[]>
  readonly open_broadcasts?: At<number>
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

export interface IncidentSource {
  readonly active: At<boolean>
  readonly id?: At<string>
  readonly scope?: At<string>
}

export interface CaseSource {
  readonly name: At<string>
  readonly subject: At<string>
  readonly at?: At<readonly At<EpochMs>[]>
  readonly facts?: At<FactsSource>
  readonly stream?: At<StreamSource>
  readonly request?: At<{ readonly territory?: At<string>; readonly ingest?: At<string> }>
  readonly incident?: At<IncidentSource>
  readonly platform?: At<{ readonly moderation_available?: At<boolean> }>
  readonly supports?: Words
  readonly holds?: At<
    readonly At<{ readonly rule: At<string>; readonly first_asked_at: At<EpochMs> }>[]
  >
  readonly reviews?: At<
    readonly At<{
      readonly rule: At<string>
      readonly result: At<'released' | 'refused'>
      readonly at: At<EpochMs>
    }>[]
  >
  readonly expect: At<ExpectSource>
}

export interface ExpectSource {
  readonly outcome?: At<'allow' | 'deny' | 'delay'>
  readonly mode?: At<'hold' | 'review' | 'retry' | 'broadcast'>
  readonly rules?: Words
  readonly until?: At<EpochMs | 'forever' | 'none'>
  readonly not_before?: At<EpochMs | 'none'>
  readonly unknown?: Words
  readonly exemptions?: Words
  readonly obligations?: At<readonly At<Dictionary<string | number | boolean>>[]>
  readonly reason?: At<Dictionary<string>>
}

/** `true` or `false`. */
function flag(): Shape<boolean> {
  const expected = '`true` or `false`'
  return {
    expected,
    schema: { type: 'boolean' },
    read(node, outer, reporter) {
      const span = spanOf(node, outer)
      if (isScalar(node) && typeof node.value === 'boolean') return { value: node.value, ...span }
      reporter.report('wrong-type', span, `expected ${expected}`)
      return undefined
    },
  }
}

/** An instant, or one of some words. */
function instantOr<W extends string>(...words: readonly W[]): Shape<EpochMs | W> {
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

const WORD = text({ max: 256 })
const words = (max: number): Shape<readonly At<string>[]> => list(WORD, { max, min: 0 })
const COUNT = integer(0, Number.MAX_SAFE_INTEGER)

const FACTS = object<FactsSource>({
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

const STRIKE = object<StrikeSource>({
  name: 'a strike',
  members: {
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
  },
})

const SUBJECT = object<SubjectSource>({
  name: 'a subject',
  members: {
    facts: optional(FACTS, 'What is known; what is left out is unknown.'),
    strikes: optional(list(STRIKE, { max: 4096, min: 0 }), 'The whole history, in any order.'),
    open_broadcasts: optional(COUNT, 'Broadcasts now running; 0 unless given.'),
  },
})

const EXPECT = object<ExpectSource>({
  name: 'expect',
  members: {
    outcome: optional(word('allow', 'deny', 'delay'), 'The outcome.'),
    mode: optional(word('hold', 'review', 'retry', 'broadcast'), 'The mode of a delay.'),
    rules: optional(words(1000), 'All matching rules, as a set.'),
    until: optional(instantOr('forever', 'none'), 'Latest end of what denies.'),
    not_before: optional(instantOr('none'), 'End of the holds.'),
    unknown: optional(words(1000), 'Rules and exemptions that lack a fact, as a set.'),
    exemptions: optional(words(1000), 'Exemptions that lifted a rule, as a set.'),
    obligations: optional(
      list(
        dictionary({
          name: 'an obligation',
          key: /^[a-z][a-z0-9_]{0,63}$/,
          expected: 'a lower-case word',
          value: scalar(),
          max: 16,
        }),
        { max: 32, min: 0 },
      ),
      'All obligations, in any order.',
    ),
    reason: optional(
      dictionary({
        name: 'sentences by language',
        key: /^[A-Za-z0-9-]{2,35}$/,
        expected: 'a language tag such as en',
        value: text(),
        max: 40,
      }),
      'A sentence some reason says, by language.',
    ),
  },
})

const CASE = object<CaseSource>({
  name: 'a case',
  members: {
    name: required(text({ max: 300 }), 'A sentence that says what must hold.'),
    subject: required(WORD, 'Who asks, by a name under subjects.'),
    at: optional(
      list(instant(), { max: 1000, orOne: true }),
      'The instant, or one case for each of several; `now` unless given.',
    ),
    facts: optional(FACTS, 'Facts sent with the request; they win field by field.'),
    stream: optional(
      object<StreamSource>({
        name: 'a stream',
        members: {
          id: optional(WORD, 'Its id.'),
          audience: optional(WORD, 'public, followers, private.'),
          category: optional(WORD, 'What it is about.'),
          admission: optional(WORD, 'open, auto, selected.'),
          one_to_many: optional(flag(), 'One sender, many viewers.'),
          hosts: optional(words(MAX_COHOSTS), 'Co-hosts, by name under subjects.'),
        },
      }),
      'The broadcast.',
    ),
    request: optional(
      object<{ readonly territory?: At<string>; readonly ingest?: At<string> }>({
        name: 'a request',
        members: {
          territory: optional(WORD, 'ISO 3166-1 alpha-2.'),
          ingest: optional(WORD, 'rtmp, whip, app.'),
        },
      }),
      'How it was asked.',
    ),
    incident: optional(
      object<IncidentSource>({
        name: 'an incident',
        members: {
          active: required(flag(), 'An incident is declared.'),
          id: optional(WORD, 'Its id.'),
          scope: optional(WORD, 'What it concerns.'),
        },
      }),
      'Inactive unless given.',
    ),
    platform: optional(
      object<{ readonly moderation_available?: At<boolean> }>({
        name: 'the platform',
        members: { moderation_available: optional(flag(), 'A moderator is on shift.') },
      }),
      'State of the platform.',
    ),
    supports: optional(
      words(MAX_SUPPORTS),
      "What the caller can carry out; the file's `supports`, else everything, unless given.",
    ),
    holds: optional(
      list(
        object<{ readonly rule: At<string>; readonly first_asked_at: At<EpochMs> }>({
          name: 'a hold',
          members: {
            rule: required(WORD, 'Rule with `hold`.'),
            first_asked_at: required(instant(), 'First ask.'),
          },
        }),
        { max: 1000, min: 0 },
      ),
      'Holds of the asking subject.',
    ),
    reviews: optional(
      list(
        object<{
          readonly rule: At<string>
          readonly result: At<'released' | 'refused'>
          readonly at: At<EpochMs>
        }>({
          name: 'a review',
          members: {
            rule: required(WORD, 'Rule with `review`.'),
            result: required(word('released', 'refused'), 'What the person decided.'),
            at: required(instant(), 'When.'),
          },
        }),
        { max: 1000, min: 0 },
      ),
      'Reviews of the asking subject.',
    ),
    expect: required(EXPECT, 'Only what is named is compared.'),
  },
})

/** A test file. */
export const TEST_FILE: Shape<TestSource> = object<TestSource>({
  name: 'a test file',
  extensions: true,
  members: {
    policy: required(text({ max: 300 }), 'Path of the policy, from this file.'),
    now: optional(instant(), 'The instant of every case without `at`.'),
    supports: optional(words(MAX_SUPPORTS), 'What the caller can carry out in every case.'),
    subjects: required(
      dictionary({
        name: 'subjects',
        key: /^[A-Za-z0-9_.-]{1,64}$/,
        expected: 'a name of letters, digits, `_`, `-` and `.`',
        value: SUBJECT,
        max: 1000,
      }),
      'People, by name.',
    ),
    cases: required(list(CASE, { max: 5000 }), 'What must hold.'),
  },
})
