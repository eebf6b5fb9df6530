/**
 * `livegate subject export`: everything a running gate stores about a person, in words or as JSON, for that person.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateClient, type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import type { Session } from '../session.ts'
import { exportText } from '../subject/export-text.ts'
import type { ExportedPage, ExportedSubject } from '../subject/exported.ts'

interface Options extends GateOptions {
  readonly subject: string
}

export function subjectExport(noun: Command, act: Act): void {
  const command = noun
    .command('export')
    .description('everything stored about a person, in words or with --json')
    .requiredOption('--subject <id>', 'the account')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, run)
}

const EXAMPLE = `
Example:
  livegate subject export --subject u_81f > u_81f.txt`

async function run(session: Session, options: Options): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const whole = await allPages(session, client, options.subject)
  session.result(exportText(whole), whole)
  return EXIT.clean
}

/** One page after the other; only the first says what is known now. */
async function allPages(
  session: Session,
  client: GateClient,
  subject: string,
): Promise<ExportedSubject> {
  const path = `/v1/subjects/${encodeURIComponent(subject)}/export`
  const progress = session.progress('records', null)
  let page = await pageAt(client, path)
  const { at, now } = page
  const records = [...page.records]
  const recipients = new Set(page.recipients)
  while (page.next !== null) {
    page = await pageAt(client, `${path}?before=${page.next}`)
    records.push(...page.records)
    for (const one of page.recipients) recipients.add(one)
    progress.update(records.length)
  }
  progress.end()
  return {
    subject,
    at,
    ...(now === undefined ? {} : { now }),
    records,
    recipients: [...recipients].sort(),
  }
}

async function pageAt(client: GateClient, path: string): Promise<ExportedPage> {
  return (await client.json({ method: 'GET', path }, 'export subject')) as ExportedPage
}
