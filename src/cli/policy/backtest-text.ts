/**
 * A backtest for people, and as JSON: what changes, by rule, with decisions to look up, and what is left out.
 */
import type { Until } from '../../core/model.ts'
import type { BacktestReport, LeftOut } from '../../core/policy/compare/backtest.ts'
import type { Change, ChangeExample, Side } from '../../core/policy/compare/changes.ts'
import type { ChangeReport } from '../../core/policy/compare/tally.ts'
import { type EpochMs, formatInstant } from '../../core/time.ts'
import { plural, type Session } from '../session.ts'

const WHY: Readonly<Record<LeftOut, string>> = {
  no_disclosure: 'not disclosed',
  erased: 'erased',
  unreadable: 'unreadable',
  other_engine: 'made by another version of the language',
  not_reproduced: 'not what the policy in force gives',
  facts_lacking: 'decided otherwise for want of a fact nobody supplied then',
}

const NOT_VERIFIED = 'neither signatures nor hashes were checked: `livegate log audit` does that'

export function backtestText(session: Session, file: string, report: BacktestReport): string {
  const { compared } = report
  const lines = [headline(session, file, compared)]
  for (const [change, n] of Object.entries(compared.changes))
    lines.push(`  ${inWords(change as Change).padEnd(16)} ${n}${termsIn(compared, change)}`)
  for (const rule of Object.keys(compared.by_rule))
    lines.push(...ruleLines(session, rule, compared))
  if (compared.examples.length > 0) lines.push(session.paint('bold', 'examples'))
  lines.push(
    ...someOf(compared.examples).map(exampleLine),
    ...leftOutLines(report),
    baseline(report),
  )
  lines.push(session.paint('dim', NOT_VERIFIED))
  return lines.join('\n')
}

function headline(session: Session, file: string, compared: ChangeReport): string {
  const { decisions, unchanged, directions, from, to } = compared
  const { stricter, milder, other } = directions
  const when =
    from === null || to === null ? '' : `, ${formatInstant(from)} to ${formatInstant(to)}`
  const kinds = [
    session.paint(stricter > 0 ? 'red' : 'dim', `${stricter} stricter`),
    session.paint(milder > 0 ? 'green' : 'dim', `${milder} milder`),
    ...(other > 0 ? [session.paint('yellow', `${other} both`)] : []),
  ]
  return `${file} over ${plural(decisions, 'decision')}${when}: ${unchanged} unchanged, ${kinds.join(', ')}`
}

/** `allow -> deny`, `deny ends later`, `other terms`. */
function inWords(change: Change): string {
  if (change === 'terms') return 'other terms'
  if (change === 'later' || change === 'sooner') return `deny ends ${change}`
  return change.replace('_to_', ' -> ')
}

function termsIn({ terms }: ChangeReport, change: string): string {
  if (change !== 'terms') return ''
  return ` (${Object.entries(terms)
    .map(([term, n]) => `${term} ${n}`)
    .join(', ')})`
}

function ruleLines(session: Session, rule: string, compared: ChangeReport): string[] {
  const { before, after } = compared.rules[rule] ?? { before: 0, after: 0 }
  const of = compared.by_rule[rule] ?? { changes: {}, examples: [] }
  const changes = Object.entries(of.changes).map(
    ([change, n]) => `${inWords(change as Change)} ${n}`,
  )
  return [
    `${session.paint('bold', `rule ${rule}`)}: a say in ${before} before, ${after} after`,
    `  ${changes.join(', ')}: ${of.examples.join(' ')}`,
  ]
}

const SHOWN_OF_ONE = 3

/** A few of each change, in the order of time. */
function someOf(examples: readonly ChangeExample[]): readonly ChangeExample[] {
  const byChange = Object.values(Object.groupBy(examples, ({ change }) => change))
  return byChange
    .flatMap((list = []) => list.slice(0, SHOWN_OF_ONE))
    .toSorted((a, b) => a.at - b.at)
}

function exampleLine({ id, at, before, after }: ChangeExample): string {
  return `  ${id} ${formatInstant(at)}: ${sideText(before)} -> ${sideText(after)}`
}

function sideText({ outcome, mode, until, rules }: Side): string {
  const how = mode === null ? outcome : `${outcome} (${mode})`
  const end = until === null ? '' : ` until ${untilText(until)}`
  return `${how}${end}${rules.length === 0 ? '' : ` by ${rules.join(', ')}`}`
}

function untilText(until: Until): string {
  return until === 'forever' ? until : formatInstant(until)
}

function leftOutLines(report: BacktestReport): string[] {
  const words = notCompared(report)
  const lacking = Object.entries(report.lacking).map(([fact, n]) => `${fact} in ${n}`)
  return [
    ...(words.length === 0 ? [] : [`not compared: ${words.join(', ')}`]),
    ...(lacking.length === 0 ? [] : [`the candidate lacked ${lacking.join(', ')}`]),
  ]
}

/** Decisions that are in no count of changes, by why. */
export function notCompared({ left_out, filtered }: BacktestReport): string[] {
  const left = Object.entries(left_out).map(([why, n]) => `${n} ${WHY[why as LeftOut]}`)
  return filtered > 0 ? [...left, `${filtered} outside of what was asked for`] : left
}

function baseline({ compared, unchecked, left_out, not_reproduced }: BacktestReport): string {
  const checked = compared.decisions - unchecked
  const wrong = left_out.not_reproduced ?? 0
  const all = `baseline: the policy in force gives what is recorded in ${checked} of ${checked + wrong}`
  const more = unchecked > 0 ? `; ${unchecked} without its text` : ''
  const names = not_reproduced.length > 0 ? `; not in ${not_reproduced.join(' ')}` : ''
  return `${all}${more}${names}`
}

/** As the report, with instants as text. */
export function backtestJson(
  candidate: string,
  report: BacktestReport,
  { from_log }: { readonly from_log: boolean },
): object {
  const { compared, ...rest } = report
  return {
    ...{ candidate, verified: false, source: from_log ? 'log' : 'data' },
    ...rest,
    compared: {
      ...compared,
      from: instantText(compared.from),
      to: instantText(compared.to),
      examples: compared.examples.map(({ at, before, after, ...example }) => ({
        ...{ ...example, at: formatInstant(at) },
        ...{ before: sideJson(before), after: sideJson(after) },
      })),
    },
  }
}

function sideJson(side: Side): object {
  return { ...side, until: side.until === null ? null : untilText(side.until) }
}

function instantText(at: EpochMs | null): string | null {
  return at === null ? null : formatInstant(at)
}
