/**
 * All logs of a deployment in one audit: each in turn as if it were alone, then their chains against each other.
 *
 * A log that cannot be finished does not keep the others from being audited; its chains are compared as far as --state
 * knows them. The states of clean logs are written together at the end, unless the logs contradict each other: then
 * none moves. What stays in memory of each log is a number a chain. From: commands/log-audit.ts. Core: core/audit/across.ts.
 */
import { acrossLogs, type LogChains } from '../../core/audit/across.ts'
import { parseRecord } from '../../core/record/parse.ts'
import { type CliFailure, EXIT, type ExitCode, failureOf } from '../failure.ts'
import { quote, type Session } from '../session.ts'
import {
  comparedBefore,
  exitAfter,
  type LogsOptions,
  NO_SIGNATURES,
  statesRequest,
} from './audit-options.ts'
import { auditWords, exitOfRun } from './audit-report.ts'
import { type AuditInput, runAudit, threadsFor } from './audit-run.ts'
import { type AuditStates, openStates } from './audit-state.ts'
import { readRecords } from './collected-records.ts'
import { NO_DISCLOSURES, readDisclosures } from './disclosures.ts'
import { withLearned } from './head-signers.ts'
import { finished, seamOf, type Together, type Told, tellLogs, unfinished } from './logs-report.ts'
import { keysByOrigin, type NamedLog, openLogs } from './named-logs.ts'
import { type AuditedPredecessor, auditPredecessor } from './predecessor.ts'
import { OutsideRecords } from './witnessed-records.ts'

/** Audits them all and tells it; exit code as of the worst. */
export async function auditLogs(
  session: Session,
  names: readonly string[],
  options: LogsOptions,
): Promise<ExitCode> {
  const keys = keysByOrigin(options.vkey)
  const states = await openStates(session, statesRequest(session, options, keys.values()))
  try {
    const known = new Map(
      [...keys].map(([origin, key]) => [origin, withLearned(key, states.stateOf(origin))] as const),
    )
    const logs = await openLogs(session, { names, keys: known, key: options.key })
    return await auditEach(session, { logs, states }, options)
  } finally {
    await states.close()
  }
}

interface Opened {
  readonly logs: readonly NamedLog[]
  readonly states: AuditStates
}

async function auditEach(
  session: Session,
  { logs, states }: Opened,
  options: LogsOptions,
): Promise<ExitCode> {
  const given = options.disclosures
  const disclosures =
    given === undefined ? NO_DISCLOSURES : await readDisclosures(session.path(given))
  const records = await recordsOf(session, options, logs)
  const shared = {
    ...{
      disclosures,
      signatures: options.signatures,
      replay: options.replay,
      signal: session.world.signal,
    },
    ...{ now_s: null, clock_s: Math.floor(session.world.now() / 1000) },
  }
  const before = await predecessorOf(session, { logs, states, shared }, options)
  const whole = before === null || exitOfRun(before.run) === EXIT.clean
  const told: Told[] = []
  const stored = { states, update: options.signatures && options.state !== undefined }
  for (const log of logs) {
    const outside = records.of.get(log.origin) ?? new OutsideRecords()
    const predecessor = before?.audit ?? null
    told.push(await auditLog(session, log, { ...shared, outside, predecessor, stored }))
  }
  const standing = await standingOf(told, states)
  const seam = seamOf(told)
  const chains = [...told.flatMap((log) => log.chains ?? []), ...standing]
  const together: Together = {
    ...{ before, disclosures, strays: records.strays, seam },
    across: acrossLogs(seam === null ? chains : []),
    stored: storedPart(states, standing),
  }
  const trouble = await remember(session, options, { told, states, together, whole })
  return exitAfter(session, tellLogs(session, told, together), trouble)
}

