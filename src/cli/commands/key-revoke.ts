/**
 * `livegate key revoke`: a key that must not be accepted any more. Revoking twice changes nothing.
 */
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode, incomplete } from '../failure.ts'
import { type DataOptions, dataOption, withApiKeys } from '../keys/store.ts'
import { quote, type Session } from '../session.ts'

export function keyRevoke(noun: Command, act: Act): void {
  const command = noun
    .command('revoke')
    .description('stop accepting an API key')
    .argument('<id>', 'id of the key, as `key list` shows it')
  dataOption(command).addHelpText('after', '\nExample:\n  livegate key revoke 4f1d2c3b4a596877')
  act(command, revoke)
}

async function revoke(session: Session, id: string, options: DataOptions): Promise<ExitCode> {
  const at = session.world.now()
  const known = await withApiKeys(session, options, (keys) => keys.revoke(id, at))
  if (!known) throw incomplete(`Cannot revoke key ${quote(id)}: there is no such key`)
  session.result(`key ${id} is revoked`, { id, revoked: true })
  return EXIT.clean
}
