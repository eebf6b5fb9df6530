/**
 * Runs an author's cases against a plan and says, for each that failed, what was expected, what came and why.
 *
 * Returns data; only `formatFailure` makes text, printing is the CLI's. Spec: docs/spec/policy.md, "Tests".
 */
import type { Decision, Facts, Obligation } from '../model.ts'
import { formatInstant, isEpochMs } from '../time.ts'
import { evaluate } from './evaluate.ts'
import { type Explanation, explain, type RuleTrace } from './explain.ts'
import { mergeObligations } from './join-obligations.ts'
import type { Plan } from './plan.ts'
import type { Expectation, TestCase } from './test-file.ts'

export interface TestResult {
  readonly name: string
  /** With `supports` filled in. */
  readonly facts: Facts
  readonly expected: Expectation
  readonly actual: Decision
  /** Empty when the case passed. */
  readonly differences: readonly Difference[]
  /** Null when the case passed. */
  readonly trace: Explanation['trace'] | null
}

export interface Difference {
  /** Member of `expect`, for example `until` or `reason.en`. */
  readonly member: string
  readonly expected: unknown
  readonly actual: unknown
}

/** One result per case, in their order. */
export function runTests(plan: Plan, cases: readonly TestCase[]): TestResult[] {
  const everything = conditionsOf(plan)
  return cases.map((test) => {
    const facts = test.supports_all ? { ...test.facts, supports: everything } : test.facts
    const actual = evaluate(plan, facts)
    const differences = compare(test.expect, actual)
    const trace = differences.length === 0 ? null : explain(plan, facts).trace
    return { name: test.name, facts, expected: test.expect, actual, differences, trace }
  })
}

/** Everything a caller could be asked to carry out. */
function conditionsOf(plan: Plan): string[] {
  const types = plan.rules.flatMap(({ obligations }) => obligations.map(({ type }) => type))
  return [...new Set(['broadcast_delay', ...types])].sort()
}

function compare(expected: Expectation, actual: Decision): Difference[] {
  const differences: Difference[] = []
  const same = (member: string, wanted: unknown, found: unknown): void => {
    if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(found)) return
    differences.push({ member, expected: wanted, actual: found })
  }
  same('outcome', expected.outcome, actual.outcome)
  same('mode', expected.mode, actual.mode)
  same('rules', asSet(expected.rules), actual.rules)
  same('until', expected.until, actual.until ?? 'none')
  same('not_before', expected.not_before, actual.not_before ?? 'none')
  same('unknown', asSet(expected.unknown), asSet(actual.unknown.map(({ rule }) => rule)))
  same('exemptions', asSet(expected.exemptions), actual.exemptions)
  same('obligations', sorted(expected.obligations), actual.obligations)
  for (const [language, sentence] of Object.entries(expected.reason ?? {})) {
    const said = actual.reasons.flatMap(({ text }) => text[language] ?? [])
    if (!said.includes(sentence)) same(`reason.${language}`, sentence, said)
  }
  return differences
}

function asSet(names: readonly string[] | undefined): string[] | undefined {
  return names === undefined ? undefined : [...new Set(names)].sort()
}

function sorted(obligations: readonly Obligation[] | undefined): Obligation[] | undefined {
  return obligations === undefined ? undefined : mergeObligations(obligations)
}

/** What an author needs to find the fault: differences, the rules that had a say, and the facts. */
export function formatFailure(result: TestResult): string {
  const lines = [`${result.name} (at ${formatInstant(result.facts.at)})`]
  for (const { member, expected, actual } of result.differences)
    lines.push(`  ${member}: expected ${show(expected)}, got ${show(actual)}`)
  for (const trace of result.trace ?? [])
    if (trace.state !== 'not_matched' || trace.count?.n) lines.push(`  ${showTrace(trace)}`)
  const { at: _, ...facts } = result.facts
  lines.push(`  facts: ${show(facts)}`)
  return lines.join('\n')
}

function showTrace(trace: RuleTrace): string {
  const parts = [`rule ${trace.rule} (host ${trace.host}): ${trace.state.replace('_', ' ')}`]
  if (trace.when !== null) parts.push(`when is ${trace.when.truth}`)
  if (trace.count !== null) {
    const { n, at_least, strikes } = trace.count
    const needed = at_least === null ? '' : ` of ${at_least}`
    parts.push(`counts ${n}${needed} [${strikes.join(', ')}]`)
  }
  if (trace.missing.length > 0) parts.push(`lacks ${trace.missing.join(', ')}`)
  if (trace.exemptions.length > 0) parts.push(`exempted by ${trace.exemptions.join(', ')}`)
  return parts.join('; ')
}

const INSTANTS: ReadonlySet<string> = new Set(['until', 'not_before', 'first_asked_at'])

/** JSON with instants as people write them. */
function show(value: unknown): string {
  if (typeof value === 'number' && isEpochMs(value) && value > 1e10) return formatInstant(value)
  return JSON.stringify(value, (key, member: unknown) =>
    (INSTANTS.has(key) || key.endsWith('_at')) && isEpochMs(member)
      ? formatInstant(member)
      : member,
  )
}
