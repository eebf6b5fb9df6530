/**
 * The report of an audit of several logs: each under its origin, then what their chains show together.
 *
 * Reports of the logs are made as each audit ends, so that the audits can be let go. From: audit-logs.ts.
 */
import type { AcrossReport, LogChains } from '../../core/audit/across.ts'
import { type CliFailure, EXIT, type ExitCode } from '../failure.ts'
import { plural, quote, type Session } from '../session.ts'
import { acrossText, acrossWords } from './across-report.ts'
import { type AuditWords, auditJson, auditText, auditWords, exitOfRun } from './audit-report.ts'
import type { AuditRun } from './audit-run.ts'
import type { Disclosures } from './disclosures.ts'
import type { AuditedPredecessor } from './predecessor.ts'

/** How the audit of one log ended. */
export interface Told {
  readonly name: string
  readonly origin: string | null
  readonly text: string
  readonly json: object
  readonly exit: ExitCode
  /** Null when the audit could not be finished. */
  readonly chains: LogChains | null
  readonly unopened: number
  readonly goes_on_from: string | null
}

/** What the logs show together, and what was given beside them. */
export interface Together {
  readonly before: AuditedPredecessor | null
  readonly disclosures: Disclosures
  /** Sentences about records of no log of this run. */
  readonly strays: readonly string[]
  readonly across: AcrossReport
  readonly seam: string | null
  readonly stored: StoredPart
}

/** What earlier audits, remembered by --state, have to do with the comparison. */
export interface StoredPart {
  /** Logs this run did not finish, whose chains an earlier one knew so far. */
  readonly standing: ReadonlyMap<string, number>
  /** Records an earlier audit passed over because nobody disclosed them. */
  readonly unopened: number
}

/** An audit that came to its end, with what it found. */
export function finished(
  session: Session,
  { name, origin }: { readonly name: string; readonly origin: string },
  run: AuditRun,
  words: AuditWords,
): Told {
  const { counts } = run.report
  return {
    ...{ name, origin, text: auditText(session, run, words) },
    json: { log: name, origin, ...auditJson(run, words) },
    exit: exitOfRun(run),
    // What stands before a damaged bundle has its chains all the same.
    chains: { origin, firsts: run.chainFirsts() },
    unopened: counts.chain_unopened,
    goes_on_from: counts.predecessor?.origin ?? null,
  }
}

/** An audit that did not. */
export function unfinished(
  session: Session,
  { name, origin }: Pick<Told, 'name' | 'origin'>,
  { exit, message, hint }: CliFailure,
): Told {
  const said = exit === EXIT.verification ? 'the log does not hold' : 'could not be finished'
  const lines = [message, ...(hint === undefined ? [] : [`hint: ${hint}`])]
  return {
    ...{ name, origin, exit, chains: null, unopened: 0, goes_on_from: null },
    text: `${session.paint('red', said)}: ${lines.join('\n')}`,
    json: { log: name, origin, error: { exit, message, ...(hint === undefined ? {} : { hint }) } },
  }
}

/** Tells it all; exit code as of the worst. */
export function tellLogs(session: Session, told: readonly Told[], together: Together): ExitCode {
  const { before, disclosures, across } = together
  if (before?.key_from_log === true)
    session.warn('the key of the predecessor is the one a new log names; see --predecessor-vkey')
  const words = wordsOf(told, together)
  const exit = exitOf(told, together)
  const old = before === null ? null : auditWords(before.run, disclosures)
  const parts = told.map(({ name, origin, text }) => `${origin ?? name}:\n${text}\n`)
  if (before !== null && old !== null)
    parts.unshift(`predecessor:\n${auditText(session, before.run, old)}\n`)
  const verdict = verdictOf(session, told, exit)
  const text = [...parts, 'across the logs:', acrossText(session, across, words), verdict]
  session.result(text.join('\n'), {
    clean: exit === EXIT.clean,
    logs: told.map(({ json }) => json),
    across: { ...across, ...words },
    ...(before === null || old === null ? {} : { predecessor: auditJson(before.run, old) }),
  })
  return exit
}

function wordsOf(told: readonly Told[], together: Together): AuditWords {
  const { before, disclosures, strays, across, seam, stored } = together
  const open = told.filter(({ chains }) => chains === null)
  const stands = ({ origin }: Told): boolean => origin !== null && stored.standing.has(origin)
  return acrossWords({
    ...{ across, strays, seam, standing: stored.standing, unopened_before: stored.unopened },
    disclosed: disclosures.records > 0 || across.chains > 0,
    compared: told.length - open.length + stored.standing.size,
    missing: open.filter((log) => !stands(log)).map(({ name }) => name),
    unopened: told.reduce((sum, { unopened }) => sum + unopened, 0),
    successors: unseen(told, before),
  })
}

function exitOf(
  told: readonly Told[],
  rest: Pick<Together, 'before' | 'across' | 'seam'>,
): ExitCode {
  const { before, across, seam } = rest
  const old = before === null ? EXIT.clean : exitOfRun(before.run)
  if (
    old === EXIT.verification ||
    across.total > 0 ||
    told.some(({ exit }) => exit === EXIT.verification)
  )
    return EXIT.verification
  return old !== EXIT.clean || seam !== null || told.some(({ exit }) => exit !== EXIT.clean)
    ? EXIT.incomplete
    : EXIT.clean
}

/** Where one log of the run goes on from another, a chain is rightly in both; as a sentence. */
export function seamOf(told: readonly Told[]): string | null {
  for (const { origin, goes_on_from: old } of told)
    if (old !== null && told.some((log) => log.origin === old))
      return `${quote(origin ?? '')} goes on from ${quote(old)}: expected that one with --predecessor only`
  return null
}

/** Successors of the predecessor that this run did not look at. */
function unseen(told: readonly Told[], before: AuditedPredecessor | null): readonly string[] {
  const named = before?.audit.successors ?? []
  return named.filter((successor) => !told.some(({ origin }) => origin === successor))
}

function verdictOf(session: Session, told: readonly Told[], exit: ExitCode): string {
  const logs = plural(told.length, 'log')
  if (exit === EXIT.clean)
    return `${logs}: ${session.paint('green', 'no finding in what was checked')}`
  const lying = told.filter((log) => log.exit === EXIT.verification)
  const open = told.filter((log) => log.exit === EXIT.incomplete)
  const names = (some: readonly Told[]): string =>
    some.map(({ name, origin }) => quote(origin ?? name)).join(', ')
  const said = [
    ...(lying.length > 0 ? [`${names(lying)} does not hold`] : []),
    ...(open.length > 0 ? [`${names(open)} could not be finished`] : []),
  ]
  return `${logs}: ${session.paint('red', said.join('; ') || (exit === EXIT.verification ? 'they do not hold together' : 'not everything could be checked'))}`
}
