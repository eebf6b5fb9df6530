/**
 * `livegate log evidence`: everything about one decision in one file, for somebody who has neither the log nor the gate.
 */
import type { Command } from 'commander'
import type { EvidenceReport } from '../../core/evidence/verify.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { writeAtomic } from '../files.ts'
import { baseUrl, gateClient, gateOptions } from '../gate-client.ts'
import { type Exported, type ExportRequest, exportEvidence } from '../log/evidence-export.ts'
import { openOf, sinceOf, witnessesOf } from '../log/evidence-options.ts'
import { openerOfFile, openerOfGate } from '../log/evidence-source.ts'
import { logKeyOf, openHead, readHead, vkeyOption } from '../log/head.ts'
import { indexOf } from '../log/proof-of.ts'
import { type LogSource, openSource } from '../log/source.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options {
  readonly decision: string
  readonly out: string
  readonly vkey: string
  readonly log?: string
  readonly disclosures?: string
  readonly open: string
  readonly since?: string
  readonly witness?: readonly string[]
  readonly witnessed?: boolean
  readonly shard?: string
  readonly url?: string
  readonly key?: string
}

export function logEvidence(noun: Command, act: Act): void {
  const command = noun
    .command('evidence')
    .description('write everything that bears out one decision into one file')
    .requiredOption('--decision <id>', 'the decision')
    .requiredOption('--out <file>', 'the evidence bundle')
  vkeyOption(command)
    .option('--log <log>', 'directory of a mirror, or address before /checkpoint (else of --url)')
    .option('--disclosures <file>', 'disclosed records, JSON Lines; else asked of --url')
    .option(
      '--open <groups>',
      'groups to open: chain, result, subject, request, facts; or none',
      'chain,result',
    )
    .option('--since <file>', 'a checkpoint the reader trusts: the log is proven to go on from it')
    .option('--witness <key...>', 'verifier keys of witnesses, for those that have cosigned')
    .option('--witnessed', 'prove under `checkpoint.witnessed` instead of `checkpoint`')
    .option('--shard <number>', 'which log of a gate that has several, from 0')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, evidence)
}

const EXAMPLE = `
Example:
  livegate log evidence --decision 01K… --log ./mirror --disclosures disclosures.jsonl \\
    --vkey gate.example/log+1a2b3c4d+AQ… --open chain,result,facts --out case-81.json

The file says what its groups say: open \`subject\` only for who may know the person.`

async function evidence(session: Session, options: Options): Promise<ExitCode> {
  const open = openOf(options.open)
  const key = logKeyOf(options.vkey)
  const witnesses = witnessesOf(options.witness)
  const source = await sourceOf(session, options)
  const head = options.witnessed
    ? await openHead(await witnessedNote(source), key, source.name)
    : await readHead(source, key)
  const since = await sinceOf(session, options.since, key)
  const opener = await openerOf(session, options)
  const progress = session.progress('collecting', null)
  try {
    const exported = await exportEvidence({
      ...{
        decision: options.decision,
        source,
        key,
        vkeys: options.vkey.trim().split(/\s+/),
        head,
        since,
      },
      ...{ witnesses, open, opener, signal: session.world.signal },
    })
    progress.end()
    await writeAtomic(session.path(options.out), exported.file, 0o600)
    return tell(session, options, exported)
  } finally {
    progress.end()
    opener.close()
  }
}

async function sourceOf(session: Session, options: Options): Promise<LogSource> {
  const { log, shard, key } = options
  if (shard !== undefined && indexOf(shard) === null)
    throw usage(`Cannot read shard ${quote(shard)}: expected the number of a log`)
  if (log !== undefined) return openSource(session, log, key)
  const url = options.url ?? session.world.env.LIVEGATE_URL
  if (url === undefined)
    throw usage(
      'Cannot read a log: expected --log, or --url of a gate',
      'mirror it first: `livegate log mirror`',
    )
  return openSource(session, `${baseUrl(url)}/log${shard === undefined ? '' : `/${shard}`}`, key)
}

async function witnessedNote(source: LogSource): Promise<string> {
  const bytes = await source.read('checkpoint.witnessed')
  if (bytes !== null) return new TextDecoder().decode(bytes)
  throw usage(`Cannot use --witnessed: ${quote(source.name)} has no \`checkpoint.witnessed\``)
}

async function openerOf(session: Session, options: Options): Promise<ExportRequest['opener']> {
  const { disclosures, decision, shard } = options
  if (disclosures !== undefined) return openerOfFile(session.path(disclosures))
  if (options.open === 'none') return { of: () => [], close: () => undefined }
  return openerOfGate(await gateClient(session, options), { decision, shard })
}

function tell(session: Session, options: Options, exported: Exported): ExitCode {
  const { report, file, entries, strikes_missing, not_disclosed } = exported
  if (report.decision !== null && not_disclosed.length > 0)
    session.warn(`not opened, nobody disclosed it: ${not_disclosed.join(', ')}`)
  for (const { index, message } of report.faults)
    session.warn(index === null ? message : `entry ${index}: ${message}`)
  if (strikes_missing > 0)
    session.warn(`${plural(strikes_missing, 'strike')} it rests on: no disclosed record was found`)
  const bytes = Buffer.byteLength(file)
  session.result(textOf(session, options, { report, entries, bytes }), {
    ...{
      out: options.out,
      bytes,
      entries,
      verdict: report.verdict,
      strikes_missing,
      not_disclosed,
    },
    ...{ proves: report.proves, does_not_prove: report.does_not_prove },
  })
  return report.verdict === 'lie' ? EXIT.verification : EXIT.clean
}

function textOf(
  session: Session,
  { out }: Options,
  { report, entries, bytes }: { report: EvidenceReport; entries: number; bytes: number },
): string {
  const verdict =
    report.verdict === 'holds'
      ? session.paint('green', 'it holds')
      : session.paint(
          'red',
          report.verdict === 'lie' ? 'it proves that the log lies' : 'not all of it can be checked',
        )
  return `${out}: ${plural(entries, 'record')}, ${bytes} bytes; ${verdict}\nread it with \`livegate log verify ${out} --vkey KEY\``
}
