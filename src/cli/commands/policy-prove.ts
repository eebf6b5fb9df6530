/**
 * `livegate policy prove`: shows that a policy's invariants and the built-in properties hold, or prints a case that fails.
 */
import { basename } from 'node:path'
import type { Command } from 'commander'
import { testFileText } from '../../core/policy/prove/case-text.ts'
import { DEFAULT_PROVE_WORK, type Proof, prove } from '../../core/policy/prove/prove.ts'
import type { Counterexample, Verdict } from '../../core/policy/prove/verdict.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete, usage } from '../failure.ts'
import { findPolicyFiles } from '../policy/find-files.ts'
import { loadPlan } from '../policy/load.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options {
  readonly work?: string
}

export function policyProve(noun: Command, act: Act): void {
  const command = noun
    .command('prove')
    .description('prove what has to hold of policies, and their invariants')
    .argument('[path...]', 'policies or directories; policies/ unless given')
    .option('--work <n>', 'evaluations to spend on each policy, at most')
    .addHelpText('after', '\nExample:\n  livegate policy prove policies/default.yaml')
  act(command, run)
}

interface Proved {
  readonly file: string
  readonly proof: Proof
}

async function run(
  session: Session,
  written: readonly string[],
  options: Options,
): Promise<ExitCode> {
  const work = workOf(options)
  const files = await findPolicyFiles(session, written.length > 0 ? written : ['policies'])
  if (files.length === 0)
    throw incomplete(
      'Cannot prove: there is no policy',
      'a policy is a .yaml file that is not a .test.yaml',
    )
  const proved: Proved[] = []
  for (const file of files) {
    const plan = await loadPlan(session, file)
    const bar = session.progress(`prove ${file}`, null)
    const proof = prove(plan, { work, progress: (spent) => bar.update(spent) })
    bar.end()
    proved.push({ file, proof })
  }
  const verdicts = proved.flatMap(({ proof }) => proof.verdicts)
  const lines = proved.flatMap((one) => linesOf(session, one))
  lines.push(summary(files.length, verdicts))
  session.result(lines.join('\n'), jsonOf(proved))
  return verdicts.some(({ status }) => status === 'false') ? EXIT.findings : EXIT.clean
}

function workOf({ work }: Options): number {
  if (work === undefined) return DEFAULT_PROVE_WORK
  const value = Number(work)
  if (!Number.isSafeInteger(value) || value < 1)
    throw usage(`Cannot use --work ${quote(work)}: expected a whole number above zero`)
  return value
}

function summary(files: number, verdicts: readonly Verdict[]): string {
  const count = (wanted: Verdict['status']): number =>
    verdicts.filter(({ status }) => status === wanted).length
  return `${plural(files, 'policy', 'policies')}, ${plural(verdicts.length, 'property', 'properties')}: ${count('proved')} proved, ${count('false')} false, ${count('not_covered')} not covered`
}

function linesOf(session: Session, { file, proof }: Proved): string[] {
  const lines = [session.paint('bold', file)]
  for (const verdict of proof.verdicts) lines.push(...verdictLines(session, verdict))
  const failing = proof.verdicts.flatMap(({ counterexamples }) => counterexamples)
  if (failing.length > 0)
    lines.push(
      '',
      `# ${plural(failing.length, 'case')} that ${failing.length === 1 ? 'fails' : 'fail'}:`,
      caseText(file, failing),
    )
  return lines
}

function verdictLines(session: Session, verdict: Verdict): string[] {
  const { property, says, status, histories, bound, counterexamples } = verdict
  const head = `${mark(session, status)} ${property}: ${says}`
  const far = `(${histories} judged${bound === '' ? '' : `; ${bound}`})`
  return [
    `${head} ${far}`,
    ...counterexamples.map((it) => `     ${it.says}`),
    ...verdict.exceptions.map((exception) => `     except: ${exception}`),
    ...verdict.not_covered.map((why) => `     not covered: ${why}`),
  ]
}

function mark(session: Session, status: Verdict['status']): string {
  if (status === 'proved') return session.paint('green', 'proved     ')
  return status === 'false'
    ? session.paint('red', 'FALSE      ')
    : session.paint('yellow', 'not covered')
}

function caseText(file: string, failing: readonly Counterexample[]): string {
  return testFileText(`./${basename(file)}`, failing).trimEnd()
}

function jsonOf(proved: readonly Proved[]): object {
  return {
    files: proved.map(({ file, proof }) => ({
      file,
      work: proof.work,
      properties: proof.verdicts.map((verdict) => ({
        ...verdict,
        counterexamples: verdict.counterexamples.map((it) => ({
          name: it.name,
          says: it.says,
          test: caseText(file, [it]),
        })),
      })),
    })),
  }
}
