/**
 * Coverage as people and programs read it: a table by rule, what was never reached as sentences, and a percentage.
 *
 * The percentage is rounded down, so 100 means everything. Spec: docs/spec/policy.md, "Coverage".
 */
import type { CoveredPoint } from './coverage.ts'
import type { PointKind } from './points.ts'

export interface CoverageSum {
  readonly covered: number
  readonly total: number
  /** Whole, rounded down; 100 when there is nothing to cover. */
  readonly percent: number
}

/** How much of `points` was reached. */
export function sumUp(points: readonly CoveredPoint[]): CoverageSum {
  const total = points.length
  const covered = points.filter(({ hits }) => hits > 0).length
  return { covered, total, percent: total === 0 ? 100 : Math.floor((covered * 100) / total) }
}

/** What a kind of point is called, before and after the id it belongs to. */
const CALLED: Readonly<Record<PointKind, readonly [before: string, after: string]>> = {
  policy: ['policy', ''],
  strikes: ['strikes', ''],
  rule: ['rule', ''],
  step: ['', 'steps'],
  unless: ['', 'unless'],
  hold: ['', 'hold'],
  review: ['', 'review'],
  asks: ['', 'asks for'],
  exemption: ['exemption', ''],
  'co-host': ['co-host', ''],
}

/** Lines of a table, `columns` wide: a row for each kind of point of each rule, each point with its hits. */
export function coverageTable(points: readonly CoveredPoint[], columns = 80): string[] {
  const rows = new Map<string, { readonly label: string; readonly cells: string[] }>()
  for (const { kind, of, what, hits } of points) {
    const [before, after] = CALLED[kind]
    const key = `${kind} ${of}`
    const label = after === '' ? `${before} ${of}`.trimEnd() : `  ${after}`
    const row = rows.get(key) ?? { label, cells: [] }
    row.cells.push(`${what} (${hits})`)
    rows.set(key, row)
  }
  const all = [...rows.values()]
  const width = Math.min(32, Math.max(0, ...all.map(({ label }) => label.length)))
  return all.flatMap(({ label, cells }) => {
    const [first = '', ...more] = wrap(cells, columns - width - 4)
    const head = label.length > width ? [`  ${label}`, `  ${' '.repeat(width)}  ${first}`] : null
    return [
      ...(head ?? [`  ${label.padEnd(width)}  ${first}`]),
      ...more.map((line) => `  ${' '.repeat(width)}  ${line}`),
    ]
  })
}

function wrap(cells: readonly string[], width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const cell of cells) {
    const longer = line === '' ? cell : `${line}, ${cell}`
    if (line !== '' && longer.length > width) {
      lines.push(`${line},`)
      line = cell
    } else line = longer
  }
  return [...lines, line]
}

const MISSED: Readonly<Record<PointKind, (of: string, what: string) => string>> = {
  policy: () => 'nobody goes live without any rule',
  strikes: (_, what) => `no strike is ${what === 'content too old' ? 'for content too old' : what}`,
  rule: (of, what) =>
    what === 'matched'
      ? `rule ${of} never matches`
      : what === 'not matched'
        ? `rule ${of} matches in every case`
        : `rule ${of} never ${what}`,
  step: (of, what) => `rule ${of} never reaches step ${what}`,
  unless: (of, what) =>
    what === 'lifted'
      ? `the unless of rule ${of} never lifts a strike`
      : what === 'counted'
        ? `the unless of rule ${of} lifts every strike`
        : `the unless of rule ${of} never ${what}`,
  hold: (of, what) => `the hold of rule ${of} is never ${what}`,
  review: (of, what) => `the review of rule ${of} is never ${what}`,
  asks: (of, what) =>
    what === 'unsupported'
      ? `what rule ${of} asks for is never unsupported`
      : `rule ${of} never asks for ${what}`,
  exemption: (of, what) =>
    what === 'lifted'
      ? `exemption ${of} never lifts a rule`
      : what === 'did not lift'
        ? `exemption ${of} is never false where it would matter`
        : `exemption ${of} never ${what} where it would matter`,
  'co-host': (_, what) => `no co-host is ${what}`,
}

/** A sentence for each point no case reached. */
export function missedPoints(points: readonly CoveredPoint[]): string[] {
  return points.filter(({ hits }) => hits === 0).map(({ kind, of, what }) => MISSED[kind](of, what))
}
