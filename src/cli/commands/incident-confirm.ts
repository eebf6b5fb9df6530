/**
 * `livegate incident confirm`: with another key than it was started with, lets an incident run until its end.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type GateOptions, gateOptions } from '../gate-client.ts'
import { askedIncident } from '../incident/gate-incidents.ts'
import type { Session } from '../session.ts'

export function incidentConfirm(noun: Command, act: Act): void {
  const command = noun
    .command('confirm')
    .description('let an incident run on, with another key than it was started with')
    .argument('<id>', 'id of the incident, as `incident show` prints it')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, (session: Session, id: string, options: GateOptions) => {
    const path = '/v1/incident/confirmation'
    const request = { method: 'POST', path, body: { id } } as const
    return askedIncident(session, options, request, 'confirm the incident')
  })
}

const EXAMPLE = `
Example:
  livegate incident confirm aR1cX0bq3mZ9vJ8s2LkQwA --key @second.key`
