/**
 * `livegate policy lint`: everything the compiler has to say about policy files, errors and warnings.
 */
import type { Command } from 'commander'
import { type Diagnostic, formatDiagnostic } from '../../core/policy/diagnostic.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete } from '../failure.ts'
import { findPolicyFiles } from '../policy/find-files.ts'
import { type CheckedPolicy, checkPolicyFile } from '../policy/load.ts'
import { plural, type Session } from '../session.ts'

interface Options {
  readonly strict?: boolean
}

export function policyLint(noun: Command, act: Act): void {
  const command = noun
    .command('lint')
    .description('check policy files')
    .argument('<path...>', 'policies or directories')
    .option('--strict', 'warnings are findings too')
    .addHelpText('after', '\nExample:\n  livegate policy lint policies/default.yaml')
  act(command, lint)
}

async function lint(
  session: Session,
  written: readonly string[],
  options: Options,
): Promise<ExitCode> {
  const files = await findPolicyFiles(session, written)
  if (files.length === 0)
    throw incomplete(
      'Cannot lint: there is no policy',
      'a policy is a .yaml file that is not a .test.yaml',
    )
  const checked: CheckedPolicy[] = []
  for (const file of files) checked.push(await checkPolicyFile(session, file))
  const errors = count(checked, 'error')
  const warnings = count(checked, 'warning')
  const lines = checked.flatMap(({ diagnostics, text }) =>
    diagnostics.map((diagnostic) => coloured(session, diagnostic, text)),
  )
  lines.push(
    `${plural(files.length, 'file')}: ${plural(errors, 'error')}, ${plural(warnings, 'warning')}`,
  )
  session.result(lines.join('\n'), {
    errors,
    warnings,
    files: checked.map(({ file, plan, diagnostics }) => ({
      file,
      policy: plan === null ? null : { name: plan.name, digest: plan.digest },
      diagnostics,
    })),
  })
  return errors > 0 || (options.strict === true && warnings > 0) ? EXIT.findings : EXIT.clean
}

function count(checked: readonly CheckedPolicy[], severity: Diagnostic['severity']): number {
  return checked
    .flatMap(({ diagnostics }) => diagnostics)
    .filter((diagnostic) => diagnostic.severity === severity).length
}

function coloured(session: Session, diagnostic: Diagnostic, text: string): string {
  const words = formatDiagnostic(diagnostic, text)
  const style = diagnostic.severity === 'error' ? 'red' : 'yellow'
  return words.replace(` ${diagnostic.code}: `, ` ${session.paint(style, diagnostic.code)}: `)
}
