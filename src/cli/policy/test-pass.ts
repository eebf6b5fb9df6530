/**
 * One pass over test files: each read, its policy compiled, its cases run, coverage collected by policy.
 *
 * Files that cannot be run are part of what comes out, with their diagnostics; only what is asked of the machine
 * itself (no such file) is thrown. What is printed of a pass: test-report.ts.
 */
import { dirname, join } from 'node:path'
import { type Coverage, createCoverage } from '../../core/policy/cover/coverage.ts'
import { type Diagnostic, formatDiagnostic } from '../../core/policy/diagnostic.ts'
import type { Plan } from '../../core/policy/plan.ts'
import { MAX_TEST_FILE_BYTES, parseTestFile } from '../../core/policy/test-file.ts'
import { runTests, type TestResult } from '../../core/policy/test-run.ts'
import { readBounded } from '../files.ts'
import type { Session } from '../session.ts'
import { checkPolicyFile } from './load.ts'

/** One test file, run or refused. */
export interface Outcome {
  readonly file: string
  /** Path of its policy; null when the file could not be read so far. */
  readonly policy: string | null
  readonly plan: Plan | null
  readonly results: readonly TestResult[]
  /** Why it, or its policy, could not be run: diagnostics as text for people and as data. */
  readonly refused: readonly { readonly text: string; readonly diagnostic: Diagnostic }[]
}

export interface Pass {
  readonly outcomes: readonly Outcome[]
  /** By path of the policy: several files may test one. */
  readonly coverage: ReadonlyMap<string, Coverage>
}

/** Runs every file, in order. */
export async function passOver(session: Session, files: readonly string[]): Promise<Pass> {
  const coverage = new Map<string, Coverage>()
  const outcomes: Outcome[] = []
  for (const file of files) outcomes.push(await runFile(session, file, coverage))
  return { outcomes, coverage }
}

async function runFile(
  session: Session,
  file: string,
  coverage: Map<string, Coverage>,
): Promise<Outcome> {
  // One byte too many is the reader's to say.
  const bytes = await readBounded(session.path(file), 4 * MAX_TEST_FILE_BYTES)
  const text = new TextDecoder().decode(bytes)
  const parsed = parseTestFile(bytes, { file })
  if (!parsed.ok) return refusal(file, null, parsed.error, text)
  const path = join(dirname(file), parsed.value.policy)
  const { plan, diagnostics, text: source } = await checkPolicyFile(session, path)
  if (plan === null) return refusal(file, path, diagnostics, source)
  const unknown = parsed.value.check(plan).filter(({ severity }) => severity === 'error')
  if (unknown.length > 0) return refusal(file, path, unknown, text)
  const seen = coverage.get(path) ?? createCoverage(plan)
  coverage.set(path, seen)
  const results = runTests(plan, parsed.value.cases, seen)
  return { file, policy: path, plan, results, refused: [] }
}

function refusal(
  file: string,
  policy: string | null,
  diagnostics: readonly Diagnostic[],
  text: string,
): Outcome {
  const refused = diagnostics.map((diagnostic) => ({
    diagnostic,
    text: formatDiagnostic(diagnostic, text),
  }))
  return { file, policy, plan: null, results: [], refused }
}
