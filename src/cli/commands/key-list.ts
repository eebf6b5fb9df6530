/**
 * `livegate key list`: whose keys there are and what they may do. Secrets are not stored and cannot be shown.
 */
import type { Command } from 'commander'
import { formatInstant } from '../../core/time.ts'
import type { ApiKey } from '../../ports.ts'
import type { Act } from '../act.ts'
import { EXIT, type ExitCode } from '../failure.ts'
import { type DataOptions, dataOption, withApiKeys } from '../keys/store.ts'
import { plural, type Session } from '../session.ts'

export function keyList(noun: Command, act: Act): void {
  const command = noun.command('list').description('list API keys')
  dataOption(command).addHelpText('after', '\nExample:\n  livegate key list --data ./data')
  act(command, list)
}

async function list(session: Session, options: DataOptions): Promise<ExitCode> {
  const keys = await withApiKeys(session, options, (store) => store.list())
  const lines = keys.map((key) => lineOf(session, key))
  session.result([...lines, plural(keys.length, 'key')].join('\n'), keys.map(renderKey))
  return EXIT.clean
}

function lineOf(session: Session, key: ApiKey): string {
  const revoked =
    key.revoked_at === null ? '' : session.paint('red', ` revoked ${formatInstant(key.revoked_at)}`)
  const audience = key.audience === null ? '' : `  for ${key.audience}`
  return `${key.id}  ${key.owner}  ${key.scopes.join(',')}  ${formatInstant(key.created_at)}${audience}${revoked}`
}

function renderKey({ secret_hash: _, created_at, revoked_at, ...rest }: ApiKey): object {
  return {
    ...rest,
    created_at: formatInstant(created_at),
    revoked_at: revoked_at === null ? null : formatInstant(revoked_at),
  }
}
