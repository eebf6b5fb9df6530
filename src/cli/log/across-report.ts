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
  /** Logs with chains to compare. */
  readonly compared: number
  /** Those without, as the person wrote them. */
  readonly missing: readonly string[]
  /** Logs not finished, and the size at which an earlier audit knew their chains. */
  readonly standing: ReadonlyMap<string, number>
  /** Records whose place in a chain nobody disclosed, in all logs. */
  readonly unopened: number
  /** Those that earlier audits passed over. */
  readonly unopened_before: number
  /** Origins the predecessor names that were not looked at. */
  readonly successors: readonly string[]
  /** Sentences about records of no log looked at. */
  readonly strays: readonly string[]
}

export function acrossWords(facts: AcrossFacts): AuditWords {
  const { across, seam, compared, missing, unopened, successors } = facts
  const checked: string[] = []
  const not: string[] = []
  if (seam !== null) not.push(`Chains against each other: ${seam}.`)
  else if (compared < 2) not.push('Chains against each other: fewer than two audits were finished.')
  else if (!facts.disclosed)
    not.push('Chains against each other: no disclosures were given (--disclosures).')
  else
    checked.push(`The chains of ${plural(across.chains, 'subject')}: that each is in one log only.`)
  if (unopened > 0)
    not.push(
      `${plural(unopened, 'record')} not disclosed to this audit, which may be of a chain in another log.`,
    )
  if (facts.unopened_before > 0)
    not.push(
      `${plural(facts.unopened_before, 'record')} not disclosed to an earlier audit, which may be of a chain in another log.`,
    )
  for (const [origin, size] of facts.standing)
    not.push(`Chains of ${quote(origin)} after its first ${plural(size, 'entry', 'entries')}.`)
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
