/**
 * What a case expected against what came: one difference for each member of `expect` that is not so.
 *
 * Only what the case names is compared; sets without order. Spec: docs/spec/policy.md, "Tests".
 */
import type { Decision, Obligation, Until } from '../model.ts'
import type { EpochMs } from '../time.ts'
import { mergeObligations } from './join-obligations.ts'
import type { Expectation } from './test-file.ts'

export interface Difference {
  /** Member of `expect`, for example `until`, `ends.grave` or `reason.en`. */
  readonly member: string
  readonly expected: unknown
  readonly actual: unknown
}

/** A decision in the words of `expect`, every member but the sentences. */
export type WholeExpectation = Required<Omit<Expectation, 'mode' | 'reason' | Spared>> &
  Pick<Expectation, 'mode' | Spared>

type Spared = 'would' | 'not_enforced'

/** The whole of `actual`; `at` is the instant of the decision. */
export function expectationFrom(actual: Decision, at: number): WholeExpectation {
  const { mode, until, not_before, retry_after_s, broadcast_delay_s, lease_until } = actual
  const reasons = actual.reasons.filter(({ code }) => code !== 'default')
  const ends = new Map<string, Until>()
  const appeal = new Map<string, EpochMs>()
  for (const { rule, until: end, appeal: way } of reasons) {
    if (end !== undefined && isLater(end, ends.get(rule))) ends.set(rule, end)
    if (way?.until !== undefined && isLater(way.until, appeal.get(rule)))
      appeal.set(rule, way.until)
  }
  return {
    outcome: actual.outcome,
    ...(mode === null ? {} : { mode }),
    rules: actual.rules,
    until: until ?? 'none',
    not_before: not_before ?? 'none',
    unknown: asSet(actual.unknown.map(({ rule }) => rule)),
    exemptions: actual.exemptions,
    warnings: asSet(reasons.filter(({ code }) => code === 'warning').map(({ rule }) => rule)),
    obligations: actual.obligations,
    ends: Object.fromEntries(ends),
    appeal: Object.fromEntries(appeal),
    review: actual.review ?? 'none',
    retry_after: retry_after_s === null ? 'none' : retry_after_s * 1000,
    broadcast_delay: broadcast_delay_s === null ? 'none' : broadcast_delay_s * 1000,
    lease: lease_until === null ? 'none' : lease_until - at,
    ...(actual.would === undefined
      ? {}
      : {
          would: actual.would.outcome,
          not_enforced: asSet(actual.would.rules.map(({ rule }) => rule)),
        }),
  }
}

function isLater(a: Until, b: Until | undefined): boolean {
  return b === undefined || (b !== 'forever' && (a === 'forever' || a > b))
}

/** Where `actual` is not what was expected; empty when all is. */
export function compare(expected: Expectation, actual: Decision, at: number): Difference[] {
  const differences: Difference[] = []
  const found = expectationFrom(actual, at)
  const same = (member: string, wanted: unknown, is: unknown): void => {
    if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(is)) return
    differences.push({ member, expected: wanted, actual: is })
  }
  same('outcome', expected.outcome, found.outcome)
  same('mode', expected.mode, actual.mode)
  for (const member of SETS) {
    const wanted = expected[member]
    if (wanted !== undefined) same(member, asSet(wanted), found[member])
  }
  same('would', expected.would, found.would ?? 'none')
  if (expected.not_enforced !== undefined)
    same('not_enforced', asSet(expected.not_enforced), found.not_enforced ?? [])
  for (const member of PLAIN) same(member, expected[member], found[member])
  same('obligations', sorted(expected.obligations), actual.obligations)
  for (const member of BY_RULE)
    for (const [rule, end] of Object.entries(expected[member] ?? {}))
      same(`${member}.${rule}`, end, own(found[member], rule) ?? 'none')
  compareReview(expected.review, actual.review, same)
  for (const [language, sentence] of Object.entries(expected.reason ?? {})) {
    const said = actual.reasons.flatMap(({ text }) => text[language] ?? [])
    if (!said.includes(sentence)) same(`reason.${language}`, sentence, said)
  }
  return differences
}

/** Rules may be called `constructor`. */
function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

const PLAIN = ['until', 'not_before', 'retry_after', 'broadcast_delay', 'lease'] as const
const SETS = ['rules', 'unknown', 'exemptions', 'warnings'] as const
const BY_RULE = ['ends', 'appeal'] as const

function compareReview(
  expected: Expectation['review'],
  actual: Decision['review'],
  same: (member: string, wanted: unknown, is: unknown) => void,
): void {
  if (expected === undefined || expected === 'none' || actual === null) {
    same('review', expected, actual ?? 'none')
    return
  }
  for (const member of ['queue', 'by', 'at_deadline'] as const)
    same(`review.${member}`, expected[member], actual[member])
}

function asSet(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}

function sorted(obligations: readonly Obligation[] | undefined): Obligation[] | undefined {
  return obligations === undefined ? undefined : mergeObligations(obligations)
}
