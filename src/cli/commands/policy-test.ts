/**
 * `livegate policy test`: runs the cases that lie beside policies. No case at all is an error, not a success.
 *
 * With --watch again and again; with --boundaries it writes cases instead (policy/test-boundaries.ts).
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, failureOf, incomplete, usage } from '../failure.ts'
import { findTestFiles } from '../policy/find-files.ts'
import { printBoundaries } from '../policy/test-boundaries.ts'
import { passOver } from '../policy/test-pass.ts'
import { type ReportOptions, reportOf } from '../policy/test-report.ts'
import { directoriesOf, repeat } from '../policy/watch.ts'
import { quote, type Session } from '../session.ts'

interface Options {
  readonly quiet?: boolean
  readonly coverage?: boolean
  readonly minCoverage?: string
  readonly watch?: boolean
  readonly boundaries?: boolean
  readonly rule?: readonly string[]
}

export function policyTest(noun: Command, act: Act): void {
  const command = noun
    .command('test')
    .description('run the tests of policies')
    .argument('[path...]', 'policies, .test.yaml files or directories; policies unless given')
    .option('--quiet', 'print failing cases only')
    .option('--coverage', 'say what no case reached')
    .option('--min-coverage <percent>', 'a policy covered less is a finding')
    .option('--watch', 'run again whenever a file changes')
    .option(
      '--boundaries',
      'print a test file with a case on either side of every edge of a policy',
    )
    .option('--rule <id>', 'with --boundaries: of this rule only; may be repeated', several)
    .addHelpText('after', EXAMPLE)
  act(command, run)
}

const EXAMPLE = `
Examples:
  livegate policy test policies --coverage
  livegate policy test policies/default.yaml --boundaries > policies/default.boundaries.test.yaml`

function several(one: string, before: readonly string[] = []): readonly string[] {
  return [...before, one]
}

async function run(
  session: Session,
  paths: readonly string[],
  options: Options,
): Promise<ExitCode> {
  const written = paths.length === 0 ? ['policies'] : paths
  if (options.boundaries === true) {
    if (options.watch === true || options.coverage === true || options.minCoverage !== undefined)
      throw usage('Cannot use --boundaries with --watch or coverage: it writes cases and runs none')
    await printBoundaries(session, written, options.rule ?? [])
    return EXIT.clean
  }
  if (options.rule !== undefined) throw usage('Cannot use --rule without --boundaries')
  const reporting: ReportOptions = { ...options, minCoverage: percentOf(options.minCoverage) }
  if (options.watch === true) return watch(session, written, reporting)
  return once(session, await findTestFiles(session, written), reporting)
}

function percentOf(text: string | undefined): number | null {
  if (text === undefined) return null
  if (/^\d{1,3}$/.test(text) && Number(text) <= 100) return Number(text)
  throw usage(`Cannot use --min-coverage ${quote(text)}: expected a whole number from 0 to 100`)
}

async function once(
  session: Session,
  files: readonly string[],
  options: ReportOptions,
): Promise<ExitCode> {
  const pass = await passOver(session, files)
  const report = reportOf(session, pass, options)
  if (report.cases === 0 && report.findings === 0)
    throw incomplete(
      'Cannot test: there is no case',
      'cases lie beside a policy, in <name>.test.yaml',
    )
  session.result(report.text, report.value)
  return report.findings > 0 ? EXIT.findings : EXIT.clean
}

/** Wipes the screen and what was scrolled off it. */
const CLEAR = '\x1b[2J\x1b[3J\x1b[H'

/** Failures end a run, not the watch: the file that is missing now may be saved in a moment. */
async function watch(
  session: Session,
  written: readonly string[],
  options: ReportOptions,
): Promise<ExitCode> {
  if (session.json) throw usage('Cannot watch with --json: that is one document, expected one run')
  const { world } = session
  await repeat(world, {
    directories: () => directoriesOf(written.map(session.path)),
    async run() {
      if (world.out_tty) world.out(CLEAR)
      try {
        const files = await findTestFiles(session, written)
        const pass = await passOver(session, files)
        session.result(reportOf(session, pass, options).text, null)
        const paths = pass.outcomes.flatMap(({ file, policy }) => [file, policy ?? file])
        return await directoriesOf(paths.map(session.path))
      } catch (thrown) {
        const { message, hint } = failureOf(thrown)
        session.say(`error: ${message}${hint === undefined ? '' : `\nhint: ${hint}`}`)
        return []
      } finally {
        session.say(`watching ${written.join(' ')}; end with Ctrl-C`)
      }
    },
  })
  return EXIT.clean
}
