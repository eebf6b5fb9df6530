/**
 * `livegate key revoke-record`: a signing key got into wrong hands; from an index on what it signed proves nothing.
 *
 * If it is the key that signs, another takes its place first. Named apart from `key revoke`, which ends API keys.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type GateOptions, gateClient, gateOptions } from '../gate-client.ts'
import { changeKeys, keyChangeText } from '../keys/gate-keys.ts'
import type { Session } from '../session.ts'
import { wholeNumber } from './policy-activate.ts'

interface Options extends GateOptions {
  readonly from?: string
  readonly log?: string
}

export function keyRevokeRecord(noun: Command, act: Act): void {
  const command = noun
    .command('revoke-record')
    .description('declare a key that signs records or checkpoints compromised')
    .argument('<kid>', 'its thumbprint, as `key rotate` and the JWKS show it')
    .option(
      '--from <index>',
      'first entry it may have signed in wrong hands; from now on unless given',
    )
    .option('--log <origin>', 'the log the index is of, where there are several')
  gateOptions(command).addHelpText('after', EXAMPLE)
  act(command, revoke)
}

const EXAMPLE = `
Example:
  livegate key revoke-record oGY3xWQyb7_fXRfzLF1ah8oSpe2N2ybLhK6bC2IVT2g --from 120934`

async function revoke(
  session: Session,
  kid: string,
  { from, log, ...options }: Options,
): Promise<ExitCode> {
  const index = from === undefined ? {} : { from: wholeNumber(from, '--from') }
  const client = await gateClient(session, options)
  const done = await changeKeys(client, {
    path: '/v1/keys/revocation',
    body: { kid, ...index, ...(log === undefined ? {} : { log }) },
    verb: 'revoke the key',
  })
  const use = done.keys.find((key) => key.kid === kid)?.use ?? 'record'
  session.result(keyChangeText(session, done, { use, next: NEXT }), done)
  return EXIT.clean
}

const NEXT = [
  'Tell whoever keeps records of this gate: the set of public keys does not have this one any more, and may be',
  'cached for some minutes. Where entries lie in doubt an audit names them.',
]
