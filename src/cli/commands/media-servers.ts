/**
 * `livegate media servers`: media servers a running gate knows, from its servers file and registered.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { plural, quote, type Session } from '../session.ts'

/** As `GET /v1/servers` shows it. */
export interface ShownServer {
  readonly id: string
  readonly kind: string
  readonly template: string | null
  readonly host: string | null
  readonly state: 'fixed' | 'live' | 'leaving'
  readonly expires_at: string | null
  readonly hook: string
}

export function mediaServers(noun: Command, act: Act): void {
  const command = noun
    .command('servers')
    .description('media servers a running gate knows: of its servers file, and registered')
  gateOptions(command).addHelpText('after', '\nExample:\n  livegate media servers')
  act(command, list)
}

async function list(session: Session, options: GateOptions): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const request = { method: 'GET', path: '/v1/servers' } as const
  const value = (await client.json(request, 'list servers')) as {
    readonly servers: readonly ShownServer[]
  }
  const lines = value.servers.map((server) => serverLine(session, server))
  session.result([...lines, plural(value.servers.length, 'server')].join('\n'), value)
  return EXIT.clean
}

/** One line about one of them. */
export function serverLine(session: Session, server: ShownServer): string {
  const { id, kind, template, host, state, expires_at } = server
  if (template === null) return `${quote(id)}  ${kind}  in the servers file`
  const how =
    state === 'live' ? `until ${expires_at} unless repeated` : session.paint('yellow', 'leaving')
  return `${quote(id)}  ${kind}  ${template} at ${host}, ${how}`
}
