/**
 * The syntax of `<name>.test.yaml`, in one table, read by the same shapes as policies: positions, did-you-mean, schema.
 *
 * Each interface is a mapping as the author wrote it; people and streams are in test-file-shapes.ts, what is expected
 * in test-file-expect.ts. What it means is test-file.ts. Spec: docs/spec/policy.md, "Tests".
 */
import { MAX_SUPPORTS } from '../limits.ts'
import type { EpochMs } from '../time.ts'
import type { Share } from './rollout.ts'
import { type At, instant, list, type Shape, text } from './shape.ts'
import {
  type Dictionary,
  dictionary,
  mappingOr,
  object,
  optional,
  required,
} from './shape-object.ts'
import { share } from './shape-share.ts'
import { EXPECT, type ExpectSource } from './test-file-expect.ts'
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
  STREAM,
  type StreamSource,
  SUBJECT,
  type SubjectSource,
  WORD,
  type Words,
  words,
} from './test-file-shapes.ts'

/** Subjects, instants or streams of one case. */
const MAX_AXIS = 1000

export interface TestSource {
  readonly policy: At<string>
  readonly now?: At<EpochMs>
  readonly supports?: Words
  readonly subjects: At<Dictionary<SubjectSource>>
  readonly streams?: At<Dictionary<StreamSource>>
  readonly cases: At<readonly At<CaseSource>[]>
}

export interface CaseSource {
  readonly name: At<string>
  /** One name or several. */
  readonly subject: Words
  readonly at?: At<readonly At<EpochMs>[]>
  readonly facts?: At<FactsSource>
  /** A mapping, or names under `streams`. */
  readonly stream?: At<StreamSource | readonly At<string>[]>
  readonly request?: At<RequestSource>
  readonly incident?: At<IncidentSource>
  readonly platform?: At<PlatformSource>
  readonly enforce?: At<Share>
  readonly supports?: Words
  readonly holds?: At<readonly At<HoldSource>[]>
  readonly reviews?: At<readonly At<ReviewSource>[]>
  readonly expect: At<ExpectSource>
  readonly except?: At<readonly At<ExceptionSource>[]>
}

export interface ExceptionSource {
  readonly subject?: Words
  readonly at?: At<readonly At<EpochMs>[]>
  readonly stream?: Words
  readonly expect: At<ExpectSource>
}

const EXCEPTION = object<ExceptionSource>({
  name: 'an exception',
  members: {
    subject: optional(
      list(WORD, { max: MAX_AXIS, orOne: true }),
      'For these subjects of the case.',
    ),
    at: optional(list(instant(), { max: MAX_AXIS, orOne: true }), 'At these instants of the case.'),
    stream: optional(list(WORD, { max: MAX_AXIS, orOne: true }), 'With these streams of the case.'),
    expect: required(EXPECT, "What comes out there, instead of the case's own."),
  },
})

const CASE = object<CaseSource>({
  name: 'a case',
  members: {
    name: required(text({ max: 300 }), 'A sentence that says what must hold.'),
    subject: required(
      list(WORD, { max: MAX_AXIS, orOne: true }),
      'Who asks: one name under subjects, or several.',
    ),
    at: optional(
      list(instant(), { max: MAX_AXIS, orOne: true }),
      'The instant, or one case for each of several; `now` unless given.',
    ),
    facts: optional(FACTS, 'Facts sent with the request; they win field by field.'),
    stream: optional(
      mappingOr(STREAM, list(WORD, { max: MAX_AXIS, orOne: true })),
      'The broadcast: a mapping, or one or several names under streams.',
    ),
    request: optional(REQUEST, 'How it was asked.'),
    incident: optional(INCIDENT, 'Inactive unless given.'),
    platform: optional(PLATFORM, 'State of the platform.'),
    enforce: optional(share(), 'For whom the door it was asked at enforces. on unless given.'),
    supports: optional(
      words(MAX_SUPPORTS),
      "What the caller can carry out; the file's `supports`, else everything, unless given.",
    ),
    holds: optional(list(HOLD, { max: 1000, min: 0 }), 'Holds of the asking subject.'),
    reviews: optional(list(REVIEW, { max: 1000, min: 0 }), 'Reviews of the asking subject.'),
    expect: required(EXPECT, 'What comes out; only what is named is compared.'),
    except: optional(
      list(EXCEPTION, { max: 100 }),
      'Which of the combinations come out otherwise, and how.',
    ),
  },
})

/** A name of a subject or of a stream. */
const NAMED = {
  key: /^[\p{L}\p{M}\p{N}_.-]{1,64}$/u,
  expected: 'a name of letters, digits, `_`, `-` and `.`',
}

/** A test file. */
export const TEST_FILE: Shape<TestSource> = object<TestSource>({
  name: 'a test file',
  extensions: true,
  members: {
    policy: required(text({ max: 300 }), 'Path of the policy, from this file.'),
    now: optional(instant(), 'The instant of every case without `at`.'),
    supports: optional(words(MAX_SUPPORTS), 'What the caller can carry out in every case.'),
    subjects: required(
      dictionary({ name: 'subjects', ...NAMED, value: SUBJECT, max: 5000 }),
      'People, by name.',
    ),
    streams: optional(
      dictionary({ name: 'streams', ...NAMED, value: STREAM, max: 1000 }),
      'Broadcasts, by name.',
    ),
    cases: required(list(CASE, { max: 5000 }), 'What must hold.'),
  },
})
