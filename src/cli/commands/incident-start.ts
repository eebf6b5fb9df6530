/**
 * `livegate incident start`: incident mode of a running gate, for half an hour until another key confirms it.
 */
import type { Command } from 'commander'
import { epochMs, formatInstant, parseDuration, parseInstant } from '../../core/time.ts'
import type { Act } from '../act.ts'
import { type ExitCode, usage } from '../failure.ts'
import { type GateOptions, gateOptions } from '../gate-client.ts'
import { askedIncident } from '../incident/gate-incidents.ts'
import type { Session } from '../session.ts'

interface Options extends GateOptions {
  readonly scope: string
  readonly reason: string
  readonly for?: string
  readonly until?: string
}

export function incidentStart(noun: Command, act: Act): void {
  const command = noun
    .command('start')
    .description('start incident mode')
    .requiredOption('--scope <word>', 'what policies compare with incident.scope; public')
    .requiredOption('--reason <text>', 'what is happening; public, name no person')
    .option('--for <duration>', 'how long, at most 72h')
    .option('--until <instant>', 'when it ends instead, RFC 3339')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, start)
}

const EXAMPLE = `
Examples:
  livegate incident start --scope public --reason "copies of the attack" --for 6h
  livegate incident start --scope public --reason "election night" --until 2026-11-22T06:00:00Z`

function start(session: Session, options: Options): Promise<ExitCode> {
  const { scope, reason } = options
  const expires_at = formatInstant(endOf(session, options))
  const body = { scope, reason, expires_at }
  const request = { method: 'PUT', path: '/v1/incident', body } as const
  return askedIncident(session, options, request, 'start incident mode')
}

function endOf({ world }: Session, { for: length, until }: Options): ReturnType<typeof epochMs> {
  if ((length === undefined) === (until === undefined))
    throw usage('Cannot start incident mode: expected one of --for and --until')
  if (until !== undefined) {
    const parsed = parseInstant(until)
    if (parsed.ok) return parsed.value
    throw usage(`Cannot read --until: ${parsed.error}`)
  }
  const parsed = parseDuration(length ?? '')
  if (parsed.ok) return epochMs(world.now() + parsed.value)
  throw usage(`Cannot read --for: ${parsed.error}`)
}
