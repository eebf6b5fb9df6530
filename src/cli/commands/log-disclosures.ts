/**
 * `livegate log disclosures`: what a gate discloses of the chains of all subjects, as a file for `log audit`.
 *
 * JSON Lines on standard output in the order of the log, one record a line as `GET /v1/records` has it: decisions,
 * strikes, reversals, broadcasts and reviews. Every line names its index, so an export goes on where another ended.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete, usage } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { indexOf } from '../log/proof-of.ts'
import { recordPage } from '../log/record-pages.ts'
import { jsonText, plural, quote, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly from: string
  readonly shard?: string
  readonly groups?: string
}

export function logDisclosures(noun: Command, act: Act): void {
  const command = noun
    .command('disclosures')
    .description('export the records of all chains of a running gate, disclosed, as JSON Lines')
    .option('--from <index>', 'first log index; one after the last one has', '0')
    .option('--shard <number>', 'which log of a gate that has several, from 0')
    .option('--groups <names>', 'open these only, such as chain,result (all the key may open)')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, exportAll)
}

const EXAMPLE = `
Example:
  livegate log disclosures --key @audit.key > disclosures.jsonl
  livegate log disclosures --key @audit.key --shard 1 > disclosures-1.jsonl`

async function exportAll(session: Session, options: Options): Promise<ExitCode> {
  const first = indexOf(options.from)
  if (first === null)
    throw usage(`Cannot export from ${quote(options.from)}: expected the index of a log entry`)
  const { shard, groups } = options
  if (shard !== undefined && indexOf(shard) === null)
    throw usage(`Cannot export shard ${quote(shard)}: expected the number of a log`)
  const open = groups === undefined ? '' : `groups=${encodeURIComponent(groups)}&`
  const which = `${shard === undefined ? '' : `shard=${shard}&`}${open}`
  const client = await gateClient(session, options)
  const progress = session.progress('exporting', null)
  let done = 0
  let resume = first
  try {
    for (let from: number | null = first; from !== null; ) {
      if (session.world.signal.aborted) throw incomplete('Cannot finish export: it was interrupted')
      const { records, next } = await recordPage(client, which, from)
      session.lines(records.map((record) => `${jsonText(record)}\n`).join(''))
      done += records.length
      resume = next ?? (records.at(-1)?.index ?? from - 1) + 1
      from = next
      progress.update(done)
    }
  } finally {
    progress.end()
    session.say(`${plural(done, 'record')}; what follows: --from ${resume}`)
  }
  return EXIT.clean
}
