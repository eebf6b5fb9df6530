/**
 * `livegate log audit`: everything an outsider can check of a log, on all cores, offline when it is a directory.
 */
import type { Command } from 'commander'
import type { AuditState } from '../../core/audit/state.ts'
import type { SignedHead } from '../../core/audit/tree.ts'
import type { TreeHead } from '../../core/tlog/checkpoint.ts'
import type { Act } from '../act.ts'
import { type CliFailure, EXIT, type ExitCode, usage } from '../failure.ts'
import { auditLogs } from '../log/audit-logs.ts'
import {
  comparedBefore,
  exitAfter,
  type LogsOptions,
  NO_SIGNATURES,
  statesRequest,
} from '../log/audit-options.ts'
import { auditJson, auditText, auditWords, exitOfRun } from '../log/audit-report.ts'
import { type AuditRun, runAudit, threadsFor } from '../log/audit-run.ts'
import { type AuditStates, openStates } from '../log/audit-state.ts'
import {
  answerChallenge,
  Challenge,
  type ChallengeReport,
  challengeOf,
  challengeText,
} from '../log/challenge.ts'
import { readRecords } from '../log/collected-records.ts'
import { type Disclosures, NO_DISCLOSURES, readDisclosures } from '../log/disclosures.ts'
import { gatherDisclosures } from '../log/gate-disclosures.ts'
import { type LogKey, readHead, vkeysOption } from '../log/head.ts'
import { withLearned } from '../log/head-signers.ts'
import { keysByOrigin } from '../log/named-logs.ts'
import { type AuditedPredecessor, auditPredecessor } from '../log/predecessor.ts'
import { withQuorum } from '../log/quorum-report.ts'
import { type LogSource, openSource } from '../log/source.ts'
import { witnessPolicyOption } from '../log/witness-policy-file.ts'
import { OutsideRecords } from '../log/witnessed-records.ts'
import type { Session } from '../session.ts'

export function logAudit(noun: Command, act: Act): void {
  const command = noun
    .command('audit')
    .description('check a whole log, or what is new in it since the last audit')
    .argument(
      '<log...>',
      'directory of a mirror, or address before /checkpoint; all of a gate’s logs',
    )
  vkeysOption(command)
    .option('--key <key>', 'API key with scope audit, or @FILE, for private entries (LIVEGATE_KEY)')
    .option(
      '--disclosures <file>',
      'disclosed records, JSON Lines of {"record": "…"}; or the address of a gate that opens them to --key',
    )
    .option('--state <file>', 'resume after, and remember, the last clean audit of each log')
    .option(
      '--records <file...>',
      'records handed out, JSON Lines, or directories of such files: each must be in the log',
    )
    .option(
      '--predecessor <log>',
      'the closed log this one goes on from: audited first, chains followed across',
    )
    .option('--predecessor-vkey <key>', 'its verifier key (else the one the new log names)')
    .option('--challenge <count>', 'pick so many records, which must be opened; says what follows')
    .option('--seed <hex>', 'picks them: drawn once the checkpoint is known, 32 to 128 digits')
    .option('--gate <url>', 'opens what --disclosures lacks of them, with --key')
    .option('--shard <number>', 'which log of that gate, from 0')
    .option('--no-signatures', 'leave record signatures out')
    .option('--no-replay', 'do not derive disclosed decisions again')
    .addHelpText('after', EXAMPLE)
  act(witnessPolicyOption(command), withQuorum(audit))
}

const EXAMPLE = `
Example:
  livegate log audit ./mirror --vkey gate.example/log+1a2b3c4d+AQ… --state audit.json
  livegate log audit ./0 ./1 --vkey gate.example/log/0+… --vkey gate.example/log/1+… --state audit.json

Exit code 4: the log lies. Exit code 1: the audit could not be finished, which says nothing about the log.`

async function audit(
  session: Session,
  logs: readonly string[],
  options: LogsOptions,
): Promise<ExitCode> {
  const gathered = await gatherDisclosures(session, options)
  try {
    return await auditGiven(session, logs, { ...options, ...gathered.options })
  } finally {
    await gathered.close()
  }
}

async function auditGiven(
  session: Session,
  logs: readonly string[],
  options: LogsOptions,
): Promise<ExitCode> {
  const challenged = challengeOf(options)
  const [where, ...others] = logs
  const [key, ...otherKeys] = keysByOrigin(options.vkey).values()
  if (where === undefined || key === undefined) throw usage('Cannot audit: expected a log')
  if (others.length === 0 && otherKeys.length === 0)
    return auditOne(session, { where, key }, options)
  if (challenged !== null)
    throw usage('Cannot challenge several logs at once: expected one log and its key')
  return auditLogs(session, logs, options)
}

async function auditOne(
  session: Session,
  { where, key }: { readonly where: string; readonly key: LogKey },
  options: LogsOptions,
): Promise<ExitCode> {
  const source = await openSource(session, where, options.key)
  const states = await openStates(session, statesRequest(session, options, [key]))
  try {
    return await auditFrom(session, { key, source, states }, options)
  } finally {
    await states.close()
  }
}

