/**
 * `livegate media register`: registers a media server with a running gate, or repeats that.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import type { Session } from '../session.ts'
import { type ShownServer, serverLine } from './media-servers.ts'

interface Options extends GateOptions {
  readonly template: string
  readonly host: string
}

export function mediaRegister(noun: Command, act: Act): void {
  const command = noun
    .command('register')
    .argument('<id>', 'its id, which its hook address ends in')
    .description('register a media server that is not in the servers file, or repeat that')
    .requiredOption('--template <name>', 'entry of the servers file it is like')
    .requiredOption('--host <host>', 'address or name the gate reaches it at')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, register)
}

const EXAMPLE = `
Repeat it before the ttl of the template is over, or the server takes no more broadcasts (docs/media/registering.md).

Example:
  livegate media register origin-7 --template origins --host 10.0.3.7`

async function register(session: Session, id: string, options: Options): Promise<ExitCode> {
  const { template, host } = options
  const client = await gateClient(session, options)
  const path = `/v1/servers/${encodeURIComponent(id)}`
  const request = { method: 'PUT', path, body: { template, host } } as const
  const value = (await client.json(request, 'register the server')) as ShownServer
  session.result(`${serverLine(session, value)}\nits hooks: ${value.hook}`, value)
  return EXIT.clean
}
