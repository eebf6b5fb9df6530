/**
 * Everything there is to say about one policy: the compiler's diagnostics, then what the checks find, less what the
 * author has allowed with a reason.
 *
 * Pure: bytes, the cases beside the policy and an instant in, a report out; it runs in a browser tab. A policy that does
 * not compile is reported by the compiler alone. Checks are in registry.ts, allowances in suppress.ts.
 * Spec: docs/cli.md, "policy lint". Next: sarif.ts.
 */
import type { EpochMs } from '../../time.ts'
import { type CompiledSource, compileSource } from '../compile.ts'
import { compareDiagnostics, createPlacer, type Diagnostic } from '../diagnostic.ts'
import { finish, type Steps } from '../steps.ts'
import type { TestCase } from '../test-file.ts'
import type { Finding, LintCheck, LintedPolicy } from './check.ts'
import { exercise } from './exercise.ts'
import { CHECKS, NO_TESTS } from './registry.ts'
import { type SuppressedDiagnostic, settle } from './settle.ts'

export interface LintOptions {
  /** Name of the file in diagnostics; nothing is read from it. */
  readonly file: string
  readonly now: EpochMs
  /** What lies beside the policy; undefined when nobody looked, and nothing is said of tests. */
  readonly tests?: readonly LintTests[]
}

/** A test file of the policy. */
export interface LintTests {
  readonly file: string
  /** Null when it cannot be read. */
  readonly cases: readonly TestCase[] | null
}

export interface LintReport {
  readonly file: string
  /** Null when it does not compile. */
  readonly policy: { readonly name: string; readonly digest: string } | null
  /** In reading order; at most `MAX_FINDINGS`. */
  readonly diagnostics: readonly Diagnostic[]
  /** Findings the author allowed, in reading order. */
  readonly suppressed: readonly SuppressedDiagnostic[]
  /** Of everything found, also what is left out of `diagnostics`. */
  readonly counts: Readonly<Record<Diagnostic['severity'], number>>
  readonly text: string
}

/** Per file; a policy of a thousand rules can be wrong in every one of them. */
export const MAX_FINDINGS = 1000

/** Lints one policy. Never throws for what a file holds. */
export function lintPolicy(bytes: Uint8Array, options: LintOptions): LintReport {
  const { file } = options
  const compiled = compileSource(bytes, { file })
  if (!compiled.ok) return reportOf(file, null, compiled.error, [], new TextDecoder().decode(bytes))
  return finish(linting(compiled.value, options))
}

/** What `lintPolicy` says of a policy that compiles, in steps: one for each check. */
export function* linting(compiled: CompiledSource, options: LintOptions): Steps<LintReport> {
  const { file } = options
  const { plan, text, warnings } = compiled
  const policy = linted(compiled, options)
  const place = createPlacer(text)
  const diagnosticOf = (check: LintCheck, { at, message, hint }: Finding): Diagnostic => ({
    code: check.code,
    severity: check.severity,
    message,
    file,
    ...place(at),
    ...(hint === undefined ? {} : { hint }),
  })
  const ran = CHECKS.filter((check) => isRunnable(check, options))
  const found: Diagnostic[] = []
  for (const check of ran) {
    yield
    for (const finding of check.run(policy)) found.push(diagnosticOf(check, finding))
  }
  const untested = testFindings(policy, options).map((one) => diagnosticOf(NO_TESTS, one))
  const settled = settle([...warnings, ...found, ...untested], {
    text,
    unjudged: new Set(CHECKS.filter((check) => !ran.includes(check)).map(({ code }) => code)),
    report: diagnosticOf,
  })
  const { name, digest } = plan
  return reportOf(file, { name, digest }, settled.open, settled.suppressed, text)
}

function reportOf(
  file: string,
  policy: LintReport['policy'],
  found: readonly Diagnostic[],
  suppressed: readonly SuppressedDiagnostic[],
  text: string,
): LintReport {
  const counts = { error: 0, warning: 0, info: 0 }
  for (const { severity } of found) counts[severity]++
  const diagnostics = found.toSorted(compareDiagnostics).slice(0, MAX_FINDINGS)
  const kept = suppressed.toSorted(compareDiagnostics).slice(0, MAX_FINDINGS)
  return { file, policy, diagnostics, suppressed: kept, counts, text }
}

function linted({ plan, source, text }: CompiledSource, options: LintOptions): LintedPolicy {
  const rules = new Map(plan.rules.map((rule) => [rule.id, rule]))
  const exemptions = new Map(plan.exemptions.map((exemption) => [exemption.id, exemption]))
  const cases = (options.tests ?? []).flatMap((tests) => tests.cases ?? [])
  return {
    source,
    plan,
    text,
    now: options.now,
    rules: paired(source.rules.value, rules),
    exemptions: paired(source.exempt?.value ?? [], exemptions),
    tests: exercise(plan, cases),
  }
}

function paired<S extends { readonly id: { readonly value: string } }, P>(
  written: readonly { readonly value: S }[],
  planned: ReadonlyMap<string, P>,
): { readonly source: S; readonly plan: P }[] {
  return written.flatMap(({ value }) => {
    const plan = planned.get(value.id.value)
    return plan === undefined ? [] : [{ source: value, plan }]
  })
}

function isRunnable(check: LintCheck, { tests = [] }: LintOptions): boolean {
  // With a test file that cannot be read nobody knows what is tried.
  return check.of_tests !== true || (tests.length > 0 && tests.every(({ cases }) => cases !== null))
}

function testFindings({ source }: LintedPolicy, { tests }: LintOptions): Finding[] {
  if (tests === undefined) return []
  const at = source.name
  const hint = 'write cases into <name>.test.yaml beside it'
  if (tests.length === 0)
    return [{ at, message: `no test file lies beside policy \`${source.name.value}\``, hint }]
  return tests
    .filter(({ cases }) => cases === null)
    .map(({ file }) => ({
      at,
      message: `test file \`${file}\` cannot be read`,
      hint: `see \`livegate policy test ${file}\``,
    }))
}
