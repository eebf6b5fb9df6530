/**
 * `livegate policy diff`: the histories two policies answer differently, each as small as it can be.
 *
 * Differences an author has accepted stand in a file and are no findings any more.
 */
import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { readAccepted, writeAccepted } from '../../core/policy/diff/accepted.ts'
import { DEFAULT_DIFF_WORK, type Diff, diffPlans } from '../../core/policy/diff/compare.ts'
import type { Difference } from '../../core/policy/diff/difference.ts'
import { testFileText } from '../../core/policy/prove/case-text.ts'
import { expectationFrom, inWords } from '../../core/policy/prove/expectation.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete, usage } from '../failure.ts'
import { readBounded } from '../files.ts'
import { loadPlan } from '../policy/load.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options {
  readonly accept?: string
  readonly writeAccept?: string
  readonly asTests?: boolean
  readonly work?: string
}

export function policyDiff(noun: Command, act: Act): void {
  const command = noun
    .command('diff')
    .description('find the histories two policies answer differently')
    .argument('<before>', 'policy')
    .argument('<after>', 'policy')
    .option('--accept <file>', 'differences that were looked at and accepted')
    .option('--write-accept <file>', 'accept all there are: write that file')
    .option('--as-tests', 'print the differences as a test file of <after>')
    .option('--work <n>', 'evaluations to spend, at most')
    .addHelpText('after', '\nExample:\n  livegate policy diff policies/default.yaml candidate.yaml')
  act(command, run)
}

async function run(
  session: Session,
  before: string,
  after: string,
  options: Options,
): Promise<ExitCode> {
  if (options.asTests === true && session.json)
    throw usage('Cannot print tests as JSON: expected --as-tests or --json')
  const work = workOf(options)
  const accepted = await acceptedIn(session, options.accept)
  const [a, b] = [await loadPlan(session, before), await loadPlan(session, after)]
  const bar = session.progress('diff', null)
  const diff = diffPlans(a, b, { work, progress: (spent) => bar.update(spent) })
  bar.end()
  if (options.writeAccept !== undefined)
    await writeFile(session.path(options.writeAccept), writeAccepted(diff.differences))
  const open = diff.differences.filter(({ id }) => !accepted.has(id))
  const text =
    options.asTests === true
      ? testsText(after, open)
      : textOf(session, diff, { accepted, before, after })
  session.result(text, jsonOf(diff, accepted))
  return open.length > 0 && options.writeAccept === undefined ? EXIT.findings : EXIT.clean
}

function workOf({ work }: Options): number {
  if (work === undefined) return DEFAULT_DIFF_WORK
  const value = Number(work)
  if (!Number.isSafeInteger(value) || value < 1)
    throw usage(`Cannot use --work ${quote(work)}: expected a whole number above zero`)
  return value
}

const MAX_ACCEPTED_BYTES: number = 4 * 1024 * 1024

async function acceptedIn(
  session: Session,
  file: string | undefined,
): Promise<ReadonlySet<string>> {
  if (file === undefined) return new Set()
  const bytes = await readBounded(session.path(file), MAX_ACCEPTED_BYTES)
  const read = readAccepted(new TextDecoder().decode(bytes))
  if (read.ok) return read.value
  throw incomplete(
    `Cannot use accepted list ${quote(file)}: ${read.error}`,
    'write it anew with --write-accept',
  )
}

interface Shown {
  readonly accepted: ReadonlySet<string>
  readonly before: string
  readonly after: string
}

function textOf(session: Session, diff: Diff, { accepted, before, after }: Shown): string {
  const open = diff.differences.filter(({ id }) => !accepted.has(id))
  const lines: string[] = []
  let rule: string | null | undefined
  for (const difference of open) {
    if (difference.rule !== rule) {
      rule = difference.rule
      lines.push(session.paint('bold', rule === null ? 'the policy as a whole' : `rule ${rule}`))
    }
    lines.push(...differenceLines(session, difference))
  }
  if (diff.covered.length > 0)
    lines.push(
      `changed, and covered by other rules wherever it was tried: ${diff.covered.join(', ')}`,
    )
  for (const why of diff.not_covered) lines.push(`not covered: ${why}`)
  lines.push(summary(diff, open, { accepted, before, after }))
  return lines.join('\n')
}

function summary(
  diff: Diff,
  open: readonly Difference[],
  { accepted, before, after }: Shown,
): string {
  const count = (wanted: Difference['direction']): number =>
    open.filter(({ direction }) => direction === wanted).length
  const kinds = `${count('stricter')} stricter, ${count('milder')} milder, ${count('other')} other`
  const rest = diff.differences.length - open.length
  const known = accepted.size === 0 ? '' : `; ${rest} accepted`
  const judged = `${plural(diff.histories, 'history', 'histories')} judged`
  const bound = diff.bound === '' ? '' : `; ${diff.bound}`
  return `${after} against ${before}: ${plural(open.length, 'difference')}, ${kinds}${known} (${judged}${bound})`
}

const STYLE = { stricter: 'red', milder: 'green', other: 'yellow' } as const

function differenceLines(session: Session, { id, direction, says }: Difference): string[] {
  return [`  ${session.paint(STYLE[direction], direction.padEnd(8))} ${id}`, `    ${says}`]
}

function testsText(after: string, open: readonly Difference[]): string {
  const cases = open.map(({ id, direction, says, facts, before, after: now }) => ({
    name: `${direction}: ${says} (${id})`,
    says: `was ${inWords(before)}`,
    facts,
    expect: expectationFrom(now, ['not_before', 'obligations']),
  }))
  return testFileText(`./${basename(after)}`, cases)
}

function jsonOf(diff: Diff, accepted: ReadonlySet<string>): object {
  return {
    ...diff,
    differences: diff.differences.map((difference) => ({
      ...difference,
      accepted: accepted.has(difference.id),
    })),
  }
}
