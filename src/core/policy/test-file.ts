/**
 * An author's test file to cases that can be run: names resolved, facts built, positions kept.
 *
 * A case over several subjects, instants and streams becomes one for each combination (test-file-cases.ts). Strikes
 * after a case's instant do not exist yet (evaluation sees to that). Syntax: test-file-syntax.ts. Next: test-run.ts.
 * Spec: docs/spec/policy.md, "Tests".
 */
import type { Facts, Obligation } from '../model.ts'
import { err, ok, type Result } from '../result.ts'
import type { EpochMs } from '../time.ts'
import { createPlacer, type Diagnostic, type Reporter } from './diagnostic.ts'
import { readDocument } from './document.ts'
import type { Plan } from './plan.ts'
import type { At } from './shape.ts'
import { didYouMean } from './suggest.ts'
import { buildCases } from './test-file-cases.ts'
import type { ExpectSource } from './test-file-expect.ts'
import { TEST_FILE, type TestSource } from './test-file-syntax.ts'

/** One test file, bytes: four times a policy, for generated ones have a case for every edge. */
export const MAX_TEST_FILE_BYTES: number = 1024 * 1024

export interface TestFile {
  /** As written: a path from the test file's folder. */
  readonly policy: string
  readonly cases: readonly TestCase[]
  /** Rules and exemptions the cases name that `plan` does not have. */
  check(plan: Plan): Diagnostic[]
}

/** One case for one subject at one instant with one stream. */
export interface TestCase {
  readonly name: string
  /** Where the case is written, counted from 1; the column in UTF-16 code units. */
  readonly line: number
  readonly column: number
  /** Its subject and stream, as far as the case has several. */
  readonly combination: readonly string[]
  /** `supports` is empty when `supports_all` is true; the runner fills it in from the plan. */
  readonly facts: Facts
  readonly supports_all: boolean
  readonly expect: Expectation
}

/** Members that are absent are not compared. */
export interface Expectation {
  readonly outcome?: 'allow' | 'deny' | 'delay'
  readonly mode?: 'hold' | 'review' | 'retry' | 'broadcast'
  readonly rules?: readonly string[]
  readonly until?: EpochMs | 'forever' | 'none'
  readonly not_before?: EpochMs | 'none'
  readonly unknown?: readonly string[]
  readonly exemptions?: readonly string[]
  readonly warnings?: readonly string[]
  /** The outcome if everything were enforced. */
  readonly would?: 'allow' | 'deny' | 'delay' | 'none'
  readonly not_enforced?: readonly string[]
  readonly obligations?: readonly Obligation[]
  readonly reason?: Readonly<Record<string, string>>
  /** Latest end among a rule's reasons, by rule. */
  readonly ends?: Readonly<Record<string, EpochMs | 'forever' | 'none'>>
  /** Latest end of the time to appeal, by rule. */
  readonly appeal?: Readonly<Record<string, EpochMs | 'none'>>
  readonly review?:
    | { readonly queue?: string; readonly by?: EpochMs; readonly at_deadline?: 'allow' | 'deny' }
    | 'none'
  /** Lengths in milliseconds. */
  readonly retry_after?: number | 'none'
  readonly broadcast_delay?: number | 'none'
  readonly lease?: number | 'none'
}

/** Reads a test file. Every fault is reported, by position. */
export function parseTestFile(
  bytes: Uint8Array,
  options: { readonly file: string },
): Result<TestFile, Diagnostic[]> {
  const document = readDocument(bytes, options.file, {
    limit: MAX_TEST_FILE_BYTES,
    noun: 'a test file',
  })
  if (!document.ok) return document
  const { root, reporter, text } = document.value
  const source = TEST_FILE.read(root, { start: 0, end: 0 }, reporter)
  if (source === undefined) return err(reporter.sorted())
  const cases = buildCases(source.value, reporter, createPlacer(text))
  if (reporter.failed()) return err(reporter.sorted())
  const check = (plan: Plan): Diagnostic[] => {
    checkRules(source.value, plan, reporter)
    return reporter.sorted()
  }
  return ok({ policy: source.value.policy.value, cases, check })
}

/** A case that expects a rule nobody wrote would otherwise fail with a puzzling difference, or pass for ever. */
function checkRules(source: TestSource, plan: Plan, reporter: Reporter): void {
  const rules = new Set(plan.rules.map(({ id }) => id))
  const exemptions = new Set(plan.exemptions.map(({ id }) => id))
  const either = new Set([...rules, ...exemptions])
  const applicable = new Set([...rules, 'default'])
  const known = (name: At<string>, names: ReadonlySet<string>, what: string): void => {
    if (names.has(name.value)) return
    const hint = didYouMean(name.value, names)
    reporter.report('unknown-rule', name, `there is no ${what} \`${name.value}\``, hint)
  }
  const expected = (expect: ExpectSource): void => {
    for (const name of expect.rules?.value ?? []) known(name, rules, 'rule')
    for (const name of expect.warnings?.value ?? []) known(name, rules, 'rule')
    for (const name of expect.not_enforced?.value ?? []) known(name, applicable, 'rule')
    for (const name of expect.unknown?.value ?? []) known(name, either, 'rule or exemption')
    for (const name of expect.exemptions?.value ?? []) known(name, exemptions, 'exemption')
    for (const { key, at } of [...(expect.ends?.value ?? []), ...(expect.appeal?.value ?? [])])
      known({ value: key, ...at }, rules, 'rule')
  }
  for (const { value } of source.cases.value) {
    expected(value.expect.value)
    for (const exception of value.except?.value ?? []) expected(exception.value.expect.value)
    for (const hold of value.holds?.value ?? []) known(hold.value.rule, rules, 'rule')
    for (const review of value.reviews?.value ?? []) known(review.value.rule, rules, 'rule')
  }
}
