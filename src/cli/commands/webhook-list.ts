/**
 * `livegate webhook list`: how far a running gate has told each endpoint.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { plural, quote, type Session } from '../session.ts'

interface Endpoint {
  readonly id: string
  readonly types: readonly string[]
  readonly behind: number
  readonly waiting: number
  readonly dead: number
  readonly disabled_at: string | null
}

export function webhookList(noun: Command, act: Act): void {
  const command = noun.command('list').description('how far each endpoint has been told')
  gateOptions(command).addHelpText('after', '\nExample:\n  livegate webhook list')
  act(command, list)
}

async function list(session: Session, options: GateOptions): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const request = { method: 'GET', path: '/v1/webhooks' } as const
  const value = (await client.json(request, 'list webhooks')) as {
    readonly endpoints: readonly Endpoint[]
  }
  const lines = value.endpoints.map((endpoint) => lineOf(session, endpoint))
  session.result([...lines, plural(value.endpoints.length, 'endpoint')].join('\n'), value)
  return EXIT.clean
}

function lineOf(session: Session, endpoint: Endpoint): string {
  const { id, types, behind, waiting, dead, disabled_at } = endpoint
  const told = [
    behind === 0 ? 'up to date' : `${plural(behind, 'entry', 'entries')} behind`,
    ...(waiting === 0 ? [] : [`${waiting} tried again`]),
    ...(dead === 0 ? [] : [session.paint('red', `${dead} dead`)]),
    ...(disabled_at === null ? [] : [session.paint('red', `gone since ${disabled_at}`)]),
  ]
  return `${quote(id)}  ${types.join(',')}  ${told.join(', ')}`
}