async function auditFrom(
  session: Session,
  log: { readonly key: LogKey; readonly source: LogSource; readonly states: AuditStates },
  options: LogsOptions,
): Promise<ExitCode> {
  const { key, source, states } = log
  const stored = await states.before(key.origin)
  const outside = new OutsideRecords()
  for (const file of options.records ?? [])
    await readRecords(session.path(file), (record) => outside.add(record))
  const head = await readHead(source, withLearned(key, stored.state))
  const challenge = begun(options, stored.state, { ...head, origin: key.origin })
  const disclosures = disclosuresOf(session, options)
  const clock_s = Math.floor(session.world.now() / 1000)
  const shared = {
    ...{
      disclosures,
      signatures: options.signatures,
      replay: options.replay,
      signal: session.world.signal,
    },
    now_s: source.remote ? clock_s : null,
    clock_s,
  }
  const before = comparedBefore(session, options, [stored.state])
    ? null
    : await auditPredecessor(session, {
        ...{ logs: [{ source, head }], options, shared, threads: threadsFor },
      })
  const progress = session.progress('auditing', head.size)
  let run: AuditRun
  try {
    run = await runAudit({
      ...{ source, head, outside, origin: key.origin, ...shared, ...stored },
      ...(challenge === null ? {} : { challenge }),
      predecessor: before?.audit ?? null,
      threads: threadsFor(head.size - (stored.state?.size ?? 0)),
      onProgress: (entries) => progress.update(entries),
    })
  } finally {
    progress.end()
  }
  const whole = before === null || exitOfRun(before.run) === EXIT.clean
  const challenged = challenge === null ? null : await answered(session, challenge, run, options)
  const trouble = await remember(session, options, { run, states, head, whole })
  const exit = tell(session, run, { disclosures: await disclosures, before, challenged })
  return exitAfter(session, exit, trouble)
}

/** Every entry must go by: what an earlier audit saw is not read again. */
function begun(options: LogsOptions, state: AuditState | null, head: TreeHead): Challenge | null {
  const asked = challengeOf(options)
  if (asked === null) return null
  if (state === null) return new Challenge(asked, head)
  throw usage(
    'Cannot challenge: what --state remembers is not read again',
    'audit anew, without --state',
  )
}

async function answered(
  session: Session,
  challenge: Challenge,
  run: AuditRun,
  { disclosures, gate, key, shard }: LogsOptions,
): Promise<ChallengeReport> {
  await answerChallenge(session, challenge, { disclosures, gate, key, shard, book: run.book })
  return challenge.report(run.report.counts.erased_records)
}

/** Read while the threads start; whatever is wrong with the file is said where it is waited for. */
function disclosuresOf(session: Session, { disclosures }: LogsOptions): Promise<Disclosures> {
  if (disclosures === undefined) return Promise.resolve(NO_DISCLOSURES)
  const read = readDisclosures(session.path(disclosures))
  read.catch(() => undefined)
  return read
}

async function remember(
  session: Session,
  options: LogsOptions,
  end: {
    readonly run: AuditRun
    readonly states: AuditStates
    readonly head: SignedHead
    /** The predecessor, if there is one, was clean too. */
    readonly whole: boolean
  },
): Promise<CliFailure | null> {
  const { run, states, head, whole } = end
  if (options.state === undefined) return null
  const audit = options.signatures && whole ? run.toKeep() : null
  if (!options.signatures) session.warn(NO_SIGNATURES)
  else if (audit === null) session.warn('the state is not updated: the audit was not clean')
  else await states.keep(head, audit)
  return states.commit()
}

interface Told {
  readonly disclosures: Disclosures
  readonly before: AuditedPredecessor | null
  /** Null for no challenge. */
  readonly challenged: ChallengeReport | null
}

function tell(session: Session, run: AuditRun, told: Told): ExitCode {
  const { disclosures, before, challenged } = told
  const old = before === null ? null : before.run
  const exits = [exitOfRun(run), old === null ? EXIT.clean : exitOfRun(old)]
  const lied = exits.includes(EXIT.verification) || (challenged?.findings.length ?? 0) > 0
  const exit = lied
    ? EXIT.verification
    : exits.includes(EXIT.incomplete)
      ? EXIT.incomplete
      : EXIT.clean
  const texts = old === null ? [] : ['predecessor:', textOf(session, old, disclosures), '']
  if (before?.key_from_log === true)
    session.warn('the key of the predecessor is the one the new log names; see --predecessor-vkey')
  if (challenged !== null) texts.push(challengeText(session, challenged, run.book !== null))
  session.result([...texts, textOf(session, run, disclosures)].join('\n'), {
    clean: exit === EXIT.clean,
    ...reportOf(run, disclosures),
    ...(old === null ? {} : { predecessor: reportOf(old, disclosures) }),
    ...(challenged === null ? {} : { challenge: challenged }),
  })
  return exit
}

function textOf(session: Session, run: AuditRun, disclosures: Disclosures): string {
  return auditText(session, run, auditWords(run, disclosures))
}

function reportOf(run: AuditRun, disclosures: Disclosures): object {
  return auditJson(run, auditWords(run, disclosures))
}
