/**
 * `livegate subject erase`: a running gate forgets a subject; waits until the bytes are gone. Again changes nothing.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateClient, type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { plural, quote, type Session } from '../session.ts'

interface Options extends GateOptions {
  readonly subject: string
  readonly basis: string
  readonly full?: true
}

export function subjectErase(noun: Command, act: Act): void {
  const command = noun
    .command('erase')
    .description('forget a subject; restrictions that run go on until their end')
    .requiredOption('--subject <id>', 'the account')
    .requiredOption('--basis <text>', 'why, without personal data: it is public in the log')
    .option('--full', 'let nothing go on; needs a legal basis')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, erase)
}

const EXAMPLE = `
Example:
  livegate subject erase --subject u_81f --basis "Art. 17 GDPR, ticket 4711"`

interface Erased {
  readonly state: 'nothing_left' | 'pending' | 'done'
  readonly record?: string
  readonly receipt?: { readonly index: number }
  readonly counts?: Readonly<Record<string, number>>
  readonly restrictions_kept?: number
}

/** The gate removes the last bytes by itself; longer than this it is told, not waited for. */
const MAX_ASKED = 30
const WAIT_MS = 1_000

async function erase(session: Session, options: Options): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const erased = await eraseAndWait(session, client, options)
  session.result(textOf(options.subject, erased).join('\n'), erased)
  return EXIT.clean
}

async function eraseAndWait(
  session: Session,
  client: GateClient,
  { subject, basis, full }: Options,
): Promise<Erased> {
  const path = `/v1/subjects/${encodeURIComponent(subject)}`
  const body = { basis, ...(full === true ? { scope: 'full' } : {}) }
  for (let asked = 1; ; asked++) {
    const erased = (await client.json({ method: 'DELETE', path, body }, 'erase subject')) as Erased
    if (erased.state !== 'pending' || asked === MAX_ASKED) return erased
    await session.world.sleep(WAIT_MS)
  }
}

function textOf(subject: string, erased: Erased): readonly string[] {
  const { state, receipt, counts = {}, restrictions_kept = 0 } = erased
  if (state === 'nothing_left') return [`nothing is stored about ${quote(subject)}`]
  const removed = Object.entries(counts).filter(([, count]) => count > 0)
  const what = removed.map(([name, count]) => counted(name.replaceAll('_', ' '), count)).join(', ')
  return [
    `${quote(subject)} is erased${what === '' ? '' : `: ${what}`}`,
    ...(receipt === undefined ? [] : [`the log says so at index ${receipt.index}`]),
    ...(restrictions_kept === 0
      ? []
      : [`${plural(restrictions_kept, 'restriction')} will go on until the end`]),
    ...(state === 'done' ? [] : ['its last bytes are still being removed; ask again']),
  ]
}

/** Names are plurals. */
function counted(name: string, count: number): string {
  return plural(count, name.replace(/s$/, ''), name)
}
