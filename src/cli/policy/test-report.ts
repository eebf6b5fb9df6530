/**
 * A pass over test files as it is printed: a line a case, what failed in full, coverage, and the sum.
 */
import { coverageTable, missedPoints, sumUp } from '../../core/policy/cover/report.ts'
import { formatFailure, titleOf } from '../../core/policy/test-failure.ts'
import type { TestResult } from '../../core/policy/test-run.ts'
import { formatInstant } from '../../core/time.ts'
import { plural, type Session } from '../session.ts'
import type { World } from '../world.ts'
import type { Outcome, Pass } from './test-pass.ts'

export interface ReportOptions {
  readonly quiet?: boolean
  readonly coverage?: boolean
  /** Percent of every policy; null = any. */
  readonly minCoverage: number | null
}

export interface TestReport {
  readonly text: string
  readonly value: object
  readonly cases: number
  /** Failing cases, files not run, policies covered too little. */
  readonly findings: number
}

/** Failing cases shown in full: each costs evaluations, and nobody reads the hundredth. */
const MAX_SHOWN = 50

/** Text for people and data for programs. */
export function reportOf(session: Session, pass: Pass, options: ReportOptions): TestReport {
  const results = pass.outcomes.flatMap((outcome) => outcome.results)
  const failed = results.filter(isFailure).length
  const refused = pass.outcomes.filter((outcome) => outcome.refused.length > 0).length
  const covered = coverageOf(pass)
  const low = covered.filter(({ percent }) => percent < (options.minCoverage ?? 0))
  const show = countdown(MAX_SHOWN)
  const lines = [
    ...pass.outcomes.flatMap((outcome) => linesOf(session, outcome, options, show)),
    ...(options.coverage === true ? covered.flatMap((one) => coverageLines(session, one)) : []),
    ...low.map(({ policy, percent }) =>
      session.paint(
        'red',
        `${policy}: ${percent} % covered, expected at least ${options.minCoverage} %`,
      ),
    ),
    `${plural(results.length, 'case')}: ${results.length - failed} passed, ${failed} failed${refused > 0 ? `, ${plural(refused, 'file')} not run` : ''}`,
  ]
  const value = {
    cases: results.length,
    failed,
    files: pass.outcomes.map(({ file, refused: why, results: all }) => ({
      file,
      diagnostics: why.map(({ diagnostic }) => diagnostic),
      cases: all.map(renderCase),
    })),
    ...(options.coverage === true || options.minCoverage !== null ? { coverage: covered } : {}),
  }
  return {
    text: lines.join('\n'),
    value,
    cases: results.length,
    findings: failed + refused + low.length,
  }
}

function isFailure(result: TestResult): boolean {
  return result.differences.length > 0
}

function countdown(from: number): () => boolean {
  let left = from
  return () => left-- > 0
}

function linesOf(
  session: Session,
  { file, plan, results, refused }: Outcome,
  options: ReportOptions,
  show: () => boolean,
): string[] {
  const lines = refused.map(({ text }) => text)
  for (const result of results) {
    if (isFailure(result)) {
      lines.push(
        `${session.paint('red', 'FAIL')} ${titleOf(result)}`,
        `  ${file}:${result.line}:${result.column}`,
      )
      if (plan !== null && show()) lines.push(formatFailure(plan, result, drawing(session.world)))
    } else if (options.quiet !== true)
      lines.push(`${session.paint('green', 'ok')}   ${titleOf(result)}`)
  }
  return lines.length > 0 ? [session.paint('bold', file), ...lines] : []
}

/** How to draw: as wide as the terminal, and with UTF-8 only where the locale says so. */
function drawing({ columns, env, out_tty }: World): { columns: number; ascii: boolean } {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  return { columns: out_tty ? columns : 80, ascii: !/utf-?8/i.test(locale) }
}

function renderCase(result: TestResult): object {
  const { name, line, column, combination, facts, differences } = result
  const at = formatInstant(facts.at)
  const several = combination.length === 0 ? {} : { combination }
  return { name, line, column, ...several, at, passed: !isFailure(result), differences }
}

type Covered = ReturnType<typeof coverageOf>[number]

function coverageOf({ coverage }: Pass) {
  return [...coverage].map(([policy, seen]) => {
    const points = seen.points()
    return { policy, cases: seen.cases(), ...sumUp(points), points }
  })
}

function coverageLines(
  session: Session,
  { policy, cases, covered, total, percent, points }: Covered,
): string[] {
  const missed = missedPoints(points)
  const head = `coverage of ${policy}: ${percent} %, ${covered} of ${total}, by ${plural(cases, 'case')}`
  return [
    session.paint('bold', head),
    ...coverageTable(points),
    ...(missed.length === 0 ? [] : ['  not covered']),
    ...missed.map((sentence) => `    ${session.paint('yellow', sentence)}`),
  ]
}
