/**
 * `livegate subject hold`: a legal hold on a subject of a running gate; `--lift` ends it.
 */
import type { Command } from 'commander'
import { parseInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, usage } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions, problemFailure } from '../gate-client.ts'
import { quote, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly subject: string
  readonly until?: string
  readonly basis?: string
  readonly lift?: true
}

export function subjectHold(noun: Command, act: Act): void {
  const command = noun
    .command('hold')
    .description('keep everything about a subject until an instant, or no longer')
    .requiredOption('--subject <id>', 'the account')
    .option('--until <instant>', 'RFC 3339, at most ten years ahead')
    .option('--basis <text>', 'who ordered it')
    .option('--lift', 'end the hold')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, hold)
}

const EXAMPLE = `
Examples:
  livegate subject hold --subject u_81f --until 2027-06-30T00:00:00Z --basis "court order 7"
  livegate subject hold --subject u_81f --lift`

async function hold(session: Session, options: Options): Promise<ExitCode> {
  const { subject, until, basis, lift } = options
  const path = `/v1/subjects/${encodeURIComponent(subject)}/legal-hold`
  if (lift === true) return liftHold(session, options, path)
  if (until === undefined || basis === undefined)
    throw usage('Cannot hold the subject: expected --until and --basis, or --lift')
  const parsed = parseInstant(until)
  if (!parsed.ok) throw usage(`Cannot read --until: ${parsed.error}`)
  const client = await gateClient(session, options)
  const body = { until, basis }
  const value = (await client.json({ method: 'PUT', path, body }, 'hold subject')) as {
    readonly until: string
  }
  session.result(`${quote(subject)} is held until ${value.until}`, value)
  return EXIT.clean
}

async function liftHold(session: Session, options: Options, path: string): Promise<ExitCode> {
  if (options.until !== undefined || options.basis !== undefined)
    throw usage('Cannot lift the hold: expected no --until and no --basis with --lift')
  const client = await gateClient(session, options)
  const answer = await client.send({ method: 'DELETE', path })
  if (answer.status !== 204 && answer.status !== 404) throw problemFailure(answer, 'lift the hold')
  const lifted = answer.status === 204
  const said = lifted ? 'is held no longer' : 'was under no hold'
  session.result(`${quote(options.subject)} ${said}`, { subject: options.subject, lifted })
  return EXIT.clean
}
