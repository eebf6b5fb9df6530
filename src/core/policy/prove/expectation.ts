/**
 * What a decision says, as the `expect` of a test case: a counterexample expects the answer a property asks for.
 */
import type { Decision } from '../../model.ts'
import type { Expectation } from '../test-file.ts'
import type { Component } from './strictness.ts'

/** Outcome, mode and end of a decision; and of the components named, those a test can say. */
export function expectationFrom(
  decision: Decision,
  components: readonly Component[] = [],
): Expectation {
  const { outcome, mode, until, not_before, obligations } = decision
  return {
    outcome,
    ...(mode === null ? {} : { mode }),
    ...(outcome === 'deny' ? { until: until ?? 'none' } : {}),
    ...(components.includes('not_before') ? { not_before: not_before ?? 'none' } : {}),
    ...(components.includes('obligations') ? { obligations } : {}),
  }
}

/** `deny until 2026-01-31`, `delay (retry)`, `allow`: for sentences. */
export function inWords(decision: Decision): string {
  const { outcome, mode, until, obligations } = decision
  if (outcome === 'deny') {
    if (until === 'forever') return 'deny forever'
    return until === null ? 'deny' : `deny until ${new Date(until).toISOString()}`
  }
  if (outcome === 'delay') return `delay (${mode})`
  return obligations.length > 0 ? 'allow with obligations' : 'allow'
}
