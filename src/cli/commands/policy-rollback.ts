/**
 * `livegate policy rollback`: the text that decided before, again; with --pending, what is to come is called off instead.
 *
 * Says which revision it found, so that a request that is repeated, or another author, does not undo it.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { activatedOf, activationText, revisionsOf } from '../policy/gate-policies.ts'
import type { Session } from '../session.ts'
import { wholeNumber } from './policy-activate.ts'

interface Options extends GateOptions {
  readonly pending?: boolean
  readonly expectRevision?: string
  readonly note?: string
}

export function policyRollback(noun: Command, act: Act): void {
  const command = noun
    .command('rollback')
    .description('put the policy before in force again')
    .option('--pending', 'call off what is to come instead')
    .option('--expect-revision <n>', 'refuse if another revision is the newest')
    .option('--note <text>', 'why, public in the log')
  gateOptions(command).addHelpText(
    'after',
    '\nExample:\n  livegate policy rollback --note "ticket 13"',
  )
  act(command, rollback)
}

async function rollback(session: Session, options: Options): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const { expectRevision, note, pending } = options
  const expect_revision =
    expectRevision === undefined
      ? ((await revisionsOf(client)).revision ?? 0)
      : wholeNumber(expectRevision, '--expect-revision')
  const said = { expect_revision, ...(note === undefined ? {} : { note }) }
  const query = new URLSearchParams(Object.entries(said).map(([k, v]) => [k, String(v)]))
  const answer = await client.send(
    pending === true
      ? { method: 'DELETE', path: `/v1/policies/pending?${query}` }
      : { method: 'POST', path: '/v1/policies/rollback', body: said },
  )
  const verb = pending === true ? 'call off what is to come' : 'roll the policy back'
  const done = activatedOf(answer, verb)
  session.result(activationText(session, done), done)
  return EXIT.clean
}
