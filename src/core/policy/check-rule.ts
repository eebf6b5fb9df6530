/**
 * What one rule means: which members go together, its ladder, its legal ground, its sentences.
 */

import { formatDuration } from '../time.ts'
import { findCategory } from './categories.ts'
import { checkCount } from './check-count.ts'
import { quote, type Reporter } from './diagnostic.ts'
import { knownCategories } from './selector.ts'
import type { At } from './shape.ts'
import { isStandIn } from './shape-object.ts'
import type { RuleSource } from './source.ts'
import { didYouMean } from './suggest.ts'
import { marksIn, PLACEHOLDERS, type Placeholder } from './template.ts'

/** Reports everything wrong with one rule, its conditions left out. */
export function checkRule(rule: At<RuleSource>, reporter: Reporter): void {
  const { value } = rule
  // What is lacking can only be judged when every member could be read: it may be there, misspelt.
  const whole = !reporter.failed(rule)
  if (value.ladder !== undefined && !reporter.failed(value.ladder)) checkLadder(value, reporter)
  if (value.count !== undefined) checkCount(value.count.value, reporter)
  checkSentences(value, reporter, whole)
  checkObligations(value, reporter)
  checkBesideLadder(value, reporter)
  checkBesideOutcome(value, reporter)
  checkLawCategories(value, reporter)
  if (!whole) return
  checkParts(rule, reporter)
  checkMeans(rule, reporter)
  checkGround(rule, reporter)
}

function checkParts({ value: rule, ...place }: At<RuleSource>, reporter: Reporter): void {
  const { id, count, when, ladder, unless, retroactive } = rule
  const start = { start: place.start, end: place.start }
  if (count === undefined && ladder !== undefined)
    reporter.report(
      'ladder-without-count',
      ladder,
      `rule ${quote(id.value)} has a ladder and no count`,
    )
  else if (count === undefined && when === undefined)
    reporter.report('empty-rule', start, `rule ${quote(id.value)} needs \`count\` or \`when\``)
  if (count === undefined && unless !== undefined)
    reporter.report('conflicting-keys', unless, '`unless` chooses strikes and needs `count`')
  if (retroactive !== undefined && ladder === undefined)
    reporter.report(
      'conflicting-keys',
      retroactive,
      '`retroactive` speaks of the restrictions a ladder opened and needs `ladder`',
      'a count without ladder looks at the window as it is now; `since` keeps earlier strikes out of it',
    )
}

function checkBesideLadder({ ladder, count }: RuleSource, reporter: Reporter): void {
  if (ladder === undefined || count === undefined) return
  for (const key of ['at_least', 'weight_at_least'] as const) {
    const member = count.value[key]
    if (member !== undefined)
      reporter.report('conflicting-keys', member, `\`${key}\` has no meaning beside a ladder`)
  }
}

const ONLY_WITH: readonly (readonly [keyof RuleSource, readonly string[]])[] = [
  ['hold', ['delay']],
  ['review', ['delay']],
  ['broadcast_delay', ['delay']],
  ['obligations', ['delay', 'allow']],
  ['lease', ['delay', 'allow']],
]

function checkBesideOutcome(rule: RuleSource, reporter: Reporter): void {
  if (isStandIn(rule.outcome)) return
  const outcome = rule.outcome.value
  for (const [key, outcomes] of ONLY_WITH) {
    const member = rule[key]
    if (member !== undefined && !outcomes.includes(outcome))
      reporter.report(
        'conflicting-keys',
        member,
        `\`${key}\` cannot stand beside outcome ${outcome}`,
      )
  }
}

function checkMeans({ value: rule, ...place }: At<RuleSource>, reporter: Reporter): void {
  const { outcome, hold, review, broadcast_delay } = rule
  if (outcome.value === 'delay' && !hold && !review && !broadcast_delay)
    reporter.report(
      'delay-without-means',
      { start: place.start, end: place.start },
      `rule ${quote(rule.id.value)} delays by no means`,
      'add `hold`, `review` or `broadcast_delay`',
    )
}

