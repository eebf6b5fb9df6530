/**
 * What a case of a test file expects: members of the decision an author may name. Only what is named is compared.
 *
 * Third part of test-file-syntax.ts; compared in test-compare.ts. Spec: docs/spec/policy.md, "Tests".
 */
import type { EpochMs } from '../time.ts'
import { type At, durationOr, instant, list, type Shape, scalar, text, word } from './shape.ts'
import { type Dictionary, dictionary, mappingOr, object, optional } from './shape-object.ts'
import { instantOr, WORD, type Words, words } from './test-file-shapes.ts'

export interface ExpectSource {
  readonly outcome?: At<'allow' | 'deny' | 'delay'>
  readonly mode?: At<'hold' | 'review' | 'retry' | 'broadcast'>
  readonly rules?: Words
  readonly until?: At<EpochMs | 'forever' | 'none'>
  readonly not_before?: At<EpochMs | 'none'>
  readonly unknown?: Words
  readonly exemptions?: Words
  readonly warnings?: Words
  readonly would?: At<'allow' | 'deny' | 'delay' | 'none'>
  readonly not_enforced?: Words
  readonly obligations?: At<readonly At<Dictionary<string | number | boolean>>[]>
  readonly reason?: At<Dictionary<string>>
  readonly ends?: At<Dictionary<EpochMs | 'forever' | 'none'>>
  readonly appeal?: At<Dictionary<EpochMs | 'none'>>
  readonly review?: At<ReviewSource | 'none'>
  readonly retry_after?: At<number | 'none'>
  readonly broadcast_delay?: At<number | 'none'>
  readonly lease?: At<number | 'none'>
}

export interface ReviewSource {
  readonly queue?: At<string>
  readonly by?: At<EpochMs>
  readonly at_deadline?: At<'allow' | 'deny'>
}

/** Rule ids to instants. */
function byRule<W extends string>(
  name: string,
  ...also: readonly W[]
): Shape<Dictionary<EpochMs | W>> {
  return dictionary({
    name,
    key: /^[a-z0-9][a-z0-9_-]{0,63}$/,
    expected: 'the id of a rule',
    value: instantOr(...also),
    max: 1000,
  })
}

/** `expect` of a case or of an exception. */
export const EXPECT: Shape<ExpectSource> = object<ExpectSource>({
  name: 'expect',
  members: {
    outcome: optional(word('allow', 'deny', 'delay'), 'The outcome.'),
    mode: optional(word('hold', 'review', 'retry', 'broadcast'), 'The mode of a delay.'),
    rules: optional(words(1000), 'All matching rules, as a set.'),
    until: optional(instantOr('forever', 'none'), 'Latest end of what denies.'),
    not_before: optional(instantOr('none'), 'End of the holds.'),
    unknown: optional(words(1000), 'Rules and exemptions that lack a fact, as a set.'),
    exemptions: optional(words(1000), 'Exemptions that lifted a rule, as a set.'),
    warnings: optional(words(1000), 'Rules that warn, as a set.'),
    would: optional(
      word('allow', 'deny', 'delay', 'none'),
      'The outcome if everything were enforced; none where everything that applies is.',
    ),
    not_enforced: optional(words(1000), 'Rules that apply and are not enforced, as a set.'),
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
    ends: optional(byRule('ends by rule', 'forever', 'none'), 'Latest end a rule gives, by rule.'),
    appeal: optional(
      byRule('ends of appeal by rule', 'none'),
      'Latest end of the time to appeal, by rule.',
    ),
    review: optional(
      mappingOr(
        object<ReviewSource>({
          name: 'a review',
          members: {
            queue: optional(WORD, 'Who decides.'),
            by: optional(instant(), 'Their deadline.'),
            at_deadline: optional(word('allow', 'deny'), 'What happens then.'),
          },
        }),
        word('none'),
      ),
      'The review asked for.',
    ),
    retry_after: optional(durationOr('none'), 'When asking again may help.'),
    broadcast_delay: optional(durationOr('none'), 'The tape delay.'),
    lease: optional(durationOr('none'), 'How long the broadcast may go on without asking again.'),
  },
})
