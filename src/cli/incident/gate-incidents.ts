/**
 * What the commands about incident mode have in common: what the gate answers, and how it is told to people.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, type GateRequest, gateClient, gateOptions } from '../gate-client.ts'
import { printable, type Session } from '../session.ts'

export interface ShownIncident {
  readonly id: string
  readonly active: boolean
  readonly scope: string
  readonly reason: string
  readonly started_at: string
  readonly started_by: string
  readonly expires_at: string
  readonly until: string
  readonly confirmed?: { readonly at: string; readonly by: string }
  readonly ended?: { readonly at: string; readonly by: string }
}

/** Asks a running gate, and says how the incident stands then. */
export async function askedIncident(
  session: Session,
  options: GateOptions,
  request: GateRequest,
  verb: string,
): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const value = (await client.json(request, verb)) as ShownIncident
  session.result(incidentText(session, value), value)
  return EXIT.clean
}

/** A command with an id, or without anything, that asks for one thing. */
export function incidentVerb(
  noun: Command,
  act: Act,
  given: {
    readonly name: string
    readonly about: string
    readonly example: string
    readonly run: (session: Session, options: GateOptions) => Promise<ExitCode>
  },
): void {
  const command = noun.command(given.name).description(given.about)
  gateOptions(command).addHelpText('after', `\nExample:\n  ${given.example}`)
  act(command, given.run)
}

/** How it stands, and what to do next. */
export function incidentText(session: Session, one: ShownIncident): string {
  const { id, active, scope, reason, started_at, started_by, until, expires_at } = one
  const head = active
    ? session.paint('yellow', `incident ${id} runs until ${until}`)
    : session.paint('green', `incident ${id} ended at ${one.ended?.at} by ${one.ended?.by}`)
  const confirmed =
    one.confirmed === undefined
      ? 'not confirmed'
      : `confirmed at ${one.confirmed.at} by ${printable(one.confirmed.by)}`
  return [
    head,
    `  scope ${printable(scope)}: ${printable(reason)}`,
    `  started at ${started_at} by ${printable(started_by)}, to expire at ${expires_at}, ${confirmed}`,
    ...(active && one.confirmed === undefined && until < expires_at
      ? [`to let it run on, with another key: livegate incident confirm ${id}`]
      : []),
  ].join('\n')
}
