/**
 * Opens the API keys of a data directory for one command, and closes it again whatever happens.
 *
 * The directory belongs to one process: while a server runs there, this is refused with what to do about it.
 */
import type { Command } from 'commander'
import { openNodeStore } from '../../adapters/node/store.ts'
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
  const store = await openNodeStore({ dir })
  try {
    return await work(store.apiKeys)
  } finally {
    if (!(await store.close()))
      session.warn('the last round of the log failed; the next start of the gate makes up for it')
  }
}
