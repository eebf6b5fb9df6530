/**
 * `livegate key rotate`: another key signs the records or the checkpoints of a running gate.
 *
 * Repeated after whatever went wrong, it goes on where it stopped. The gate makes the new key itself; on Cloudflare it has
 * to be there as a secret, and the answer says which. Spec: docs/spec/record.md, "Keys".
 */
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { changeKeys, type KeyChange, keyChangeText } from '../keys/gate-keys.ts'
import type { Session } from '../session.ts'

interface Options extends GateOptions {
  readonly use: 'record' | 'checkpoint'
  readonly finish?: boolean
}

export function keyRotate(noun: Command, act: Act): void {
  const command = noun
    .command('rotate')
    .description('let a running gate sign with another key')
    .addOption(
      new Option('--use <what>', 'what the key signs')
        .choices(['record', 'checkpoint'])
        .makeOptionMandatory(),
    )
    .option('--finish', 'end the overlap: only the new key goes on')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, rotate)
}

const EXAMPLE = `
Example:
  livegate key rotate --use checkpoint            # both keys sign from now on
  livegate key rotate --use checkpoint --finish   # weeks later, when auditors know the new one`

async function rotate(session: Session, { use, finish, ...options }: Options): Promise<ExitCode> {
  const client = await gateClient(session, options)
  const step = finish === true ? 'finish' : 'begin'
  const body = { use, step }
  const done = await changeKeys(client, {
    ...{ path: '/v1/keys/rotation', body, verb: 'rotate the key' },
  })
  session.result(keyChangeText(session, done, { use, next: nextSteps(use, done) }), done)
  return EXIT.clean
}

/** What only people can do: a key that ends too early is one that somebody still relies on. */
function nextSteps(use: string, { keys }: KeyChange): readonly string[] {
  const inForce = Map.groupBy(
    keys.filter((key) => key.use === use && key.status === 'active'),
    ({ log }) => log,
  )
  if (![...inForce.values()].some((active) => active.length > 1)) return []
  return use === 'checkpoint'
    ? [
        'Checkpoints carry both signatures. Publish the new verifier key where the old one is; when auditors know it:',
        '  livegate key rotate --use checkpoint --finish',
      ]
    : [
        'The new key signs; the old one stays valid for records that are on their way. After a day:',
        '  livegate key rotate --use record --finish',
      ]
}
