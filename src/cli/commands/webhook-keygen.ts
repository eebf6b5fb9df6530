/**
 * `livegate webhook keygen`: a secret that signs webhooks, and for Ed25519 the public half for receivers.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { type Command, Option } from 'commander'
import { fromBase64Url, toBase64 } from '../../core/encoding.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import type { Session } from '../session.ts'

interface Options {
  readonly kind: 'hmac' | 'ed25519'
}

export function webhookKeygen(noun: Command, act: Act): void {
  const command = noun
    .command('keygen')
    .description('print a new secret that signs webhooks')
    .addOption(
      new Option('--kind <kind>', 'what the secret signs with')
        .choices(['hmac', 'ed25519'])
        .default('hmac'),
    )
    .addHelpText('after', '\nExample:\n  livegate webhook keygen --kind ed25519')
  act(command, keygen)
}

async function keygen(session: Session, { kind }: Options): Promise<ExitCode> {
  const value = kind === 'hmac' ? hmacSecret() : ed25519Pair()
  session.result(Object.values(value).join('\n'), value)
  if (kind === 'ed25519') session.say('the first line signs and is secret, the second verifies')
  return EXIT.clean
}

function hmacSecret(): { readonly secret: string } {
  return { secret: `whsec_${toBase64(new Uint8Array(randomBytes(32)))}` }
}

function ed25519Pair(): { readonly secret: string; readonly public_key: string } {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const text = (part: string | undefined): string =>
    toBase64(fromBase64Url(part ?? '') ?? new Uint8Array(0))
  return { secret: `whsk_${text(d)}`, public_key: `whpk_${text(x)}` }
}
