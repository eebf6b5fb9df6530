/**
 * All logs of a deployment in one audit: each in turn as if it were alone, then their chains against each other.
 *
 * A log that cannot be finished does not keep the others from being audited. Reports are made at once and the audits let
 * go: what stays of each is a number a chain. From: commands/log-audit.ts. Core: core/audit/across.ts.
 */
import { type AcrossReport, acrossLogs, type LogChains } from '../../core/audit/across.ts'
import { parseRecord } from '../../core/record/parse.ts'
import { type CliFailure, EXIT, type ExitCode, failureOf } from '../failure.ts'
import { plural, quote, type Session } from '../session.ts'
import { acrossText, acrossWords } from './across-report.ts'
import { auditJson, auditText, auditWords, totalOf } from './audit-report.ts'
import { type AuditInput, type AuditRun, runAudit, threadsFor } from './audit-run.ts'
import { NO_DISCLOSURES, readDisclosures, readRecords } from './disclosures.ts'
import { keysByOrigin, type NamedLog, openLogs } from './named-logs.ts'
import {
  type AuditedPredecessor,
  auditPredecessor,
  type PredecessorOptions,
} from './predecessor.ts'
import { OutsideRecords } from './witnessed-records.ts'

export interface LogsOptions extends PredecessorOptions {
  readonly vkey: readonly string[]
  readonly disclosures?: string
  readonly records?: readonly string[]
  readonly signatures: boolean
}

/** How the audit of one log ended. */
interface Told {
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

/** Audits them all and tells it; exit code as of the worst. */
export async function auditLogs(
  session: Session,
  names: readonly string[],
  options: LogsOptions,
): Promise<ExitCode> {
  const keys = keysByOrigin(options.vkey)
  const logs = await openLogs(session, { names, keys, key: options.key })
  const given = options.disclosures
  const disclosures =
    given === undefined ? NO_DISCLOSURES : await readDisclosures(session.path(given))
  const records = await recordsOf(session, options, logs)
  const shared = {
    ...{ disclosures, signatures: options.signatures, signal: session.world.signal },
    now_s: null,
  }
  const open = logs.flatMap((log) => ('open' in log ? [log.open] : []))
  const before =
    open.length === 0
      ? null
      : await auditPredecessor(session, { logs: open, options, shared, threads: threadsFor })
  const told: Told[] = []
  for (const log of logs) {
    const outside = records.of.get(log.origin) ?? new OutsideRecords()
    const predecessor = before?.audit ?? null
    told.push(await auditLog(session, log, { ...shared, outside, predecessor }))
  }
  return tell(session, told, { before, disclosures, strays: records.strays })
}

interface Records {
  readonly of: ReadonlyMap<string | null, OutsideRecords>
  /** Sentences about records of no log of this run. */
  readonly strays: readonly string[]
}

/** Every record names its log; there it is looked for. */
async function recordsOf(
  session: Session,
  options: LogsOptions,
  logs: readonly NamedLog[],
): Promise<Records> {
  const of = new Map(
    logs.map(({ origin }): [string | null, OutsideRecords] => [origin, new OutsideRecords()]),
  )
  const strays: string[] = []
  for (const file of options.records ?? [])
    await readRecords(session.path(file), (record) => {
      const parsed = parseRecord(record.jws)
      const outside = parsed.ok ? of.get(parsed.value.claims.log) : undefined
      if (outside !== undefined) outside.add(record)
      else
        strays.push(
          `The record of line ${record.line} is of ${parsed.ok ? `log ${quote(parsed.value.claims.log)}, which is not among those looked at` : 'no log: it cannot be read'}.`,
        )
    })
  return { of, strays }
}

type LogInput = Pick<
  AuditInput,
  'disclosures' | 'signatures' | 'signal' | 'outside' | 'predecessor'
>

async function auditLog(session: Session, log: NamedLog, input: LogInput): Promise<Told> {
  if ('failure' in log) return unfinished(session, log, log.failure)
  const { name, origin, open } = log
  const progress = session.progress(`auditing ${origin}`, open.head.size)
  try {
    const run = await runAudit({
      ...{ ...input, ...open, origin: origin ?? '', trusted: null, state: null },
      now_s: open.source.remote ? Math.floor(session.world.now() / 1000) : null,
      threads: threadsFor(open.head.size),
      onProgress: (entries) => progress.update(entries),
    })
    const words = auditWords(run, await input.disclosures)
    return finished(session, { name, origin: origin ?? '' }, run, words)
  } catch (thrown) {
    return unfinished(session, { name, origin }, failureOf(thrown))
  } finally {
    progress.end()
  }
}

function finished(
  session: Session,
  { name, origin }: { readonly name: string; readonly origin: string },
  run: AuditRun,
  words: ReturnType<typeof auditWords>,
): Told {
  const { counts } = run.report
  return {
    ...{ name, origin, text: auditText(session, run, words) },
    json: { log: name, origin, ...auditJson(run, words) },
    exit: totalOf(run) > 0 ? EXIT.verification : EXIT.clean,
    // What stands before a damaged bundle has its chains all the same.
    chains: { origin, firsts: run.chainFirsts() },
    unopened: counts.chain_unopened,
    goes_on_from: counts.predecessor?.origin ?? null,
  }
}

function unfinished(
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

interface Rest {
  readonly before: AuditedPredecessor | null
  readonly disclosures: Awaited<AuditInput['disclosures']>
  readonly strays: readonly string[]
}

function tell(session: Session, told: readonly Told[], rest: Rest): ExitCode {
  const { before, disclosures, strays } = rest
  if (before?.key_from_log === true)
    session.warn('the key of the predecessor is the one a new log names; see --predecessor-vkey')
  const seam = seamOf(told)
  const across = acrossLogs(seam === null ? told.flatMap(({ chains }) => chains ?? []) : [])
  const words = acrossWords({
    ...{ across, strays, seam, disclosed: disclosures.records > 0 },
    finished: told.filter(({ chains }) => chains !== null).length,
    missing: told.filter(({ chains }) => chains === null).map(({ name }) => name),
    unopened: told.reduce((sum, { unopened }) => sum + unopened, 0),
    successors: unseen(told, before),
  })
  const exit = exitOf(told, { before, across, seam })
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

function exitOf(
  told: readonly Told[],
  rest: {
    readonly before: AuditedPredecessor | null
    readonly across: AcrossReport
    readonly seam: string | null
  },
): ExitCode {
  const { before, across, seam } = rest
  const old = before === null ? 0 : totalOf(before.run)
  if (old + across.total > 0 || told.some(({ exit }) => exit === EXIT.verification))
    return EXIT.verification
  return seam !== null || told.some(({ exit }) => exit !== EXIT.clean)
    ? EXIT.incomplete
    : EXIT.clean
}

/** Where one log of the run goes on from another, a chain is rightly in both; as a sentence. */
function seamOf(told: readonly Told[]): string | null {
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
  return `${logs}: ${session.paint('red', said.join('; ') || 'they do not hold together')}`
}
