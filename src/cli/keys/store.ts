/**
 * Opens the API keys of a data directory for one command, and closes it again whatever happens.
 *
 * A gate may be running in the directory: keys are the one thing another process may change.
 */
import type { Command } from 'commander'
import { openApiKeyStore } from '../../adapters/node/api-key-store.ts'
import type { ApiKeys } from '../../ports.ts'
import type { Session } from '../session.ts'

export interface DataOptions {
  readonly data?: string
}

/** Adds --data. */
export function dataOption(command: Command): Command {
  return command.option('--data <dir>', 'data directory (LIVEGATE_DATA, else ./data)')
}

/** Runs `work` over the keys of the directory the options or the environment name. */
export async function withApiKeys<T>(
  session: Session,
  options: DataOptions,
  work: (keys: ApiKeys) => Promise<T>,
): Promise<T> {
  const dir = session.path(options.data ?? session.world.env.LIVEGATE_DATA ?? 'data')
  const store = await openApiKeyStore(dir)
  try {
    return await work(store.apiKeys)
  } finally {
    store.close()
  }
}
