/**
 * `livegate policy lint`: everything the compiler and the checks have to say about policy files.
 *
 * Finds the files and prints; what is said is core/policy/lint. Text for people, JSON, or SARIF for code hosts.
 * Spec: docs/cli.md, "policy lint".
 */
import type { Command } from 'commander'
import { MAX_POLICY_BYTES } from '../../core/limits.ts'
import { type Diagnostic, formatDiagnostic } from '../../core/policy/diagnostic.ts'
import { type LintReport, lintPolicy } from '../../core/policy/lint/lint.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete, usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import { findPolicyFiles } from '../policy/find-files.ts'
import { lintSarif } from '../policy/lint-sarif.ts'
import { createTestFinder } from '../policy/lint-tests.ts'
import { jsonText, plural, quote, type Session } from '../session.ts'

interface Options {
  readonly strict?: boolean
  readonly sarif?: boolean
  readonly pages?: string
  readonly json?: boolean
}

export function policyLint(noun: Command, act: Act): void {
  const command = noun
    .command('lint')
    .description('check policy files')
    .argument('[path...]', 'policies or directories; `policies` unless given')
    .option('--strict', 'warnings are findings too')
    .option('--sarif', 'print the result as SARIF 2.1.0')
    .option('--pages <url>', 'where docs/checks is published, for links')
    .addHelpText('after', '\nExample:\n  livegate policy lint policies/default.yaml')
  act(command, lint)
}

async function lint(
  session: Session,
  written: readonly string[],
  options: Options,
): Promise<ExitCode> {
  if (options.sarif === true && session.json)
    throw usage('Cannot print both --json and --sarif: expected one of them')
  const pages = pagesOf(options.pages)
  const reports = await lintFiles(session, written.length === 0 ? ['policies'] : written)
  const { errors, warnings, infos, suppressed } = totalsOf(reports)
  if (options.sarif === true) {
    const sarif = lintSarif(session, reports, pages)
    session.result(jsonText(sarif, 2), sarif)
  } else
    session.result(textOf(session, reports, pages), {
      errors,
      warnings,
      infos,
      suppressed,
      files: reports.map((report) => jsonOf(report, pages)),
    })
  return errors > 0 || (options.strict === true && warnings > 0) ? EXIT.findings : EXIT.clean
}

function pagesOf(written: string | undefined): string | null {
  if (written === undefined) return null
  if (!/^https?:\/\/[^\s<>"]+$/.test(written))
    throw usage(`Cannot link to ${quote(written)}: expected an https address`)
  return written.replace(/\/+$/, '')
}

async function lintFiles(session: Session, written: readonly string[]): Promise<LintReport[]> {
  const files = await findPolicyFiles(session, written)
  if (files.length === 0)
    throw incomplete(
      'Cannot lint: there is no policy',
      'a policy is a .yaml file that is not a .test.yaml',
    )
  const finder = createTestFinder(session)
  const now = session.world.now()
  const reports: LintReport[] = []
  for (const file of files) {
    // One byte too many is the compiler's to say.
    const bytes = await readBounded(session.path(file), 4 * MAX_POLICY_BYTES)
    reports.push(lintPolicy(bytes, { file, now, tests: await finder.find(file) }))
  }
  return reports
}

interface Totals {
  readonly errors: number
  readonly warnings: number
  readonly infos: number
  readonly suppressed: number
}

function totalsOf(reports: readonly LintReport[]): Totals {
  const sum = (of: (report: LintReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0)
  return {
    errors: sum(({ counts }) => counts.error),
    warnings: sum(({ counts }) => counts.warning),
    infos: sum(({ counts }) => counts.info),
    suppressed: sum(({ suppressed }) => suppressed.length),
  }
}

function textOf(session: Session, reports: readonly LintReport[], pages: string | null): string {
  const { errors, warnings, infos, suppressed } = totalsOf(reports)
  const lines = reports.flatMap((report) => reportLines(session, report, pages))
  const parts = [plural(errors, 'error'), plural(warnings, 'warning')]
  if (infos > 0) parts.push(plural(infos, 'note'))
  if (suppressed > 0) parts.push(`${suppressed} allowed`)
  lines.push(`${plural(reports.length, 'file')}: ${parts.join(', ')}`)
  return lines.join('\n')
}

function reportLines(session: Session, report: LintReport, pages: string | null): string[] {
  const lines = report.diagnostics.map((one) => findingText(session, one, report.text, pages))
  const { error, warning, info } = report.counts
  const left = error + warning + info - report.diagnostics.length
  if (left > 0) lines.push(`${report.file}: ${left} more findings are not shown`)
  return lines
}

function jsonOf(
  { file, policy, diagnostics, suppressed }: LintReport,
  pages: string | null,
): object {
  const paged = (one: Diagnostic): object => ({ ...one, page: pageOf(one.code, pages) })
  return {
    file,
    policy,
    diagnostics: diagnostics.map(paged),
    suppressed: suppressed.map(paged),
  }
}

function pageOf(code: string, pages: string | null): string {
  return `${pages ?? 'docs/checks'}/${code}.md`
}

const STYLES = { error: 'red', warning: 'yellow', info: 'dim' } as const
const WORDS = { error: 'error', warning: 'warning', info: 'note' } as const

/** The diagnostic as everywhere, with its severity and its page. */
function findingText(
  session: Session,
  { code, severity, ...rest }: Diagnostic,
  text: string,
  pages: string | null,
): string {
  const words = formatDiagnostic({ code, severity, ...rest }, text)
  const painted = words.replace(` ${code}: `, ` ${session.paint(STYLES[severity], code)}: `)
  return `${painted}\n  ${WORDS[severity]}, see ${pageOf(code, pages)}`
}
