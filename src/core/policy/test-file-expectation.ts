/**
 * What an author wrote under `expect`, without places. Compared in test-compare.ts.
 */
import type { Obligation } from '../model.ts'
import type { Dictionary } from './shape-object.ts'
import type { Expectation } from './test-file.ts'
import type { ExpectSource } from './test-file-expect.ts'
import { plain, unwrap } from './test-file-facts.ts'

/** The expectation of a case or an exception; members that were left out are absent. */
export function expectationOf(source: ExpectSource): Expectation {
  const {
    rules,
    unknown,
    exemptions,
    warnings,
    not_enforced,
    obligations,
    reason,
    ends,
    appeal,
    review,
    ...rest
  } = source
  return {
    ...unwrap(rest),
    ...(rules && { rules: rules.value.map(plain) }),
    ...(unknown && { unknown: unknown.value.map(plain) }),
    ...(exemptions && { exemptions: exemptions.value.map(plain) }),
    ...(warnings && { warnings: warnings.value.map(plain) }),
    ...(not_enforced && { not_enforced: not_enforced.value.map(plain) }),
    ...(obligations && { obligations: obligations.value.map(({ value }) => obligationOf(value)) }),
    ...(reason && { reason: record(reason.value) }),
    ...(ends && { ends: record(ends.value) }),
    ...(appeal && { appeal: record(appeal.value) }),
    ...(review && { review: review.value === 'none' ? 'none' : unwrap(review.value) }),
  }
}

function record<T>(entries: Dictionary<T>): Record<string, T> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value.value]))
}

function obligationOf(entries: Dictionary<string | number | boolean>): Obligation {
  const members = record(entries)
  return { ...members, type: String(members.type ?? '') }
}
