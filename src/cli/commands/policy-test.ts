/**
 * `livegate policy test`: runs the cases that lie beside policies. No case at all is an error, not a success.
 */
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { type Diagnostic, formatDiagnostic } from '../../core/policy/diagnostic.ts'
import { parseTestFile } from '../../core/policy/test-file.ts'
import { formatFailure, runTests, type TestResult } from '../../core/policy/test-run.ts'
import { formatInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete } from '../failure.ts'
import { readBounded } from '../files.ts'
import { findTestFiles } from '../policy/find-files.ts'
import { checkPolicyFile } from '../policy/load.ts'
import { plural, type Session } from '../session.ts'

interface Options {
  readonly quiet?: boolean
}

export function policyTest(noun: Command, act: Act): void {
  const command = noun
    .command('test')
    .description('run the tests of policies')
    .argument('<path...>', 'policies, .test.yaml files or directories')
    .option('--quiet', 'print failing cases only')
    .addHelpText('after', '\nExample:\n  livegate policy test policies')
  act(command, run)
}

/** One test file, run or refused. */
interface Outcome {
  readonly file: string
  readonly results: readonly TestResult[]
  /** Why it, or its policy, could not be run: diagnostics as text for people and as data. */
  readonly refused: readonly { readonly text: string; readonly diagnostic: Diagnostic }[]
}

async function run(
  session: Session,
  written: readonly string[],
  options: Options,
): Promise<ExitCode> {
  const outcomes: Outcome[] = []
  for (const file of await findTestFiles(session, written))
    outcomes.push(await runFile(session, file))
  const results = outcomes.flatMap((outcome) => outcome.results)
  const failed = results.filter(isFailure).length
  const refused = outcomes.filter((outcome) => outcome.refused.length > 0).length
  if (results.length === 0 && refused === 0)
    throw incomplete(
      'Cannot test: there is no case',
      'cases lie beside a policy, in <name>.test.yaml',
    )
  const lines = outcomes.flatMap((outcome) => linesOf(session, outcome, options.quiet === true))
  lines.push(
    `${plural(results.length, 'case')}: ${results.length - failed} passed, ${failed} failed${refused > 0 ? `, ${plural(refused, 'file')} not run` : ''}`,
  )
  session.result(lines.join('\n'), {
    cases: results.length,
    failed,
    files: outcomes.map(({ file, ...outcome }) => ({
      file,
      diagnostics: outcome.refused.map(({ diagnostic }) => diagnostic),
      cases: outcome.results.map(renderCase),
    })),
  })
  return failed > 0 || refused > 0 ? EXIT.findings : EXIT.clean
}

const MAX_TEST_BYTES: number = 1024 * 1024

async function runFile(session: Session, file: string): Promise<Outcome> {
  const bytes = await readBounded(session.path(file), MAX_TEST_BYTES)
  const text = new TextDecoder().decode(bytes)
  const parsed = parseTestFile(bytes, { file })
  if (!parsed.ok) return refusal(file, parsed.error, text)
  const policy = await checkPolicyFile(session, join(dirname(file), parsed.value.policy))
  if (policy.plan === null) return refusal(file, policy.diagnostics, policy.text)
  const unknown = parsed.value.check(policy.plan).filter(({ severity }) => severity === 'error')
  if (unknown.length > 0) return refusal(file, unknown, text)
  return { file, results: runTests(policy.plan, parsed.value.cases), refused: [] }
}

function refusal(file: string, diagnostics: readonly Diagnostic[], text: string): Outcome {
  const refused = diagnostics.map((diagnostic) => ({
    diagnostic,
    text: formatDiagnostic(diagnostic, text),
  }))
  return { file, results: [], refused }
}

function isFailure(result: TestResult): boolean {
  return result.differences.length > 0
}

function linesOf(session: Session, outcome: Outcome, quiet: boolean): string[] {
  const lines = outcome.refused.map(({ text }) => text)
  for (const result of outcome.results) {
    if (isFailure(result)) lines.push(`${session.paint('red', 'FAIL')} ${formatFailure(result)}`)
    else if (!quiet)
      lines.push(
        `${session.paint('green', 'ok')}   ${result.name} (at ${formatInstant(result.facts.at)})`,
      )
  }
  return lines.length > 0 ? [session.paint('bold', outcome.file), ...lines] : []
}

function renderCase(result: TestResult): object {
  const { name, facts, differences } = result
  return { name, at: formatInstant(facts.at), passed: !isFailure(result), differences }
}
