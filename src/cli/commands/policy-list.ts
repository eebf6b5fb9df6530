/**
 * `livegate policy list`: the revisions of a running gate, newest first, and which one decides.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { type Revision, revisionsOf } from '../policy/gate-policies.ts'
import { printable, type Session } from '../session.ts'

export function policyList(noun: Command, act: Act): void {
  const command = noun.command('list').description('list the revisions of a running gate')
  gateOptions(command).addHelpText('after', '\nExample:\n  livegate policy list')
  act(command, list)
}

async function list(session: Session, options: GateOptions): Promise<ExitCode> {
  const value = await revisionsOf(await gateClient(session, options))
  const { revisions } = value
  const lines = revisions.map((one) => line(session, one))
  session.result(lines.length === 0 ? 'no revisions' : lines.join('\n'), value)
  return EXIT.clean
}

function line(session: Session, one: Revision): string {
  const { revision, state = '', active_from, name, cause, source, by, note } = one
  const why = cause === 'activation' ? source : cause
  const text = `${revision} ${state} from ${active_from} ${printable(name)} (${why} by ${printable(by)})`
  const noted = note === undefined ? text : `${text} ${printable(note)}`
  return state === 'active' ? session.paint('green', noted) : noted
}
