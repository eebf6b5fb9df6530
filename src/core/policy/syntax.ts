/**
 * The whole syntax of a policy, in one table: reading, "did you mean" and policies/policy.schema.json come from it.
 *
 * What a mapping becomes is in source.ts; meaning is checked in check.ts. A registry table: longer than usual.
 * Spec: docs/spec/policy-syntax.md. Next: parse.ts.
 */
import { MAX_POLICY_RULES } from '../limits.ts'
import { SEVERITIES } from '../model.ts'
import { CATEGORY_PATTERN } from './selector.ts'
import {
  cel,
  duration,
  durationOr,
  instant,
  integer,
  list,
  type Shape,
  scalar,
  text,
  word,
} from './shape.ts'
import { dictionary, mappingOr, object, optional, required } from './shape-object.ts'
import { share } from './shape-share.ts'

import type {
  AppealSource,
  CountSource,
  ExemptSource,
  GivenSource,
  InvariantSource,
  OnUnknownSource,
  PolicySource,
  RetroactiveSource,
  ReviewSource,
  RuleSource,
  StrikesSource,
} from './source.ts'

const ID = text({
  max: 64,
  pattern: /^[a-z0-9][a-z0-9_-]*$/,
  expected: 'an id of lower-case letters, digits, `-` and `_`',
})
const WORD = text({
  max: 64,
  pattern: /^[A-Za-z0-9][A-Za-z0-9_.:-]*$/,
  expected: 'one word of letters, digits, `_`, `-`, `.` and `:`',
})
const URL_TEXT = text({ pattern: /^https:\/\/[^\s<>"]+$/, expected: 'an https address' })
const CATEGORY = text({
  max: 64,
  pattern: CATEGORY_PATTERN,
  expected: 'a category such as `terrorism.link`, `terrorism.*` or `*`',
})
const SEVERITY = text({
  max: 20,
  near: SEVERITIES,
  pattern:
    /^((low|medium|high|critical)(\.\.(low|medium|high|critical)?)?|\.\.(low|medium|high|critical))$/,
  expected: '`low`, `medium`, `high`, `critical` or a range such as `high..`',
})
const LANGUAGE = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/

const COUNT = object<CountSource>({
  name: 'a count',
  members: {
    category: required(
      list(CATEGORY, { max: 64, orOne: true }),
      'Categories counted: an id, a prefix such as terrorism.*, or * for all.',
    ),
    severity: optional(
      list(SEVERITY, { max: 4, orOne: true }),
      'Severities counted: one, a list, or a range such as high.. or low..medium. All unless given.',
    ),
    scope: optional(
      list(WORD, { max: 16, orOne: true }),
      'Features the strike must be limited to; strikes of scope any always count. Any unless given.',
    ),
    within: optional(duration(), 'Length of the window that ends now. Ever unless given.'),
    since: optional(instant(), 'Strikes before this instant do not count.'),
    at_least: optional(
      integer(1, 1000),
      'Without ladder: matches from this many strikes on. 1 unless given.',
    ),
    weight_at_least: optional(
      integer(1, 1_000_000),
      'Without ladder: matches from this sum of weights on; with at_least, either is enough.',
    ),
  },
})

const RULE = object<RuleSource>({
  name: 'a rule',
  members: {
    id: required(ID, 'Stable name, used in records, exemptions and tests.', '?'),
    ground: optional(word('terms', 'law'), 'Terms of service, or law. terms unless given.'),
    clause: optional(text({ max: 300 }), 'Clause of the terms, as people know it.'),
    reference: optional(text({ max: 300 }), 'Provision of law; needed for ground law.'),
    jurisdiction: optional(
      text({ max: 64 }),
      'Where that law applies, for example EU or DE; needed for ground law.',
    ),
    count: optional(COUNT, 'Which strikes the rule counts.'),
    ladder: optional(
      dictionary({
        name: 'a ladder',
        key: /^[1-9][0-9]{0,3}$/,
        expected: 'a whole number from 1 to 9999',
        value: durationOr('forever', 'warn'),
        max: 64,
        numbers: true,
      }),
      'nth counted strike: length of the restriction it opens, forever, or warn.',
    ),
    retroactive: optional(
      object<RetroactiveSource>({
        name: 'retroactive',
        members: {
          why: required(
            text({ min: 10, max: 300 }),
            'Why strikes of the time before this revision may cost more than they did then.',
          ),
        },
      }),
      'Beside a ladder: this revision may lengthen restrictions of strikes from before it.',
    ),
    when: optional(cel(), 'CEL condition that must hold.'),
    unless: optional(
      cel(),
      'CEL condition per strike; a strike for which it is true does not count.',
    ),
    outcome: required(word('deny', 'delay', 'allow'), 'What a match does.', 'deny'),
    hold: optional(duration(), 'Delay: may start this long after the first ask.'),
    review: optional(
      object<ReviewSource>({
        name: 'a review',
        members: {
          queue: required(WORD, 'Queue of the people who decide.'),
          within: required(duration(), 'Time they have.'),
          at_deadline: required(word('deny', 'allow'), 'What happens when nobody decided in time.'),
        },
      }),
      'Delay: a person releases or refuses it.',
    ),
    broadcast_delay: optional(
      duration({ wholeSeconds: true }),
      'Delay: may start now, viewers see it this much later.',
    ),
    obligations: optional(
      list(
        dictionary({
          name: 'an obligation',
          key: /^[a-z][a-z0-9_]{0,63}$/,
          expected: 'a lower-case word',
          value: scalar(),
          max: 16,
        }),
        { max: 32 },
      ),
      'What the caller must carry out: a type and plain parameters.',
    ),
    lease: optional(
      duration({ wholeSeconds: true }),
      "Shortens the policy's lease when the rule matches.",
    ),
    because: optional(
      mappingOr(
        dictionary({
          name: 'sentences by language',
          key: LANGUAGE,
          expected: 'a language tag such as en or pt-BR',
          value: text({ max: 1000 }),
          max: 40,
        }),
        text({ max: 1000 }),
      ),
      'Sentence for the person affected, by language; plain text is English.',
    ),
    appeal: optional(
      object<AppealSource>({
        name: 'an appeal',
        members: {
          within: optional(
            duration(),
            'Time to appeal, from the notice of the strike, else from its issue.',
          ),
          url: required(URL_TEXT, 'Where to appeal.'),
        },
      }),
      'How to appeal.',
    ),
    enforce: optional(
      share(),
      'For whom it is enforced: on, off, or canary 10% for ten in a hundred people. on unless given.',
    ),
  },
})

/** A policy file. */
export const POLICY: Shape<PolicySource> = object<PolicySource>({
  name: 'a policy',
  extensions: true,
  members: {
    livegate: required(word('policy/v1'), 'Version of the language.'),
    name: required(text({ max: 100 }), 'Name of the policy.'),
    as_of: optional(instant(), 'Date of the rules it is modelled on.'),
    about: optional(text(), 'One sentence on what it does.'),
    sources: optional(list(URL_TEXT, { max: 32 }), 'Where the rules are published.'),
    strikes: optional(
      object<StrikesSource>({
        name: 'strikes',
        members: {
          expire: optional(
            mappingOr(
              dictionary({
                name: 'expiries by category',
                key: /^(default|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$/,
                expected: '`default` or a category such as `terrorism.*`',
                value: durationOr('never'),
                max: 200,
              }),
              durationOr('never'),
            ),
            'When strikes expire: one duration, or by category with a default. never unless given.',
          ),
          ignore_content_older_than: optional(
            duration(),
            'Content already this old when actioned gives no strike.',
          ),
          group_within: optional(
            duration({ zero: true }),
            'Strikes this close count once. 0s unless given.',
          ),
        },
      }),
      'How history becomes standing.',
    ),
    rules: required(
      list(RULE, { max: MAX_POLICY_RULES }),
      'All are evaluated; their order has no meaning.',
    ),
    exempt: optional(
      list(
        object<ExemptSource>({
          name: 'an exemption',
          members: {
            id: required(ID, 'Stable name, written into the record when it lifts a rule.'),
            rules: required(list(ID, { max: MAX_POLICY_RULES }), 'Ids of the rules it lifts.'),
            when: required(cel(), 'CEL condition; lifts only when it is true.'),
          },
        }),
        { max: MAX_POLICY_RULES, min: 0 },
      ),
      'Who is exempt from which rules.',
    ),
    on_unknown: optional(
      object<OnUnknownSource>({
        name: 'on_unknown',
        members: {
          retry_after: optional(duration({ wholeSeconds: true }), 'Ask again after this long.'),
          outcome: optional(word('deny'), 'Refuse.'),
        },
      }),
      'What an unknown restrictive rule does. retry_after 30s unless given.',
    ),
    unsupported: optional(
      word('hold', 'deny'),
      'What happens when the caller cannot carry out an obligation or tape delay. hold unless given.',
    ),
    default: optional(word('allow', 'deny'), 'Takes part in every decision. allow unless given.'),
    lease: optional(
      duration({ wholeSeconds: true }),
      'How long an allow is good for. 4h unless given.',
    ),
    max_age: optional(
      duration(),
      'How long the policy is good for once it is active. For ever unless given.',
    ),
    on_stale: optional(
      word('keep', 'unknown', 'deny'),
      'Beside max_age: what follows when it is over. keep (it decides on, with a warning) unless given.',
    ),
    invariants: optional(
      list(
        object<InvariantSource>({
          name: 'an invariant',
          members: {
            id: required(ID, 'Stable name.'),
            never: required(word('allow', 'deny', 'delay'), 'The outcome that must not occur.'),
            given: required(
              object<GivenSource>({
                name: 'given',
                members: {
                  count: optional(COUNT, 'Strikes that are there.'),
                  when: optional(cel(), 'CEL condition that holds.'),
                },
              }),
              'In which situations.',
            ),
          },
        }),
        { max: 200, min: 0 },
      ),
      'What `livegate policy prove` shows for every history.',
    ),
  },
})
