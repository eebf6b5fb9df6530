/**
 * How a keeper looks at a media server: chosen by the composition root, because what speaks to servers is no part of this host.
 */
import { LivegateError } from '../../core/errors.ts'
import type { BroadcastView, Pepper } from '../../ports.ts'
import type { Env } from './env.ts'
import { serverName, subjectObjectName } from './names.ts'
import { opened, type Stubs } from './rpc.ts'
import type { KeptCounts, SessionRow, SpokenSessions } from './rpc-keeper.ts'
import type { RegisteredAs } from './rpc-registry.ts'

export interface KeptMedia {
  /** Between the beginnings of two looks. */
  readonly every_ms: number
  /** One look; never rejects. */
  look(): Promise<void>
  /** As KeeperRpc has it. */
  cut(at: { readonly session: string; readonly handle: string }): Promise<number | 'unknown'>
  counts(): KeptCounts
  /** For how long nothing could be heard of what the server runs, ms; null where nobody can be asked that. */
  silentFor(): number | null
}

export interface MediaKeepers {
  /** Every media server of the deployment. */
  ids(env: Env): readonly string[]
  /** Null for a server that nobody can ask what is live, or that is not to be asked; `as`: it has registered itself. */
  open(env: Env, server: string, as?: RegisteredAs): KeptMedia | null
}

let chosen: MediaKeepers = { ids: () => [], open: () => null }

/** Once, when the program is loaded. */
export function useMediaKeepers(keepers: MediaKeepers): void {
  chosen = keepers
}

export const mediaKeepers: MediaKeepers = {
  ids: (env) => chosen.ids(env),
  open: (env, server, as) => chosen.open(env, server, as),
}

/** Sessions one call brings. */
const PAGE = 1_000
/** Far more than a server has; an object that is wrong must not keep its keeper for ever. */
const MAX_PAGES = 100

/** What is open at a server, and what that has said of it and of `listed`. */
export async function readSessions(
  stubs: Pick<Stubs, 'directory'>,
  server: string,
  listed: readonly string[],
): Promise<{ readonly open: readonly SessionRow[]; readonly spoken: SpokenSessions }> {
  const directory = stubs.directory(serverName(server))
  const open: SessionRow[] = []
  let after: string | null = null
  for (let page = 0; page < MAX_PAGES; page++) {
    const found: { readonly items: readonly SessionRow[]; readonly next: string | null } =
      await opened(directory.openSessions(after, PAGE))
    open.push(...found.items)
    after = found.next
    if (after === null) {
      const sessions = new Set([...listed, ...open.map(({ session }) => session)])
      return { open, spoken: await opened(directory.spokenOf([...sessions])) }
    }
  }
  throw new LivegateError('internal', 'Cannot read sessions: there is no end of them')
}

/** Null when it has ended, or belongs to nobody any more. */
export async function viewSession(
  { stubs, pepper }: { readonly stubs: Pick<Stubs, 'subject'>; readonly pepper: Pepper },
  { subject, broadcast: id }: SessionRow,
): Promise<BroadcastView | null> {
  const object = stubs.subject(subjectObjectName(pepper, subject))
  return opened(object.life(subject, { about: 'view', id }))
}