async function predecessorOf(
  session: Session,
  {
    logs,
    states,
    shared,
  }: Opened & { readonly shared: Parameters<typeof auditPredecessor>[1]['shared'] },
  options: LogsOptions,
): Promise<AuditedPredecessor | null> {
  const open = logs.flatMap((log) => ('open' in log ? [log] : []))
  const before = open.map(({ origin }) => states.stateOf(origin ?? ''))
  if (open.length === 0 || comparedBefore(session, options, before)) return null
  const request = { logs: open.map((log) => log.open), options, shared, threads: threadsFor }
  return auditPredecessor(session, request)
}

/** Chains of logs that were not finished, as far as earlier audits came. */
async function standingOf(told: readonly Told[], states: AuditStates): Promise<LogChains[]> {
  const standing: LogChains[] = []
  for (const origin of states.stored) {
    if (told.some((log) => log.origin === origin && log.chains !== null)) continue
    const chains = await states.standing(origin)
    if (chains !== null) standing.push(chains)
  }
  return standing
}

function storedPart(states: AuditStates, standing: readonly LogChains[]): Together['stored'] {
  let unopened = 0
  for (const origin of states.stored) unopened += states.stateOf(origin)?.chains.unopened ?? 0
  const sizes = standing.map(({ origin }): [string, number] => [
    origin,
    states.stateOf(origin)?.size ?? 0,
  ])
  return { standing: new Map(sizes), unopened }
}

/** One log's lie keeps that log's state where it was; a lie between logs those of all. */
async function remember(
  session: Session,
  options: LogsOptions,
  end: {
    readonly told: readonly Told[]
    readonly states: AuditStates
    readonly together: Together
    readonly whole: boolean
  },
): Promise<CliFailure | null> {
  const { told, states, together, whole } = end
  if (options.state === undefined) return null
  const refused = refusal(options, together, whole)
  if (refused !== null) {
    session.warn(refused)
    return null
  }
  for (const { name, origin, exit } of told)
    if (exit !== EXIT.clean)
      session.warn(
        `the state of ${quote(origin ?? name)} stays where it was: its audit ${exit === EXIT.verification ? 'was not clean' : 'could not be finished'}`,
      )
  return states.commit()
}

function refusal(options: LogsOptions, { across, seam }: Together, whole: boolean): string | null {
  if (!options.signatures) return NO_SIGNATURES
  if (!whole) return 'the state is not updated: the audit of the predecessor was not clean'
  if (across.total > 0) return 'the state is not updated: the logs do not hold together'
  if (seam !== null) return 'the state is not updated: the chains were not compared'
  return null
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
          `The record of ${quote(`${record.path}:${record.line}`)} is of ${parsed.ok ? `log ${quote(parsed.value.claims.log)}, which is not among those looked at` : 'no log: it cannot be read'}.`,
        )
    })
  return { of, strays }
}

type LogInput = Pick<
  AuditInput,
  'disclosures' | 'signatures' | 'replay' | 'signal' | 'outside' | 'predecessor' | 'clock_s'
> & { readonly stored: { readonly states: AuditStates; readonly update: boolean } }

async function auditLog(session: Session, log: NamedLog, given: LogInput): Promise<Told> {
  if ('failure' in log) return unfinished(session, log, log.failure)
  const { name, open } = log
  const { stored, ...input } = given
  const origin = log.origin ?? ''
  const progress = session.progress(`auditing ${origin}`, open.head.size)
  try {
    const before = await stored.states.before(origin)
    const run = await runAudit({
      ...{ ...input, ...open, ...before, origin },
      now_s: open.source.remote ? Math.floor(session.world.now() / 1000) : null,
      threads: threadsFor(open.head.size - (before.state?.size ?? 0)),
      onProgress: (entries) => progress.update(entries),
    })
    const audit = stored.update ? run.toKeep() : null
    if (audit !== null) await stored.states.keep(open.head, audit)
    return finished(session, { name, origin }, run, auditWords(run, await input.disclosures))
  } catch (thrown) {
    return unfinished(session, { name, origin }, failureOf(thrown))
  } finally {
    progress.end()
  }
}
