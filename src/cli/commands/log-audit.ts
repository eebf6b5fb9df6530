/**
 * `livegate log audit`: everything an outsider can check of a log, on all cores, offline when it is a directory.
 */
import { availableParallelism } from 'node:os'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { auditText, auditWords, totalOf } from '../log/audit-report.ts'
import { type AuditRun, findingsOf, runAudit } from '../log/audit-run.ts'
import { readAuditState, writeAuditState } from '../log/audit-state.ts'
import {
  type Disclosures,
  NO_DISCLOSURES,
  readDisclosures,
  readRecords,
} from '../log/disclosures.ts'
import { logKeyOf, readHead, vkeyOption } from '../log/head.ts'
import { openSource } from '../log/source.ts'
import { OutsideRecords } from '../log/witnessed-records.ts'
import type { Session } from '../session.ts'

interface Options {
  readonly vkey: string
  readonly key?: string
  readonly disclosures?: string
  readonly state?: string
  readonly records?: readonly string[]
  readonly signatures: boolean
}

export function logAudit(noun: Command, act: Act): void {
  const command = noun
    .command('audit')
    .description('check a whole log, or what is new in it since the last audit')
    .argument('<log>', 'directory of a mirror, or address before /checkpoint')
  vkeyOption(command)
    .option('--key <key>', 'API key with scope audit, or @FILE, for private entries (LIVEGATE_KEY)')
    .option('--disclosures <file>', 'disclosed records, JSON Lines of {"record": "…"}')
    .option('--state <file>', 'resume after, and remember, the last clean audit')
    .option('--records <file...>', 'records handed out, JSON Lines: each must be in the log')
    .option('--no-signatures', 'leave record signatures out')
    .addHelpText('after', EXAMPLE)
  act(command, audit)
}

const EXAMPLE = `
Example:
  livegate log audit ./mirror --vkey gate.example/log+1a2b3c4d+AQ… --state audit.json

Exit code 4: the log lies. Exit code 1: the audit could not be finished, which says nothing about the log.`

/** Below this many entries, threads cost more than they bring. */
const WORTH_THREADS = 2048

async function audit(session: Session, where: string, options: Options): Promise<ExitCode> {
  const key = logKeyOf(options.vkey)
  const source = await openSource(session, where, options.key)
  const statePath = options.state === undefined ? null : session.path(options.state)
  const stored =
    statePath === null ? { trusted: null, state: null } : await readAuditState(statePath, key)
  const disclosures =
    options.disclosures === undefined
      ? NO_DISCLOSURES
      : await readDisclosures(session.path(options.disclosures))
  const outside = new OutsideRecords()
  for (const file of options.records ?? [])
    for await (const record of readRecords(session.path(file))) outside.add(record)
  const head = await readHead(source, key)
  const fresh = head.size - (stored.state?.size ?? 0)
  const progress = session.progress('auditing', head.size)
  let run: AuditRun
  try {
    run = await runAudit({
      ...{ source, head, disclosures, outside, origin: key.origin, ...stored },
      signatures: options.signatures,
      threads: fresh < WORTH_THREADS ? 0 : availableParallelism(),
      now_s: source.remote ? Math.floor(session.world.now() / 1000) : null,
      signal: session.world.signal,
      onProgress: (entries) => progress.update(entries),
    })
  } finally {
    progress.end()
  }
  await remember(session, options, { run, path: statePath, head })
  return tell(session, run, disclosures)
}

async function remember(
  session: Session,
  options: Options,
  end: {
    readonly run: AuditRun
    readonly path: string | null
    readonly head: Parameters<typeof writeAuditState>[1]
  },
): Promise<void> {
  const { run, path, head } = end
  if (path === null) return
  if (!options.signatures) session.warn('the state is not updated: signatures were left out')
  else if (run.state === null) session.warn('the state is not updated: the audit was not clean')
  else await writeAuditState(path, head, run.state)
}

function tell(session: Session, run: AuditRun, disclosures: Disclosures): ExitCode {
  const words = auditWords(run, disclosures)
  const { counts, notices } = run.report
  const total = totalOf(run)
  session.result(auditText(session, run, words), {
    clean: total === 0,
    findings: findingsOf(run),
    notices,
    counts: { ...counts, findings: total },
    ...words,
  })
  return total > 0 ? EXIT.verification : EXIT.clean
}
