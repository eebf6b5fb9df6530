/**
 * What a run over several logs says beside the report of each: what their chains show together, and what they do not.
 */
import type { AcrossReport } from '../../core/audit/across.ts'
import { plural, quote, type Session } from '../session.ts'
import type { AuditWords } from './audit-report.ts'

const SHOWN = 100

export interface AcrossFacts {
  readonly across: AcrossReport
  /** Why nothing was compared; null when it was. */
  readonly seam: string | null
  readonly disclosed: boolean
  /** Logs whose audits came to an end. */
  readonly finished: number
  /** Those whose did not, as the person wrote them. */
  readonly missing: readonly string[]
  /** Records whose place in a chain nobody disclosed, in all logs. */
  readonly unopened: number
  /** Origins the predecessor names that were not looked at. */
  readonly successors: readonly string[]
  /** Sentences about records of no log looked at. */
  readonly strays: readonly string[]
}

export function acrossWords(facts: AcrossFacts): AuditWords {
  const { across, seam, finished, missing, unopened, successors } = facts
  const checked: string[] = []
  const not: string[] = []
  if (seam !== null) not.push(`Chains against each other: ${seam}.`)
  else if (finished < 2) not.push('Chains against each other: fewer than two audits were finished.')
  else if (!facts.disclosed)
    not.push('Chains against each other: no disclosures were given (--disclosures).')
  else
    checked.push(`The chains of ${plural(across.chains, 'subject')}: that each is in one log only.`)
  if (unopened > 0)
    not.push(
      `${plural(unopened, 'record')} not disclosed to this audit, which may be of a chain in another log.`,
    )
  if (missing.length > 0) not.push(`Chains of ${missing.map(quote).join(', ')}.`)
  for (const origin of successors)
    not.push(`${quote(origin)}, which may go on from the predecessor too and was not given.`)
  not.push('Logs of this deployment that were not given.', ...facts.strays)
  return { checked, not_checked: not }
}

export function acrossText(session: Session, across: AcrossReport, words: AuditWords): string {
  const found = across.findings
    .slice(0, SHOWN)
    .map(({ code, message }) => `${session.paint('red', code)}: ${message}`)
  if (across.total > found.length) found.push(`… and ${across.total - found.length} more`)
  return [
    ...found,
    ...(words.checked.length === 0
      ? []
      : ['checked:', ...words.checked.map((line) => `  ${line}`)]),
    'not checked:',
    ...words.not_checked.map((line) => `  ${line}`),
  ].join('\n')
}
