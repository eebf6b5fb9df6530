/**
 * `livegate media deregister`: nothing starts any more at a media server that registered itself.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions, problemFailure } from '../gate-client.ts'
import { quote, type Session } from '../session.ts'

export function mediaDeregister(noun: Command, act: Act): void {
  const command = noun
    .command('deregister')
    .argument('<id>', 'its id')
    .description('let nothing start any more at a server that registered itself')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, deregister)
}

const EXAMPLE = `
What runs there is looked after until it has ended: \`livegate media servers\` shows it as leaving.

Example:
  livegate media deregister origin-7`

async function deregister(session: Session, id: string, options: GateOptions): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const path = `/v1/servers/${encodeURIComponent(id)}`
  const answer = await client.send({ method: 'DELETE', path })
  if (answer.status !== 204) throw problemFailure(answer, 'deregister the server')
  session.result(`${quote(id)} takes no more broadcasts`, { id })
  return EXIT.clean
}
