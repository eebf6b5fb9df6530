/**
 * Runs an author's cases against a plan and says, for each that failed, what was expected, what came and why.
 *
 * Returns data; test-failure.ts makes text of it, printing is the CLI's. Coverage is collected beside the evaluation,
 * never inside it. Spec: docs/spec/policy.md, "Tests".
 */
import type { Decision, Facts } from '../model.ts'
import type { Coverage } from './cover/coverage.ts'
import { evaluate } from './evaluate.ts'
import type { Plan } from './plan.ts'
import { compare, type Difference } from './test-compare.ts'
import type { Expectation, TestCase } from './test-file.ts'

export interface TestResult {
  readonly name: string
  /** Where the case is written. */
  readonly line: number
  readonly column: number
  /** Its subject and stream, as far as the case has several. */
  readonly combination: readonly string[]
  /** With `supports` filled in. */
  readonly facts: Facts
  readonly expected: Expectation
  readonly actual: Decision
  /** Empty when the case passed. */
  readonly differences: readonly Difference[]
}

/** One result per case, in their order. `coverage` sees every one. */
export function runTests(
  plan: Plan,
  cases: readonly TestCase[],
  coverage?: Coverage,
): TestResult[] {
  const everything = conditionsOf(plan)
  return cases.map(({ supports_all, expect, ...test }) => {
    const facts = supports_all ? { ...test.facts, supports: everything } : test.facts
    const actual = evaluate(plan, facts)
    coverage?.see(facts, actual)
    const differences = compare(expect, actual, facts.at)
    return { ...test, facts, expected: expect, actual, differences }
  })
}

/** Everything a caller could be asked to carry out. */
export function conditionsOf(plan: Plan): string[] {
  const types = plan.rules.flatMap(({ obligations }) => obligations.map(({ type }) => type))
  return [...new Set(['broadcast_delay', ...types])].sort()
}