function checkLadder({ id, ladder }: RuleSource, reporter: Reporter): void {
  if (ladder === undefined) return
  const name = `ladder of rule ${quote(id.value)}`
  const [first, ...rest] = ladder.value
  if (first === undefined) return
  if (first.key !== '1')
    reporter.report('ladder-order', first.at, `${name} starts at ${first.key}, expected 1`)
  let previous = first
  for (const step of rest) {
    if (Number(step.key) <= Number(previous.key))
      reporter.report('ladder-order', step.at, `${name} has step ${step.key} after ${previous.key}`)
    else if (rank(step.value.value) <= rank(previous.value.value))
      reporter.report(
        'ladder-order',
        step.value,
        `${name} gives ${written(step.value.value)} at ${step.key} after ${written(previous.value.value)} at ${previous.key}`,
        'steps must grow; a step left out takes the next lower one',
      )
    previous = step
  }
}

type Length = NonNullable<RuleSource['ladder']>['value'][number]['value']['value']

function rank(length: Length): number {
  if (length === 'warn') return -1
  return length === 'forever' ? Number.POSITIVE_INFINITY : length
}

function written(length: Length): string {
  return typeof length === 'string' ? length : formatDuration(length)
}

function checkGround({ value: rule, ...place }: At<RuleSource>, reporter: Reporter): void {
  if (rule.ground?.value !== 'law') return
  const missing = (['reference', 'jurisdiction'] as const).filter((key) => rule[key] === undefined)
  if (missing.length > 0)
    reporter.report(
      'law-ground',
      rule.ground ?? place,
      `rule ${quote(rule.id.value)} with ground law needs ${missing.map((key) => `\`${key}\``).join(' and ')}`,
    )
}

function checkLawCategories(rule: RuleSource, reporter: Reporter): void {
  if (rule.ground?.value !== 'law') return
  for (const pattern of rule.count?.value.category.value ?? []) {
    const terms = knownCategories(pattern.value).find((known) => findCategory(known)?.terms_only)
    if (terms !== undefined)
      reporter.report(
        'law-terms-category',
        pattern,
        `${quote(pattern.value)} takes in ${quote(terms)}, a breach of terms only, under ground law`,
        'name the categories the law covers, or use ground terms',
      )
  }
}

/** Placeholders that have a value only when the rule has this member. */
const NEEDS: Readonly<Partial<Record<Placeholder, keyof RuleSource>>> = {
  url: 'appeal',
  clause: 'clause',
  category: 'count',
  count: 'count',
  not_before: 'hold',
}

function checkSentences(rule: RuleSource, reporter: Reporter, whole: boolean): void {
  const because = rule.because
  if (because === undefined) return
  const sentences =
    typeof because.value === 'string'
      ? [{ value: because.value, start: because.start, end: because.end }]
      : because.value.map(({ value }) => value)
  for (const sentence of sentences)
    for (const mark of marksIn(sentence.value)) {
      const name = PLACEHOLDERS.find((known) => known === mark.name)
      if (name === undefined) {
        const hint =
          didYouMean(mark.name ?? '', PLACEHOLDERS) ?? `known: {${PLACEHOLDERS.join('} {')}}`
        reporter.report(
          'unknown-placeholder',
          sentence,
          `there is no placeholder ${quote(mark.text)}`,
          hint,
        )
        continue
      }
      const needed = NEEDS[name]
      if (whole && needed !== undefined && rule[needed] === undefined)
        reporter.report(
          'unknown-placeholder',
          sentence,
          `placeholder \`{${name}}\` needs \`${needed}\` in the rule`,
        )
    }
}

function checkObligations({ obligations }: RuleSource, reporter: Reporter): void {
  for (const obligation of obligations?.value ?? []) {
    const type = obligation.value.find(({ key }) => key === 'type')
    if (type === undefined) {
      if (!reporter.failed(obligation))
        reporter.report('missing-key', obligation, 'an obligation needs `type`')
    } else if (!/^[a-z][a-z0-9_]{0,63}$/.test(String(type.value.value)))
      reporter.report(
        'bad-value',
        type.value,
        `found ${quote(String(type.value.value))}, expected a lower-case word`,
      )
  }
}
