/**
 * An audit in words: every finding, what was checked, and as plainly what was not.
 */
import { EXIT, type ExitCode } from '../failure.ts'
import { plural, type Session } from '../session.ts'
import { type AuditRun, type FutureNotice, findingsOf, unknownEngines } from './audit-run.ts'
import type { Disclosures } from './disclosures.ts'
import type { OutsideNotice } from './witnessed-records.ts'

const SHOWN = 100

export interface AuditWords {
  readonly checked: readonly string[]
  readonly not_checked: readonly string[]
}

/** Core's sentences, and those of what only the command line looks at. */
export function auditWords(run: AuditRun, disclosures: Disclosures): AuditWords {
  const { report, outside } = run
  const checked = [...report.checked]
  const not_checked = [...report.not_checked]
  if (disclosures.records === 0)
    not_checked.push('Chains: no disclosures were given (--disclosures).')
  if (run.unmatched > 0)
    not_checked.push(
      `${plural(run.unmatched, 'disclosure')} that no record commits to: they prove nothing.`,
    )
  if (outside.given > 0)
    checked.push(
      `${outside.found} of ${outside.given} records given with --records are in the log.`,
    )
  else not_checked.push('Records handed out: none were given (--records).')
  not_checked.push(...outside.open)
  return { checked, not_checked }
}

/** The whole report for people. */
export function auditText(session: Session, run: AuditRun, words: AuditWords): string {
  const all = findingsOf(run)
  // What is wrong with the tree comes first: it says what findings in single entries are worth.
  const exchanged = all.some(({ code }) => code === 'root' || code === 'size')
  const findings = exchanged
    ? all.toSorted((a, b) => Number(a.index !== null) - Number(b.index !== null))
    : all
  const found = findings.slice(0, SHOWN).map(({ index, code, message }) => {
    const place = index === null ? '' : `index ${index} `
    return `${session.paint('red', `${place}${code}`)}: ${message}`
  })
  if (findings.length > SHOWN) found.push(`… and ${findings.length - SHOWN} more`)
  const notices = noticesOf(run)
    .slice(0, SHOWN)
    .map(({ index, code, message }) => {
      const place = index === null ? '' : `index ${index} `
      return `${session.paint('yellow', `${place}${code}`)}: ${message}`
    })
  const total = totalOf(run)
  const verdict =
    total > 0
      ? session.paint(
          'red',
          `${exchanged ? 'these entries are not what the checkpoint covers; they were changed, or are of another log, where they are kept or on their way, or the log shows two trees' : 'the log does not hold'}: ${plural(total, 'finding')}`,
        )
      : unknownEngines(run) > 0
        ? session.paint(
            'yellow',
            `no finding in what was checked, but ${plural(unknownEngines(run), 'decision')} could not be replayed: use the version of livegate that knows the engine`,
          )
        : session.paint('green', 'no finding in what was checked')
  return [
    ...found,
    ...notices,
    'checked:',
    ...words.checked.map((line) => `  ${line}`),
    'not checked:',
    ...words.not_checked.map((line) => `  ${line}`),
    `${plural(run.report.counts.size, 'entry', 'entries')}: ${verdict}`,
  ].join('\n')
}

/** The whole report for programs. */
export function auditJson(run: AuditRun, words: AuditWords): object {
  const { counts } = run.report
  return {
    findings: findingsOf(run),
    notices: noticesOf(run),
    counts: { ...counts, findings: totalOf(run) },
    ...words,
  }
}

function noticesOf({
  report,
  outside,
  future,
}: AuditRun): readonly (AuditRun['report']['notices'][number] | OutsideNotice | FutureNotice)[] {
  return [...report.notices, ...outside.notices, ...(future === null ? [] : [future])]
}

/** Findings, those whose text was not kept included. */
export function totalOf(run: AuditRun): number {
  return run.report.counts.findings + run.outside.findings.length
}

/** A lie before what could not be replayed. */
export function exitOfRun(run: AuditRun): ExitCode {
  if (totalOf(run) > 0) return EXIT.verification
  return unknownEngines(run) > 0 ? EXIT.incomplete : EXIT.clean
}
